//! Half an hour of everything that goes wrong in a factory, all at once and at random: OctoPrints that hang, refuse,
//! restart and reject the key, push sockets that are cut, silent and lie, clocks that jump, MES that are killed, floods
//! at the port, and a disk that is full.
//!
//! ```text
//! UMATI_SOAK_MINUTES=30 UMATI_SOAK_SEED=1 cargo test --test bridge soak:: -- --ignored --nocapture
//! ```
//!
//! Always holds, and is looked at every second: no job that was told is lost, doubled or told otherwise; a client that
//! behaves is answered; a printer without faults is read on time; nothing has panicked. At the end: each print of the
//! honest printers is one job ([`told`](crate::told)), and memory and descriptors are where they were.

use std::fs;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use fastrand::Rng;
use opcua::types::NodeId;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use umati_bridge::octoprint::simulator::{
    AfterSelect, Command, Endpoint, Fault, Handle, Prank, PrinterError, PushFault, printer_name,
};
use umati_bridge::umati::namespaces as ns;

use crate::common::bridge::Bridge;
use crate::mes::Mes;
use crate::paths::{ITEM_STATE, PROGRAM, RESPONSES, SERVER_REACHABLE, TOOL, UPDATED};
use crate::plant::{OctoPrints, block_on, written};
use crate::prints::{Floor, Time};
use crate::told::{Job, Proof, assert_nothing_lost, assert_the_same_story, jobs, looks};

/// Printers whose OctoPrints fail but never lie: their story has to be told to the letter. The first never fails.
const HONEST: usize = 4;
/// Printers that also lie, jump in time and lose their plug. What was told of them has to stand.
const WILD: usize = 3;
const ALL: usize = HONEST + WILD;

/// Connections that a flood holds at a time.
const FLOOD: usize = 120;
/// The honest client asks this often.
const LOOK: Duration = Duration::from_secs(1);
/// Memory may differ by this much between the second and the last quarter.
const RESIDENT_SLACK_KIB: u64 = 25 * 1024;
const DESCRIPTOR_SLACK: usize = 16;
const BURST: TimeDelta = TimeDelta::milliseconds(50);

