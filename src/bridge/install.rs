//! Configuration → what the other rooms ask for: they know nothing of `config`, this file is the translation.

use std::time::Duration;

use crate::config::{Config, MachineConfig, Tls};
use crate::machine::{Nameplate, Patience};
use crate::octoprint::{ApiKey, InvalidKey, Source, TlsTrust};
use crate::server::{Identity, IdentityError, Settings};

/// A temperature feed that stands still for this many polls is frozen, but never sooner than [`FROZEN_AT_LEAST`]:
/// OctoPrint itself samples only every 5 s while the printer is idle.
const FROZEN_POLLS: u32 = 10;
const FROZEN_AT_LEAST: Duration = Duration::from_secs(30);

/// A machine whose OctoPrint cannot be addressed as configured.
#[derive(Debug, thiserror::Error)]
#[error("{machine}: {reason}")]
pub struct SourceError {
    machine: String,
    reason: InvalidKey,
}

/// What is the same for all ports of this installation.
pub(super) struct Installation {
    /// Globally unique, and kept for ever: clients, generated serial numbers and the certificate are bound to it.
    pub application_uri: String,
}

impl Installation {
    /// The ApplicationUri stands in the certificate; before there is one, it is made of the host's name.
    pub fn find(config: &Config) -> Result<Self, IdentityError> {
        let application_uri = match Identity::application_uri(&config.state_dir)? {
            Some(uri) => uri,
            None => {
                let host = config.public_hostname.clone().unwrap_or_else(|| {
                    gethostname::gethostname().to_string_lossy().into_owned()
                });
                format!("urn:{host}:umati-bridge")
            }
        };
        Ok(Self { application_uri })
    }

    pub fn settings(&self, config: &Config, port: u16) -> Settings {
        Settings {
            listen: config.listen,
            port,
            public_hostname: config.public_hostname.clone(),
            application_uri: self.application_uri.clone(),
            state_dir: config.state_dir.clone(),
            allow_anonymous: config.allow_anonymous,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

pub(super) fn source(machine: &MachineConfig) -> Result<Source, SourceError> {
    let key = ApiKey::new(machine.key.expose()).map_err(|reason| SourceError {
        machine: machine.id.clone(),
        reason,
    })?;
    Ok(Source {
        id: machine.id.clone(),
        base: machine.url.clone(),
        key,
        tls: match &machine.tls {
            Tls::SystemRoots => TlsTrust::SystemRoots,
            Tls::CaFile(path) => TlsTrust::CaFile(path.clone()),
            Tls::Fingerprint(fingerprint) => TlsTrust::Fingerprint(*fingerprint),
        },
        poll_interval: machine.poll_interval,
    })
}

pub(super) fn nameplate(machine: &MachineConfig) -> Nameplate {
    let plate = machine.identification.clone();
    Nameplate {
        id: machine.id.clone(),
        name: machine.name.clone(),
        manufacturer: plate.manufacturer,
        model: plate.model,
        serial_number: plate.serial_number,
        product_code: plate.product_code,
        year_of_construction: plate.year_of_construction,
        location: plate.location,
        asset_id: plate.asset_id,
    }
}

pub(super) fn patience(config: &Config, machine: &MachineConfig) -> Patience {
    Patience {
        stale_after: config.stale_after,
        frozen_after: FROZEN_AT_LEAST.max(machine.poll_interval * FROZEN_POLLS),
    }
}
