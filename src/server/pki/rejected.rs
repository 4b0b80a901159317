//! Certificates of clients that nobody knows, kept for the operator to look at. Whoever reaches the port can show ever new
//! ones, so both their number and how fast they are written are bounded.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::super::clients::remove_oldest;
use super::certificate::Certificate;
use super::folders::{file_name, write_whole};
use super::journal;

/// Far more than a plant has clients. The oldest go.
pub(in crate::server) const KEPT: usize = 200;
const WRITES: usize = 20;
const PER: Duration = Duration::from_secs(60);

/// The folder `rejected`, and what was written to it of late.
#[derive(Debug)]
pub(super) struct Rejected {
    folder: PathBuf,
    since: Instant,
    writes: usize,
}

impl Rejected {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            since: Instant::now(),
            writes: 0,
        }
    }

    /// Keeps it unless it is there, or too many came within a minute. That it cannot be kept is told in the log: the
    /// client is refused either way.
    pub(super) fn keep(&mut self, certificate: &Certificate) {
        let path = self.folder.join(file_name(certificate));
        if path.exists() {
            return;
        }
        if self.since.elapsed() >= PER {
            self.since = Instant::now();
            self.writes = 0;
        }
        self.writes = self.writes.saturating_add(1);
        if self.writes > WRITES {
            if self.writes == WRITES + 1 {
                journal::too_many_rejected(WRITES);
            }
            return;
        }
        let kept = || -> io::Result<()> {
            remove_oldest(&self.folder, KEPT - 1)?;
            write_whole(&path, &certificate.der)
        };
        match kept() {
            Ok(()) => journal::certificate_rejected(
                &certificate.thumbprint_hex(),
                &certificate.subject,
                certificate.application_uri.as_deref().unwrap_or("none"),
            ),
            Err(e) => journal::certificate_not_kept(&self.folder, &e),
        }
    }
}
