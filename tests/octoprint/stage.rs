//! The embedded OctoPrint as a server to act on: one printer, driven by a clock that the test moves.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use umati_bridge::machine::{FileRef, PrinterAction, Refusal};
use umati_bridge::octoprint::simulator::{
    CONTROL_KEY, Clock, Conduct, Handle, Settings, Simulator, State, printer_name,
};
use umati_bridge::octoprint::{ApiKey, Controller, HttpClients, Limits, Source};

use crate::feed::{limits, source};

/// Lies on every simulated printer.
pub const RING: &str = "demo-ring.gcode";

/// Stops the server when it is dropped.
pub struct Stage {
    pub clock: Clock,
    pub printer: Handle,
    url: String,
    _shutdown: DropGuard,
}

pub fn print(path: &str) -> PrinterAction {
    PrinterAction::Print(FileRef {
        origin: "local".to_owned(),
        path: path.to_owned(),
    })
}

impl Stage {
    /// Operational, with no file selected; time stands still.
    pub async fn set() -> Self {
        Self::with(Clock::manual()).await
    }

    pub async fn with(clock: Clock) -> Self {
        let settings = Settings {
            printers: 5,
            conduct: Conduct::Manual,
            ..Settings::default()
        };
        let simulator = Simulator::with_clock(&settings, clock.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://{}/{}/",
            listener.local_addr().unwrap(),
            printer_name(5)
        );
        let printer = simulator.printer(5).unwrap();
        let shutdown = CancellationToken::new();
        tokio::spawn(Arc::clone(&simulator).serve(listener, shutdown.clone()));
        Self {
            clock,
            printer,
            url,
            _shutdown: shutdown.drop_guard(),
        }
    }

    pub fn source(&self, key: &str) -> Source {
        Source {
            key: ApiKey::new(key).unwrap(),
            ..source("test", &self.url)
        }
    }

    pub fn controller(&self, key: &str, limits: Limits) -> Controller {
        Controller::new(self.source(key), HttpClients::new(limits))
    }

    pub async fn act(&self, action: &PrinterAction) -> Result<(), Refusal> {
        self.controller(CONTROL_KEY, limits()).act(action).await
    }

    pub fn wait(&self, seconds: u64) {
        self.clock.advance(std::time::Duration::from_secs(seconds));
    }

    /// Prints, long enough to be past the start.
    pub async fn printing(&self) {
        self.act(&print(RING)).await.unwrap();
        self.wait(5);
        assert_eq!(self.printer.state(), State::Printing);
    }
}
