//! The release binary as a process of its own, so that only the bridge is measured. Linux only (`/proc`).

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::pass;

/// A child process that ends with its owner.
pub struct Process {
    child: Child,
    /// The line that ended its start.
    pub ready_line: String,
    /// From `exec` to that line.
    pub ready_after: Duration,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    pub fn start(arguments: &[&str]) -> Self {
        let began = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_umati-bridge"))
            .args(arguments)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        let mut ready_line = String::new();
        lines.read_line(&mut ready_line).expect("a ready line");
        let ready_after = began.elapsed();
        // Keep the pipe open: the process may print more.
        std::thread::spawn(move || for _ in lines.lines() {});
        Self {
            child,
            ready_line,
            ready_after,
        }
    }

    /// A bridge with this configuration.
    pub fn bridge(config: &Path) -> Self {
        Self::start(&["run", "--config", config.to_str().expect("path")])
    }

    /// The first address with this scheme in the ready line.
    pub fn address(&self, scheme: &str) -> String {
        let mut words = self.ready_line.split_whitespace();
        let address = words.find(|word| word.starts_with(scheme));
        address
            .unwrap_or_else(|| panic!("no {scheme} in {:?}", self.ready_line))
            .trim_end_matches(',')
            .to_owned()
    }

    /// Share of one core that the process used over `time`.
    pub fn processor_share(&self, time: Duration) -> f64 {
        let began = (self.ticks(), Instant::now());
        pass(time);
        (self.ticks() - began.0) as f64 / 100.0 / began.1.elapsed().as_secs_f64()
    }

    /// Processor time so far, in hundredths of a second.
    pub fn ticks(&self) -> u64 {
        ticks(self.child.id())
    }

    pub fn resident_mib(&self) -> f64 {
        let status = self.proc("status");
        let kib: f64 = status
            .lines()
            .find_map(|l| l.strip_prefix("VmRSS:"))
            .and_then(|l| l.trim().trim_end_matches("kB").trim().parse().ok())
            .expect("VmRSS");
        kib / 1024.0
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).expect("a process")
    }
}

/// Processor time of a process so far, in hundredths of a second (proc(5), USER_HZ = 100).
pub fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
    let fields: Vec<u64> = stat
        .rsplit_once(')')
        .expect("comm")
        .1
        .split_whitespace()
        .map(|f| f.parse().unwrap_or_default())
        .collect();
    fields[11] + fields[12]
}

/// Writes a configuration for so many machines behind `base`, with `more` at the top level and `each` at every machine.
pub fn write_config(
    folder: &Path,
    base: &str,
    printers: usize,
    more: Value,
    each: &Value,
) -> PathBuf {
    std::fs::create_dir_all(folder.join("state")).expect("state folder");
    let key = folder.join("demo-key.txt");
    std::fs::write(&key, "demo").expect("key file");
    // The bridge warns of a key that everybody may read.
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("key file");
    let machines: Vec<Value> = (1..=printers)
        .map(|n| {
            let machine = json!({
                "type": "OCTOPRINT",
                "url": format!("{base}/printer-{n:04}/"),
                "custom_name": format!("printer-{n:04}"),
                "authentication_file_path": "demo-key.txt",
                "mes_id": 1
            });
            merged(machine, each.clone())
        })
        .collect();
    let config = json!({
        "umati_server_port": 0,
        "state_dir": folder.join("state"),
        "machines": machines
    });
    let path = folder.join("config.json");
    std::fs::write(&path, merged(config, more).to_string()).expect("config file");
    path
}

fn merged(mut one: Value, other: Value) -> Value {
    if let (Value::Object(one), Value::Object(other)) = (&mut one, other) {
        one.extend(other);
    }
    one
}
