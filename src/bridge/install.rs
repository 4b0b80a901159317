//! Configuration → what the other rooms ask for: they know nothing of `config`, this file is the translation.

use std::collections::HashSet;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use crate::config::{self, Config, MachineConfig, MesRole, Tls};
use crate::machine::{Keep, Nameplate, Patience};
use crate::octoprint::{ApiKey, InvalidKey, Purpose, Source, TlsTrust, Way};
use crate::server::{self, Audience, Role, Settings, Sight, User, Users, Viewer};

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

/// Keeps other processes from making an ApplicationUri in the same state folder at the same time.
pub(super) struct Making(
    #[expect(dead_code, reason = "the lock ends when the file is closed")] File,
);

impl Making {
    /// Waits until no other process makes one in the folder of `config`; makes the folder if need be.
    pub(super) fn begin(config: &Config) -> Result<Self, InstallationError> {
        server::lock(&config.state_dir)
            .map(Self)
            .map_err(|(path, reason)| InstallationError { path, reason })
    }
}

/// What is the same for all ports of this installation, for ever.
pub(super) struct Installation {
    /// Globally unique: clients, generated serial numbers and the certificate are bound to it.
    pub application_uri: String,
}

impl Installation {
    /// Reads the ApplicationUri from the state folder, or makes one and keeps it there: a host may be renamed later.
    ///
    /// Its last part is random, because two hosts may have one name, and one host two configurations.
    pub(super) fn find(config: &Config, _: &Making) -> Result<Self, InstallationError> {
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
        let application_uri = format!("urn:{host}:umati-bridge:{:08x}", fastrand::u32(..));
        fs::write(&path, format!("{application_uri}\n")).map_err(failed)?;
        Ok(Self { application_uri })
    }

    pub(super) fn settings(&self, config: &Config, port: u16) -> Settings {
        Settings {
            listen: config.listen,
            port,
            public_hostname: config.public_hostname.clone(),
            application_uri: self.application_uri.clone(),
            state_dir: config.state_dir.clone(),
            allow_anonymous: config.allow_anonymous,
            users: users(config),
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
        way: match machine.source {
            config::DataSource::Auto => Way::Auto,
            config::DataSource::Poll => Way::Poll,
            config::DataSource::Push => Way::Push,
        },
        poll_interval: machine.poll_interval,
        heartbeat_interval: machine.heartbeat_interval,
        purpose: if machine.control {
            Purpose::Control
        } else {
            Purpose::Observe
        },
    })
}

/// Everybody who may log in.
fn users(config: &Config) -> Users {
    let login = |login: &config::Login| match login {
        config::Login::Password { user, hash } => server::Login::Password {
            user: user.clone(),
            hash: hash.clone(),
        },
        config::Login::Certificate(thumbprint) => server::Login::Certificate(*thumbprint),
    };
    let instances = config.mes.iter().map(|mes| User {
        viewer: Viewer {
            name: mes.name.clone(),
            role: match mes.role {
                MesRole::Observe => Role::Observe,
                MesRole::Control => Role::Control,
            },
            sight: Sight::Instance(mes.id),
        },
        login: login(&mes.login),
    });
    let operators = config.operators.iter().map(|operator| User {
        viewer: Viewer {
            name: operator.name.clone(),
            role: Role::Operator,
            sight: Sight::All,
        },
        login: login(&operator.login),
    });
    instances.chain(operators).collect()
}

/// Who may know of a machine: where nobody can log in, everybody is one and the same.
pub(super) fn audience(config: &Config, machine: &MachineConfig) -> Audience {
    if config.mes.is_empty() && config.operators.is_empty() {
        Audience::Everyone
    } else {
        Audience::Instances(machine.mes_ids.clone())
    }
}

/// Who may know of the bridge itself, which tells how many machines there are.
pub(super) fn bridge_audience(config: &Config) -> Audience {
    if config.mes.is_empty() && config.operators.is_empty() {
        Audience::Everyone
    } else {
        Audience::Operators
    }
}

/// How much of what is over a machine keeps.
pub(super) fn keep(config: &Config) -> Keep {
    Keep {
        orders: usize::from(config.job_log.orders),
        age: Duration::from_secs(u64::from(config.job_log.days) * 24 * 60 * 60),
    }
}

/// The names that several machines have. Siblings need distinct names, so these get the id behind them.
pub(super) struct SharedNames<'a>(HashSet<&'a str>);

impl<'a> SharedNames<'a> {
    pub(super) fn of(config: &'a Config) -> Self {
        let mut seen = HashSet::new();
        let names = config.machines.iter().map(|machine| machine.name.as_str());
        Self(names.filter(|name| !seen.insert(*name)).collect())
    }
}

