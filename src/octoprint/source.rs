//! Which OctoPrint to read, and how to trust it. Valid by construction in `config`; used by every request.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::ApiKey;

/// One OctoPrint server, which is one machine.
#[derive(Debug, Clone)]
pub struct Source {
    /// The machine's id; names it in log lines.
    pub id: String,
    /// The address that an operator would open in a browser, with any path prefix; ends with `/`.
    pub base: Url,
    pub key: ApiKey,
    /// Only consulted for https.
    pub tls: TlsTrust,
    /// From the start of one round to the start of the next.
    pub poll_interval: Duration,
    /// What the key is meant for: its rights are measured by it.
    pub purpose: Purpose,
}

/// What the bridge does with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// It only reads.
    #[default]
    Observe,
    /// It also starts, pauses, resumes and cancels prints.
    Control,
}

/// Whom to believe that it is the server. OctoPrint has no TLS itself: it is a proxy before it, often self-signed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TlsTrust {
    /// The authorities that the operating system trusts.
    SystemRoots,
    /// Only the authorities in this PEM file.
    CaFile(PathBuf),
    /// Exactly the certificate with this SHA-256 fingerprint, whatever its name, issuer and validity.
    Fingerprint([u8; 32]),
}
