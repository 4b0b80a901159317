//! A real OctoPrint with its virtual printer: started, asked and ill-treated over its own interfaces.

pub mod log;
mod rest;

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use log::Log;
use rest::Rest;

use super::install::Venv;
use super::process::{Process, Signal};
use super::{fixture, free_port, wait_until};

/// API key of the administrator.
pub const ADMIN_KEY: &str = "INTEROPKEY0123456789ABCDEF012345";

/// One OctoPrint server. Its settings, users and logs live as long as this guard, also over restarts.
#[derive(Debug)]
pub struct RealOctoPrint {
    venv: Venv,
    port: u16,
    base: TempDir,
    rest: Rest,
    process: Process,
}

/// A print file: so many layers, each a few moves and a dwell of 300 ms.
#[derive(Debug, Clone, Copy)]
pub struct Print {
    pub name: &'static str,
    pub layers: u32,
}

impl Print {
    /// Runs until somebody ends it.
    pub const LONG: Self = Self {
        name: "long.gcode",
        layers: 2000,
    };
    /// Ends by itself after a few seconds.
    pub const SHORT: Self = Self {
        name: "short.gcode",
        layers: 12,
    };
    /// Ends by itself after a second.
    pub const TINY: Self = Self {
        name: "tiny.gcode",
        layers: 3,
    };

    fn gcode(self) -> String {
        let mut lines = String::from(";FLAVOR:Marlin\nM140 S60\nM104 S205\nM105\nG28\nG92 E0\n");
        for layer in 1..=self.layers {
            let z = f64::from(layer) * 0.2;
            let _ = writeln!(lines, "G1 Z{z:.1} F3000");
            for x in 0..5 {
                let e = f64::from(layer) * 0.5 + f64::from(x) * 0.1;
                let _ = writeln!(lines, "G1 X{} Y20 E{e:.2} F6000", 10 + x * 5);
            }
            lines.push_str("G4 P300\n");
        }
        lines.push_str("M104 S0\nM140 S0\nM84\n");
        lines
    }
}

impl RealOctoPrint {
    /// Starts this version; its printer is there but not connected.
    pub fn start(version: &str) -> Self {
        let venv = Venv::octoprint(version);
        let port = free_port();
        let base = TempDir::new().expect("a folder for OctoPrint");
        let process = serve(&venv, port, &base);
        let octoprint = Self {
            venv,
            port,
            base,
            rest: Rest::new(port),
            process,
        };
        octoprint.wait_until_it_answers();
        octoprint
    }

    pub fn url(&self) -> String {
        self.rest.base.clone()
    }

    /// Where it listens, on the loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// A key that has the STATUS permission and no other.
    pub fn status_key(&self) -> String {
        format!("{ADMIN_KEY}-status")
    }

    /// A key that may also list, select and print files, and nothing else.
    pub fn control_key(&self) -> String {
        format!("{ADMIN_KEY}-control")
    }

    /// A key of a user that may do nothing at all.
    pub fn powerless_key(&self) -> String {
        format!("{ADMIN_KEY}-noperm")
    }

    /// Starts it again on the same port with the same files, after it was ended.
    pub fn restart(&mut self) {
        self.process = serve(&self.venv, self.port, &self.base);
        self.wait_until_it_answers();
    }

    /// Ends it without a word, as a power cut would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Freezes it: it accepts connections and answers nothing.
    pub fn freeze(&self) {
        self.process.signal(Signal::Stop);
    }

    pub fn thaw(&self) {
        self.process.signal(Signal::Continue);
    }

    /// Connects the printer and waits until it is operational.
    pub fn connect(&self) {
        self.post("/api/connection", &json!({"command": "connect"}));
        self.wait_for_state("Operational");
    }

    pub fn disconnect(&self) {
        self.post("/api/connection", &json!({"command": "disconnect"}));
    }

    /// Uploads the file into a folder (`""` is the top) and does not select it.
    pub fn upload(&self, folder: &str, print: Print) {
        self.rest.upload(folder, print.name, &print.gcode());
    }

    /// What it wrote of itself so far.
    pub fn log(&self) -> Log {
        Log(self.logged("octoprint.log"))
    }

    /// Uploads the file and starts it.
    pub fn print(&self, print: Print) {
        self.upload("", print);
        self.start_print(print);
    }

    /// Starts the file, which was uploaded.
    pub fn start_print(&self, print: Print) {
        let file = format!("/api/files/local/{}", print.name);
        self.post(&file, &json!({"command": "select", "print": true}));
    }

    pub fn pause(&self) {
        self.post("/api/job", &json!({"command": "pause", "action": "pause"}));
    }

    pub fn resume(&self) {
        self.post("/api/job", &json!({"command": "pause", "action": "resume"}));
    }

    pub fn cancel(&self) {
        self.post("/api/job", &json!({"command": "cancel"}));
    }

    /// Makes the virtual printer do something that a real one does when it is ill:
    /// `trigger_fatal_error_marlin`, `drop_connection`, …
    pub fn provoke(&self, fault: &str) {
        let command = json!({"commands": [format!("!!DEBUG:{fault}")]});
        self.post("/api/printer/command", &command);
    }

    /// Takes the key from the user that the bridge logs in as.
    pub fn revoke_status_key(&self) {
        let path = "/api/access/users/monitor/apikey";
        let (status, answer) = self
            .rest
            .send(Method::DELETE, path, None)
            .expect("the request is answered");
        assert!(status.is_success(), "DELETE {path}: {status} {answer}");
    }

    pub fn wait_for_state(&self, state: &str) {
        wait_until(&format!("OctoPrint is {state}"), || {
            let (_, job) = self.rest.send(Method::GET, "/api/job", None)?;
            let now = job["state"].as_str().unwrap_or_default().to_owned();
            if now == state { Ok(()) } else { Err(now) }
        });
    }

    /// The requests that it refused, as it writes them to its logs: each costs a line on the printer's SD card.
    /// (1.11 and 2.0 write a 403 to both logs and a 409 to `tornado.log` only.)
    pub fn refusals(&self) -> Vec<String> {
        let log = self.logged("tornado.log");
        let refused = log.lines().filter(|line| line.contains(" - 4"));
        refused.map(str::to_owned).collect()
    }

    /// How many lines it wrote to its logs so far.
    pub fn lines_logged(&self) -> usize {
        let logs = ["octoprint.log", "tornado.log"];
        logs.map(|log| self.logged(log).lines().count())
            .iter()
            .sum()
    }

    fn logged(&self, log: &str) -> String {
        let log = self.base.path().join("logs").join(log);
        fs::read_to_string(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()))
    }

    fn post(&self, path: &str, body: &Value) {
        let (status, answer) = self
            .rest
            .send(Method::POST, path, Some(body))
            .unwrap_or_else(|error| panic!("POST {path} {body}: {error}"));
        assert!(status.is_success(), "POST {path} {body}: {status} {answer}");
    }

    fn wait_until_it_answers(&self) {
        // While it starts, something else answers on its port: only an answer that OctoPrint gives counts.
        wait_until("OctoPrint answers", || {
            let (status, answer) = self.rest.send(Method::GET, "/api/job", None)?;
            match answer["state"].as_str() {
                Some(_) => Ok(()),
                None => Err(format!("{status} {answer}")),
            }
        });
    }
}

fn serve(venv: &Venv, port: u16, base: &TempDir) -> Process {
    let mut command = Command::new(fixture("octoprint/serve.sh"));
    command
        .arg(venv.path())
        .arg(port.to_string())
        .arg(base.path())
        .arg(ADMIN_KEY);
    Process::spawn("OctoPrint", &mut command)
}
