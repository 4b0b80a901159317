//! The stage in one process: simulated OctoPrints that a test holds in its hand, and the bridge before them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use umati_bridge::bridge;
use umati_bridge::config::{
    Config, DataSource, Identification, JobLog, MachineConfig, Secret, Tls,
};
use umati_bridge::octoprint::simulator::{
    API_KEY, Clock, Conduct, Handle, Settings, Simulator, printer_name,
};
use umati_bridge::server::WORKER_STACK_SIZE;
use url::Url;

use crate::common::PATIENCE;
use crate::mes::Mes;

/// Ten times as often as by default: a fault shows, and passes, ten times as fast.
pub const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Runs a test on a runtime like the program's own.
pub fn block_on<F: Future>(test: F) -> F::Output {
    runtime().block_on(test)
}

/// For a test that may not wait within it, because it drives a real OctoPrint.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(WORKER_STACK_SIZE)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Waits until something is so that nobody tells.
pub async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    waited.unwrap_or_else(|_| panic!("never: {what}"));
}

/// OctoPrints on one port, each with a printer that waits for commands.
pub struct OctoPrints {
    simulator: Arc<Simulator>,
    address: SocketAddr,
    serving: Option<(CancellationToken, JoinHandle<std::io::Result<()>>)>,
}

impl OctoPrints {
    pub async fn start(printers: usize) -> Self {
        let settings = Settings {
            printers,
            conduct: Conduct::Manual,
            ..Settings::default()
        };
        let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await;
        let mut octoprints = Self {
            simulator: Simulator::with_clock(&settings, Clock::running(1.0)),
            address: listener.local_addr().expect("an address"),
            serving: None,
        };
        octoprints.serve(listener);
        octoprints
    }

    fn serve(&mut self, listener: TcpListener) {
        let shutdown = CancellationToken::new();
        let serving = Arc::clone(&self.simulator).serve(listener, shutdown.clone());
        self.serving = Some((shutdown, tokio::spawn(serving)));
    }

    /// Ends the servers: connections are refused from then on.
    pub async fn stop(&mut self) {
        let (shutdown, ended) = self.serving.take().expect("they run");
        shutdown.cancel();
        ended.await.expect("no panic").expect("an orderly end");
    }

    /// Starts them again on the same port.
    pub async fn start_again(&mut self) {
        let listener = listen(self.address).await;
        self.serve(listener);
    }

    /// The controls of a printer; the first is number 1.
    pub fn printer(&self, number: usize) -> Handle {
        self.simulator.printer(number).expect("a printer")
    }

    /// The configuration of a machine in front of this printer, named like the printer.
    pub fn machine(&self, number: usize) -> MachineConfig {
        let name = printer_name(number);
        let url = format!("http://{}/{name}/", self.address);
        machine(&name, &url, API_KEY)
    }

    pub fn machines(&self, count: usize) -> Vec<MachineConfig> {
        (1..=count).map(|number| self.machine(number)).collect()
    }

    /// The same machines, read in this way.
    pub fn machines_by(&self, source: DataSource, count: usize) -> Vec<MachineConfig> {
        let machines = self.machines(count).into_iter();
        machines.map(|it| MachineConfig { source, ..it }).collect()
    }
}

async fn listen(address: SocketAddr) -> TcpListener {
    TcpListener::bind(address).await.expect("a port")
}

/// A machine with nothing configured but what must be.
pub fn machine(name: &str, url: &str, key: &str) -> MachineConfig {
    MachineConfig {
        id: name.to_owned(),
        name: name.to_owned(),
        url: Url::parse(url).expect("a URL"),
        key: Secret::new(key),
        mes_ids: vec![1],
        port: 0,
        source: DataSource::Auto,
        poll_interval: POLL_INTERVAL,
        heartbeat_interval: POLL_INTERVAL,
        control: false,
        identification: Identification::default(),
        tls: Tls::SystemRoots,
    }
}

/// The same machine as it stands in a config file.
pub fn written(machine: &MachineConfig) -> Value {
    json!({
        "type": "OCTOPRINT",
        "url": machine.url.as_str(),
        "custom_name": machine.name,
        "api_key": API_KEY,
        "mes_id": machine.mes_ids,
        "poll_interval_ms": POLL_INTERVAL.as_millis(),
        "control": machine.control,
    })
}

/// A bridge that runs until it is dropped.
pub struct Bridge {
    ready_line: String,
    _shutdown: DropGuard,
    /// Holds the `state_dir`.
    _home: TempDir,
}

impl Bridge {
    pub async fn start(machines: Vec<MachineConfig>) -> Self {
        Self::start_with(machines, Duration::from_secs(60)).await
    }

    /// `stale_after`: how long the last values of an unreachable machine are usable.
    pub async fn start_with(machines: Vec<MachineConfig>, stale_after: Duration) -> Self {
        Self::start_as(machines, |config| config.stale_after = stale_after).await
    }

    /// With a config that `change` may change.
    pub async fn start_as(machines: Vec<MachineConfig>, change: impl FnOnce(&mut Config)) -> Self {
        let home = TempDir::new().expect("a folder");
        let mut config = Config {
            machines,
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            public_hostname: None,
            state_dir: home.path().join("state"),
            stale_after: Duration::from_secs(60),
            allow_anonymous: false,
            job_log: JobLog::default(),
            mes: Vec::new(),
            operators: Vec::new(),
        };
        change(&mut config);
        let bridge = bridge::start(&config).unwrap_or_else(|error| panic!("{error}"));
        let ready_line = bridge.ready_line();
        let shutdown = CancellationToken::new();
        tokio::spawn(bridge.run(shutdown.clone()));
        Self {
            ready_line,
            _shutdown: shutdown.drop_guard(),
            _home: home,
        }
    }

    /// A client of the only endpoint.
    pub async fn mes(&self) -> Mes {
        Mes::connect(self.endpoint()).await
    }

    pub fn endpoint(&self) -> &str {
        match endpoints(&self.ready_line)[..] {
            [endpoint] => endpoint,
            _ => panic!("not one endpoint: {}", self.ready_line),
        }
    }
}

/// The endpoint URLs in a ready line.
pub fn endpoints(ready_line: &str) -> Vec<&str> {
    let words = ready_line.split(' ');
    words
        .filter(|word| word.starts_with("opc.tcp://"))
        .collect()
}
