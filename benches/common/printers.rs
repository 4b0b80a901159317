//! Simulated OctoPrints in the process of the bench, with printers that wait for commands.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use umati_bridge::octoprint::simulator::{
    AfterSelect, Clock, Command, Conduct, Handle, Settings, Simulator,
};

/// Takes an hour and more.
const LONG: &str = "customers/4711/housing top.gcode";

/// They are served until this is dropped.
pub struct Printers {
    pub simulator: Arc<Simulator>,
    /// Of all of them, without a slash at the end.
    pub base: String,
    count: usize,
    address: SocketAddr,
    serving: Option<(DropGuard, JoinHandle<std::io::Result<()>>)>,
}

impl Printers {
    /// `speed`: how many times as fast as real ones.
    pub async fn start(printers: usize, speed: f64) -> Self {
        let settings = Settings {
            printers,
            conduct: Conduct::Manual,
            ..Settings::default()
        };
        let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await;
        let address = listener.local_addr().expect("an address");
        let mut printers = Self {
            simulator: Simulator::with_clock(&settings, Clock::running(speed)),
            base: format!("http://{address}"),
            count: printers,
            address,
            serving: None,
        };
        printers.serve(listener);
        printers
    }

    /// By its number, from 1.
    pub fn printer(&self, number: usize) -> Handle {
        self.simulator.printer(number).expect("a printer")
    }

    /// All of them begin a long print.
    pub fn print(&self) {
        for number in 1..=self.count {
            let path = LONG.to_owned();
            let then = AfterSelect::Print;
            let print = Command::Select { path, then };
            self.printer(number).command(print).expect("it prints");
        }
    }

    /// Connections are refused from then on.
    pub async fn stop(&mut self) {
        let (shutdown, ended) = self.serving.take().expect("they are served");
        drop(shutdown);
        ended.await.expect("no panic").expect("an orderly end");
    }

    /// Serves them again at the same address.
    pub async fn start_again(&mut self) {
        let listener = listen(self.address).await;
        self.serve(listener);
    }

    fn serve(&mut self, listener: TcpListener) {
        let shutdown = CancellationToken::new();
        let serving = Arc::clone(&self.simulator).serve(listener, shutdown.clone());
        self.serving = Some((shutdown.drop_guard(), tokio::spawn(serving)));
    }
}

async fn listen(address: SocketAddr) -> TcpListener {
    TcpListener::bind(address).await.expect("a port")
}
