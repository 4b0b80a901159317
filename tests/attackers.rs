//! Attackers that others wrote, at the port of a running bridge. Whatever they send: the process lives, an honest client
//! is served meanwhile, and nothing of theirs stays.
#![cfg(target_os = "linux")]

mod common;

use std::fs;

use common::bridge::Bridge;
use common::foreign::{Client, Policy};
use common::install::Venv;
use common::process::Process;
use common::{fixture, wait_until};
use serde_json::{Value, json};
use tempfile::TempDir;
use umati_bridge::password::Hash;

const LOGIN: &str = "mes:correct horse";
/// How long each attack goes on.
const SECONDS: &str = "20";
const MORE_MEMORY_KIB: u64 = 20 * 1024;

/// A bridge, and a client that is served by it all the time.
struct Siege {
    bridge: Bridge,
    /// Key and certificate of the client; the bridge trusts it.
    pki: TempDir,
    client: Process,
    policy: Policy,
    login: Option<&'static str>,
    before: Vitals,
}

/// What a process holds.
#[derive(Debug)]
struct Vitals {
    memory_kib: u64,
    descriptors: usize,
}

impl Vitals {
    fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it lives");
        let memory = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
        let descriptors = fs::read_dir(format!("/proc/{process}/fd")).expect("it lives");
        Self {
            memory_kib: memory.and_then(|it| it.parse().ok()).expect("a number"),
            descriptors: descriptors.count(),
        }
    }
}

fn config() -> Value {
    json!({"machines": [{
        "type": "OCTOPRINT", "url": "http://127.0.0.1:1", "api_key": "0123456789ABCDEF", "custom_name": "printer",
        "mes_id": [1],
    }]})
}

impl Siege {
    /// Everybody may read, without encryption, too.
    fn of_an_open_server() -> Self {
        let bridge = Bridge::run(config());
        let pki = TempDir::new().expect("a folder for the client's certificate");
        Self::begin(bridge, pki, Policy::None, None)
    }

    /// Only who logs in over an encrypted channel, from an application that is trusted.
    fn of_a_closed_server() -> Self {
        let mut config = config();
        let (user, password) = LOGIN.split_once(':').expect("user:password");
        let hash = Hash::of(password).expect("a hash").expose();
        config["mes"] = json!([{ "id": 1, "name": "MES", "user": user, "password_hash": hash }]);
        let bridge = Bridge::run(config);
        let pki = TempDir::new().expect("a folder for the client's certificate");
        let policy = Policy::Basic256Sha256;
        let mut stranger = honest(&bridge, &pki, policy, Some(LOGIN));
        assert!(!stranger.wait_for_exit().success(), "{stranger}");
        let list = bridge.operator(&["trust", "list"]);
        let is_thumbprint = |word: &&str| word.len() == 64;
        let thumbprint = list
            .lines()
            .filter(|line| line.contains("rejected"))
            .find_map(|line| line.split_whitespace().find(is_thumbprint))
            .unwrap_or_else(|| panic!("nobody was rejected: {list}"));
        bridge.operator(&["trust", "accept", thumbprint]);
        Self::begin(bridge, pki, policy, Some(LOGIN))
    }

    fn begin(bridge: Bridge, pki: TempDir, policy: Policy, login: Option<&'static str>) -> Self {
        let mut client = honest(&bridge, &pki, policy, login);
        client.wait_for_line("that it is served", |line| {
            line.contains("ready").then_some(())
        });
        let before = Vitals::of(bridge.id());
        Self {
            bridge,
            pki,
            client,
            policy,
            login,
            before,
        }
    }

    /// The attacker's own account of what it did.
    fn by_boofuzz(&self) -> Value {
        let folder = TempDir::new().expect("a folder for what boofuzz keeps");
        let port = self.bridge.endpoint().rsplit(':').next().expect("a port");
        let port = port.split('/').next().expect("a port");
        let mut command = Venv::boofuzz().python();
        command
            .arg("-B")
            .arg(fixture("boofuzz/attack.py"))
            .args([port, "--seconds", SECONDS])
            .current_dir(&folder);
        account("boofuzz", Process::spawn("boofuzz", &mut command))
    }

