//! One connection: bytes go both ways, and what the client sends is looked at first.
//!
//! ```text
//!  accepted ──HEL──► greeted ──OPN, judged──► open ──MSG, OPN──► open ──CLO, end──► over
//!      │                │                       │
//!      └────────────────┴── anything else, too large, too late: ERR ──► over
//! ```

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opcua::crypto::SecurityPolicy;
use opcua::types::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::frame::{self, Frame, HEADER, Kind};
use super::journal;
use super::opening::Opening;
use super::peers::Place;
use crate::server::limits::MAX_REQUEST_SIZE;
use crate::server::pki::{ClientCertificate, Trust};

const HELLO_WITHIN: Duration = Duration::from_secs(5);
const OPENING_WITHIN: Duration = Duration::from_secs(10);
/// How long a client may take to take its ERR message.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often the certificate of an open connection is judged again: what the operator revokes has to count, and no client
/// has to renew its channel, as the library goes on with one whose time is over.
const JUDGED_EVERY: Duration = Duration::from_secs(10);
/// What is read at a time.
const BUFFER: usize = 16 * 1024;

/// A connection that was accepted.
pub(super) struct Relay {
    pub place: Place,
    pub trust: Trust,
    pub policies: Vec<SecurityPolicy>,
    pub judges: Arc<Semaphore>,
    /// The certificates that were accepted, DER; `None` without security.
    pub chain: Mutex<Option<Arc<[u8]>>>,
}

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("result={status}, {reason}")]
    Refused { status: StatusCode, reason: String },
}

impl End {
    fn refused(status: StatusCode, reason: &str) -> Self {
        Self::Refused {
            status,
            reason: reason.to_owned(),
        }
    }
}

impl Relay {
    /// Passes on what is in order, until one side ends the connection or it is cut.
    pub(super) async fn run(self, mut client: TcpStream, mut library: TcpStream) {
        // Until the library says what it takes.
        let largest = AtomicUsize::new(BUFFER);
        let ended = {
            let (mut from_client, mut to_client) = client.split();
            let (mut from_library, mut to_library) = library.split();
            tokio::select! {
                ended = self.requests(&mut from_client, &mut to_library, &largest) => ended,
                ended = self.answers(&mut from_library, &mut to_client, &largest) => ended,
                status = self.place.is_cut() => {
                    Err(End::refused(status, "it was cut"))
                }
                end = self.is_withdrawn() => Err(end),
            }
        };
        match ended {
            Ok(()) => {}
            Err(End::Io(reason)) => journal::ended(self.place.address, &reason),
            Err(End::Refused { status, reason }) => {
                let refused = End::refused(status, &reason);
                journal::refused(self.place.address, &refused);
                let farewell = async {
                    client.write_all(&frame::error(status)).await?;
                    client.shutdown().await
                };
                // Who does not listen is not told.
                let _ = timeout(FAREWELL, farewell).await;
            }
        }
    }

    /// From the client to the library.
    async fn requests(
        &self,
        client: &mut (impl AsyncRead + Unpin),
        library: &mut (impl AsyncWrite + Unpin),
        largest: &AtomicUsize,
    ) -> Result<(), End> {
        let mut stage = Kind::Hello;
        let mut message = 0;
        loop {
            let frame = match stage {
                Kind::Hello => in_time(HELLO_WITHIN, self.frame(client, largest)).await?,
                Kind::Opening => in_time(OPENING_WITHIN, self.frame(client, largest)).await?,
                _ => self.frame(client, largest).await?,
            };
            let Some((header, frame)) = frame else {
                return Ok(());
            };
            match (stage, frame.kind) {
                (Kind::Hello, Kind::Hello) => {
                    let hello = in_time(HELLO_WITHIN, body(client, &frame)).await?;
                    library.write_all(&header).await?;
                    library.write_all(&hello).await?;
                    stage = Kind::Opening;
                }
                (Kind::Opening | Kind::Message, Kind::Opening) => {
                    let opening = in_time(OPENING_WITHIN, body(client, &frame)).await?;
                    self.judge(&opening).await?;
                    library.write_all(&header).await?;
                    library.write_all(&opening).await?;
                    stage = Kind::Message;
                }
                (Kind::Message, Kind::Message) => {
                    message += frame.size;
                    if message > MAX_REQUEST_SIZE {
                        return Err(End::refused(
                            StatusCode::BadRequestTooLarge,
                            "a request is too large",
                        ));
                    }
                    if frame.is_final {
                        message = 0;
                    }
                    if frame.is_final && !self.place.has_task() {
                        let request = in_time(OPENING_WITHIN, body(client, &frame)).await?;
                        let pass_on = async {
                            library.write_all(&header).await?;
                            library.write_all(&request).await
                        };
                        self.place.introduce(pass_on).await?;
                    } else {
                        library.write_all(&header).await?;
                        stream(client, library, frame.rest()).await?;
                    }
                }
                (Kind::Message, Kind::Closing) => {
                    library.write_all(&header).await?;
                    stream(client, library, frame.rest()).await?;
                }
                _ => {
                    return Err(End::refused(
                        StatusCode::BadTcpMessageTypeInvalid,
                        "a message is out of place",
                    ));
                }
            }
        }
    }

