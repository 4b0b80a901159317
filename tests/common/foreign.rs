//! OPC UA clients that others wrote, as an MES would use them: `asyncua` and `node-opcua`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use super::install::{self, Venv};
use super::process::Process;
use super::{PATIENCE, fixture};

/// A client implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// Python.
    Asyncua,
    /// TypeScript.
    NodeOpcua,
}

/// How the client talks to the server: not at all secured, or signed and encrypted with this policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    None,
    Aes128Sha256RsaOaep,
    Basic256Sha256,
    Aes256Sha256RsaPss,
}

impl Policy {
    pub const ALL: [Self; 4] = [
        Self::None,
        Self::Aes128Sha256RsaOaep,
        Self::Basic256Sha256,
        Self::Aes256Sha256RsaPss,
    ];

    /// The last part of the policy's URI.
    fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Aes128Sha256RsaOaep => "Aes128_Sha256_RsaOaep",
            Self::Basic256Sha256 => "Basic256Sha256",
            Self::Aes256Sha256RsaPss => "Aes256_Sha256_RsaPss",
        }
    }
}

/// What a client found when it browsed and read everything.
#[derive(Debug, Default)]
pub struct Inspection {
    /// Places below `Machines`, by path (browse names without namespace). The same path twice is a defect of the
    /// server, so it is kept apart.
    pub nodes: BTreeMap<String, Node>,
    pub duplicates: Vec<String>,
    pub types: Types,
    pub namespaces: Vec<String>,
}

/// A place below `Machines`.
#[derive(Debug, Clone, Deserialize)]
pub struct Node {
    pub path: String,
    /// With namespace indexes: `13:printer-0001/2:Identification`.
    pub browse_path: String,
    pub node_id: String,
    pub class: String,
    /// Browse name of the type definition.
    #[serde(rename = "type")]
    pub type_name: Option<String>,
    /// TranslateBrowsePathsToNodeIds leads to this node and to no other.
    pub translates: bool,
    /// The rest is only there for a variable.
    pub data_type: Option<String>,
    #[serde(default)]
    pub value: Value,
    /// Name of the value, if the data type is an enumeration.
    #[serde(rename = "enum")]
    pub enum_name: Option<String>,
    pub status: Option<u32>,
    pub status_name: Option<String>,
}

/// What stands below the folder `Types`.
#[derive(Debug, Default, Deserialize)]
pub struct Types {
    pub nodes: usize,
    /// Number of nodes by namespace index.
    pub by_namespace: BTreeMap<u16, usize>,
    pub variables: usize,
    /// Number of variables by status.
    pub statuses: BTreeMap<String, usize>,
    /// The first variables that cannot be read, with their status.
    pub not_good: Vec<String>,
}

/// One notification of a default subscription.
#[derive(Debug, Clone, Deserialize)]
pub struct Notification {
    pub path: String,
    pub value: Value,
    pub status: u32,
    pub status_name: String,
    /// ISO 8601.
    pub source_timestamp: Option<String>,
}

impl Notification {
    pub fn is_good(&self) -> bool {
        self.status >> 30 == 0
    }

    pub fn number(&self) -> Option<f64> {
        self.value.as_f64()
    }
}

impl Client {
    pub const ALL: [Self; 2] = [Self::Asyncua, Self::NodeOpcua];

    /// Browses and reads everything.
    pub fn inspect(self, endpoint: &str, policy: Policy) -> Inspection {
        let pki = TempDir::new().expect("a folder for the client's certificate");
        let mut command = self.program("inspect_all", endpoint, policy, &pki);
        let mut process = Process::spawn(&format!("{self:?} inspects"), &mut command);
        let status = process.wait_for_exit();
        assert!(
            status.success(),
            "{self:?} over {policy:?} fails:\n{process}"
        );
        let mut inspection = Inspection::default();
        for line in process.lines().iter().filter_map(|line| parse(line)) {
            match line["kind"].as_str() {
                Some("node") => inspection.add(read(line)),
                Some("types") => inspection.types = read(line),
                Some("summary") => inspection.namespaces = read(line["namespaces"].clone()),
                _ => panic!("{self:?} says {line}"),
            }
        }
        inspection
    }

