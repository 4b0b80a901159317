//! Configuration → what the other rooms ask for: they know nothing of `config`, this file is the translation.

use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use crate::config::{Config, MachineConfig, Tls};
use crate::machine::{Nameplate, Patience};
use crate::octoprint::{ApiKey, InvalidKey, Source, TlsTrust};
use crate::server::Settings;

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

/// The state folder cannot hold what must be kept.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}; set `state_dir` to a folder that this program may write", path = path.display())]
pub struct InstallationError {
    path: PathBuf,
    reason: io::Error,
}

/// What is the same for all ports of this installation, for ever.
pub(super) struct Installation {
    /// Globally unique: clients, generated serial numbers and the certificate are bound to it.
    pub application_uri: String,
}

impl Installation {
    /// Reads the ApplicationUri from the state folder, or makes one of the host's name and keeps it there: a host may
    /// be renamed later.
    pub fn find(config: &Config) -> Result<Self, InstallationError> {
        let path = config.state_dir.join("application-uri.txt");
        let failed = |reason| InstallationError {
            path: path.clone(),
            reason,
        };
        let kept = match fs::read_to_string(&path) {
            Ok(text) => text.trim().to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        if !kept.is_empty() {
            return Ok(Self {
                application_uri: kept,
            });
        }
        let host = config.public_hostname.clone();
        let host =
            host.unwrap_or_else(|| gethostname::gethostname().to_string_lossy().into_owned());
        let application_uri = format!("urn:{host}:umati-bridge");
        fs::create_dir_all(&config.state_dir).map_err(failed)?;
        fs::write(&path, format!("{application_uri}\n")).map_err(failed)?;
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

/// The nameplate; a name that several machines share gets the id behind it, because siblings need distinct names.
pub(super) fn nameplate(config: &Config, machine: &MachineConfig) -> Nameplate {
    let plate = machine.identification.clone();
    let bearers = config.machines.iter().filter(|m| m.name == machine.name);
    let name = match bearers.count() {
        1 => machine.name.clone(),
        _ => format!("{} ({})", machine.name, machine.id),
    };
    Nameplate {
        id: machine.id.clone(),
        name,
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
