//! The program as an operator starts it: its files, what it says, and its exit code.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::process::Process;

const BINARY: &str = env!("CARGO_BIN_EXE_umati-bridge");

/// `sysexits.h`.
pub const EX_UNAVAILABLE: i32 = 69;
pub const EX_CONFIG: i32 = 78;

/// A folder with a configuration, and with all that the program writes.
pub struct Home(TempDir);

impl Home {
    /// With this `config.json`, whose `state_dir` is within the folder.
    pub fn with(mut config: Value) -> Self {
        config["state_dir"] = json!("state");
        Self::with_text(&config.to_string())
    }

    pub fn with_text(config: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        std::fs::write(folder.path().join("config.json"), config).expect("written");
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    /// Starts the program in this folder.
    pub fn start(&self, arguments: &[&str]) -> Process {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .current_dir(self.path())
            .env("XDG_STATE_HOME", self.path())
            .env_remove("RUST_LOG");
        Process::spawn("umati-bridge", &mut command)
    }

    /// Runs the program to its end; gives its exit code and all that it said.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut process = self.start(arguments);
        let code = process.wait_for_exit().code();
        (code, process.lines().join("\n"))
    }
}

/// Waits for the line that ends the start.
pub fn ready_line(process: &mut Process) -> String {
    process.wait_for_line("that it is ready", |line| {
        line.contains(" is ready: ").then(|| line.to_owned())
    })
}

/// The smallest entry of a machine whose OctoPrint is not there.
pub fn absent_machine(name: &str) -> Value {
    let url = format!("http://127.0.0.1:9/{name}/");
    json!({ "type": "OCTOPRINT", "url": url, "custom_name": name, "api_key": "demo", "mes_id": 1 })
}
