//! Running a server, and ending it within a bounded time.

use std::time::Duration;

use opcua::types::ServerState;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::clients::{self, Bounded};
use super::error::ServerError;
use super::journal;
use super::pki;
use super::setup::Server;

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every connection was closed in order.
    InTime,
    /// Some client did not take its last message before the deadline.
    Cut,
}

/// Time for subscribers to read in `ServerStatus` that the server goes.
const NOTICE: Duration = Duration::from_millis(500);
/// Time for the connections to close after that. The library has no deadline of its own, and waits busily.
const DEADLINE: Duration = Duration::from_secs(3);

impl Server {
    /// Serves on `listener` until `shutdown`, then ends within a few seconds whatever the clients do.
    pub async fn run(
        self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<Drained, ServerError> {
        let folders = self.folders_of_strangers();
        let serving = self.library.run_with(listener);
        tokio::pin!(serving);
        tokio::select! {
            ended = &mut serving => return Err(stopped(ended)),
            () = self.dispatcher.pump() => {}
            () = clients::keep_folders_small(&folders) => {}
            () = shutdown.cancelled() => {}
        }

        self.handle.set_server_state(ServerState::Shutdown);
        if self.dispatcher.has_clients() {
            tokio::select! {
                ended = &mut serving => return Err(stopped(ended)),
                () = self.dispatcher.pump() => {}
                () = tokio::time::sleep(NOTICE) => {}
            }
        }
        self.handle.cancel();
        match tokio::time::timeout(DEADLINE, serving).await {
            Ok(ended) => ended
                .map(|()| Drained::InTime)
                .map_err(ServerError::Stopped),
            Err(_) => {
                journal::connections_cut();
                Ok(Drained::Cut)
            }
        }
    }
}

impl Server {
    /// The library puts unknown certificates into `trusted` where everybody may read, otherwise into `rejected`.
    fn folders_of_strangers(&self) -> Vec<Bounded> {
        let names: &[&str] = if self.is_open {
            &["rejected", "trusted"]
        } else {
            &["rejected"]
        };
        let bounded = |name| Bounded {
            folder: self.pki_dir.join(name),
            kept: pki::KEPT,
        };
        names.iter().map(bounded).collect()
    }
}

fn stopped(ended: Result<(), String>) -> ServerError {
    ServerError::Stopped(
        ended
            .err()
            .unwrap_or_else(|| "it ended without being asked to".to_owned()),
    )
}