    fn by_a_client_that_is_wrong(&self) -> Value {
        let endpoint = self.bridge.endpoint();
        let mut command = Client::Asyncua.program("wrong", endpoint, self.policy, &self.pki);
        command.args(["--seconds", SECONDS]);
        command.args(self.login.iter().flat_map(|login| ["--login", login]));
        account("asyncua", Process::spawn("asyncua", &mut command))
    }

    /// The attack is over.
    fn end(mut self) {
        let now = wait_until("what the attackers held is free again", || {
            let now = Vitals::of(self.bridge.id());
            let is_as_before = now.descriptors <= self.before.descriptors
                && now.memory_kib <= self.before.memory_kib + MORE_MEMORY_KIB;
            let is_it = format!("{:?}, and now {now:?}", self.before);
            if is_as_before { Ok(now) } else { Err(is_it) }
        });
        self.client.close_stdin();
        let served = account("the honest client", self.client);
        println!("{:?}, then {now:?}", self.before);
        assert!(served["reads"].as_u64() > Some(50), "{served}");
        // Far more than it is; a client that waits this long is not served.
        assert!(served["p99"].as_f64() < Some(5_000.0), "{served}");
        wait_until("somebody who comes later is served, too", || {
            let mut client = honest(&self.bridge, &self.pki, self.policy, self.login);
            client.close_stdin();
            let status = client.wait_for_exit();
            if status.success() {
                Ok(())
            } else {
                Err(client.to_string())
            }
        });
        let log = self.bridge.log();
        assert!(!log.contains("panicked"), "{log}");
        assert!(self.bridge.terminate().success());
    }
}

/// A client that reads until its standard input ends.
fn honest(bridge: &Bridge, pki: &TempDir, policy: Policy, login: Option<&str>) -> Process {
    let mut command = Client::Asyncua.program("steady", bridge.endpoint(), policy, pki);
    command.args(login.iter().flat_map(|login| ["--login", login]));
    Process::spawn("an honest client", &mut command)
}

/// What a program prints at its end.
fn account(name: &str, mut process: Process) -> Value {
    let status = process.wait_for_exit();
    assert!(status.success(), "{process}");
    let lines = process.lines();
    let told = lines.last().expect("an account");
    println!("{name}: {told}");
    serde_json::from_str(told).unwrap_or_else(|_| panic!("{process}"))
}

fn total(counts: &Value) -> u64 {
    let counts = counts.as_object().into_iter().flatten();
    counts.filter_map(|(_, count)| count.as_u64()).sum()
}

/// It came as far as it was meant to come.
fn boofuzz_was_there(told: &Value) {
    for message in ["HEL", "OPN", "GetEndpoints", "CreateSession", "Publish"] {
        assert!(
            told["sent"][message].as_u64() > Some(0),
            "{message}: {told}"
        );
    }
    assert!(total(&told["sent"]) > 100, "{told}");
    assert!(told["channels"].as_u64() > Some(20), "{told}");
}

fn asyncua_was_there(told: &Value) {
    let faults = told["faults"].as_object().expect("kinds of faults");
    assert_eq!(faults.len(), 14, "{told}");
    for (fault, times) in faults {
        assert!(times.as_u64() > Some(0), "{fault}: {told}");
    }
    assert!(told["answered"].as_u64() > Some(0), "{told}");
}

#[test]
#[ignore = "needs Python and the package registries"]
fn boofuzz_at_an_open_server() {
    let siege = Siege::of_an_open_server();
    boofuzz_was_there(&siege.by_boofuzz());
    siege.end();
}

#[test]
#[ignore = "needs Python and the package registries"]
fn boofuzz_at_a_closed_server() {
    let siege = Siege::of_a_closed_server();
    boofuzz_was_there(&siege.by_boofuzz());
    siege.end();
}

#[test]
#[ignore = "needs Python and the package registries"]
fn a_wrong_client_at_an_open_server() {
    let siege = Siege::of_an_open_server();
    asyncua_was_there(&siege.by_a_client_that_is_wrong());
    siege.end();
}

/// One that is trusted and logs in, and sends what is wrong inside of its encrypted channel.
#[test]
#[ignore = "needs Python and the package registries"]
fn a_wrong_client_inside_a_closed_server() {
    let siege = Siege::of_a_closed_server();
    asyncua_was_there(&siege.by_a_client_that_is_wrong());
    siege.end();
}
