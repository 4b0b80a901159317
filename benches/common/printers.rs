//! Simulated OctoPrints in the process of the bench, with printers that wait for commands.

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use umati_bridge::octoprint::simulator::{Clock, Conduct, Settings, Simulator};

/// They are served until this is dropped.
pub struct Printers {
    pub simulator: Arc<Simulator>,
    /// Of all of them, without a slash at the end.
    pub base: String,
    _shutdown: DropGuard,
}

impl Printers {
    /// `speed`: how many times as fast as real ones.
    pub async fn start(printers: usize, speed: f64) -> Self {
        let settings = Settings {
            printers,
            conduct: Conduct::Manual,
            ..Settings::default()
        };
        let simulator = Simulator::with_clock(&settings, Clock::running(speed));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let shutdown = CancellationToken::new();
        tokio::spawn(Arc::clone(&simulator).serve(listener, shutdown.clone()));
        Self {
            simulator,
            base,
            _shutdown: shutdown.drop_guard(),
        }
    }
}
