//! One WebSocket: JSON in, JSON out, and whether the other side is still there.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::Upgraded;
use serde_json::Value;
use tokio::time::{self, Instant, Interval, MissedTickBehavior};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use super::problem::Problem;
use crate::octoprint::words;

/// Pings without any answer after which the other side counts as gone.
const MISSES: u32 = 2;

/// See the [module](self).
pub(super) struct Socket {
    stream: WebSocketStream<Upgraded>,
    pings: Interval,
    /// Pings since the last sign of life.
    unanswered: u32,
}

impl Socket {
    /// `largest`: bytes that a message, and each frame of one, may hold. A ping goes out every `ping`.
    pub(super) async fn new(connection: Upgraded, largest: usize, ping: Duration) -> Self {
        let config = WebSocketConfig::default()
            .max_message_size(Some(largest))
            .max_frame_size(Some(largest))
            // Room for most messages; it is kept for each machine, and grows for a longer one.
            .read_buffer_size(4 * 1024)
            // What we send is small; a server that does not read cannot make it grow.
            .max_write_buffer_size(64 * 1024)
            .write_buffer_size(0);
        let mut pings = time::interval_at(Instant::now() + ping, ping);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            stream: WebSocketStream::from_raw_socket(connection, Role::Client, Some(config)).await,
            pings,
            unanswered: 0,
        }
    }

    pub(super) async fn send(&mut self, message: &Value) -> Result<(), Problem> {
        self.push(Message::text(message.to_string())).await
    }

    /// The next message. What is no JSON is passed over, as everything that is not for us. Nothing is lost if the wait
    /// is broken off.
    pub(super) async fn next(&mut self) -> Result<Value, Problem> {
        loop {
            tokio::select! {
                received = self.stream.next() => {
                    self.unanswered = 0;
                    match received {
                        Some(Ok(Message::Text(text))) => {
                            if let Ok(message) = serde_json::from_str(&text) {
                                return Ok(message);
                            }
                        }
                        Some(Ok(Message::Close(_))) | None => return Err(Problem::Closed),
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return Err(broken(&error)),
                    }
                }
                _ = self.pings.tick() => {
                    if self.unanswered >= MISSES {
                        return Err(Problem::Silent(self.pings.period() * MISSES));
                    }
                    self.unanswered += 1;
                    self.push(Message::Ping(Bytes::new())).await?;
                }
            }
        }
    }

    /// Sends within the time of a ping: a peer that does not read is as good as gone.
    async fn push(&mut self, message: Message) -> Result<(), Problem> {
        let patience = self.pings.period();
        match time::timeout(patience, self.stream.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err(Problem::Silent(patience)),
        }
    }
}

fn broken(error: &Error) -> Problem {
    match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_)
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Problem::Closed,
        Error::Capacity(_) => Problem::TooLarge,
        other => Problem::Protocol(words::one_line(other)),
    }
}
