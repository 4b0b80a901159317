//! From the client to the library: what is looked at before it is passed on.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use opcua::crypto::SecurityPolicy;
use opcua::types::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::bucket::Bucket;
use super::frame::{Frame, HEADER, Kind, Part};
use super::opening::Opening;
use super::plain;
use super::relay::{OPENING_WITHIN, Relay};
use super::wire::{Ahead, End, in_time, send};
use crate::server::limits;

/// A channel is renewed when most of its time is over, which is minutes; each renewal costs RSA operations.
const RENEWALS: u32 = 10;
const RENEWAL_EVERY: Duration = Duration::from_secs(1);

/// What has come of the request that comes now.
#[derive(Debug, Default)]
struct Message {
    chunks: usize,
    bytes: usize,
}

/// What has come over this connection so far.
struct Course {
    /// Of the channel; `None` before it is open.
    policy: Option<SecurityPolicy>,
    message: Message,
    /// Requests before anybody has logged in.
    requests: usize,
    renewals: Bucket,
}

impl Relay {
    pub(super) async fn requests(
        &self,
        client: &mut (impl AsyncRead + Unpin),
        ahead: &mut Ahead,
        library: &mut (impl AsyncWrite + Unpin),
    ) -> Result<(), End> {
        let mut course = Course {
            policy: None,
            message: Message::default(),
            requests: 0,
            renewals: Bucket::full(RENEWALS, RENEWAL_EVERY, Instant::now()),
        };
        let opening = self.next(&mut course, client, ahead, library);
        let mut goes_on = in_time(OPENING_WITHIN, opening).await?;
        while goes_on {
            goes_on = self.next(&mut course, client, ahead, library).await?;
        }
        Ok(())
    }

    /// Passes on one chunk; `false` at the end.
    async fn next(
        &self,
        course: &mut Course,
        client: &mut (impl AsyncRead + Unpin),
        ahead: &mut Ahead,
        library: &mut (impl AsyncWrite + Unpin),
    ) -> Result<bool, End> {
        let largest = self.largest.load(Ordering::Relaxed);
        let Some(frame) = ahead.frame(client, largest).await? else {
            return Ok(false);
        };
        match (frame.kind, course.policy) {
            (Kind::Opening, _) => {
                let opening = in_time(OPENING_WITHIN, ahead.whole(client, &frame)).await?;
                self.open(course, &opening[HEADER..]).await?;
                send(library, &opening).await?;
            }
            (Kind::Message, Some(policy)) => {
                self.measure(course, &frame)?;
                if frame.part == Part::Last {
                    self.outstanding.room().await?;
                    // Before its answer can come.
                    self.outstanding.asked();
                }
                if policy == SecurityPolicy::None {
                    let chunk = ahead.whole(client, &frame).await?;
                    self.look(course, &frame, &chunk[HEADER..])?;
                    send(library, &chunk).await?;
                } else {
                    pass_on(client, ahead, library, &frame).await?;
                }
                if frame.part != Part::Some {
                    course.message = Message::default();
                }
            }
            // The library would end the connection before the sessions could be closed that wait in it.
            (Kind::Closing, Some(_)) if self.unactivated().count() > 0 => return Ok(false),
            (Kind::Closing, Some(_)) => {
                pass_on(client, ahead, library, &frame).await?;
            }
            _ => {
                return Err(End::refused(
                    StatusCode::BadTcpMessageTypeInvalid,
                    "a message is out of place",
                ));
            }
        }
        Ok(true)
    }

    /// How much of a request, and how many, are taken from whom.
    fn measure(&self, course: &mut Course, frame: &Frame) -> Result<(), End> {
        let message = &mut course.message;
        message.chunks += 1;
        message.bytes += frame.size;
        let is_stranger = self.place.is_stranger();
        let (bytes, chunks) = if is_stranger {
            (
                limits::MAX_STRANGER_REQUEST_SIZE,
                limits::MAX_STRANGER_CHUNKS,
            )
        } else {
            (limits::MAX_REQUEST_SIZE, limits::MAX_CHUNKS)
        };
        if message.bytes > bytes || message.chunks > chunks {
            return Err(End::refused(
                StatusCode::BadRequestTooLarge,
                "a request is too large",
            ));
        }
        if is_stranger && message.chunks == 1 {
            course.requests += 1;
            if course.requests > limits::MAX_STRANGER_REQUESTS {
                return Err(End::refused(
                    StatusCode::BadTooManyOperations,
                    "too many requests before a login",
                ));
            }
        }
        Ok(())
    }

