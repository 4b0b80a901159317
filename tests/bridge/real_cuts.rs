//! A real OctoPrint that prints one file after the other, and the socket on which it tells of it is cut at any moment,
//! or hangs: what it wrote to its own log is what the bridge tells, no more and no less.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use fastrand::Rng;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::common::bridge::Bridge;
use crate::common::octoprint::log::{Ending, Printed};
use crate::common::octoprint::{Print, RealOctoPrint};
use crate::common::relay::Relay;
use crate::common::{pause, wait_until};
use crate::machine::{Machine, text};
use crate::mes::{Mes, Seen};
use crate::paths::{DATA_SOURCE, RESPONSES};
use crate::plant::runtime;
use crate::prints::Time;
use crate::told::{Job, SUCCESSFUL, UNKNOWN, UNSUCCESSFUL, jobs};

const CUTS: usize = 30;

/// No two prints in a row have one file, so that a file tells which print it is.
const FILES: [&str; 4] = ["a.gcode", "b.gcode", "c.gcode", "d.gcode"];
/// Ends by itself after six seconds. What is over sooner than a heartbeat and the time until a contradiction counts
/// (2.5 s) may pass unseen while the socket hangs; nothing else may.
const LAYERS: u32 = 18;

/// How late a fact may be known that was told in vain: a heartbeat, the time until a contradiction counts, an answer,
/// and all of it on a busy computer.
const LATEST: TimeDelta = TimeDelta::seconds(8);
/// OctoPrint's log is cut off to milliseconds, and is written a little after the fact or before it.
const ABOUT: TimeDelta = TimeDelta::milliseconds(50);

/// What the virtual printer says when it is told to fail.
const ERROR: &str =
    "Thermal Runaway, system stopped! Heater_ID: bed - Printer halted. kill() called!";

/// The machine whose socket is cut.
const CUT: &str = "cut";
/// The same printer over a socket that nobody touches, hardly ever asked.
const TOLD: &str = "told";

#[test]
#[ignore = "needs Python and the package registries"]
fn each_print_on_octoprint_1_11_8_is_one_job_through_30_cuts() {
    cut("1.11.8", 1);
}

#[test]
#[ignore = "needs Python and the package registries"]
fn each_print_on_octoprint_2_0_0rc7_is_one_job_through_30_cuts() {
    cut("2.0.0rc7", 2);
}

fn cut(version: &str, seed: u64) {
    let scene = Scene::set(version);
    scene.prints_of_a_second_are_complete_jobs();
    let mut dice = Rng::with_seed(seed);
    let stop = CancellationToken::new();
    let floor = Floor {
        scene: &scene,
        dice: dice.fork(),
        stop: stop.clone(),
    };
    let (cuts, hurried) = std::thread::scope(|threads| {
        // Also when this fails.
        let stop = stop.drop_guard();
        let prints = threads.spawn(|| floor.print());
        let cuts = scene.cuts(&mut dice);
        drop(stop);
        (cuts, prints.join().expect("it prints"))
    });
    scene.judge(&cuts, &hurried);
}

struct Scene {
    runtime: Runtime,
    octoprint: RealOctoPrint,
    relay: Relay,
    _bridge: Bridge,
    cut: Machine,
    told: Machine,
}

impl Scene {
    fn set(version: &str) -> Self {
        let octoprint = RealOctoPrint::start(version);
        octoprint.connect();
        let relay = Relay::to(octoprint.port());
        let machine = |name: &str, url: String, heartbeat: u32| {
            json!({
                "type": "OCTOPRINT",
                "url": url,
                "custom_name": name,
                "api_key": octoprint.status_key(),
                "mes_id": [1],
                "poll_interval_ms": 250,
                "heartbeat_interval_ms": heartbeat,
            })
        };
        let bridge = Bridge::run(json!({ "machines": [
            machine(CUT, relay.url(), 1_000),
            machine(TOLD, octoprint.url(), 3_600_000),
        ]}));
        let runtime = runtime();
        let (cut, told) = runtime.block_on(async {
            let mes = Mes::connect(bridge.endpoint()).await;
            let machines = [CUT, TOLD].map(|name| mes.machine(name));
            for machine in &machines {
                machine.watch(&[DATA_SOURCE, RESPONSES]).await;
            }
            let [cut, told] = machines;
            (cut, told)
        });
        let scene = Self {
            runtime,
            octoprint,
            relay,
            _bridge: bridge,
            cut,
            told,
        };
        scene.until_told(&scene.cut);
        scene.until_told(&scene.told);
        scene
    }

