//! Why a server does not tell by itself, for the operator.

use std::time::Duration;

use crate::machine::Unreachable;
use crate::octoprint::words;

/// Why there is no push, or none any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("{}", words::unreachable(.0))]
    Unreachable(Unreachable),
    #[error("the login is answered with HTTP status {0}")]
    Login(u16),
    #[error("the answer to the login names no session")]
    NoSession,
    #[error(
        "the connection is not upgraded to a WebSocket (HTTP status {0}); does a proxy pass the upgrade on?"
    )]
    NotUpgraded(u16),
    #[error("no greeting within {} s after the login; may the key's user see the status?", .0.as_secs_f32())]
    NoHistory(Duration),
    #[error("the greeting is older than what OctoPrint has answered meanwhile")]
    Overtaken,
    #[error("a new login is asked for ({0})")]
    LoginAgain(String),
    #[error("the connection was closed")]
    Closed,
    #[error("no sign of life for {} s", .0.as_secs_f32())]
    Silent(Duration),
    #[error("a message is larger than any of OctoPrint's")]
    TooLarge,
    #[error("the WebSocket is broken: {0}")]
    Protocol(String),
    #[error("it tells another state or file than OctoPrint answers when asked")]
    Contradicted,
    /// OctoPrint cannot be read or rejects the key, which the link tells.
    #[error("OctoPrint cannot be read")]
    LinkDown,
}

impl Problem {
    /// The server as it is does not want to, so it will not want to soon.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            // A proxy before a server that starts.
            Self::Login(status) | Self::NotUpgraded(status) => *status < 500,
            Self::NoSession | Self::NoHistory(_) => true,
            _ => false,
        }
    }
}
