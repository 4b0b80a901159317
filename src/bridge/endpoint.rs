//! One port and the machines behind it: a server, and another one in its place when it has to begin anew.

use std::fmt;
use std::net::TcpListener;

use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::BridgeError;
use super::install::Installation;
use crate::config::Config;
use crate::server::{Ended, Expiry, Identity, Plant, Publisher, Server, Settings};
use crate::umati::{MappingError, nodesets};

/// Bound, built, and not yet running.
pub(super) struct Endpoint {
    office: Office,
    listener: tokio::net::TcpListener,
    server: Server,
    machines: usize,
    /// Tells the clients of whichever server runs.
    pub publisher: Publisher,
    pub expiry: Expiry,
}

/// All that a server is made of.
struct Office {
    settings: Settings,
    identity: Identity,
    plant: Plant,
}

impl Endpoint {
    pub(super) fn new(
        config: &Config,
        installation: &Installation,
        listener: TcpListener,
        plant: Plant,
        machines: usize,
    ) -> Result<Self, BridgeError> {
        let socket = |port| move |reason| BridgeError::Socket { port, reason };
        let port = listener.local_addr().map_err(socket(0))?.port();
        let settings = installation.settings(config, port);
        let identity = Identity::load_or_create(&settings)?;
        let expiry = identity.expiry()?;
        let office = Office {
            settings,
            identity,
            plant,
        };
        let (server, publisher) = office.server()?;
        Ok(Self {
            office,
            listener: tokio::net::TcpListener::from_std(listener).map_err(socket(port))?,
            server,
            machines,
            publisher,
            expiry,
        })
    }

    /// The address that clients know.
    pub(super) fn url(&self) -> String {
        self.office.settings.url()
    }

    /// Serves until `shutdown`. Clients that come while a server takes the place of another wait for it.
    pub(super) async fn serve(self, shutdown: CancellationToken) -> Result<(), BridgeError> {
        let Self {
            mut office,
            listener,
            mut server,
            publisher,
            ..
        } = self;
        while server.run(&listener, shutdown.clone()).await? == Ended::Overburdened {
            // Parsing the NodeSets takes a while.
            let built = spawn_blocking(|| office.server().map(|built| (office, built)));
            let next;
            (office, (server, next)) = built.await.map_err(|died| BridgeError::TaskDied {
                task: "building of a server".to_owned(),
                why: died.to_string(),
            })??;
            publisher.turn_to(&next);
        }
        Ok(())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.machines == 1 { "" } else { "s" };
        write!(f, "{} ({} machine{plural})", self.url(), self.machines)
    }
}

impl Office {
    fn server(&self) -> Result<(Server, Publisher), BridgeError> {
        let types = nodesets::imports()
            .map_err(MappingError::from)?
            .into_iter()
            .map(|types| Box::new(types) as _)
            .collect();
        let Self {
            settings,
            identity,
            plant,
        } = self;
        Ok(Server::build(settings, identity, plant.clone(), types)?)
    }
}