pub(super) fn nameplate(machine: &MachineConfig, shared: &SharedNames<'_>) -> Nameplate {
    let plate = machine.identification.clone();
    let name = if shared.0.contains(machine.name.as_str()) {
        format!("{} ({})", machine.name, machine.id)
    } else {
        machine.name.clone()
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
        control: machine.control,
    }
}

pub(super) fn patience(config: &Config, machine: &MachineConfig) -> Patience {
    Patience {
        stale_after: config.stale_after,
        frozen_after: FROZEN_AT_LEAST.max(machine.poll_interval * FROZEN_POLLS),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::path::Path;

    use tempfile::TempDir;
    use url::Url;

    use super::*;
    use crate::config::{Identification, JobLog, Secret};

    fn machine(id: &str, name: &str) -> MachineConfig {
        MachineConfig {
            id: id.to_owned(),
            name: name.to_owned(),
            url: Url::parse("http://127.0.0.1/").expect("a URL"),
            key: Secret::new("A0A00B123E454H122BD513FE58B5E9BC"),
            mes_ids: vec![1],
            port: 0,
            source: config::DataSource::Auto,
            poll_interval: Duration::from_secs(1),
            heartbeat_interval: Duration::from_secs(10),
            control: false,
            identification: Identification::default(),
            tls: Tls::SystemRoots,
        }
    }

    fn config(state_dir: &Path, machines: Vec<MachineConfig>) -> Config {
        Config {
            machines,
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            public_hostname: Some("gateway".to_owned()),
            state_dir: state_dir.to_owned(),
            stale_after: Duration::from_secs(60),
            allow_anonymous: false,
            job_log: JobLog::default(),
            mes: Vec::new(),
            operators: Vec::new(),
        }
    }

    #[test]
    fn the_application_uri_survives_a_new_host_name() {
        let home = TempDir::new().expect("a folder");
        let mut config = config(&home.path().join("not/there/yet"), Vec::new());
        let found = |config: &Config| {
            let making = Making::begin(config).expect("a folder");
            let found = Installation::find(config, &making).expect("found");
            found.application_uri
        };
        let first = found(&config);
        assert!(first.starts_with("urn:gateway:umati-bridge:"), "{first}");
        config.public_hostname = None;
        assert_eq!(found(&config), first);
    }

    #[test]
    fn two_installations_on_one_host_differ() {
        let found = || {
            let home = TempDir::new().expect("a folder");
            let config = config(home.path(), Vec::new());
            let making = Making::begin(&config).expect("a folder");
            let found = Installation::find(&config, &making).expect("found");
            found.application_uri
        };
        assert_ne!(found(), found());
    }

    #[test]
    fn a_state_folder_that_cannot_be_is_told_with_its_key() {
        let home = TempDir::new().expect("a folder");
        let file = home.path().join("file");
        fs::write(&file, "").expect("written");
        let config = config(&file.join("state"), Vec::new());
        let refused = Making::begin(&config).err().expect("refused");
        let told = refused.to_string();
        assert!(told.starts_with(&file.display().to_string()), "{told}");
        assert!(
            told.ends_with("set `state_dir` to a folder that this program may write"),
            "{told}"
        );
    }

    #[test]
    fn only_a_shared_name_gets_the_id_behind_it() {
        let names = [
            ("a", "Prusa"),
            ("b", "Prusa"),
            ("c", "Ender"),
            ("d", "Prusa"),
        ];
        let machines = names.map(|(id, name)| machine(id, name)).to_vec();
        let config = config(Path::new(""), machines);
        let shared = SharedNames::of(&config);
        let shown: Vec<_> = config
            .machines
            .iter()
            .map(|machine| nameplate(machine, &shared).name)
            .collect();
        assert_eq!(shown, ["Prusa (a)", "Prusa (b)", "Ender", "Prusa (d)"]);
    }

    #[test]
    fn a_slow_poll_is_not_a_frozen_feed() {
        let mut slow = machine("a", "a");
        let config = config(Path::new(""), Vec::new());
        assert_eq!(patience(&config, &slow).frozen_after, FROZEN_AT_LEAST);
        slow.poll_interval = Duration::from_secs(60);
        let frozen_after = patience(&config, &slow).frozen_after;
        assert_eq!(frozen_after, Duration::from_secs(600));
    }

    #[test]
    fn a_key_that_cannot_be_sent_names_the_machine_and_not_the_key() {
        let wrong = MachineConfig {
            key: Secret::new("hunter\n2"),
            ..machine("prusa", "Prusa")
        };
        let told = source(&wrong).expect_err("refused").to_string();
        assert!(told.starts_with("prusa: the API key holds"), "{told}");
        assert!(!told.contains("hunter"), "{told}");
    }
}
