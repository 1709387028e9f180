//! The readers of event streams agree on those that are measured.

use bytes::Bytes;
use pushdown_benches::streams::Stream;
use pushdown_peers::sse::READERS;

#[test]
fn every_reader_counts_the_messages_that_were_written() {
    let mut runs = 0;
    for stream in Stream::all() {
        for size in [1, 16, 1460, 64 << 10] {
            let chunks: Vec<_> = stream.bytes.chunks(size).map(Bytes::copy_from_slice).collect();
            for (name, read) in READERS {
                assert_eq!(read(&chunks), stream.counts, "{name}: {}, {size}", stream.name);
                runs += 1;
            }
        }
    }
    assert_eq!(runs, 4 * 4 * READERS.len());
}
