use crate::Status;

/// The bytes of a value that is not complete, kept for a parser that has to see them again.
#[derive(Debug, Default)]
pub(crate) struct Unread(Vec<u8>);

impl Unread {
    /// Calls `parse` with all that is unread, `chunk` last. It answers how much of it will not be
    /// needed again. Nothing is copied while nothing is left unread.
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
