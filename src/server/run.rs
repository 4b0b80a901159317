//! Running a server, and ending it within a bounded time.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use opcua::types::ServerState;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::clients::{self, Bounded};
use super::error::ServerError;
use super::journal;
use super::pki;
use super::publish::ticking;
use super::setup::Server;

/// Why a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    Asked(Drained),
    /// The library keeps so much of items that are gone that a new server has to take its place.
    Overburdened,
}

/// How the connections ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every one was closed in order.
    InTime,
    /// Some client did not take its last message before the deadline.
    Cut,
}

/// Time for subscribers to read in `ServerStatus` that the server goes.
const NOTICE: Duration = Duration::from_millis(500);
/// Time for the connections to close after that. The library has no deadline of its own, and waits busily.
const DEADLINE: Duration = Duration::from_secs(3);
/// What `SecondsTillShutdown` counts down to: by then the port is closed whatever the clients do.
const END: Duration = Duration::from_secs(NOTICE.as_secs() + DEADLINE.as_secs() + 1);

impl Server {
    /// Serves on `listener` until `shutdown`, or until it has to begin anew; then ends within a few seconds whatever
    /// the clients do.
    pub async fn run(
        self,
        listener: &TcpListener,
        shutdown: CancellationToken,
    ) -> Result<Ended, ServerError> {
        let inner = inner_listener().await?;
        let address = inner.local_addr().map_err(no_inner_port)?;
        let folders = self.folders_of_library();
        let info = Arc::clone(self.handle.info());
        let serving = ticking(self.library.run_with(inner));
        tokio::pin!(serving);
        // The library tells clients the port that it listens on itself, once it does.
        let opened = async {
            while info.port.load(Ordering::Relaxed) == 0 {
                tokio::task::yield_now().await;
            }
            info.port.store(self.port, Ordering::Relaxed);
            self.front_door.run(listener, address).await;
        };
        tokio::pin!(opened);
        let overburdened = tokio::select! {
            ended = &mut serving => return Err(stopped(ended)),
            () = &mut opened => false,
            () = self.dispatcher.pump() => false,
            () = self.access.watch_over() => false,
            () = clients::keep_folders_small(&folders) => false,
            () = self.dispatcher.until_overburdened() => true,
            () = shutdown.cancelled() => false,
        };
        if overburdened {
            journal::begins_anew(self.port, self.dispatcher.burden().sessions);
        }

        self.handle.shutdown_after(END, "the server is stopped");
        self.handle.set_server_state(ServerState::Shutdown);
        if self.dispatcher.burden().sessions > 0 {
            tokio::select! {
                ended = &mut serving => return Err(stopped(ended)),
                () = &mut opened => {}
                () = self.dispatcher.pump() => {}
                () = tokio::time::sleep(NOTICE) => {}
            }
        }
        self.handle.cancel();
        let drained = async {
            tokio::select! {
                ended = &mut serving => ended,
                // It never ends by itself: it passes on the last words.
                () = &mut opened => Ok(()),
            }
        };
        let drained = match tokio::time::timeout(DEADLINE, drained).await {
            Ok(ended) => ended
                .map(|()| Drained::InTime)
                .map_err(ServerError::Stopped)?,
            Err(_) => {
                journal::connections_cut();
                Drained::Cut
            }
        };
        Ok(if overburdened {
            Ended::Overburdened
        } else {
            Ended::Asked(drained)
        })
    }

    /// The library writes every certificate that it meets into `trusted`.
    fn folders_of_library(&self) -> Vec<Bounded> {
        let bounded = |name| Bounded {
            folder: self.library_folder.join(name),
            kept: pki::KEPT,
        };
        ["rejected", "trusted"].map(bounded).into()
    }
}

/// Where the library listens: on this computer only, on any port.
async fn inner_listener() -> Result<TcpListener, ServerError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(no_inner_port)
}

fn no_inner_port(reason: io::Error) -> ServerError {
    ServerError::SetUp(format!("no port on loopback for the inside: {reason}"))
}

fn stopped(ended: Result<(), String>) -> ServerError {
    ServerError::Stopped(
        ended
            .err()
            .unwrap_or_else(|| "it ended without being asked to".to_owned()),
    )
}
