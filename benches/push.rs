//! What it is worth that OctoPrint tells by itself, beside asking it.
//!
//! `cargo bench --bench push -- latency [EVENTS]`: from an event in OctoPrint to the callback of a subscribed client.
//! `cargo bench --bench push -- cost [PRINTERS] [SECONDS]`: processor and memory of the bridge while all print.
//! `cargo bench --bench push -- storm [PRINTERS] [SECONDS]`: all OctoPrints are gone for so long and return at once.
//!
//! The bridge is a process of its own, the printers are in that of the bench. Prints rows of `docs/benchmarks.md`.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::client::Client;
use common::printers::Printers;
use common::process::{Process, write_config};
use common::times::Times;
use opcua::types::{DataValue, Variant};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;
use umati_bridge::octoprint::simulator::{AfterSelect, Command, Handle, PauseAction, printer_name};

/// Takes an hour and more.
const LONG: &str = "customers/4711/housing top.gcode";
const PUBLISHING_INTERVAL: Duration = Duration::from_millis(50);
/// No state takes longer; more is a defect of the bench.
const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    let mode = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let bench: std::pin::Pin<Box<dyn Future<Output = ()>>> = match mode.as_deref() {
        Some("cost") => {
            let [printers, seconds] = common::numbers([100, 30]);
            Box::pin(cost(printers, Duration::from_secs(seconds as u64)))
        }
        Some("storm") => {
            let [printers, seconds] = common::numbers([1000, 30]);
            Box::pin(storm(printers, Duration::from_secs(seconds as u64)))
        }
        _ => {
            let [events] = common::numbers([400]);
            Box::pin(latency(events))
        }
    };
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    runtime.block_on(bench);
}

/// Printers and the bridge before them.
struct Stage {
    printers: Printers,
    bridge: Process,
    count: usize,
    _folder: TempDir,
}

impl Stage {
    async fn set(count: usize, source: &str) -> Self {
        let printers = Printers::start(count, 1.0).await;
        let folder = tempfile::tempdir().expect("temporary folder");
        let each = json!({ "source": source });
        let config = write_config(folder.path(), &printers.base, count, json!({}), &each);
        let bridge = tokio::task::spawn_blocking(move || Process::bridge(&config));
        Self {
            printers,
            bridge: bridge.await.expect("a bridge"),
            count,
            _folder: folder,
        }
    }

    fn printer(&self, number: usize) -> Handle {
        self.printers.simulator.printer(number).expect("a printer")
    }

    fn print(&self) {
        for number in 1..=self.count {
            let path = LONG.to_owned();
            let then = AfterSelect::Print;
            let print = Command::Select { path, then };
            self.printer(number).command(print).expect("it prints");
        }
    }

    async fn board(&self, member: &str) -> Board {
        let client = Client::anonymous(&self.bridge.address("opc.tcp://")).await;
        Board::watch(client, self.count, member).await
    }
}

/// What a client was told last of one variable of all machines, and when.
struct Board {
    told: Arc<watch::Sender<Vec<(String, Instant)>>>,
    _client: Client,
}

impl Board {
    async fn watch(client: Client, machines: usize, member: &str) -> Self {
        let nothing = vec![(String::new(), Instant::now()); machines];
        let told = Arc::new(watch::Sender::new(nothing));
        let paths: Vec<_> = (1..=machines)
            .map(|number| format!("{}/{member}", printer_name(number)))
            .collect();
        let collected = Arc::clone(&told);
        let note = move |place: usize, value: DataValue| {
            if let Some(Variant::String(text)) = value.value {
                let now = (text.to_string(), Instant::now());
                collected.send_modify(|told| told[place] = now);
            }
        };
        client.subscribe(PUBLISHING_INTERVAL, &paths, note).await;
        Self {
            told,
            _client: client,
        }
    }

    async fn until<T>(&self, find: impl Fn(&[(String, Instant)]) -> Option<T>) -> T {
        let mut told = self.told.subscribe();
        let wait = told.wait_for(|told| find(told).is_some());
        let told = tokio::time::timeout(PATIENCE, wait).await;
        let told = told.expect("in time").expect("the sender is here");
        find(&told).expect("it was there")
    }