    /// A print that polling once a second could not see whole.
    fn prints_of_a_second_are_complete_jobs(&self) {
        self.octoprint.upload("", Print::TINY);
        for count in 1..=3 {
            self.octoprint.start_print(Print::TINY);
            self.until_ended(&self.told, count);
            self.octoprint.wait_for_state("Operational");
        }
    }

    /// The moments in which a socket was cut or hung.
    fn cuts(&self, dice: &mut Rng) -> Vec<Time> {
        let mut cuts = Vec::new();
        while cuts.len() < CUTS {
            self.until_told(&self.cut);
            pause(Duration::from_millis(dice.u64(..1_000)));
            let hangs = dice.u8(..3) == 0;
            let struck = if hangs {
                self.relay.hang()
            } else {
                self.relay.cut()
            };
            // The bridge may have given up one that hung before.
            if struck > 0 {
                cuts.push(Utc::now());
            }
            if hangs {
                pause(Duration::from_millis(dice.u64(..3_000)));
                if dice.bool() {
                    self.relay.go_on();
                } else {
                    self.relay.cut();
                }
            }
        }
        cuts
    }

    fn judge(&self, cuts: &[Time], hurried: &[usize]) {
        self.octoprint.wait_for_state("Operational");
        let prints = self.octoprint.log().prints();
        for machine in [&self.cut, &self.told] {
            self.until_ended(machine, prints.len());
        }
        let during = |cut: &&Time| prints.iter().any(|print| print.ran_at(**cut));
        let struck = cuts.iter().filter(during).count();
        println!(
            "{} prints, {struck} of {} cuts within them",
            prints.len(),
            cuts.len()
        );
        assert!(struck * 2 > cuts.len(), "{cuts:?} {prints:#?}");
        for machine in [&self.told, &self.cut] {
            let list = self.runtime.block_on(machine.read(RESPONSES));
            assert_same_story(&machine.name, &prints, hurried, &jobs(&list.value));
        }
        let sources = self.told.history(0, DATA_SOURCE);
        let first = sources
            .iter()
            .position(|(source, _)| *source == text("push"));
        let rest = &sources[first.expect("it was told")..];
        assert_eq!(rest.len(), 1, "it was never asked: {sources:?}");
        // An answer can be under way at the moment in which a printer fails.
        let failed = |print: &&Printed| print.ending == Ending::Failed;
        let failures = prints.iter().filter(failed).count();
        let refusals = self.octoprint.refusals();
        let in_vain = |line: &String| line.contains(" 409 GET /api/printer");
        assert!(refusals.iter().all(in_vain), "{refusals:#?}");
        assert!(refusals.len() <= failures, "{refusals:#?}");
    }

    fn until_told(&self, machine: &Machine) {
        self.wait(machine, DATA_SOURCE, "is push", |seen| {
            seen.text() == "push"
        });
    }

    fn until_ended(&self, machine: &Machine, count: usize) {
        let ended = |seen: &Seen| {
            jobs(&seen.value)
                .iter()
                .filter(|job| job.end.is_some())
                .count()
        };
        self.wait(machine, RESPONSES, &format!("tells {count} ends"), |seen| {
            ended(seen) >= count
        });
    }

    fn wait(&self, machine: &Machine, path: &str, what: &str, accept: impl Fn(&Seen) -> bool) {
        self.runtime.block_on(machine.until(path, what, accept));
    }
}

/// Prints until it is told to stop, and lets what runs then come to its end.
struct Floor<'a> {
    scene: &'a Scene,
    dice: Rng,
    stop: CancellationToken,
}

