//! From the library to the client.

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::frame::{Kind, Part};
use super::relay::{Relay, number, status};
use super::wire::{End, body, header, send, stream};

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
                    send(client, &header).await?;
                    send(client, &body).await?;
                }
                Kind::Error => {
                    let body = body(library, &frame).await?;
                    let status = status(&body).unwrap_or_default();
                    return Err(End::refused(status, "the library ends it"));
                }
                // Sessions are created in one chunk; nobody waits for one of an encrypted channel here.
                Kind::Message
                    if is_first && frame.part == Part::Last && self.unactivated().is_waiting() =>
                {
                    let body = body(library, &frame).await?;
                    self.unactivated().answered(&body);
                    send(client, &header).await?;
                    send(client, &body).await?;
                }
                _ => {
                    send(client, &header).await?;
                    stream(library, client, frame.rest()).await?;
                }
            }
            if frame.kind == Kind::Message {
                is_first = frame.part != Part::Some;
                if is_first {
                    self.outstanding.answered();
                }
            }
        }
        client.shutdown().await?;
        Ok(())
    }
}
