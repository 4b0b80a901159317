//! What can go wrong with a push socket, on demand. What can go wrong before it is open are the
//! [faults](crate::octoprint::simulator::Fault) of [`Endpoint::Login`] and [`Endpoint::Push`]: there `Status(502)` is
//! a proxy that cannot upgrade. Of those, `Close` also closes the open sockets and `Hang` silences them.
//!
//! [`Endpoint::Login`]: crate::octoprint::simulator::Endpoint::Login
//! [`Endpoint::Push`]: crate::octoprint::simulator::Endpoint::Push

use std::time::Duration;

/// How the sockets of a printer misbehave until they are healed. Several can be in force at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushFault {
    /// A login gives a session that the socket refuses.
    StaleSession,
    /// The socket stays open, but nothing comes, not even an answer to a ping.
    Silence,
    /// Goes on telling of the state, job and progress what was told last, and of no event.
    Lie,
    /// The log in `history` has at least so many bytes.
    LongLog(usize),
    /// The clock of the server runs this far ahead.
    Ahead(Duration),
    /// The clock of the server lags this far behind.
    Behind(Duration),
    /// Events of this type never come.
    Swallow(&'static str),
}

/// What is done once, on every socket that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prank {
    /// The session became stale: `reauthRequired`, and nothing more before the client authenticates again.
    Reauthenticate,
    /// A message is cut in its middle, and the connection with it.
    HalfFrame,
    /// Sends this text, whatever it is.
    Text(String),
    /// Sends a binary message.
    Binary(Vec<u8>),
    /// Sends so many `event`s as fast as the client takes them.
    Events(usize),
    /// Sends so many `current`s as fast as the client takes them.
    Currents(usize),
}
