use crate::Status;

/// The bytes of an incomplete value, kept for a parser that parses them again.
#[derive(Debug, Default)]
pub(crate) struct Unread(Vec<u8>);

impl Unread {
    /// Calls `parse` with all unread bytes, ending in `chunk`. It returns the number of bytes it will
    /// not need again. Copies nothing if no bytes were left unread.
    #[inline]
    pub(crate) fn parse(
        &mut self,
        chunk: &[u8],
        parse: impl FnOnce(&[u8]) -> (usize, Status),
    ) -> Status {
        if self.0.is_empty() {
            let (read, status) = parse(chunk);
            if status == Status::NeedMoreInput {
                self.0.extend(&chunk[read..]);
            }
            status
        } else {
            self.0.extend(chunk);
            let (read, status) = parse(&self.0);
            self.0.drain(..read);
            status
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