impl Floor<'_> {
    /// Tells after which prints something else was begun before the bridge could know how they ended.
    fn print(mut self) -> Vec<usize> {
        let octoprint = &self.scene.octoprint;
        let mut hurried = Vec::new();
        for name in FILES {
            octoprint.upload(
                "",
                Print {
                    name,
                    layers: LAYERS,
                },
            );
        }
        for name in FILES.iter().cycle() {
            if self.stop.is_cancelled() {
                break;
            }
            let count = octoprint.log().prints().len() + 1;
            octoprint.start_print(Print {
                name,
                layers: LAYERS,
            });
            self.end(count);
            if self.dice.u8(..3) > 0 {
                self.scene.until_ended(&self.scene.cut, count);
            } else {
                hurried.push(count - 1);
            }
            self.make_ready();
        }
        hurried
    }

    /// Lets the print come to its end, which is the `count`th in the log of OctoPrint.
    fn end(&mut self, count: usize) {
        let octoprint = &self.scene.octoprint;
        let some_time = Duration::from_millis(self.dice.u64(3_500..4_500));
        match self.dice.u8(..6) {
            0 => {
                pause(some_time);
                octoprint.cancel();
            }
            1 => {
                pause(some_time);
                octoprint.provoke("trigger_fatal_error_marlin");
            }
            2 => {
                octoprint.wait_for_state("Printing");
                octoprint.pause();
                octoprint.wait_for_state("Paused");
                pause(some_time);
                octoprint.resume();
            }
            _ => {}
        }
        wait_until("the print is over", || {
            // It is started before the log says so: until then the last one is that before it, and is over.
            match octoprint.log().prints().get(count - 1) {
                Some(Printed { end: Some(_), .. }) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
    }

    fn make_ready(&self) {
        let octoprint = &self.scene.octoprint;
        let last = octoprint.log().prints().pop();
        if last.is_some_and(|print| print.ending == Ending::Failed) {
            octoprint.wait_for_state("Offline after error");
            octoprint.connect();
        } else {
            octoprint.wait_for_state("Operational");
        }
    }
}

/// Each print is one job, and there is no other.
///
/// `hurried`: which of them were followed by something else at once.
fn assert_same_story(machine: &str, prints: &[Printed], hurried: &[usize], jobs: &[Job]) {
    let told_as = format!("{machine}: {prints:#?} is told as {jobs:#?}");
    assert_eq!(prints.len(), jobs.len(), "{told_as}");
    let mut delays = Vec::new();
    for (index, (print, job)) in prints.iter().zip(jobs).enumerate() {
        let told_as = format!("{machine}: {print:#?} is told as {job:#?}");
        let file = format!("octoprint:local/{}@", print.file);
        assert!(job.id.starts_with(&file), "{told_as}");
        assert!(print.start - ABOUT <= job.start, "{told_as}");
        assert!(job.start <= print.start + LATEST, "{told_as}");
        let (said, end) = (print.said.expect("over"), print.end.expect("over"));
        let ended = job.end.expect("over");
        assert!(said - ABOUT <= ended && ended <= end + LATEST, "{told_as}");
        assert!(job.start < ended, "{told_as}");
        let after = jobs.get(index + 1).map_or(Time::MAX_UTC, |next| next.start);
        assert!(ended <= after, "{told_as}, before {after}");
        // What came at once may have hidden how it ended from who was asking.
        let hidden = machine == CUT && hurried.contains(&index);
        let result = (job.result, job.reason.as_deref());
        let is_told = match print.ending {
            Ending::Completed => result == (SUCCESSFUL, None),
            Ending::Cancelled => result == (UNSUCCESSFUL, Some("cancelled")),
            // OctoPrint 2.0 tells the error by itself only.
            Ending::Failed => {
                result == (UNSUCCESSFUL, Some(ERROR))
                    || machine == CUT && result == (UNSUCCESSFUL, Some("Offline after error"))
            }
            Ending::Untold => panic!("{told_as}"),
        };
        assert!(is_told || hidden && job.result == UNKNOWN, "{told_as}");
        let late = |told: Time, true_one: Time| (told - true_one).num_milliseconds();
        delays.push((late(job.start, print.start), late(ended, end), result));
    }
    println!("{machine}: start and end told so many ms late, and the result: {delays:?}");
}
