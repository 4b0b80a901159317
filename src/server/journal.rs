//! Every log line of this room: fixed texts, data as fields.

use std::fmt::Display;
use std::path::Path;

use log::{error, info, warn};

/// A new certificate; clients have to come to trust it.
pub(super) fn certificate_made(application_uri: &str, names: &[String]) {
    let names = names.join(", ");
    info!("made a certificate: application_uri={application_uri}, names={names}");
}

/// Told at each start and once a day.
pub(super) fn certificate_expired(certificate: &Path) {
    error!(
        "the certificate of this server has expired, clients will refuse it; run umati-bridge certificate new, start anew \
         and have the new one accepted at every client: file={}",
        certificate.display()
    );
}

/// Told at each start and once a day, early enough to renew it.
pub(super) fn certificate_expires(certificate: &Path, days: i64) {
    warn!(
        "the certificate of this server expires in {days} days; run umati-bridge certificate new, start anew and have the \
         new one accepted at every client: file={}",
        certificate.display()
    );
}

/// The ApplicationUri that the server tells is not in its certificate (OPC 10000-4 §6.1.3).
pub(super) fn certificate_lacks_uri(certificate: &Path, application_uri: &str) {
    warn!(
        "the certificate does not name this installation, so clients will refuse it: file={}, \
         application_uri={application_uri}",
        certificate.display()
    );
}

/// A name or address that clients may connect by is not in the certificate.
pub(super) fn certificate_lacks_name(certificate: &Path, name: &str) {
    warn!(
        "the certificate does not name {name}; a client that connects by this name may refuse it: file={}",
        certificate.display()
    );
}

/// The names of this computer may be incomplete in the certificate.
pub(super) fn interfaces_unknown(reason: &dyn Display) {
    warn!("cannot list the network interfaces: {reason}");
}

/// The remedy is part of the line.
#[cfg(unix)]
pub(super) fn key_is_readable(key: &Path) {
    let key = key.display();
    warn!("other users can read the private key; run chmod 600 {key}");
}

/// Certificates of clients; see `clients`.
pub(super) fn certificates_removed(folder: &Path, count: usize) {
    let folder = folder.display();
    info!("removed the oldest certificates of clients: folder={folder}, count={count}");
}

/// The folder of certificates of clients may grow.
pub(super) fn certificates_not_removed(folder: &Path, reason: &dyn Display) {
    let folder = folder.display();
    warn!("cannot remove old certificates of clients: folder={folder}, {reason}");
}

/// A client reads null where the limits should stand; see `capabilities`.
pub(super) fn capability_untold(what: &dyn Display, reason: &dyn Display) {
    warn!("cannot tell clients a limit: {what}, {reason}");
}

/// The deadline of the drain has passed.
pub(super) fn connections_cut() {
    warn!("some clients did not let go of their connection; it is cut");
}

/// Clients have left so many items behind that the library is replaced; who is connected has to connect again.
pub(super) fn begins_anew(port: u16, sessions: usize) {
    if sessions == 0 {
        info!("the server begins anew, to free what clients left behind: port={port}");
    } else {
        warn!(
            "the server begins anew, to free what clients left behind, and all clients have to connect again; some client \
             subscribes over and over: port={port}, sessions={sessions}"
        );
    }
}
