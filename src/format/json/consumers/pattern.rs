//! Patterns of paths: [`Pattern`].

use alloc::borrow::Cow;
use alloc::boxed::Box;

use crate::error::{Error, ErrorKind};

/// A pattern that the path of a value matches, such as `/statuses/*/user/name`.
///
/// It is a JSON Pointer (RFC 6901) in which `*` stands for any key and any index. The empty pattern
/// matches the whole document, and each document of a stream. A number is an index in an array, and a
/// key in an object. In a key, `~1` stands for `/` and `~0` for `~`; `~2`, which JSON Pointer does not
/// have, for `*`.
///
/// ```
/// use pushdown::json::Pattern;
///
/// let names = Pattern::new("/statuses/*/user/name")?;
/// assert_eq!(Pattern::new("statuses").unwrap_err().offset, 0);
/// # Ok::<(), pushdown::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    segments: Box<[Segment]>,
}

/// The pattern of one key or index.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Segment {
    Any,
    Name {
        key: Box<str>,
        /// The key as an index, if it is one.
        index: Option<u64>,
    },
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// [`ErrorKind::UnexpectedByte`], at its offset in the pattern: the first byte of a pattern that is not
    /// empty and does not begin with `/`, or a `~` that no digit from 0 to 2 follows.
    pub fn new(pattern: &str) -> Result<Self, Error> {
        let mut segments = pattern.split('/');
        let mut offset = segments.next().map_or(0, str::len);
        if offset > 0 {
            return Err(Error::new(ErrorKind::UnexpectedByte, 0));
        }
        let segments = segments.map(|segment| {
            offset += 1;
            let parsed = Segment::new(segment, offset);
            offset += segment.len();
            parsed
        });
        Ok(Self { segments: segments.collect::<Result<_, _>>()? })
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

impl Segment {
    /// Parses a segment, which is at this offset of the pattern.
    fn new(segment: &str, offset: usize) -> Result<Self, Error> {
        if segment == "*" {
            return Ok(Self::Any);
        }
        let key = unescape(segment, offset)?;
        // As JSON Pointer writes them: without a sign, and without zeros before.
        let is_index = key == "0" || !key.starts_with(['0', '+']);
        let index = if is_index { key.parse().ok() } else { None };
        Ok(Self::Name { key: key.into(), index })
    }

    pub(super) fn matches_key(&self, found: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Name { key, .. } => **key == *found,
        }
    }

    pub(super) fn matches_index(&self, found: u64) -> bool {
        match self {
            Self::Any => true,
            Self::Name { index, .. } => *index == Some(found),
        }
    }
}

/// Decodes a segment, which is at this offset of the pattern.
fn unescape(segment: &str, offset: usize) -> Result<Cow<'_, str>, Error> {
    let mut parts = segment.split('~');
    let mut key = Cow::Borrowed(parts.next().unwrap_or_default());
    let mut at = offset + key.len();
    for part in parts {
        let escaped = match part.as_bytes().first() {
            Some(b'0') => '~',
            Some(b'1') => '/',
            Some(b'2') => '*',
            _ => return Err(Error::new(ErrorKind::UnexpectedByte, at as u64)),
        };
        at += 1 + part.len();
        key.to_mut().push(escaped);
        key.to_mut().push_str(&part[1..]);
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn name(key: &str, index: Option<u64>) -> Segment {
        Segment::Name { key: key.into(), index }
    }

    #[test]
    fn a_pattern_is_split_at_slashes_and_unescaped() {
        let cases: [(&str, &[Segment]); 8] = [
            ("", &[]),
            ("/", &[name("", None)]),
            ("/a/*", &[name("a", None), Segment::Any]),
            ("//b", &[name("", None), name("b", None)]),
            ("/~0~1~2/~2", &[name("~/*", None), name("*", None)]),
            ("/~01/*x", &[name("~1", None), name("*x", None)]),
            ("/0/17", &[name("0", Some(0)), name("17", Some(17))]),
            (
                "/01/-/+1/18446744073709551616",
                &[
                    name("01", None),
                    name("-", None),
                    name("+1", None),
                    name("18446744073709551616", None),
                ],
            ),
        ];
        for (pattern, segments) in cases {
            assert_eq!(Pattern::new(pattern).unwrap().segments(), segments, "{pattern}");
        }
    }

    #[test]
    fn a_fault_is_blamed_at_its_offset() {
        let cases =
            [("a", 0), ("*/a", 0), ("/a~", 2), ("/a/~/b", 3), ("/~0~3", 3), ("/x/~0é~é", 7)];
        let found: Vec<_> = cases
            .iter()
            .map(|(pattern, _)| (*pattern, Pattern::new(pattern).unwrap_err().offset))
            .collect();
        assert_eq!(found, cases);
    }
}
