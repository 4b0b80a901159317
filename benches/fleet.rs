//! A fleet against the release binary: start, memory, processor time and the way of one change to a client.
//!
//! `cargo bench --bench fleet -- PRINTERS [SECONDS] [STARTS] [JOBS]` starts the simulator and the bridge as two processes of
//! their own, so that only the bridge is measured, and prints one row of `docs/benchmarks.md`. JOBS: how many jobs of
//! each machine are in the store when the bridge starts. Linux only (`/proc`).

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use chrono::Utc;
use common::client::Client;
use common::process::{Process, write_config};
use common::times::Times;
use serde_json::json;
use umati_bridge::machine::{
    Changes, Checkpoint, Filament, FileRef, Job, JobId, JobPhase, JobStart, Order, OrderId,
    OrderOrigin, OrderState, Outcome, Progress, ToolFilament,
};
use umati_bridge::store::{FILE_NAME, Store};

/// After this the fleet is read in full and the first allocations are over.
const SETTLE: Duration = Duration::from_secs(10);
/// Machines whose changes the client watches: enough for a distribution, few enough not to be the load.
const WATCHED: usize = 20;

fn main() {
    let [printers, seconds, starts, jobs] = common::numbers([100, 30, 5, 0]);
    let time = Duration::from_secs(seconds as u64);
    let runtime = tokio::runtime::Runtime::new().expect("runtime");

    let folder = tempfile::tempdir().expect("temporary folder");
    let simulator = Process::start(&[
        "simulate",
        "--printers",
        &printers.to_string(),
        "--port",
        "0",
    ]);
    let first_printer = simulator.address("http://");
    let base = first_printer.trim_end_matches("/printer-0001/");
    let config = write_config(folder.path(), base, printers, json!({}), &json!({}));
    if jobs > 0 {
        let store = folder.path().join("state").join(FILE_NAME);
        runtime.block_on(fill(&store, printers, jobs));
    }

    // The first start makes the certificate; it is told apart.
    let first = Process::bridge(&config).ready_after;
    let ready = Times::new(
        (0..starts)
            .map(|_| Process::bridge(&config).ready_after)
            .collect(),
    );

    let bridge = Process::bridge(&config);
    common::pass(SETTLE);
    let idle = bridge.processor_share(time);
    let memory = bridge.resident_mib();
    let endpoint = bridge.address("opc.tcp://");
    let delays = runtime.block_on(watch(&endpoint, printers.min(WATCHED), time));

    println!(
        "| printers | jobs each | first start ms | ready ms (median of {starts}) | RSS MiB | % of a core | changes | change to client ms p50 / p99 / max |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    println!(
        "| {printers} | {jobs} | {} | {:.0} | {memory:.0} | {:.1} | {} | {:.0} / {:.0} / {:.0} |",
        first.as_millis(),
        ready.median(),
        idle * 100.0,
        delays.len(),
        delays.median(),
        delays.p99(),
        delays.max(),
    );
}

/// So many completed prints of each machine, minutes apart.
async fn fill(path: &Path, printers: usize, jobs: usize) {
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
            asked_at: None,
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
            filament: ToolFilament::from_iter([(
                "tool0".to_owned(),
                Filament {
                    length: Some(4120.9),
                    volume: Some(9.9),
                    weight: None,
                },
            )]),
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

async fn watch(endpoint: &str, machines: usize, time: Duration) -> Times {
    let client = Client::anonymous(endpoint).await;
    let watch = client
        .watch((1..=machines).map(|n| format!("printer-{n:04}/OctoPrint/Progress")))
        .await;
    tokio::time::sleep(time).await;
    let _ = client.disconnect().await;
    watch.take()
}
