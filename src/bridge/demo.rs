//! `demo` and `simulate`: simulated printers, and the bridge in front of them over real HTTP like any OctoPrint.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::{Config, Identification, JobLog, MachineConfig, Secret, Tls};
use crate::octoprint::simulator::{self, API_KEY, Settings, printer_name};

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
        allow_anonymous: false,
        job_log: JobLog::default(),
        mes: Vec::new(),
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
        mes_ids: vec![1],
        port,
        poll_interval: Duration::from_secs(1),
        control: false,
        identification: Identification {
            manufacturer: Some("umati-bridge".to_owned()),
            model: Some("Simulated printer".to_owned()),
            location: Some("VIRTUAL 1 1".to_owned()),
            ..Identification::default()
        },
        tls: Tls::SystemRoots,
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
