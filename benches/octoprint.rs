//! What it costs a real OctoPrint to be watched: by nobody, by a bridge that asks each second, by one that is told.
//!
//! `cargo bench --bench octoprint -- VERSION [SECONDS] [ROUNDS]` takes turns, so that what else the computer does strikes
//! all alike, and prints two rows of `docs/benchmarks.md`. Linux only (`/proc`). Needs what the ignored tests need.

#[path = "../tests/common/mod.rs"]
mod common;

use std::fs;
use std::time::Duration;

use common::bridge::Bridge;
use common::octoprint::{Print, RealOctoPrint};
use common::pause;
use serde_json::json;

/// After this the bridge has read all that it reads once, or is told.
const SETTLE: Duration = Duration::from_secs(4);

/// Processor time is counted in hundredths of a second (`getconf CLK_TCK`, the same on all Linux computers).
const TICKS_PER_SECOND: f64 = 100.0;

/// Who watches, in turn; `None` is nobody.
const WAYS: [Option<&str>; 3] = [None, Some("poll"), Some("push")];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut arguments = arguments.iter().filter(|it| !it.starts_with('-'));
    let version = arguments.next().map_or("1.11.8", String::as_str);
    let mut number = |default| {
        arguments
            .next()
            .and_then(|it| it.parse().ok())
            .unwrap_or(default)
    };
    let window = Duration::from_secs(number(12));
    let rounds = number(5);

    let octoprint = RealOctoPrint::start(version);
    octoprint.connect();
    octoprint.upload("", Print::LONG);
    println!(
        "| OctoPrint | printer | % of a core: nobody / poll / push | lines logged a minute: nobody / poll / push |"
    );
    println!("|---|---|---|---|");
    for printer in ["idle", "printing"] {
        if printer == "printing" {
            octoprint.start_print(Print::LONG);
        }
        let mut shares = [const { Vec::new() }; WAYS.len()];
        let mut lines = [const { Vec::new() }; WAYS.len()];
        for _ in 0..rounds {
            for (index, way) in WAYS.into_iter().enumerate() {
                let _bridge = way.map(|way| watch(&octoprint, way));
                pause(SETTLE);
                let before = (processor_time(octoprint.id()), octoprint.lines_logged());
                pause(window);
                let after = (processor_time(octoprint.id()), octoprint.lines_logged());
                shares[index].push((after.0 - before.0) / window.as_secs_f64() * 100.0);
                let logged = (after.1 - before.1) as f64;
                lines[index].push(logged / window.as_secs_f64() * 60.0);
            }
        }
        let [nobody, poll, push] = shares.map(|shares| told(shares, 1));
        let lines = lines.map(|lines| told(lines, 0)).join(" / ");
        println!("| {version} | {printer} | {nobody} / {poll} / {push} | {lines} |");
    }
    println!("refused requests: {:#?}", octoprint.refusals());
}

fn watch(octoprint: &RealOctoPrint, way: &str) -> Bridge {
    Bridge::run(json!({
        "machines": [{
            "type": "OCTOPRINT",
            "url": octoprint.url(),
            "custom_name": "real",
            // With `push` it would first look within a heartbeat, in the midst of what is measured.
            "source": if way == "push" { "auto" } else { way },
            "api_key": octoprint.status_key(),
            "mes_id": [1],
            "poll_interval_ms": 1000,
        }],
    }))
}

/// Median, and from the least to the most.
fn told(mut values: Vec<f64>, digits: usize) -> String {
    values.sort_by(f64::total_cmp);
    let (least, most) = (values[0], values[values.len() - 1]);
    let median = values[values.len() / 2];
    format!("{median:.digits$} ({least:.digits$}–{most:.digits$})")
}

/// What the process used of the processor so far, in seconds.
fn processor_time(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields: Vec<_> = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().collect())
        .unwrap_or_default();
    // utime and stime, fields 14 and 15 of all, the first two of which are gone.
    let ticks = [11, 12].map(|index: usize| fields[index].parse::<f64>().expect("a number"));
    (ticks[0] + ticks[1]) / TICKS_PER_SECOND
}
