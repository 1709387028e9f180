//! The head of an HTTP request.

use pushdown::engine::stackless::Input;
use pushdown::{ErrorKind, Failure};

/// Limit of the bytes of a head.
const MAX_HEAD: u64 = 8 << 10;

/// The parts of a request that the answer depends on.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// The client can show a page.
    pub(crate) accepts_html: bool,
}

/// Parses a head, up to the empty line.
pub(crate) async fn head(input: &mut Input<'_>) -> Result<Request, Failure> {
    let (method, target) = (word(input).await?, word(input).await?);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    line(input).await?;
    let mut accepts_html = false;
    loop {
        let field = line(input).await?;
        if field.is_empty() {
            return Ok(Request { method, path, query, accepts_html });
        }
        let (name, value) = field.split_once(':').unwrap_or((&field, ""));
        accepts_html |= name.eq_ignore_ascii_case("accept") && value.contains("text/html");
    }
}

/// Reads up to the next space, which has to be on the same line and may not come first.
async fn word(input: &mut Input<'_>) -> Result<String, Failure> {
    let mut word = String::new();
    loop {
        match next(input).await? {
            b' ' if !word.is_empty() => return Ok(word),
            byte @ b'!'..=b'~' => word.push(char::from(byte)),
            _ => return Err(input.fail(ErrorKind::UnexpectedByte)),
        }
    }
}

/// Reads the rest of a line.
async fn line(input: &mut Input<'_>) -> Result<String, Failure> {
    let mut line = String::new();
    loop {
        match next(input).await? {
            b'\n' => return Ok(line),
            b'\r' => {}
            byte => line.push(char::from(byte)),
        }
    }
}

/// Reads the next byte of the head, within its limit.
async fn next(input: &mut Input<'_>) -> Result<u8, Failure> {
    let byte = input.next().await?;
    if input.offset() > MAX_HEAD { Err(input.fail(ErrorKind::TooLong)) } else { Ok(byte) }
}
