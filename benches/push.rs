//! What it is worth that OctoPrint tells by itself, beside asking it.
//!
//! `cargo bench --bench push -- latency [EVENTS]`: from an event in OctoPrint to the callback of a subscribed client.
//! `cargo bench --bench push -- cost [PRINTERS] [SECONDS]`: processor and memory of the bridge while all print.
//! `cargo bench --bench push -- storm [PRINTERS] [SECONDS]`: all OctoPrints are gone for so long and return at once.
//!
//! The bridge is a process of its own, the printers are in that of the bench. Prints rows of `docs/benchmarks.md`.

mod common;

use std::time::{Duration, Instant};

use common::board::Board;
use common::client::Client;
use common::printers::Printers;
use common::process::{Process, write_config};
use common::times::Times;
use serde_json::json;
use tempfile::TempDir;

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

    async fn board(&self, member: &str) -> Board {
        let client = Client::anonymous(&self.bridge.address("opc.tcp://")).await;
        Board::watch(client, self.count, member).await
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
        stage.printers.print();
        let states = stage.board("OctoPrint/StateText").await;
        let mut times = Vec::new();
        for event in 0..events {
            let place = event % PRINTERS;
            times.push(states.turn(place, &stage.printers.printer(place + 1)).await);
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
        stage.printers.print();
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
    stage.printers.print();
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
