//! From the library to the client.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::frame::{Kind, Part};
use super::relay::{Relay, number, status};
use super::wire::{End, Rest, body, header, send};

/// Who takes nothing for so long has its socket full: an honest client reads whatever comes.
const SLOW: Duration = Duration::from_millis(100);

impl Relay {
    pub(super) async fn answers(
        &self,
        library: &mut (impl AsyncRead + Unpin),
        client: &mut (impl AsyncWrite + Unpin),
    ) -> Result<(), End> {
        let mut is_first = true;
        // What the library sends is as large as the client said that it may be.
        while let Some((header, frame)) = header(library, usize::MAX).await? {
            match frame.kind {
                Kind::Opening => {
                    let body = body(library, &frame).await?;
                    if let Some(channel) = number(&body, 0) {
                        self.place.channel(channel);
                    }
                    self.channel().opened(&body);
                    self.hand(client, &header).await?;
                    self.hand(client, &body).await?;
                }
                Kind::Error => {
                    let body = body(library, &frame).await?;
                    let status = status(&body).unwrap_or_default();
                    self.is_ended.store(true, Ordering::Relaxed);
                    return Err(End::refused(status, "the library ends it"));
                }
                // What is looked at stands in the first chunk; nobody waits for one of an encrypted channel here.
                Kind::Message if is_first && self.unactivated().is_waiting() => {
                    let body = body(library, &frame).await?;
                    self.unactivated().answered(&body);
                    self.hand(client, &header).await?;
                    self.hand(client, &body).await?;
                }
                _ => {
                    self.hand(client, &header).await?;
                    let mut rest = Rest::of(&frame);
                    while let Some(part) = rest.next(library).await? {
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
