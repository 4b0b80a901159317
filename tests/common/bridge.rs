//! The bridge itself, as the binary that operators start.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use serde_json::Value;
use tempfile::TempDir;

use super::process::{Process, Signal};

/// A running `umati-bridge run` or `umati-bridge demo` and the endpoint that its ready line names.
#[derive(Debug)]
pub struct Bridge {
    process: Process,
    endpoint: String,
    /// Holds the config file and the `state_dir`.
    home: TempDir,
}

impl Bridge {
    /// Runs the bridge with this config, on a port that the system chooses and with a `state_dir` of its own.
    pub fn run(config: Value) -> Self {
        let (home, file) = home(config);
        Self::start(
            home,
            Command::new(BINARY).arg("run").arg("--config").arg(file),
        )
    }

    /// The same in a process whose disk [can be full](Self::disk_is_full): the signal of a file that is too large is
    /// ignored, so that writing fails instead.
    pub fn run_on_small_disk(config: Value) -> Self {
        let (home, file) = home(config);
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"trap '' XFSZ; exec "$0" run --config "$1""#, BINARY])
            .arg(file);
        Self::start(home, &mut command)
    }

    /// From now on no file can be written, or each can again. Needs `prlimit` of util-linux.
    pub fn disk_is_full(&self, full: bool) {
        let limit = if full { "0" } else { "unlimited" };
        let status = Command::new("prlimit")
            .args(["--pid", &self.id().to_string()])
            .arg(format!("--fsize={limit}:unlimited"))
            .status()
            .expect("prlimit starts");
        assert!(status.success(), "prlimit: {status}");
    }

    /// Runs `check --online` on this config and gives its exit code and what it printed.
    pub fn check_online(config: &Value) -> (Option<i32>, String) {
        let home = TempDir::new().expect("a folder for the bridge");
        let output = Command::new(BINARY)
            .args(["check", "--online", "--config"])
            .arg(write_config(&home, config))
            .output()
            .expect("the bridge starts");
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), stdout)
    }

    /// Runs the bridge and its own simulator with that many printers.
    pub fn demo(printers: u32) -> Self {
        let home = TempDir::new().expect("a folder for the bridge");
        let mut command = Command::new(BINARY);
        command
            .args(["demo", "--port", "0", "--printers"])
            .arg(printers.to_string())
            // Where the demo keeps its certificate.
            .env("XDG_STATE_HOME", home.path());
        Self::start(home, &mut command)
    }

    /// What a command of the operator prints, about the state of this bridge; it has to succeed.
    pub fn operator(&self, command: &[&str]) -> String {
        let output = Command::new(BINARY)
            .args(command)
            .arg("--config")
            .arg(self.home.path().join("config.json"))
            .output()
            .expect("the command starts");
        assert!(output.status.success(), "{command:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// `opc.tcp://127.0.0.1:<port>/…` as the ready line says.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The folder with its config file and its `state_dir`.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Everything that it logged and printed.
    pub fn log(&self) -> String {
        self.process.lines().join("\n")
    }

    /// The same from this line on, of which there may be none.
    pub fn log_from(&self, line: usize) -> Vec<String> {
        self.process.lines_from(line)
    }

    /// Asks it to end, and waits until it has.
    pub fn terminate(mut self) -> ExitStatus {
        self.process.signal(Signal::Term);
        self.process.wait_for_exit()
    }

    /// Ends it without a word, as a power cut does, and runs it again with the same config and `state_dir`.
    pub fn kill_and_run_again(mut self) -> Self {
        self.process.kill();
        let file = self.home.path().join("config.json");
        Self::start(
            self.home,
            Command::new(BINARY).arg("run").arg("--config").arg(file),
        )
    }

    fn start(home: TempDir, command: &mut Command) -> Self {
        let mut process = Process::spawn("umati-bridge", command);
        let endpoint = process.wait_for_line("that it is ready", |line| url(line, "opc.tcp://"));
        Self {
            process,
            endpoint,
            home,
        }
    }
}

/// A running `umati-bridge simulate`.
#[derive(Debug)]
pub struct Simulator {
    process: Process,
    base: String,
}

impl Simulator {
    /// Printers `printer-0001` … whose clock runs `speed` times as fast.
    pub fn start(printers: u32, speed: u32) -> Self {
        let mut command = Command::new(BINARY);
        command
            .args(["simulate", "--port", "0", "--printers"])
            .arg(printers.to_string())
            .arg("--speed")
            .arg(speed.to_string());
        let mut process = Process::spawn("simulator", &mut command);
        let base = process.wait_for_line("where it serves", |line| url(line, "http://"));
        // Only the address: the line may go on with a printer's path.
        let base = base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        Self { process, base }
    }

    /// The base URL of this printer, `printer-0001` is number 1. Its API key is `demo`.
    pub fn url(&self, printer: u32) -> String {
        format!("{}/printer-{printer:04}/", self.base)
    }

    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }
}

const BINARY: &str = env!("CARGO_BIN_EXE_umati-bridge");

/// A folder with this config, on a port that the system chooses and with a `state_dir` of its own.
fn home(mut config: Value) -> (TempDir, PathBuf) {
    let home = TempDir::new().expect("a folder for the bridge");
    config["umati_server_port"] = 0.into();
    config["state_dir"] = home.path().join("state").display().to_string().into();
    let file = write_config(&home, &config);
    (home, file)
}

fn write_config(home: &TempDir, config: &Value) -> PathBuf {
    let file = home.path().join("config.json");
    fs::write(&file, config.to_string()).expect("the config is written");
    file
}

/// The first URL with this scheme in a line that tells that the program is ready.
fn url(line: &str, scheme: &str) -> Option<String> {
    let start = line.contains("ready").then(|| line.find(scheme))??;
    let url = line[start..].split([' ', ',', ';']).next()?;
    Some(url.trim_end_matches(['.', ')']).to_owned())
}
