//! A fleet against the release binary: start, memory, processor time and the way of one change to a client.
//!
//! `cargo bench --bench fleet -- PRINTERS [SECONDS] [STARTS] [JOBS]` starts the simulator and the bridge as two processes of
//! their own, so that only the bridge is measured, and prints one row of `docs/benchmarks.md`. JOBS: how many jobs of
//! each machine are in the store when the bridge starts. Linux only (`/proc`).

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::Utc;
use opcua::client::{ClientBuilder, DataChangeCallback, IdentityToken, Session};
use opcua::types::{
    MessageSecurityMode, MonitoredItemCreateRequest, NodeId, TimestampsToReturn, UserTokenPolicy,
};
use umati_bridge::machine::{
    Changes, Checkpoint, FileRef, Job, JobId, JobPhase, JobStart, Order, OrderId, OrderOrigin,
    OrderState, Outcome, Progress,
};
use umati_bridge::store::{FILE_NAME, Store};

const INSTANCES: u16 = 13;
/// After this the fleet is read in full and the first allocations are over.
const SETTLE: Duration = Duration::from_secs(10);
const PUBLISHING_INTERVAL: Duration = Duration::from_millis(100);
/// Machines whose changes the client watches: enough for a distribution, few enough not to be the load.
const WATCHED: usize = 20;

