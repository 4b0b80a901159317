//! The log lines of the front door: fixed texts, data as fields.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;

use log::{debug, warn};

/// A connection too many, in all or of one address.
pub(super) fn full(address: SocketAddr) {
    warn!("a connection is refused, there are too many: from={address}");
}

/// The listener cannot take connections for the moment.
pub(super) fn not_accepted(reason: &io::Error) {
    warn!("connections cannot be accepted: {reason}");
}

/// The library does not listen any more.
pub(super) fn not_connected(reason: &io::Error) {
    warn!("a connection cannot be passed on: {reason}");
}

/// A message that is not passed on; its connection ends.
pub(super) fn refused(address: SocketAddr, reason: &dyn Display) {
    warn!("a connection is ended: from={address}, {reason}");
}

/// A connection ended as connections do.
pub(super) fn ended(address: SocketAddr, reason: &io::Error) {
    debug!("a connection has ended: from={address}, {reason}");
}