    /// Reads the lists of job management: path and value of each.
    pub fn jobs(self, endpoint: &str, policy: Policy) -> BTreeMap<String, Value> {
        self.jobs_as(None, endpoint, policy)
    }

    /// The same with a login, `user:password`.
    pub fn jobs_as(
        self,
        login: Option<&str>,
        endpoint: &str,
        policy: Policy,
    ) -> BTreeMap<String, Value> {
        let login = login.map(|login| ["--login", login]);
        let login: &[&str] = login.as_ref().map_or(&[], |login| login);
        let read = self.read_jobs(login, endpoint, policy);
        read.unwrap_or_else(|told| panic!("{self:?} over {policy:?} fails:\n{told}"))
    }

    /// What asyncua reads of the lists when its user shows a certificate (DER), or what it says instead.
    pub fn jobs_by_certificate(
        certificate: &Path,
        key: &Path,
        endpoint: &str,
    ) -> Result<BTreeMap<String, Value>, String> {
        let text = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
        let (certificate, key) = (text(certificate), text(key));
        let user = ["--user-certificate", &certificate, "--user-key", &key];
        Self::Asyncua.read_jobs(&user, endpoint, Policy::Basic256Sha256)
    }

    fn read_jobs(
        self,
        user: &[&str],
        endpoint: &str,
        policy: Policy,
    ) -> Result<BTreeMap<String, Value>, String> {
        let pki = TempDir::new().expect("a folder for the client's certificate");
        let mut command = self.program("jobs", endpoint, policy, &pki);
        command.args(user);
        let mut process = Process::spawn(&format!("{self:?} reads jobs"), &mut command);
        if !process.wait_for_exit().success() {
            return Err(process.to_string());
        }
        let lines = process.lines();
        let lists = lines.iter().filter_map(|line| parse(line)).map(|line| {
            assert_eq!(line["status_name"], "Good", "{self:?} says {line}");
            (read(line["path"].clone()), line["value"].clone())
        });
        Ok(lists.collect())
    }

    /// What asyncua may see of a machine in a session that it begins as one user and goes on with as another: the
    /// machines and the status of a variable of this one, before and after.
    pub fn changes_user(
        endpoint: &str,
        logins: [&str; 2],
        machine: &str,
    ) -> Vec<(Vec<String>, String)> {
        let pki = TempDir::new().expect("a folder for the client's certificate");
        let mut command =
            Self::Asyncua.program("change_user", endpoint, Policy::Basic256Sha256, &pki);
        command.args(["--login", logins[0], "--then", logins[1], machine]);
        let mut process = Process::spawn("asyncua changes its user", &mut command);
        let status = process.wait_for_exit();
        assert!(status.success(), "{process}");
        let lines = process.lines();
        let seen = lines.iter().filter_map(|line| parse(line));
        seen.map(|line| {
            (
                read(line["machines"].clone()),
                read(line["status_name"].clone()),
            )
        })
        .collect()
    }

    /// Subscribes with default settings to the variables at `paths`, each below `Objects`.
    pub fn watch(self, endpoint: &str, policy: Policy, paths: &[String]) -> Watch {
        let pki = TempDir::new().expect("a folder for the client's certificate");
        let mut command = self.program("watch", endpoint, policy, &pki);
        command.args(paths);
        let mut process = Process::spawn(&format!("{self:?} watches"), &mut command);
        process.wait_for_line("that it subscribed", |line| {
            (parse(line)?["kind"] == "ready").then_some(())
        });
        Watch {
            process,
            known: 0,
            history: Vec::new(),
            _pki: pki,
        }
    }

