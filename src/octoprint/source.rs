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
    pub way: Way,
    /// From the start of one round to the start of the next.
    pub poll_interval: Duration,
    /// The same, while OctoPrint tells by itself.
    pub heartbeat_interval: Duration,
    /// What the key is meant for: its rights are measured by it.
    pub purpose: Purpose,
}

impl Source {
    /// How often it is asked.
    pub(super) fn rhythm(&self) -> Rhythm {
        let heartbeat = self.heartbeat_interval.max(self.poll_interval);
        Rhythm {
            silent: match self.way {
                Way::Auto | Way::Poll => self.poll_interval,
                Way::Push => heartbeat,
            },
            telling: heartbeat,
        }
    }
}

/// Pauses between rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rhythm {
    /// While OctoPrint does not tell by itself.
    pub silent: Duration,
    pub telling: Duration,
}

/// Which way the facts come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// OctoPrint tells by itself where it can, and is asked where it cannot.
    #[default]
    Auto,
    /// It is asked, and nothing else.
    Poll,
    /// As `Auto`, but where it cannot tell it is asked as seldom as a heartbeat: for computers that have no time for more.
    Push,
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
