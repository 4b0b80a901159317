//! What is valid: the configuration that the rest of the program works with. It needs no further checks.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::secret::Secret;
use crate::password::Hash;

/// A whole configuration. There is at least one machine; ids, MES ids, users and certificates are unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// In the order of the file.
    pub machines: Vec<MachineConfig>,
    /// The address that the OPC UA servers listen on.
    pub listen: IpAddr,
    /// What clients see in endpoint URLs and the certificate, if it is not this computer's own name.
    pub public_hostname: Option<String>,
    /// Absolute; need not exist yet.
    pub state_dir: PathBuf,
    /// How long the last values of an unreachable machine are usable.
    pub stale_after: Duration,
    /// The operator wants the server open to everybody who reaches it.
    pub allow_anonymous: bool,
    /// How much is kept of the jobs that are over.
    pub job_log: JobLog,
    /// The MES instances that may log in.
    pub mes: Vec<MesInstance>,
    /// The people and programs that see all machines.
    pub operators: Vec<Operator>,
}

/// One OctoPrint and its printer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineConfig {
    /// Part of NodeIds and job identities: ASCII letters, digits, `-`, `_`, `.`; never the bridge's own id.
    pub id: String,
    /// The name shown in the MES; the id if the operator gave none.
    pub name: String,
    /// The base URL; its path ends with `/`, so that joining `api/job` appends.
    pub url: Url,
    /// Visible ASCII only: fit for an HTTP header.
    pub key: Secret,
    /// The MES instances that get this machine, each once, in the order of the file.
    pub mes_ids: Vec<u32>,
    /// Machines with the same port share one OPC UA server.
    pub port: u16,
    pub source: DataSource,
    pub poll_interval: Duration,
    /// How often it is asked while it tells by itself; not more often than `poll_interval`.
    pub heartbeat_interval: Duration,
    /// Clients whose role allows it may start, pause and abort prints.
    pub control: bool,
    pub identification: Identification,
    pub tls: Tls,
}

/// How a machine's OctoPrint is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataSource {
    /// It tells by itself where it can, and is asked where it cannot.
    #[default]
    Auto,
    /// It is asked only.
    Poll,
    /// It tells by itself, and is asked no more often than for a heartbeat if it does not.
    Push,
}

/// What OctoPrint cannot tell about a machine (OPC 40001-1 Identification).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identification {
    pub manufacturer: Option<String>,
    pub model: Option<String>,
    pub serial_number: Option<String>,
    pub product_code: Option<String>,
    pub year_of_construction: Option<u16>,
    pub location: Option<String>,
    pub asset_id: Option<String>,
}

/// How much is kept of the jobs that are over; what exceeds either is forgotten, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobLog {
    /// Orders of each machine, 1 to 1000.
    pub orders: u16,
    /// 1 to 3650.
    pub days: u16,
}

impl Default for JobLog {
    /// Enough for what a MES missed over a long weekend, and little to read.
    fn default() -> Self {
        Self {
            orders: 50,
            days: 30,
        }
    }
}

/// Whom to trust when the URL is https.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// The certificate authorities of the operating system.
    SystemRoots,
    /// These certificate authorities only; a PEM file that was there when the configuration was loaded.
    CaFile(PathBuf),
    /// The server with exactly this certificate; SHA-256 of its DER form.
    Fingerprint([u8; 32]),
}

/// An MES instance of the organisation. Logged in as this, a client sees the machines whose `mes_ids` hold `id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MesInstance {
    pub id: u32,
    pub name: String,
    pub role: MesRole,
    pub login: Login,
}

/// What an MES instance may do with its machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MesRole {
    Observe,
    /// Also call methods of machines with `control`, and write what is writable.
    Control,
}

/// Somebody who sees all machines, for diagnosis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    pub name: String,
    pub login: Login,
}

/// How a client proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    Password {
        user: String,
        hash: Hash,
    },
    /// SHA-256 thumbprint of the certificate (DER form) that the client shows as its X509 user identity.
    Certificate([u8; 32]),
}