    /// Waits until all are so; tells when each was told so.
    async fn until_all(&self, accept: impl Fn(&str) -> bool) -> Vec<Instant> {
        self.until(|told| {
            let all = told.iter().all(|(text, _)| accept(text));
            all.then(|| told.iter().map(|(_, at)| *at).collect())
        })
        .await
    }
}

async fn latency(events: usize) {
    const PRINTERS: usize = 20;
    println!("| source | events | event in OctoPrint to client ms p50 / p99 / max |");
    println!("|---|---|---|");
    for source in ["auto", "poll"] {
        let stage = Stage::set(PRINTERS, source).await;
        let way = if source == "auto" { "push" } else { source };
        let ways = stage.board("OctoPrint/DataSource").await;
        ways.until_all(|told| told == way).await;
        stage.print();
        let states = stage.board("OctoPrint/StateText").await;
        let mut times = Vec::new();
        for event in 0..events {
            let place = event % PRINTERS;
            let settled = |text: &str| ["Printing", "Paused"].contains(&text);
            let before = states
                .until(|told| settled(&told[place].0).then(|| told[place].0.clone()))
                .await;
            tokio::time::sleep(Duration::from_millis(fastrand::u64(..100))).await;
            let action = if before == "Paused" {
                PauseAction::Resume
            } else {
                PauseAction::Pause
            };
            let began = Instant::now();
            let command = Command::Pause(action);
            stage.printer(place + 1).command(command).expect("taken");
            let at = states
                .until(|told| (told[place].0 != before).then_some(told[place].1))
                .await;
            times.push(at - began);
        }
        let times = Times::new(times);
        let [median, p99, max] = [times.median(), times.p99(), times.max()];
        println!(
            "| {way} | {} | {median:.0} / {p99:.0} / {max:.0} |",
            times.len()
        );
    }
}

async fn cost(printers: usize, time: Duration) {
    println!("| printers, all printing | source | % of a core | RSS MiB |");
    println!("|---|---|---|---|");
    for source in ["auto", "poll"] {
        let stage = Stage::set(printers, source).await;
        let way = if source == "auto" { "push" } else { source };
        let ways = stage.board("OctoPrint/DataSource").await;
        ways.until_all(|told| told == way).await;
        drop(ways);
        stage.print();
        tokio::time::sleep(Duration::from_secs(15)).await;
        let bridge = tokio::task::spawn_blocking(move || {
            let share = stage.bridge.processor_share(time);
            (share, stage.bridge.resident_mib())
        });
        let (share, memory) = bridge.await.expect("measured");
        println!(
            "| {printers} | {way} | {:.1} | {memory:.0} |",
            share * 100.0
        );
    }
}

async fn storm(printers: usize, absence: Duration) {
    let mut stage = Stage::set(printers, "auto").await;
    let ways = stage.board("OctoPrint/DataSource").await;
    ways.until_all(|told| told == "push").await;
    stage.print();
    stage.printers.stop().await;
    ways.until_all(|told| told == "poll").await;
    let ticks = stage.bridge.ticks();
    tokio::time::sleep(absence).await;
    let gone = (stage.bridge.ticks() - ticks) as f64 / absence.as_secs_f64();
    let back = Instant::now();
    stage.printers.start_again().await;
    let live = ways.until_all(|told| told == "push").await;
    let live = Times::new(live.into_iter().map(|at| at - back).collect());
    println!(
        "| printers | absence s | % of a core meanwhile | live again ms p50 / p99 / last | RSS MiB |"
    );
    println!("|---|---|---|---|---|");
    println!(
        "| {printers} | {} | {gone:.1} | {:.0} / {:.0} / {:.0} | {:.0} |",
        absence.as_secs(),
        live.median(),
        live.p99(),
        live.max(),
        stage.bridge.resident_mib(),
    );
}
