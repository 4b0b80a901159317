//! `demo` and `simulate`: simulated printers, and the bridge in front of them over real HTTP like any OctoPrint.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::{
    Config, DataSource, Identification, JobLog, Login, MachineConfig, MesInstance, MesRole, Secret,
    Tls,
};
use crate::octoprint::simulator::{self, API_KEY, Settings, printer_name};
use crate::password::Hash;

/// The id of the demo's one MES instance.
const MES: u32 = 1;
/// Of `demo`: no secret, the documentation tells it. The server listens on loopback only.
const PASSWORD_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$CyodjtGLEvkEPfc4kQpVTQ$tS2n8AXouibQGwARVggxvJn6HuDd+/BVwSbnUK/P2eY";

/// Binds the simulator's port on loopback; 0 lets the system choose.
///
/// # Errors
/// If the port cannot be bound.
pub async fn bind(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// The one line that tells where the simulated OctoPrints are.
///
/// # Errors
/// If the simulator's own address is not known.
pub fn ready_line(simulator: &TcpListener, printers: u16) -> std::io::Result<String> {
    Ok(format!(
        "simulator is ready: http://{}/{}/ and so on, {printers} in all, API key {API_KEY}",
        simulator.local_addr()?,
        printer_name(1),
    ))
}

/// Simulates printers, `speed` times faster than life, until `shutdown`.
///
/// # Errors
/// As [`simulator::simulate`].
pub async fn simulate(
    listener: TcpListener,
    printers: u16,
    speed: f64,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let settings = Settings {
        printers: usize::from(printers),
        speed,
        ..Settings::default()
    };
    simulator::simulate(listener, &settings, shutdown).await
}

/// The configuration of a bridge that serves `printers` simulated printers behind `simulator`.
///
/// # Errors
/// If the simulator's own address is not known.
pub fn config(simulator: &TcpListener, printers: u16, port: u16) -> std::io::Result<Config> {
    let address = simulator.local_addr()?;
    let machines = (1..=usize::from(printers))
        .map(|number| machine(&address.to_string(), number, port))
        .collect::<Result<_, _>>()
        .map_err(std::io::Error::other)?;
    Ok(Config {
        machines,
        listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
        public_hostname: None,
        state_dir: state_dir(),
        stale_after: Duration::from_secs(60),
        // UaExpert shows the printers without a login; who starts prints logs in.
        allow_anonymous: true,
        job_log: JobLog::default(),
        mes: vec![mes()?],
        operators: Vec::new(),
    })
}

fn machine(simulator: &str, number: usize, port: u16) -> Result<MachineConfig, url::ParseError> {
    let name = printer_name(number);
    Ok(MachineConfig {
        url: Url::parse(&format!("http://{simulator}/{name}/"))?,
        id: name.clone(),
        name,
        key: Secret::new(API_KEY),
        mes_ids: vec![MES],
        port,
        source: DataSource::Auto,
        poll_interval: Duration::from_secs(1),
        heartbeat_interval: Duration::from_secs(10),
        control: true,
        identification: Identification {
            manufacturer: Some("umati-bridge".to_owned()),
            model: Some("Simulated printer".to_owned()),
            location: Some("VIRTUAL 1 1".to_owned()),
            ..Identification::default()
        },
        tls: Tls::SystemRoots,
    })
}

/// The MES instance that may start prints: user `mes1`, password `demo`.
fn mes() -> std::io::Result<MesInstance> {
    let hash = Hash::parse(PASSWORD_HASH).map_err(std::io::Error::other)?;
    Ok(MesInstance {
        id: MES,
        name: "Demo MES".to_owned(),
        role: MesRole::Control,
        login: Login::Password {
            user: format!("mes{MES}"),
            hash,
        },
    })
}

/// Where the demo keeps its certificate, so that clients see the same server again (XDG Base Directory).
fn state_dir() -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".local/state")))
        .unwrap_or_else(std::env::temp_dir);
    state.join("umati-bridge-demo")
}
