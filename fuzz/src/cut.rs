//! What all targets share: their type, and how the fuzzer chooses the cuts.

/// A target and its name.
pub type Target = (&'static str, fn(&[u8]));

/// The chunks of a stream, and the stream.
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
