//! Connects the rooms: one task a machine, one server a port, and the bridge's own pulse.
//!
//! [`start`] does everything that can fail before anything is served, so that a refusal is told once and nothing is
//! left half started; [`Bridge::run`] serves until `shutdown` and drains within a deadline.

mod crew;
pub mod demo;
mod endpoint;
mod errands;
mod install;
mod journal;
mod machine_task;
pub mod online;
mod ports;
mod pulse;
mod pulse_task;
mod remember;

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use chrono::Utc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, DEFAULT_PORT, MachineConfig};
use crate::machine::Machine;
use crate::octoprint::{self, Controller, HttpClients, Poke, Source};
use crate::server::{Command, IdentityError, Plant, Served, ServerError, Settings, SharedInstance};
use crate::store::{Store, StoreError};
use crate::umati::instance::Instance;
use crate::umati::{BridgeStatus, Mapping, MappingError};

pub use install::{InstallationError, SourceError};
pub use ports::{PortRefused, PortsRefused};

use crew::Crew;
use endpoint::Endpoint;
use errands::Errands;
use machine_task::MachineTask;
use pulse::Pulse;
use pulse_task::PulseTask;
use remember::Memory;

/// Observations that may wait for one machine's task; a poll yields at most a handful.
const QUEUE: usize = 16;

/// Requests that may wait for one machine's task; it takes each at once, so more are nobody's honest wish.
const REQUESTS: usize = 32;

/// How long all tasks together may take to end. A server's own deadline is shorter.
const DRAIN: Duration = Duration::from_secs(6);

