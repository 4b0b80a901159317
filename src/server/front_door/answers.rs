//! From the library to the client.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::frame::{HEADER, Kind, Part};
use super::relay::{Relay, number, status};
use super::wire::{Ahead, End, send};

/// Who takes nothing for so long has its socket full: an honest client reads whatever comes.
const SLOW: Duration = Duration::from_millis(100);

impl Relay {
    pub(super) async fn answers(
        &self,
        library: &mut (impl AsyncRead + Unpin),
        ahead: &mut Ahead,
        client: &mut (impl AsyncWrite + Unpin),
    ) -> Result<(), End> {
        let mut is_first = true;
        // What the library sends is as large as the client said that it may be.
        while let Some(frame) = ahead.frame(library, usize::MAX).await? {
            match frame.kind {
                Kind::Opening => {
                    let opening = ahead.whole(library, &frame).await?;
                    if let Some(channel) = number(&opening, HEADER) {
                        self.place.channel(channel);
                    }
                    self.channel().opened(&opening[HEADER..]);
                    self.hand(client, &opening).await?;
                }
                Kind::Error => {
                    let error = ahead.whole(library, &frame).await?;
                    let status = status(&error).unwrap_or_default();
                    self.is_ended.store(true, Ordering::Relaxed);
                    return Err(End::refused(status, "the library ends it"));
                }
                // What is looked at stands in the first chunk; nobody waits for one of an encrypted channel here.
                Kind::Message if is_first && self.unactivated().is_waiting() => {
                    let answer = ahead.whole(library, &frame).await?;
                    self.unactivated().answered(&answer[HEADER..]);
                    self.hand(client, &answer).await?;
                }
                _ => {
                    let mut left = frame.size;
                    while let Some(part) = ahead.part(library, &mut left).await? {
                        self.hand(client, part).await?;
                    }
                }
            }
            if frame.kind == Kind::Message {
                is_first = frame.part != Part::Some;
                if is_first {
                    self.outstanding.answered();
                }
            }
        }
        self.is_ended.store(true, Ordering::Relaxed);
        client.shutdown().await?;
        Ok(())
    }

    /// Hands a part of an answer to the client. Who takes nothing may not ask for more.
    async fn hand(&self, client: &mut (impl AsyncWrite + Unpin), part: &[u8]) -> Result<(), End> {
        let sent = send(client, part);
        tokio::pin!(sent);
        match timeout(SLOW, &mut sent).await {
            Ok(sent) => sent,
            Err(_) => {
                self.outstanding.pause();
                sent.await?;
                self.outstanding.go_on();
                Ok(())
            }
        }
    }
}
