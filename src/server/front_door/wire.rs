//! Reading and passing on chunks.

use std::io;
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

/// A header as it came, and what it says; `None` if the connection ends before it.
pub(super) async fn header(
    from: &mut (impl AsyncRead + Unpin),
    largest: usize,
) -> Result<Option<([u8; HEADER], Frame)>, End> {
    let mut header = [0; HEADER];
    let mut got = 0;
    while got < HEADER {
        match from.read(&mut header[got..]).await? {
            0 if got == 0 => return Ok(None),
            0 => return Err(End::Io(io::ErrorKind::UnexpectedEof.into())),
            n => got += n,
        }
    }
    match Frame::parse(header, largest) {
        Ok(frame) => Ok(Some((header, frame))),
        Err(status) => Err(End::refused(status, "a header is not in order")),
    }
}

/// The rest of a chunk whose size has been found to be small.
pub(super) async fn body(
    from: &mut (impl AsyncRead + Unpin),
    frame: &Frame,
) -> Result<Vec<u8>, End> {
    let mut body = vec![0; frame.rest()];
    from.read_exact(&mut body).await?;
    Ok(body)
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

/// The rest of a chunk, as it comes.
pub(super) struct Rest {
    buffer: Vec<u8>,
    left: usize,
}

impl Rest {
    pub(super) fn of(frame: &Frame) -> Self {
        Self {
            buffer: vec![0; BUFFER.min(frame.rest())],
            left: frame.rest(),
        }
    }

    /// The next part; `None` after the last.
    pub(super) async fn next(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
    ) -> Result<Option<&[u8]>, End> {
        if self.left == 0 {
            return Ok(None);
        }
        let wanted = self.buffer.len().min(self.left);
        match from.read(&mut self.buffer[..wanted]).await? {
            0 => Err(End::Io(io::ErrorKind::UnexpectedEof.into())),
            n => {
                self.left -= n;
                Ok(Some(&self.buffer[..n]))
            }
        }
    }
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
