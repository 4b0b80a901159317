//! One connection: bytes go both ways, and what the client sends is looked at first.
//!
//! ```text
//!  accepted ──HEL, whole──► introduced ──OPN, judged──► open ──login──► at home ──CLO, end──► over
//!      │                        │                         │                │
//!      └────────────────────────┴── anything else, too large, too late, too much: ERR ──► over
//! ```
//!
//! *Accepted*: the library knows nothing of it. *Introduced*: the library has answered its HEL. *Open*: it has a secure
//! channel, and is a stranger still: few and small requests, and a minute to log in. *At home*: a session was activated.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opcua::crypto::SecurityPolicy;
use opcua::types::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::channel::Channel;
use super::crowd::Origin;
use super::frame::{self, HEADER, Kind};
use super::journal;
use super::judges::Judges;
use super::outstanding::Outstanding;
use super::peers::{Introduced, Place};
use super::plain::Unactivated;
use super::turns::Queues;
use super::wire::{Ahead, BUFFER, End, in_time, send};

const HELLO_WITHIN: Duration = Duration::from_secs(5);
pub(super) const OPENING_WITHIN: Duration = Duration::from_secs(10);
/// CreateSession and ActivateSession: a password may be asked for by hand, and waits for its turn to be checked.
const LOGIN_WITHIN: Duration = Duration::from_secs(60);
/// The library answers HEL within milliseconds.
const INTRODUCED_WITHIN: Duration = Duration::from_secs(2);
/// How often a connection is introduced until it is clear who it is.
const INTRODUCTIONS: usize = 100;
/// How long a client may take to take its ERR message.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long the library may take to close what was left open, behind all that it is busy with.
const CLOSED_WITHIN: Duration = Duration::from_secs(10);
/// How often the certificate of an open connection is judged again: what the operator revokes has to count, and no client
/// has to renew its channel, as the library goes on with one whose time is over.
const JUDGED_EVERY: Duration = Duration::from_secs(10);

/// The library's end of a connection.
struct Library {
    stream: TcpStream,
    ahead: Ahead,
}

/// A connection that was accepted.
pub(super) struct Relay {
    pub place: Place,
    /// Where the library listens.
    pub inner: SocketAddr,
    pub judges: Judges,
    pub greetings: Arc<Queues>,
    pub meetings: Arc<Queues>,
    /// Those that encrypt.
    pub policies: Arc<[SecurityPolicy]>,
    /// Whether there is more than discovery without encryption.
    pub admits_plain_text: bool,
    /// The receive buffer that was negotiated.
    pub largest: AtomicUsize,
    pub outstanding: Outstanding,
    /// The library has ended it.
    pub is_ended: AtomicBool,
    /// The certificates that were accepted, DER; `None` without security.
    pub chain: Mutex<Option<Arc<[u8]>>>,
    /// Used without encryption only, as is `unactivated`.
    pub channel: Mutex<Channel>,
    pub unactivated: Mutex<Unactivated>,
}

impl Relay {
    /// Passes on what is in order, until one side ends the connection or it is cut.
    pub(super) async fn run(self, mut client: TcpStream) {
        let mut library = None;
        let ended = tokio::select! {
            status = self.place.is_cut() => Err(End::refused(status, "it was cut")),
            ended = self.serve(&mut client, &mut library) => ended,
            end = self.is_withdrawn() => Err(end),
            end = self.overstays() => Err(end),
        };
        if let Err(end) = ended {
            self.tell(&mut client, end).await;
        }
        drop(client);
        if let Some(library) = library
            && self.unactivated().count() > 0
            && !matches!(
                timeout(CLOSED_WITHIN, self.leave(library)).await,
                Ok(Ok(()))
            )
        {
            let left = self.unactivated().count();
            self.place.left_behind(left);
        }
    }

    async fn serve(
        &self,
        client: &mut TcpStream,
        library: &mut Option<Library>,
    ) -> Result<(), End> {
        let origin = Origin::of(self.place.address.ip());
        if !origin.is_this_computer() {
            self.greetings.next(origin).await;
        }
        let mut ahead = Ahead::new();
        let Some(hello) = in_time(HELLO_WITHIN, hello(client, &mut ahead)).await? else {
            return Ok(());
        };
        self.meetings.next(origin).await;
        let (connected, answer) = self.introduce(&hello).await?;
        let library = library.insert(connected);
        send(client, &answer).await?;
        let (mut from_client, mut to_client) = client.split();
        let (mut from_library, mut to_library) = library.stream.split();
        tokio::select! {
            ended = self.requests(&mut from_client, &mut ahead, &mut to_library) => ended,
            ended = self.answers(&mut from_library, &mut library.ahead, &mut to_client) => ended,
        }
    }