/// Why the bridge did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    #[error(transparent)]
    Ports(#[from] PortsRefused),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Installation(#[from] InstallationError),
    #[error("the information model cannot be built: {0}")]
    Model(#[from] MappingError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("port {port}: {reason}")]
    Socket { port: u16, reason: std::io::Error },
    #[error("the {task} has died: {why}; that is a mistake in this program: please report it")]
    TaskDied { task: String, why: String },
}

/// A bridge that is bound and built, and not yet running.
pub struct Bridge {
    servers: Vec<Endpoint>,
    machines: Vec<(MachineTask, Source, mpsc::Receiver<Command>)>,
    pulse: PulseTask,
    clients: HttpClients,
    store: Store,
}

/// Binds every port and builds every machine. Must be called within a tokio runtime.
///
/// # Errors
/// [`BridgeError`]; nothing is served then.
pub fn start(config: &Config) -> Result<Bridge, BridgeError> {
    let by_port = machines_by_port(config);
    let ports: Vec<u16> = by_port.keys().copied().collect();
    let listeners = ports::bind(config.listen, &ports)?;

    let making = install::Making::begin(config)?;
    let installation = install::Installation::find(config, &making)?;
    let mapping = Arc::new(Mapping::load(
        &installation.application_uri,
        env!("CARGO_PKG_VERSION"),
    )?);
    let started = Utc::now();
    let pulse = Arc::new(Pulse::default());
    let status = BridgeStatus {
        started,
        machines: u32::try_from(config.machines.len()).unwrap_or(u32::MAX),
        ..BridgeStatus::default()
    };
    let pulse_instance = shared(mapping.bridge_instance(&status, started));

    let mut bridge = Bridge {
        servers: Vec::new(),
        machines: Vec::new(),
        pulse: PulseTask {
            instance: Arc::clone(&pulse_instance),
            mapping: Arc::clone(&mapping),
            publishers: Vec::new(),
            pulse: Arc::clone(&pulse),
            status,
        },
        clients: HttpClients::default(),
        store: Store::absent(),
    };
    let shared_names = install::SharedNames::of(config);
    let (store, mut saved) = remember::open(config, started)?;
    for (listener, members) in listeners.into_iter().zip(by_port.into_values()) {
        let mut machines = Vec::new();
        let mut served = vec![Served {
            instance: Arc::clone(&pulse_instance),
            audience: install::bridge_audience(config),
            commands: None,
        }];
        for &member in &members {
            let source = install::source(member)?;
            let mut machine = Machine::resume(
                install::nameplate(member, &shared_names),
                install::patience(config, member),
                saved.remove(&member.id).unwrap_or_default(),
            );
            machine.keep = install::keep(config);
            let instance = shared(mapping.instantiate(&machine, started)?);
            let (commands, asked) = mpsc::channel(REQUESTS);
            served.push(Served {
                instance: Arc::clone(&instance),
                audience: install::audience(config, member),
                commands: Some(commands),
            });
            machines.push((machine, instance, source, asked));
        }
        let endpoint = Endpoint::new(
            config,
            &installation,
            listener,
            Plant::new(served),
            machines.len(),
        )?;
        let publisher = endpoint.publisher.clone();
        bridge.servers.push(endpoint);
        bridge.pulse.publishers.push(publisher.clone());
        for (machine, instance, source, asked) in machines {
            let task = MachineTask {
                chronicle: mapping.chronicle(&machine),
                machine,
                instance,
                mapping: Arc::clone(&mapping),
                publisher: publisher.clone(),
                pulse: Arc::clone(&pulse),
                online: false,
                memory: Memory::new(store.clone()),
            };
            bridge.machines.push((task, source, asked));
        }
    }
    bridge.store = store;
    Ok(bridge)
}

/// What a certificate of this installation is made for, as `run` would make it; it names no port.
///
/// # Errors
/// If the state folder cannot be used.
pub fn certificate_settings(config: &Config) -> Result<Settings, BridgeError> {
    let making = install::Making::begin(config)?;
    let installation = install::Installation::find(config, &making)?;
    Ok(installation.settings(config, DEFAULT_PORT))
}

fn machines_by_port(config: &Config) -> BTreeMap<u16, Vec<&MachineConfig>> {
    let mut by_port = BTreeMap::<u16, Vec<_>>::new();
    for machine in &config.machines {
        by_port.entry(machine.port).or_default().push(machine);
    }
    by_port
}

impl Bridge {
    /// The one line that tells the operator that the start has ended, with every endpoint.
    pub fn ready_line(&self) -> String {
        let endpoints: Vec<String> = self.servers.iter().map(ToString::to_string).collect();
        format!(
            "umati-bridge {} is ready: {}",
            env!("CARGO_PKG_VERSION"),
            endpoints.join(", ")
        )
    }

    /// Serves until `shutdown`, then ends every task within a few seconds.
    ///
    /// # Errors
    /// If a server stopped by itself or a task died; everything else is ended then, too.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), BridgeError> {
        let shutdown = shutdown.child_token();
        let mut crew = Crew::new(shutdown.clone());
        // All servers show one certificate.
        if let Some(expiry) = self.servers.first().map(|it| it.expiry.clone()) {
            let shutdown = shutdown.clone();
            crew.spawn("watch over the certificate".to_owned(), async move {
                shutdown.run_until_cancelled(expiry.watch()).await;
                Ok(())
            });
        }
        for endpoint in self.servers {
            let name = format!("server {}", endpoint.url());
            crew.spawn(name, endpoint.serve(shutdown.clone()));
        }
        let pulse = self.pulse.run(shutdown.clone());
        crew.spawn("pulse of the bridge".to_owned(), async {
            pulse.await;
            Ok(())
        });
        for (task, source, asked) in self.machines {
            let name = format!("task of machine {}", source.id);
            let (observed, queue) = mpsc::channel(QUEUE);
            let (poke, looks) = Poke::new();
            let controller = Controller::new(source.clone(), self.clients.clone());
            let errands = Errands::new(controller, poke);
            // Boxed, because to join futures by value takes their memory twice.
            let source = Box::pin(octoprint::observe(
                source,
                self.clients.clone(),
                looks,
                observed,
                shutdown.clone(),
            ));
            let machine = Box::pin(task.run(queue, asked, errands, shutdown.clone()));
            // Both ends of the queue are one task: if one dies, the other does, and the reason is told.
            crew.spawn(name, async {
                tokio::join!(source, machine);
                Ok(())
            });
        }
        let ended = crew.run(DRAIN).await;
        if tokio::time::timeout(DRAIN, self.store.close())
            .await
            .is_err()
        {
            journal::drain_cut_short();
        }
        ended
    }
}

fn shared(instance: Instance) -> SharedInstance {
    Arc::new(RwLock::new(instance))
}
