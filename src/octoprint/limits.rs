//! How long, how much and how often, in one place. Tests shorten the times; nothing else changes them.

use std::time::Duration;

use super::Backoff;

/// The bounds within which a server is read.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Until the TCP connection and its TLS handshake stand.
    pub connect: Duration,
    /// From asking to the last byte of the answer, redirects and the one retry included.
    pub request: Duration,
    /// From sending a command to the last byte of its answer.
    pub command: Duration,
    /// Bytes of an answer's body; OctoPrint's own answers are about 1 kB.
    pub answer_bytes: usize,
    /// Bytes of the list of files, of which one has about 600.
    pub listing_bytes: usize,
    /// Printable files that are told of one server; more are left out.
    pub files: usize,
    /// Redirects followed for one request.
    pub redirects: usize,
    /// Between two readings of the slow facts (`/api/version`).
    pub slow_interval: Duration,
    /// Between two readings of the list of files; longer if the server needs long for it.
    pub files_interval: Duration,
    /// Until the next try after the key was rejected: OctoPrint logs each rejection.
    pub key_retry: Duration,
    /// Between tries while the server cannot be reached.
    pub backoff: Backoff,
    /// Between tries to make the server tell by itself.
    pub push_backoff: Backoff,
    /// The same while it can be asked but refuses: OctoPrint logs each refusal.
    pub push_refused: Backoff,
    /// Bytes of a message of the push socket; the longest of OctoPrint's own, its history, has 65 kB.
    pub message_bytes: usize,
    /// From the login to the history that answers it.
    pub history: Duration,
    /// Between two pings on the push socket.
    pub ping: Duration,
    /// Logins to push sockets at a time, of all servers together.
    pub logins: usize,
    /// How long what is told may differ from what is answered, without a turn in what is told.
    pub contradiction: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            request: Duration::from_secs(5),
            command: Duration::from_secs(10),
            answer_bytes: 2 * 1024 * 1024,
            listing_bytes: 4 * 1024 * 1024,
            files: 1_000,
            redirects: 5,
            slow_interval: Duration::from_secs(60),
            files_interval: Duration::from_secs(60),
            key_retry: Duration::from_secs(30),
            backoff: Backoff::RETURN,
            push_backoff: Backoff::REFUSAL,
            push_refused: Backoff::LOGGED_REFUSAL,
            message_bytes: 1024 * 1024,
            history: Duration::from_secs(5),
            ping: Duration::from_secs(10),
            logins: 32,
            contradiction: Duration::from_millis(1_500),
        }
    }
}