    /// Connects to the library and passes on the HEL; gives its ACK.
    async fn introduce(&self, hello: &[u8]) -> Result<(Library, Vec<u8>), End> {
        for _ in 0..INTRODUCTIONS {
            let mut stream = TcpStream::connect(self.inner)
                .await
                .inspect_err(journal::not_connected)?;
            stream.set_nodelay(true)?;
            let mut ahead = Ahead::new();
            let greet = timeout(INTRODUCED_WITHIN, async {
                stream.write_all(hello).await?;
                let Some(frame) = ahead.frame(&mut stream, BUFFER).await? else {
                    return Err(End::refused(
                        StatusCode::BadConnectionClosed,
                        "the library closed",
                    ));
                };
                let answer = ahead.whole(&mut stream, &frame).await?;
                Ok((frame.kind, answer))
            });
            let (greeted, introduced) = self.place.introduce(greet).await;
            let Ok(greeted) = greeted else {
                return Err(End::refused(
                    StatusCode::BadTcpServerTooBusy,
                    "the library does not answer",
                ));
            };
            let (kind, answer) = greeted?;
            match (kind, introduced) {
                (Kind::Acknowledge, Introduced::Known) => {
                    // ACK: version, receive buffer, ….
                    if let Some(buffer) = number(&answer, HEADER + 4) {
                        self.largest.store(buffer as usize, Ordering::Relaxed);
                    }
                    return Ok((Library { stream, ahead }, answer));
                }
                (Kind::Acknowledge, Introduced::Unclear) => journal::disturbed(),
                _ => {
                    let status = status(&answer).unwrap_or(StatusCode::BadTcpInternalError);
                    return Err(End::refused(status, "the HEL is not accepted"));
                }
            }
        }
        Err(End::refused(
            StatusCode::BadTcpServerTooBusy,
            "it is not clear who it is",
        ))
    }

    /// Waits until the certificate of the connection is not accepted any more, and tells why.
    async fn is_withdrawn(&self) -> End {
        loop {
            sleep(JUDGED_EVERY).await;
            let chain = self.chain().clone();
            if let Some(chain) = chain
                && let Err(end) = self.judges.accept(chain).await
            {
                return end;
            }
        }
    }

    /// Waits until it has been a stranger for too long.
    async fn overstays(&self) -> End {
        sleep(LOGIN_WITHIN).await;
        if self.place.is_stranger() {
            End::refused(StatusCode::BadTimeout, "nobody has logged in")
        } else {
            std::future::pending().await
        }
    }

    /// Tells the client and the log why a connection ends.
    async fn tell(&self, client: &mut TcpStream, end: End) {
        match end {
            End::Io(reason) => journal::ended(self.place.address, &reason),
            End::Refused { status, .. } => {
                journal::refused(self.place.address, &end);
                let farewell = async {
                    client.write_all(&frame::error(status)).await?;
                    client.shutdown().await
                };
                // Who does not listen is not told.
                let _ = timeout(FAREWELL, farewell).await;
            }
        }
    }

    /// Closes the sessions that die with a connection that is not encrypted.
    ///
    /// # Errors
    /// The library has ended it already, or does not say what it has created.
    async fn leave(&self, library: Library) -> Result<(), End> {
        let Library {
            mut stream,
            mut ahead,
        } = library;
        if self.is_ended.load(Ordering::Relaxed) {
            return Err(End::Io(std::io::ErrorKind::NotConnected.into()));
        }
        // What was asked for at the last moment is still to be answered.
        while self.unactivated().is_waiting() {
            let Some(frame) = ahead.frame(&mut stream, BUFFER * 4).await? else {
                return Err(End::Io(std::io::ErrorKind::UnexpectedEof.into()));
            };
            let answer = ahead.whole(&mut stream, &frame).await?;
            if frame.kind == Kind::Message {
                self.unactivated().answered(&answer[HEADER..]);
            } else if frame.kind == Kind::Error {
                return Err(End::Io(std::io::ErrorKind::NotConnected.into()));
            }
        }
        let next = self.channel().next();
        let messages = self.unactivated().close(next);
        stream.write_all(&messages).await?;
        stream.shutdown().await?;
        // An unread answer would reset the connection before the library has read all of it.
        let mut unread = vec![0; BUFFER];
        while stream.read(&mut unread).await? > 0 {}
        Ok(())
    }

    pub(super) fn chain(&self) -> MutexGuard<'_, Option<Arc<[u8]>>> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn channel(&self) -> MutexGuard<'_, Channel> {
        self.channel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn unactivated(&self) -> MutexGuard<'_, Unactivated> {
        self.unactivated
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The whole HEL; `None` if the connection ends before it.
async fn hello(client: &mut TcpStream, ahead: &mut Ahead) -> Result<Option<Vec<u8>>, End> {
    let Some(frame) = ahead.frame(client, BUFFER).await? else {
        return Ok(None);
    };
    if frame.kind != Kind::Hello {
        return Err(End::refused(
            StatusCode::BadTcpMessageTypeInvalid,
            "it does not begin with HEL",
        ));
    }
    ahead.whole(client, &frame).await.map(Some)
}

/// The status of an ERR message.
pub(super) fn status(message: &[u8]) -> Option<StatusCode> {
    number(message, HEADER).map(StatusCode::from)
}

pub(super) fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*bytes))
}
