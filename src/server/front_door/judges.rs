//! Who looks at the certificates of strangers, and how many a second: each costs a processor for milliseconds, here and
//! in the library.

use std::sync::Arc;
use std::time::Duration;

use opcua::types::StatusCode;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::turns::Turns;
use super::wire::End;
use crate::server::pki::{ClientCertificate, Trust};

/// Certificates that are judged at a time.
const AT_A_TIME: usize = 2;
/// Channels that strangers open at once, and how soon there may be another: an RSA operation of the library takes up to
/// 6 ms with a key of 2048 bits, so they take less than a third of one processor.
const CHANNELS: u32 = 50;
const CHANNEL_EVERY: Duration = Duration::from_millis(20);

/// Those who judge for one server. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Judges {
    trust: Trust,
    seats: Arc<Semaphore>,
    turns: Turns,
}

impl Judges {
    pub(super) fn new(trust: Trust) -> Self {
        Self {
            trust,
            seats: Arc::new(Semaphore::new(AT_A_TIME)),
            turns: Turns::new(CHANNELS, CHANNEL_EVERY),
        }
    }

    /// Waits until a stranger's certificate may be looked at; whoever came first goes first.
    pub(super) async fn turn(&self) {
        self.turns.next().await;
    }

    /// The first of these certificates, if it is accepted now.
    ///
    /// # Errors
    /// Why it is not.
    pub(super) async fn accept(&self, chain: Arc<[u8]>) -> Result<ClientCertificate, End> {
        let trust = self.trust.clone();
        let Ok(seat) = Arc::clone(&self.seats).acquire_owned().await else {
            return Err(End::refused(StatusCode::BadShutdown, "the server ends"));
        };
        let judged = spawn_blocking(move || {
            let _seat = seat;
            trust.judge_application(&chain)
        });
        match judged.await {
            Ok(Ok(certificate)) => Ok(certificate),
            Ok(Err(refused)) => Err(End::refused(refused.status, &refused.reason)),
            Err(_) => Err(End::refused(
                StatusCode::BadSecurityChecksFailed,
                "the certificate cannot be judged",
            )),
        }
    }
}