/// A child process that ends with its owner.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() {
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse().ok())
        .collect();
    let printers = numbers.first().copied().unwrap_or(100);
    let seconds = numbers.get(1).copied().unwrap_or(30);
    let starts = numbers.get(2).copied().unwrap_or(5);
    let jobs = numbers.get(3).copied().unwrap_or(0);

    let folder = tempfile::tempdir().expect("temporary folder");
    let (_simulator, line) = start(&[
        "simulate",
        "--printers",
        &printers.to_string(),
        "--port",
        "0",
    ]);
    let base = between(&line, "http://", "/printer-0001").expect("simulator's address");
    let config = folder.path().join("config.json");
    write_config(&config, &format!("http://{base}"), printers);
    let state = folder.path().join("state");
    std::fs::create_dir(&state).expect("state folder");
    if jobs > 0 {
        tokio::runtime::Runtime::new()
            .expect("runtime")
            .block_on(fill(&state.join(FILE_NAME), printers, jobs));
    }
    let run = ["run", "--config", config.to_str().expect("path")];

    // The first start makes the certificate; it is told apart.
    let first = timed_start(&run).1;
    let mut ready: Vec<Duration> = (0..starts).map(|_| timed_start(&run).1).collect();
    ready.sort();

    let ((bridge, line), _) = timed_start(&run);
    let pid = bridge.0.id();
    let endpoint = between(&line, "opc.tcp://", " ").map_or_else(
        || {
            line.trim()
                .rsplit(' ')
                .next()
                .unwrap_or_default()
                .to_owned()
        },
        |rest| format!("opc.tcp://{rest}"),
    );
    pass(SETTLE);
    let idle = processor_share(pid, seconds);
    let memory = resident_mib(pid);
    let mut delays = tokio::runtime::Runtime::new()
        .expect("runtime")
        .block_on(watch(&endpoint, printers.min(WATCHED), seconds));
    delays.sort();
    let at = |share: f64| {
        delays
            .get(((delays.len().max(1) - 1) as f64 * share) as usize)
            .map_or(f64::NAN, |d| d.as_secs_f64() * 1e3)
    };

    println!(
        "| printers | jobs each | first start ms | ready ms (median of {starts}) | RSS MiB | % of a core | changes | change to client ms p50 / p99 / max |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    println!(
        "| {printers} | {jobs} | {} | {} | {memory:.0} | {:.1} | {} | {:.0} / {:.0} / {:.0} |",
        first.as_millis(),
        ready[ready.len() / 2].as_millis(),
        idle * 100.0,
        delays.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

/// So many completed prints of each machine, minutes apart.
async fn fill(path: &std::path::Path, printers: usize, jobs: usize) {
    let store = Store::open(path).expect("a store");
    let ended = |printer: usize, job: usize| {
        let end = Utc::now() - chrono::TimeDelta::minutes(10 * (job as i64 + 1));
        let start = end - chrono::TimeDelta::minutes(9);
        let id = format!("octoprint:local/part-{job}.gcode@{start}-{printer}");
        let file = FileRef {
            origin: "local".to_owned(),
            path: format!("part-{job}.gcode"),
        };
        Order {
            id: OrderId(id.clone()),
            origin: OrderOrigin::Internal,
            file: Some(file),
            document: None,
            priority: 0,
            state: OrderState::Ended,
            created_at: start,
            state_since: end,
            reason: None,
            job: Some(Job {
                id: JobId(id),
                file: None,
                start: JobStart::Seen(start),
                phase: JobPhase::Ended {
                    at: end,
                    outcome: Outcome::Completed,
                },
                progress: Progress::default(),
            }),
            filament: BTreeMap::new(),
        }
    };
    for printer in 1..=printers {
        let changes = Changes {
            changed: (0..jobs).map(|job| ended(printer, job)).collect(),
            ..Changes::default()
        };
        store
            .commit(
                &format!("printer-{printer:04}"),
                &changes,
                &BTreeMap::new(),
                Checkpoint::default(),
            )
            .await
            .expect("stored");
    }
    store.close().await;
}

fn start(arguments: &[&str]) -> (Process, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_umati-bridge"))
        .args(arguments)
        .env("RUST_LOG", "warn")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("a ready line");
    // Keep the pipe open: the process may print more.
    std::thread::spawn(move || for _ in lines.lines() {});
    (Process(child), line)
}

fn timed_start(arguments: &[&str]) -> ((Process, String), Duration) {
    let began = Instant::now();
    let started = start(arguments);
    (started, began.elapsed())
}

fn write_config(path: &std::path::Path, base: &str, printers: usize) {
    let machines: Vec<_> = (1..=printers)
        .map(|n| {
            serde_json::json!({
                "type": "OCTOPRINT",
                "url": format!("{base}/printer-{n:04}/"),
                "custom_name": format!("printer-{n:04}"),
                "authentication_file_path": "demo-key.txt",
                "mes_id": 1
            })
        })
        .collect();
    let text = serde_json::json!({
        "umati_server_port": 0,
        "state_dir": path.with_file_name("state"),
        "machines": machines
    })
    .to_string();
    let key = path.with_file_name("demo-key.txt");
    std::fs::write(key, "demo").expect("key file");
    std::fs::File::create(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .expect("config file");
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<String> {
    let rest: &'a str = text.split_once(start)?.1;
    Some(rest.split_once(end)?.0.trim_end_matches(',').to_owned())
}

/// Lets time pass: here it is what is measured.
#[allow(clippy::disallowed_methods)]
fn pass(time: Duration) {
    std::thread::sleep(time);
}

/// Share of one core that the process used over `seconds` (proc(5), USER_HZ = 100).
fn processor_share(pid: u32, seconds: usize) -> f64 {
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("stat");
        let fields: Vec<u64> = stat
            .rsplit_once(')')
            .expect("comm")
            .1
            .split_whitespace()
            .map(|f| f.parse().unwrap_or_default())
            .collect();
        fields[11] + fields[12]
    };
    let began = (ticks(), Instant::now());
    pass(Duration::from_secs(seconds as u64));
    (ticks() - began.0) as f64 / 100.0 / began.1.elapsed().as_secs_f64()
}

fn resident_mib(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
    let kib: f64 = status
        .lines()
        .find_map(|l| l.strip_prefix("VmRSS:"))
        .and_then(|l| l.trim().trim_end_matches("kB").trim().parse().ok())
        .expect("VmRSS");
    kib / 1024.0
}

/// Subscribes to values whose source timestamp is the time of receipt, and collects how long each change took.
async fn watch(endpoint: &str, machines: usize, seconds: usize) -> Vec<Duration> {
    let (session, event_loop) = connect(endpoint).await;
    let handle = event_loop;
    let delays = Arc::new(Mutex::new(Vec::new()));
    let collected = Arc::clone(&delays);
    let began = Utc::now();
    let subscription = session
        .create_subscription(
            PUBLISHING_INTERVAL,
            100,
            20,
            0,
            0,
            true,
            DataChangeCallback::new(move |value, _| {
                let Some(changed) = value.source_timestamp else {
                    return;
                };
                let changed = changed.as_chrono();
                if changed > began
                    && let Ok(delay) = (Utc::now() - changed).to_std()
                    && let Ok(mut delays) = collected.lock()
                {
                    delays.push(delay);
                }
            }),
        )
        .await
        .expect("subscription");
    let items: Vec<MonitoredItemCreateRequest> = (1..=machines)
        .map(|n| NodeId::new(INSTANCES, format!("printer-{n:04}/OctoPrint/Progress")).into())
        .collect();
    session
        .create_monitored_items(subscription, TimestampsToReturn::Both, items)
        .await
        .expect("items");
    tokio::time::sleep(Duration::from_secs(seconds as u64)).await;
    let _ = session.disconnect().await;
    handle.abort();
    std::mem::take(&mut *delays.lock().expect("collector"))
}

async fn connect(
    endpoint: &str,
) -> (
    Arc<Session>,
    tokio::task::JoinHandle<opcua::types::StatusCode>,
) {
    let mut client = ClientBuilder::new()
        .application_name("fleet bench")
        .application_uri("urn:fleet-bench")
        .session_retry_limit(3)
        .client()
        .expect("client");
    let (session, event_loop) = client
        .connect_to_matching_endpoint(
            (
                endpoint,
                opcua::crypto::SecurityPolicy::None.to_str(),
                MessageSecurityMode::None,
                UserTokenPolicy::anonymous(),
            ),
            IdentityToken::Anonymous,
        )
        .await
        .expect("endpoint");
    let handle = event_loop.spawn();
    assert!(session.wait_for_connection().await, "connected");
    (session, handle)
}
