//! The log lines of the front door: fixed texts, data as fields.
//!
//! Strangers cause these lines, so their number is bounded.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;

use log::{debug, warn};

use crate::logging::Sparse;

/// A connection too many, in all or of one address.
pub(super) fn full(address: SocketAddr) {
    static LINES: Sparse = Sparse::new();
    LINES.warn(&format!(
        "a connection is refused, there are too many: from={address}"
    ));
}

/// The listener cannot take connections for the moment.
pub(super) fn not_accepted(reason: &io::Error) {
    static LINES: Sparse = Sparse::new();
    LINES.warn(&format!("connections cannot be accepted: {reason}"));
}

/// The library does not listen any more.
pub(super) fn not_connected(reason: &io::Error) {
    static LINES: Sparse = Sparse::new();
    LINES.warn(&format!("a connection cannot be passed on: {reason}"));
}

/// A message that is not passed on; its connection ends.
pub(super) fn refused(address: SocketAddr, reason: &dyn Display) {
    static LINES: Sparse = Sparse::new();
    LINES.warn(&format!("a connection is ended: from={address}, {reason}"));
}

/// Somebody on this computer has come to the library's own port while a connection was introduced.
pub(super) fn disturbed() {
    static LINES: Sparse = Sparse::new();
    LINES
        .warn("somebody on this computer connects to the inner port, which only this process uses");
}

/// A connection ended as connections do.
pub(super) fn ended(address: SocketAddr, reason: &io::Error) {
    debug!("a connection has ended: from={address}, {reason}");
}

/// The remedy is part of the line.
pub(super) fn few_descriptors(files: usize, connections: usize) {
    warn!(
        "this process may open few files, so it takes few connections at a time: files={files}, \
         connections={connections}; allow it more, with ulimit -n or LimitNOFILE="
    );
}

/// A build that nobody should run but `benches/door`.
pub(super) fn bare() {
    warn!(
        "THIS BUILD IS FOR MEASURING ONLY: with its feature `bare`, everybody on this computer comes past the front \
         door and is let in, whatever they can show"
    );
}
