//! The parts that all targets share: their type, and the cuts that the fuzzer chooses.

/// The name of a target, and the function that it runs.
pub type Target = (&'static str, fn(&[u8]));

/// Returns the chunks of a stream, and the stream.
///
/// The first byte is the number of cuts. As many bytes follow, each the length of a chunk, zero
/// included; the rest is the stream. Bytes after the last cut are one more chunk.
pub fn cut(data: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let (count, data) = data.split_first().unwrap_or((&0, data));
    let (lengths, stream) = data.split_at(data.len().min(usize::from(*count)));
    let mut rest = stream;
    let mut chunks = Vec::new();
    for &length in lengths {
        let (chunk, after) = rest.split_at(rest.len().min(usize::from(length)));
        chunks.push(chunk);
        rest = after;
    }
    chunks.push(rest);
    (chunks, stream)
}