    /// Whether the library may see a chunk that is not encrypted.
    fn look(&self, course: &Course, frame: &Frame, chunk: &[u8]) -> Result<(), End> {
        let is_first = course.message.chunks == 1;
        if is_first
            && frame.part != Part::Abort
            && !self.admits_plain_text
            && !plain::is_discovery(chunk)
        {
            return Err(End::refused(
                StatusCode::BadSecurityPolicyRejected,
                "more than discovery is asked for without encryption",
            ));
        }
        if is_first && plain::is_create_session(chunk) && self.place.has_left_too_many() {
            return Err(End::refused(
                StatusCode::BadTooManySessions,
                "sessions were created from there and left behind",
            ));
        }
        let mut channel = self.channel().clone();
        // The library does not count a message that is broken off.
        if frame.part != Part::Abort {
            channel
                .sent(chunk)
                .map_err(|status| End::refused(status, "a chunk does not belong where it comes"))?;
            if (self.unactivated().count() > 0 || plain::is_create_session(chunk))
                && !(is_first && frame.part == Part::Last && plain::is_readable(chunk))
            {
                return Err(End::refused(
                    StatusCode::BadDecodingError,
                    "the library would end the connection, and sessions in it that nobody could close",
                ));
            }
        }
        let asked = self.unactivated().asked(chunk, is_first);
        asked.map_err(|plain::TooMany| {
            End::refused(
                StatusCode::BadTooManySessions,
                "sessions are created and not activated",
            )
        })?;
        // From here on the library has seen it.
        *self.channel() = channel;
        Ok(())
    }

    /// Whether the library may see an OPN.
    async fn open(&self, course: &mut Course, opening: &[u8]) -> Result<(), End> {
        let opening = Opening::parse(opening)
            .map_err(|status| End::refused(status, "a security header is not in order"))?;
        while let Err(wait) = course.renewals.take(Instant::now()) {
            sleep(wait).await;
        }
        if course.policy.is_some_and(|before| before != opening.policy) {
            return Err(End::refused(
                StatusCode::BadSecurityChecksFailed,
                "the channel is renewed under another policy",
            ));
        }
        course.policy = Some(opening.policy);
        if opening.policy == SecurityPolicy::None {
            let mut channel = self.channel().clone();
            let asked = channel.asked(&opening);
            asked.map_err(|status| End::refused(status, "an OPN does not follow"))?;
            if self.unactivated().count() > 0 {
                // In another channel they could not be closed.
                return Err(End::refused(
                    StatusCode::BadSessionNotActivated,
                    "the channel is renewed before a session in it is activated",
                ));
            }
            *self.channel() = channel;
            // Discovery is open to all (OPC 10000-4 §5.4.1).
            self.place.certified(SecurityPolicy::None, None);
            return Ok(());
        }
        if !self.policies.contains(&opening.policy) {
            return Err(End::refused(
                StatusCode::BadSecurityPolicyRejected,
                "the security policy is not served",
            ));
        }
        if self.place.is_stranger() {
            self.judges.turn().await;
        }
        let chain: Arc<[u8]> = opening.chain.into();
        let certificate = self.judges.accept(Arc::clone(&chain)).await?;
        let before = self.place.certificate();
        if before.is_some_and(|before| before.thumbprint != certificate.thumbprint) {
            return Err(End::refused(
                StatusCode::BadSecurityChecksFailed,
                "the channel is renewed with another certificate",
            ));
        }
        self.place.certified(opening.policy, Some(certificate));
        if self.place.is_stranger() && self.place.has_to_wait() {
            return Err(End::refused(
                StatusCode::BadTcpServerTooBusy,
                "too many sessions were created by this application and not activated",
            ));
        }
        *self.chain() = Some(chain);
        Ok(())
    }
}

/// Passes on a chunk that is encrypted.
async fn pass_on(
    client: &mut (impl AsyncRead + Unpin),
    ahead: &mut Ahead,
    library: &mut (impl AsyncWrite + Unpin),
    frame: &Frame,
) -> Result<(), End> {
    let mut left = frame.size;
    while let Some(part) = ahead.part(client, &mut left).await? {
        send(library, part).await?;
    }
    Ok(())
}