    /// A header, and what it says; `None` at the end.
    async fn frame(
        &self,
        client: &mut (impl AsyncRead + Unpin),
        largest: &AtomicUsize,
    ) -> Result<Option<([u8; HEADER], Frame)>, End> {
        let Some(header) = header(client).await? else {
            return Ok(None);
        };
        match Frame::parse(header, largest.load(Ordering::Relaxed)) {
            Ok(frame) => Ok(Some((header, frame))),
            Err(status) => Err(End::refused(status, "a header is not in order")),
        }
    }

    /// Whether the library may see an OPN.
    async fn judge(&self, opening: &[u8]) -> Result<(), End> {
        let opening = Opening::parse(opening)
            .map_err(|status| End::refused(status, "a security header is not in order"))?;
        if opening.policy == SecurityPolicy::None {
            // Discovery is open to all (OPC 10000-4 §5.4.1); what else this channel may do, the endpoints decide.
            self.place.certified(None);
            return Ok(());
        }
        if !self.policies.contains(&opening.policy) {
            return Err(End::refused(
                StatusCode::BadSecurityPolicyRejected,
                "the security policy is not served",
            ));
        }
        let chain: Arc<[u8]> = opening.chain.into();
        let certificate = self.accepted(Arc::clone(&chain)).await?;
        let before = self.place.certificate();
        if before.is_some_and(|before| before.thumbprint != certificate.thumbprint) {
            return Err(End::refused(
                StatusCode::BadSecurityChecksFailed,
                "the channel is renewed with another certificate",
            ));
        }
        self.place.certified(Some(certificate));
        *self.chain() = Some(chain);
        Ok(())
    }

    /// The first of these certificates, if it is accepted now.
    async fn accepted(&self, chain: Arc<[u8]>) -> Result<ClientCertificate, End> {
        let trust = self.trust.clone();
        let Ok(turn) = Arc::clone(&self.judges).acquire_owned().await else {
            return Err(End::refused(StatusCode::BadShutdown, "the server ends"));
        };
        let judged = spawn_blocking(move || {
            let _turn = turn;
            trust.judge_application(&chain)
        });
        match judged.await {
            Ok(Ok(certificate)) => Ok(certificate),
            Ok(Err(refused)) => Err(End::refused(refused.status, &refused.reason)),
            Err(_) => Err(End::refused(
                StatusCode::BadSecurityChecksFailed,
                "the certificate cannot be judged",
            )),
        }
    }

    /// Waits until the certificate of the connection is not accepted any more, and tells why.
    async fn is_withdrawn(&self) -> End {
        loop {
            sleep(JUDGED_EVERY).await;
            let chain = self.chain().clone();
            if let Some(chain) = chain
                && let Err(end) = self.accepted(chain).await
            {
                return end;
            }
        }
    }

    fn chain(&self) -> MutexGuard<'_, Option<Arc<[u8]>>> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From the library to the client.
    async fn answers(
        &self,
        library: &mut (impl AsyncRead + Unpin),
        client: &mut (impl AsyncWrite + Unpin),
        largest: &AtomicUsize,
    ) -> Result<(), End> {
        while let Some(header) = header(library).await? {
            // What the library sends is as large as the client said that it may be.
            let frame = Frame::parse(header, usize::MAX)
                .map_err(|status| End::refused(status, "the library sent nonsense"))?;
            match frame.kind {
                Kind::Acknowledge | Kind::Opening => {
                    let body = body(library, &frame).await?;
                    // ACK: version, receive buffer; OPN: the number of the channel.
                    let (first, second) = (number(&body, 0), number(&body, 4));
                    match (frame.kind, first, second) {
                        (Kind::Acknowledge, _, Some(buffer)) => {
                            largest.store(buffer as usize, Ordering::Relaxed);
                        }
                        (Kind::Opening, Some(channel), _) => self.place.channel(channel),
                        _ => {}
                    }
                    client.write_all(&header).await?;
                    client.write_all(&body).await?;
                }
                _ => {
                    self.place.answered();
                    client.write_all(&header).await?;
                    stream(library, client, frame.rest()).await?;
                }
            }
        }
        client.shutdown().await?;
        Ok(())
    }
}

/// The next header; `None` if the connection ends before it.
async fn header(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<[u8; HEADER]>> {
    let mut header = [0; HEADER];
    let mut got = 0;
    while got < HEADER {
        match from.read(&mut header[got..]).await? {
            0 if got == 0 => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => got += n,
        }
    }
    Ok(Some(header))
}

/// The rest of a chunk whose size has been found to be small.
async fn body(from: &mut (impl AsyncRead + Unpin), frame: &Frame) -> Result<Vec<u8>, End> {
    let mut body = vec![0; frame.rest()];
    from.read_exact(&mut body).await?;
    Ok(body)
}

/// Passes on so many bytes as they come.
async fn stream(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut left: usize,
) -> Result<(), End> {
    let mut buffer = vec![0; BUFFER.min(left)];
    while left > 0 {
        let wanted = buffer.len().min(left);
        match from.read(&mut buffer[..wanted]).await? {
            0 => return Err(End::Io(io::ErrorKind::UnexpectedEof.into())),
            n => {
                to.write_all(&buffer[..n]).await?;
                left -= n;
            }
        }
    }
    Ok(())
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = Result<T, End>>) -> Result<T, End> {
    match timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(End::refused(StatusCode::BadTimeout, "it takes too long")),
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*bytes))
}