#[test]
#[ignore = "takes minutes, and needs prlimit"]
fn everything_that_goes_wrong_loses_no_job_and_leaks_nothing() {
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    let minutes = number("UMATI_SOAK_MINUTES").unwrap_or(2);
    let seed = number("UMATI_SOAK_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("{minutes} minutes; UMATI_SOAK_SEED={seed}");
    block_on(soak(Duration::from_secs(60 * minutes), seed));
}

async fn soak(time: Duration, seed: u64) {
    let mut dice = Rng::with_seed(seed);
    let octoprints = OctoPrints::start(ALL).await;
    let machines: Vec<_> = octoprints.machines(ALL).iter().map(written).collect();
    let bridge = Bridge::run_on_small_disk(json!({
        "machines": machines,
        "job_log": { "orders": 1000, "days": 30 },
    }));
    let mut witness = Witness::of(&bridge).await;
    let base = Usage::of(&bridge);
    let mut floor = Floor::start(
        (1..=HONEST).map(|number| octoprints.printer(number)),
        dice.u64(..),
    );

    let stop = CancellationToken::new();
    let mut troubles = JoinSet::new();
    for number in 2..=HONEST {
        let fails = fails(
            number,
            octoprints.printer(number),
            floor.restarter(number),
            dice.fork(),
            stop.clone(),
        );
        troubles.spawn(fails);
    }
    for number in HONEST + 1..=ALL {
        let runs_wild = runs_wild(octoprints.printer(number), dice.fork(), stop.clone());
        troubles.spawn(runs_wild);
    }
    let endpoint = bridge.endpoint().to_owned();
    troubles.spawn(come_and_go(endpoint.clone(), dice.fork(), stop.clone()));
    troubles.spawn(flood(endpoint, dice.fork(), stop.clone()));

    let mut samples = Vec::new();
    let mut disk = Disk::default();
    let end = Instant::now() + time;
    while Instant::now() < end {
        sleep(LOOK).await;
        disk.turn(&bridge, &mut dice);
        witness.look(&bridge).await;
        samples.push(Usage::of(&bridge));
        while let Some(ended) = troubles.try_join_next() {
            ended.expect("no trouble ends by itself");
        }
    }

    stop.cancel();
    bridge.disk_is_full(false);
    while let Some(ended) = troubles.join_next().await {
        ended.expect("no panic");
    }
    floor.stop().await;
    witness.until_all_are_read_again(&bridge).await;
    let after = settled(&bridge, base).await;
    let [early, late] = [1, 3].map(|quarter| median(&samples, quarter));
    println!(
        "disk full {} times; answers ms p50 {} p99 {} max {}; RSS KiB {} at first, {} in the second quarter, \
         {} in the last, {} after; descriptors {} at first, at most {}, {} after",
        disk.times,
        witness.answers(50),
        witness.answers(99),
        witness.answers(100),
        base.resident_kib,
        early.resident_kib,
        late.resident_kib,
        after.resident_kib,
        base.descriptors,
        samples.iter().map(|it| it.descriptors).max().unwrap_or(0),
        after.descriptors,
    );
    let proof = witness.judge(&floor);
    println!("{proof:?}");
    assert!(proof.told * 3 >= proof.prints * 2, "{proof:?}");
    // Many are over and out of sight before a look that began after them is told.
    assert!(proof.endings * 10 >= proof.told, "{proof:?}");
    let slack = early.resident_kib + RESIDENT_SLACK_KIB;
    assert!(late.resident_kib <= slack, "{early:?} {late:?}");
    assert!(bridge.terminate().success());
}

/// A client that behaves, and all that it was told.
struct Witness {
    mes: Mes,
    lists: Vec<NodeId>,
    told: Vec<Vec<Job>>,
    answers: Vec<Duration>,
    /// Where the last look ended.
    mark: usize,
    log_lines: usize,
}

impl Witness {
    async fn of(bridge: &Bridge) -> Self {
        let mes = Mes::connect(bridge.endpoint()).await;
        let mut watched: Vec<_> = (1..=ALL).map(|number| path(number, UPDATED)).collect();
        watched.push(path(1, SERVER_REACHABLE));
        mes.watch(&watched).await;
        for number in 1..=ALL {
            mes.until_changed(0, &path(number, UPDATED), 5).await;
        }
        let lists = (1..=ALL).map(|number| NodeId::new(ns::INSTANCES, path(number, RESPONSES)));
        Self {
            lists: lists.collect(),
            told: vec![Vec::new(); ALL],
            answers: Vec::new(),
            mark: mes.mark(),
            log_lines: 0,
            mes,
        }
    }

    /// What was told before is told still, the printer without faults is read, and nothing has panicked.
    async fn look(&mut self, bridge: &Bridge) {
        let asked = Instant::now();
        let lists = self.mes.read_all(&self.lists).await;
        self.answers.push(asked.elapsed());
        for (before, list) in self.told.iter_mut().zip(&lists) {
            let now = jobs(list);
            assert_nothing_lost(before, &now);
            for pair in now.windows(2) {
                assert_ne!(pair[0].id, pair[1].id, "one print is two jobs: {now:#?}");
            }
            *before = now;
        }
        let quiet = self.mes.mark();
        self.mes
            .until_changed(self.mark, &path(1, UPDATED), 1)
            .await;
        self.mark = quiet;
        let log = bridge.log_from(self.log_lines);
        self.log_lines += log.len();
        for line in &log {
            assert!(!line.contains("panicked"), "{line}");
            // The library calls it an error when a stranger hangs up.
            let is_error =
                line.contains("ERROR umati_bridge") && !line.contains("cannot be stored");
            assert!(!is_error, "{line}");
        }
    }

    async fn until_all_are_read_again(&mut self, bridge: &Bridge) {
        let mark = self.mes.mark();
        for number in 1..=ALL {
            self.mes
                .until_changed(mark, &path(number, UPDATED), 5)
                .await;
        }
        self.look(bridge).await;
    }

    fn judge(&self, floor: &Floor) -> Proof {
        let mut proof = Proof::default();
        for (index, prints) in floor.prints().iter().enumerate() {
            let looks = apart(looks(self.mes.history(0, &path(index + 1, UPDATED))));
            assert_the_same_story(prints, &self.told[index], &looks, &mut proof);
        }
        self.mes.machine(&printer_name(1)).assert_always_reachable();
        proof
    }

    fn answers(&self, percent: usize) -> u128 {
        let mut answers = self.answers.clone();
        answers.sort();
        let place = (answers.len() * percent / 100).min(answers.len() - 1);
        answers[place].as_millis()
    }
}

/// Messages of a push socket that waited together are received together, some of them long after they were true: such a
/// burst is one look.
fn apart(looks: Vec<Time>) -> Vec<Time> {
    let mut apart = Vec::<Time>::new();
    for look in looks {
        match apart.last_mut() {
            Some(last) if look - *last < BURST => *last = look,
            _ => apart.push(look),
        }
    }
    apart
}

fn path(number: usize, path: &str) -> String {
    format!("{}/{path}", printer_name(number))
}

/// What the process holds.
#[derive(Debug, Clone, Copy)]
struct Usage {
    resident_kib: u64,
    descriptors: usize,
}

impl Usage {
    fn of(bridge: &Bridge) -> Self {
        let folder = format!("/proc/{}", bridge.id());
        let status = fs::read_to_string(format!("{folder}/status")).expect("it runs");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.and_then(|it| it.trim().trim_end_matches("kB").trim().parse().ok());
        Self {
            resident_kib: resident.expect("VmRSS"),
            descriptors: fs::read_dir(format!("{folder}/fd"))
                .expect("it runs")
                .count(),
        }
    }
}

/// Of one quarter of the time, 0 to 3.
fn median(samples: &[Usage], quarter: usize) -> Usage {
    let length = samples.len() / 4;
    let mut samples = samples[quarter * length..][..length].to_vec();
    samples.sort_by_key(|it| it.resident_kib);
    samples[length / 2]
}

/// Waits until the descriptors of the floods are closed.
async fn settled(bridge: &Bridge, base: Usage) -> Usage {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let usage = Usage::of(bridge);
        if usage.descriptors <= base.descriptors + DESCRIPTOR_SLACK {
            return usage;
        }
        assert!(Instant::now() < deadline, "{base:?} has become {usage:?}");
        sleep(LOOK).await;
    }
}

