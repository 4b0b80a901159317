//! Reading and passing on chunks.

use std::io;
use std::ops::Range;
use std::time::Duration;

use opcua::types::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::frame::{Frame, HEADER};

/// What is read at a time.
pub(super) const BUFFER: usize = 16 * 1024;
/// How long one side may take nothing of what it is sent. A client that is stopped for longer has lost its connection,
/// and not its session.
const STALLED: Duration = Duration::from_secs(60);

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The client is told the status.
    #[error("result={status}, {reason}")]
    Refused { status: StatusCode, reason: String },
}

impl End {
    pub(super) fn refused(status: StatusCode, reason: &str) -> Self {
        Self::Refused {
            status,
            reason: reason.to_owned(),
        }
    }
}

/// What has come from one side and was not taken yet.
///
/// It is read ahead, as far as it has come: a small chunk costs one reading and one writing, and its receiver wakes up
/// once.
#[derive(Debug)]
pub(super) struct Ahead {
    buffer: Box<[u8]>,
    /// Where in the buffer it is.
    waiting: Range<usize>,
}

impl Ahead {
    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; BUFFER].into(),
            waiting: 0..0,
        }
    }

    /// What the next chunk says that it is, which is not taken yet; `None` if the connection ends before it.
    pub(super) async fn frame(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        largest: usize,
    ) -> Result<Option<Frame>, End> {
        loop {
            let waiting = &self.buffer[self.waiting.clone()];
            if let Some(header) = waiting.first_chunk::<HEADER>() {
                return Frame::parse(*header, largest)
                    .map(Some)
                    .map_err(|status| End::refused(status, "a header is not in order"));
            }
            let is_between = waiting.is_empty();
            if self.read(from).await? == 0 {
                return if is_between {
                    Ok(None)
                } else {
                    Err(End::Io(io::ErrorKind::UnexpectedEof.into()))
                };
            }
        }
    }

    /// The whole of a chunk whose size has been found to be small.
    pub(super) async fn whole(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        frame: &Frame,
    ) -> Result<Vec<u8>, End> {
        let mut chunk = vec![0; frame.size];
        let here = self.take(frame.size);
        let (begun, rest) = chunk.split_at_mut(here.len());
        begun.copy_from_slice(&self.buffer[here]);
        from.read_exact(rest).await?;
        Ok(chunk)
    }

    /// The next part of a chunk of which so much is `left`, as it comes; `None` after the last.
    pub(super) async fn part(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        left: &mut usize,
    ) -> Result<Option<&[u8]>, End> {
        if *left == 0 {
            return Ok(None);
        }
        if self.waiting.is_empty() && self.read(from).await? == 0 {
            return Err(End::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        let here = self.take(*left);
        *left -= here.len();
        Ok(Some(&self.buffer[here]))
    }

    /// Reads what has come behind what is waiting, which is less than a header; 0 at the end.
    async fn read(&mut self, from: &mut (impl AsyncRead + Unpin)) -> Result<usize, End> {
        self.buffer.copy_within(self.waiting.clone(), 0);
        self.waiting = 0..self.waiting.len();
        let read = from.read(&mut self.buffer[self.waiting.end..]).await?;
        self.waiting.end += read;
        Ok(read)
    }

    /// Takes what is there, at most so much; gives where it is.
    fn take(&mut self, at_most: usize) -> Range<usize> {
        let start = self.waiting.start;
        self.waiting.start = self.waiting.end.min(start + at_most);
        start..self.waiting.start
    }
}

/// Hands over all of these bytes.
pub(super) async fn send(to: &mut (impl AsyncWrite + Unpin), mut bytes: &[u8]) -> Result<(), End> {
    while !bytes.is_empty() {
        match timeout(STALLED, to.write(bytes)).await {
            Ok(Ok(0)) => return Err(End::Io(io::ErrorKind::WriteZero.into())),
            Ok(taken) => bytes = &bytes[taken?..],
            Err(_) => {
                return Err(End::refused(
                    StatusCode::BadTimeout,
                    "what is sent is not taken",
                ));
            }
        }
    }
    Ok(())
}

pub(super) async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, End>>,
) -> Result<T, End> {
    match timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(End::refused(StatusCode::BadTimeout, "it takes too long")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::frame;
    use super::*;

    /// Chunks with these contents, handed over in pieces of this size, are passed on as they are.
    async fn pass_on(contents: &[Vec<u8>], piece: usize) -> Result<Vec<u8>, End> {
        let chunks = contents.iter().map(|it| frame::message(b"MSGF", it));
        let (mut from, mut to) = tokio::io::duplex(piece);
        let bytes = chunks.collect::<Vec<_>>().concat();
        let writing = async move { to.write_all(&bytes).await };
        let reading = async {
            let (mut ahead, mut passed) = (Ahead::new(), Vec::new());
            while let Some(frame) = ahead.frame(&mut from, usize::MAX).await? {
                // By turns, as is done with what has to be looked at and what has not.
                if passed.len() % 2 == 0 {
                    passed.extend(ahead.whole(&mut from, &frame).await?);
                } else {
                    let mut left = frame.size;
                    while let Some(part) = ahead.part(&mut from, &mut left).await? {
                        passed.extend_from_slice(part);
                    }
                }
            }
            Ok(passed)
        };
        let (written, passed) = tokio::join!(writing, reading);
        written.unwrap();
        passed
    }

    proptest! {
        #[test]
        fn chunks_are_passed_on_however_they_come(
            sizes in proptest::collection::vec(prop_oneof![0..200_usize, 0..3 * BUFFER], 1..8),
            piece in prop_oneof![1..40_usize, 1..2 * BUFFER],
        ) {
            let contents: Vec<Vec<u8>> = sizes
                .iter()
                .map(|size| (0..*size).map(|n| n as u8).collect())
                .collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let passed = runtime.block_on(pass_on(&contents, piece)).unwrap();
            let sent: Vec<_> = contents.iter().map(|it| frame::message(b"MSGF", it)).collect();
            prop_assert_eq!(passed, sent.concat());
        }
    }

    #[tokio::test]
    async fn a_chunk_that_is_cut_short_is_no_chunk() {
        for length in [1, HEADER, HEADER + 1] {
            let mut bytes = &frame::message(b"MSGF", b"four")[..length];
            let mut ahead = Ahead::new();
            let ended = match ahead.frame(&mut bytes, BUFFER).await {
                Ok(Some(frame)) => ahead.whole(&mut bytes, &frame).await.map(drop),
                Ok(None) => Ok(()),
                Err(end) => Err(end),
            };
            assert!(ended.is_err(), "{length} bytes");
        }
    }
}