    /// One of the programs in this client's folder; its key and certificate go into `pki`.
    pub fn program(self, program: &str, endpoint: &str, policy: Policy, pki: &TempDir) -> Command {
        let mut command = match self {
            Self::Asyncua => {
                let mut command = Venv::asyncua().python();
                command
                    .arg("-B")
                    .arg(fixture(&format!("asyncua/{program}.py")));
                command
            }
            Self::NodeOpcua => {
                let mut command = Command::new("node");
                command
                    .env("NODE_PATH", install::node_modules())
                    .arg(fixture(&format!("node/{program}.js")));
                command
            }
        };
        command
            .arg(endpoint)
            .args(["--policy", policy.name(), "--pki"])
            .arg(pki.path());
        command
    }
}

impl Inspection {
    fn add(&mut self, node: Node) {
        if let Some(other) = self.nodes.insert(node.path.clone(), node) {
            self.duplicates.push(other.path);
        }
    }

    /// The node at this path; panics with its neighbours if there is none.
    pub fn node(&self, path: &str) -> &Node {
        self.nodes.get(path).unwrap_or_else(|| {
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let near: Vec<_> = self
                .nodes
                .keys()
                .filter(|p| p.starts_with(parent))
                .collect();
            panic!("nothing at {path}; below {parent}: {near:#?}")
        })
    }

    pub fn variables(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values().filter(|node| node.status.is_some())
    }
}

/// A running subscription and everything that it notified.
#[derive(Debug)]
pub struct Watch {
    process: Process,
    /// Lines of the process that are read.
    known: usize,
    history: Vec<Notification>,
    _pki: TempDir,
}

impl Watch {
    /// Waits until the newest value of `path` is as asked, and gives it.
    pub fn until(
        &mut self,
        path: &str,
        what: &str,
        accept: impl Fn(&Notification) -> bool,
    ) -> Notification {
        self.wait(&format!("{path} {what}"), |history| {
            let newest = history.iter().rev().find(|n| n.path == path)?;
            accept(newest).then(|| newest.clone())
        })
    }

    /// Waits for a value of `path` as asked among those that came after `mark`, even if it has passed again.
    pub fn since(
        &mut self,
        mark: usize,
        path: &str,
        what: &str,
        accept: impl Fn(&Notification) -> bool,
    ) -> Notification {
        self.wait(&format!("{path} {what}"), |history| {
            let mut later = history[mark..].iter();
            later.find(|n| n.path == path && accept(n)).cloned()
        })
    }

    /// Waits until the Good values of `path` after `mark` have gone through these numbers one after the other,
    /// with whatever else came before, between and after them.
    pub fn goes_through(&mut self, mark: usize, path: &str, numbers: &[f64]) {
        self.wait(&format!("{path} goes through {numbers:?}"), |history| {
            let mut left = numbers.iter();
            let mut next = left.next();
            for seen in history[mark..]
                .iter()
                .filter(|n| n.path == path && n.is_good())
            {
                if seen.number().as_ref() == next {
                    next = left.next();
                }
            }
            next.is_none().then_some(())
        });
    }

    /// The place in the history where the next notification will stand.
    pub fn mark(&mut self) -> usize {
        self.pull();
        self.history.len()
    }

    /// Everything that `path` notified after `mark`.
    pub fn history(&mut self, mark: usize, path: &str) -> Vec<Notification> {
        self.pull();
        let later = self.history[mark..].iter();
        later.filter(|n| n.path == path).cloned().collect()
    }

    fn wait<T>(&mut self, what: &str, find: impl Fn(&[Notification]) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.pull();
            if let Some(found) = find(&self.history) {
                return found;
            }
            assert!(
                self.process.wait_for_more(self.known, deadline),
                "never seen: {what}. The end of what was seen:\n{}",
                self.process
            );
        }
    }

    fn pull(&mut self) {
        let lines = self.process.lines_from(self.known);
        self.known += lines.len();
        for line in lines.iter().filter_map(|line| parse(line)) {
            match line["kind"].as_str() {
                Some("notification") => self.history.push(read(line)),
                Some("error") => panic!("the client says {}", line["error"]),
                _ => {}
            }
        }
    }
}

/// The JSON of a line; the clients' libraries also write lines that are not for us.
fn parse(line: &str) -> Option<Value> {
    serde_json::from_str(line).ok().filter(Value::is_object)
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    let text = value.to_string();
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{error}: {text}"))
}