/// A disk that is full now and then.
#[derive(Default)]
struct Disk {
    looks_left: u32,
    full: bool,
    times: usize,
}

impl Disk {
    fn turn(&mut self, bridge: &Bridge, dice: &mut Rng) {
        if self.looks_left > 0 {
            self.looks_left -= 1;
            return;
        }
        bridge.disk_is_full(self.full);
        self.times += usize::from(self.full);
        self.looks_left = if self.full {
            dice.u32(1..8)
        } else {
            dice.u32(5..25)
        };
        self.full = !self.full;
    }
}

/// Sleeps at most so long; `false` if it is over meanwhile.
async fn pass(dice: &mut Rng, milliseconds: u64, stop: &CancellationToken) -> bool {
    let time = Duration::from_millis(dice.u64(50..milliseconds));
    stop.run_until_cancelled(sleep(time)).await.is_some()
}

/// One way after the other in which an OctoPrint fails without a false word.
async fn fails(
    number: usize,
    printer: Handle,
    restart: impl Fn() + Send + 'static,
    mut dice: Rng,
    stop: CancellationToken,
) {
    while pass(&mut dice, 5_000, &stop).await {
        let way = dice.u8(..16);
        println!("{} printer {number} fails in way {way}", Utc::now());
        match way {
            0 => printer.inject(Fault::Hang),
            1 => printer.inject(Fault::Close),
            2 => printer.inject(Fault::Truncate),
            3 => printer.inject(Fault::Garbage),
            4 => printer.inject(Fault::Status([404, 429, 500, 502, 503][dice.usize(..5)])),
            5 => printer.inject(Fault::Html),
            6 => printer.inject(Fault::Slow(Duration::from_millis(300))),
            7 => printer.inject(Fault::Huge(3 << 20)),
            8 => printer.inject_at(Endpoint::Login, Fault::Status(502)),
            9 => printer.inject_push(PushFault::Silence),
            10 => printer.inject_push(PushFault::StaleSession),
            11 => printer.cut(),
            12 => printer.play(Prank::HalfFrame),
            13 => printer.play(Prank::Reauthenticate),
            14 => {
                printer.inject(Fault::Close);
                restart();
            }
            // Rejected keys are tried again half a minute later.
            _ if dice.u8(..4) == 0 => printer.revoke_keys(),
            _ => printer.play(Prank::Events(500)),
        }
        pass(&mut dice, 4_000, &stop).await;
        printer.restore_keys();
        printer.heal();
        println!("{} printer {number} is healed", Utc::now());
    }
}

