//! httparse, as its documentation recommends.

use httparse::{EMPTY_HEADER, Request, Status};

use super::Seen;

/// A head that arrives in pieces is kept, and parsed again from its start with each piece. A head in
/// one piece is not copied.
#[derive(Default)]
pub(crate) struct Heads {
    kept: Vec<u8>,
}

impl Heads {
    pub(crate) fn parse(&mut self, input: &[u8], size: usize) -> Seen {
        if size >= input.len() {
            return head(input).unwrap();
        }
        self.kept.clear();
        let mut seen = input.chunks(size).filter_map(|piece| {
            self.kept.extend_from_slice(piece);
            head(&self.kept)
        });
        seen.next().unwrap()
    }
}

/// The head, if it is complete.
fn head(bytes: &[u8]) -> Option<Seen> {
    let mut headers = [EMPTY_HEADER; 100];
    let mut request = Request::new(&mut headers);
    if request.parse(bytes).unwrap().is_partial() {
        return None;
    }
    let mut bytes = request.method.unwrap().len() + request.path.unwrap().len();
    for header in &*request.headers {
        bytes += header.name.len() + header.value.len();
    }
    Some(Seen { fields: request.headers.len(), bytes })
}

/// A chunked body, of which httparse parses the lines of sizes. What lies between them is skipped
/// by hand, and a line that is cut is kept. Of the fields behind the body, an empty line is all that
/// this understands.
pub(crate) fn body(input: &[u8], size: usize) -> Seen {
    let mut seen = Seen::default();
    let (mut line, mut left, mut is_last) = (Vec::new(), 0, false);
    for mut piece in input.chunks(size) {
        while !piece.is_empty() {
            if left > 0 {
                let count = piece.len().min(left);
                // The last two bytes are the line end after the data.
                seen.bytes += count.min(left.saturating_sub(2));
                (left, piece) = (left - count, &piece[count..]);
                if is_last && left == 0 {
                    return seen;
                }
                continue;
            }
            let before = line.len();
            let parsed = if before == 0 {
                httparse::parse_chunk_size(piece)
            } else {
                line.extend_from_slice(piece);
                httparse::parse_chunk_size(&line)
            };
            match parsed.unwrap() {
                Status::Complete((length, data)) => {
                    piece = &piece[length - before..];
                    line.clear();
                    (left, is_last) = (data as usize + 2, data == 0);
                }
                Status::Partial => {
                    if before == 0 {
                        line.extend_from_slice(piece);
                    }
                    piece = &[];
                }
            }
        }
    }
    panic!("the body does not end");
}
