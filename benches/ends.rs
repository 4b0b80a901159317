//! Whether the live path slows down while the job log takes thousands of ends, and when it is full.
//!
//! `cargo bench --bench ends -- [PRINTERS] [ENDS] [SECONDS]`: printers print one short job after another until each has
//! ended ENDS of them, on the whole way that a real end takes: `/api/job`, tracker, order book, disk, lists, events. A
//! print ends as soon as the bridge has seen it. Meanwhile a client watches the print times of other printers, which
//! print long jobs: SECONDS with an empty log, during all the ends, and SECONDS with the full log. The load of polling
//! is the same in all three. Prints rows of `docs/benchmarks.md`. Linux only (`/proc`).

mod common;

use std::time::{Duration, Instant};

use common::client::Client;
use common::printers::Printers;
use common::process::{Process, write_config};
use common::times::Times;
use opcua::types::{NodeId, ReadValueId, TimestampsToReturn, Variant};
use serde_json::json;
use tokio::task::JoinSet;
use umati_bridge::octoprint::simulator::{
    AfterSelect, Command, Endpoint, Handle, State, printer_name,
};
use umati_bridge::umati::namespaces::INSTANCES;

/// Printers that print long jobs and are watched.
const LIVE: usize = 20;
const POLL_INTERVAL_MS: u64 = 100;
/// The passing states of a printer get short, and still the watched prints outlast all phases: where a print begins or
/// ends, that is on the disk before anything is told, and this is not what is measured here.
const SPEED: f64 = 2.0;
const FILE: &str = "customers/4711/housing top.gcode";
/// After this everything was read in full and the live prints are under way.
const SETTLE: Duration = Duration::from_secs(5);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(25);
/// No printer and no bridge takes longer; more is a defect of the bench.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() {
    let [printers, ends, seconds] = common::numbers([67, 150, 20]);
    tokio::runtime::Runtime::new()
        .expect("runtime")
        .block_on(measure(printers, ends, Duration::from_secs(seconds as u64)));
}

async fn measure(busy: usize, ends: usize, time: Duration) {
    let printers = Printers::start(LIVE + busy, SPEED).await;
    let folder = tempfile::tempdir().expect("folder");
    let bridge = Process::bridge(&write_config(
        folder.path(),
        &printers.base,
        LIVE + busy,
        // More than there are ends: none of them may make room.
        json!({ "poll_interval_ms": POLL_INTERVAL_MS, "job_log": { "orders": ends + 1 } }),
        &json!({}),
    ));
    let printer = |number| printers.simulator.printer(number).expect("a printer");
    for number in 1..=LIVE {
        start(&printer(number));
    }
    let client = Client::anonymous(&bridge.address("opc.tcp://")).await;
    let watch = client
        .watch((1..=LIVE).map(|n| format!("{}/OctoPrint/PrintTime", printer_name(n))))
        .await;
    tokio::time::sleep(SETTLE).await;
    watch.take();

    println!(
        "| job log | entries | ends a second | changes | change to client ms p50 / p99 / max | % of a core | RSS MiB |\n|---|---|---|---|---|---|---|"
    );
    let mut phase = Phase::begin(&bridge);
    tokio::time::sleep(time).await;
    phase.end("empty", 0, 0.0, &watch.take());

    phase = Phase::begin(&bridge);
    let mut work = JoinSet::new();
    for number in LIVE + 1..=LIVE + busy {
        work.spawn(end_prints(printer(number), ends));
    }
    while let Some(done) = work.join_next().await {
        done.expect("all ends");
    }
    let rate = (busy * ends) as f64 / phase.began.elapsed().as_secs_f64();
    phase.end("filling", busy * ends, rate, &watch.take());

    phase = Phase::begin(&bridge);
    tokio::time::sleep(time).await;
    let mut logged = 0;
    for number in LIVE + 1..=LIVE + busy {
        logged += responses(&client, number).await;
    }
    phase.end("full", logged, 0.0, &watch.take());
    assert_eq!(logged, busy * ends, "each end is in the log, once");
    for number in 1..=LIVE {
        assert_eq!(printer(number).state(), State::Printing, "it has ended");
    }
    let _ = client.disconnect().await;
}

/// What was measured of the bridge since.
struct Phase<'a> {
    bridge: &'a Process,
    began: Instant,
    ticks: u64,
}

impl<'a> Phase<'a> {
    fn begin(bridge: &'a Process) -> Self {
        Self {
            bridge,
            began: Instant::now(),
            ticks: bridge.ticks(),
        }
    }

    fn end(self, log: &str, entries: usize, rate: f64, delays: &Times) {
        let busy = (self.bridge.ticks() - self.ticks) as f64;
        println!(
            "| {log} | {entries} | {rate:.0} | {} | {:.0} / {:.0} / {:.0} | {:.0} | {:.0} |",
            delays.len(),
            delays.median(),
            delays.p99(),
            delays.max(),
            busy / self.began.elapsed().as_secs_f64(),
            self.bridge.resident_mib(),
        );
    }
}

fn start(printer: &Handle) {
    let (path, then) = (FILE.to_owned(), AfterSelect::Print);
    printer
        .command(Command::Select { path, then })
        .expect("a print");
}

/// Prints so many jobs, each just long enough for the bridge to see it, and to see its end.
async fn end_prints(printer: Handle, ends: usize) {
    for _ in 0..ends {
        start(&printer);
        seen(&printer).await;
        until(&printer, &State::Printing).await;
        printer.skip_to_end();
        until(&printer, &State::Operational).await;
        seen(&printer).await;
    }
}

/// Waits until the bridge has got an answer that was made after this.
async fn seen(printer: &Handle) {
    let before = printer.answers(Endpoint::Job, 200);
    let began = Instant::now();
    // The first of them may have been made before.
    while printer.answers(Endpoint::Job, 200) < before + 2 {
        assert!(began.elapsed() < PATIENCE, "nobody polls");
        tokio::time::sleep(LOOK).await;
    }
}

async fn until(printer: &Handle, state: &State) {
    let began = Instant::now();
    while printer.state() != *state {
        assert!(began.elapsed() < PATIENCE, "not {state:?}");
        tokio::time::sleep(LOOK).await;
    }
}

/// How many entries the JobOrderResponseList of a machine has.
async fn responses(client: &Client, number: usize) -> usize {
    let list = format!(
        "{}/MachineryBuildingBlocks/JobManagement/JobOrderResults/JobOrderResponseList",
        printer_name(number)
    );
    let node: ReadValueId = NodeId::new(INSTANCES, list).into();
    let values = client.read(&[node], TimestampsToReturn::Neither, 0.0).await;
    match values.expect("answer").swap_remove(0).value {
        Some(Variant::Array(list)) => list.values.len(),
        other => panic!("no list: {other:?}"),
    }
}