/// Printers that do anything, before OctoPrints that tell anything.
async fn runs_wild(printer: Handle, mut dice: Rng, stop: CancellationToken) {
    let hours = |dice: &mut Rng| Duration::from_secs(dice.u64(1..48 * 3600));
    while pass(&mut dice, 3_000, &stop).await {
        // What is refused was impossible just then.
        let _ = match dice.u8(..15) {
            0 => printer.command(Command::Connect),
            1 => printer.command(Command::Cancel),
            2..=4 => printer.command(Command::Select {
                path: "demo-ring.gcode".to_owned(),
                then: AfterSelect::Print,
            }),
            wild => {
                match wild {
                    5 => printer.unplug(),
                    6 => printer.fail(PrinterError::firmware("Thermal Runaway")),
                    7 => printer.restart_server(),
                    8 => printer.skip_to_end(),
                    9 => printer.inject_push(PushFault::Lie),
                    10 => printer.inject_push(PushFault::Ahead(hours(&mut dice))),
                    11 => printer.inject_push(PushFault::Behind(hours(&mut dice))),
                    12 => printer.inject_push(PushFault::Swallow("PrintDone")),
                    13 => printer.inject(Fault::WrongTypes),
                    _ => printer.freeze(),
                }
                Ok(())
            }
        };
        pass(&mut dice, 2_000, &stop).await;
        printer.thaw();
        printer.heal();
    }
    let _ = printer.command(Command::Cancel);
    let _ = printer.command(Command::Connect);
}

/// MES that subscribe and are killed, one after the other.
async fn come_and_go(endpoint: String, mut dice: Rng, stop: CancellationToken) {
    while pass(&mut dice, 2_000, &stop).await {
        let mes = Mes::connect(&endpoint).await;
        let watched: Vec<_> = (1..=ALL)
            .flat_map(|number| [TOOL, ITEM_STATE, PROGRAM, UPDATED].map(|it| path(number, it)))
            .collect();
        mes.watch(&watched).await;
        pass(&mut dice, 3_000, &stop).await;
        mes.cut();
    }
}

/// Strangers who say nothing, half a word, or anything.
async fn flood(endpoint: String, mut dice: Rng, stop: CancellationToken) {
    let address = endpoint.trim_start_matches("opc.tcp://").to_owned();
    while pass(&mut dice, 3_000, &stop).await {
        let mut strangers = Vec::new();
        for _ in 0..dice.usize(1..FLOOD) {
            // Refused is as good as let in.
            let Ok(mut stranger) = TcpStream::connect(&address).await else {
                continue;
            };
            let said = match dice.u8(..4) {
                0 => Vec::new(),
                1 => b"HEL".to_vec(),
                2 => b"GET / HTTP/1.1\r\n\r\n".to_vec(),
                _ => (0..dice.usize(1..2_000)).map(|_| dice.u8(..)).collect(),
            };
            let _ = stranger.write_all(&said).await;
            strangers.push(stranger);
        }
        pass(&mut dice, 4_000, &stop).await;
    }
}
