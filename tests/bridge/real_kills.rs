//! A real OctoPrint, and `kill -9` in the midst of its prints: of the bridge, of OctoPrint, of both. Each print is one
//! job with one end, for a machine that is told of it and for one that asks.

use chrono::Utc;
use opcua::types::StatusCode;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::common::bridge::Bridge;
use crate::common::octoprint::{Print, RealOctoPrint};
use crate::machine::{Machine, text};
use crate::mes::{Mes, Seen};
use crate::paths::{DATA_SOURCE, PROGRAM, RESPONSES, SERVER_REACHABLE, program};
use crate::plant::runtime;
use crate::told::{Job, SUCCESSFUL, UNKNOWN, UNSUCCESSFUL, assert_nothing_lost, jobs};

/// One printer as two machines, each named after the way in which it is read.
const WAYS: [&str; 2] = ["push", "poll"];

struct Scene {
    runtime: Runtime,
    octoprint: RealOctoPrint,
    bridge: Option<Bridge>,
    machines: [Machine; 2],
    told: [Vec<Job>; 2],
}

#[test]
#[ignore = "needs Python and the package registries"]
fn each_print_on_octoprint_1_11_8_is_one_job_whoever_is_killed() {
    kill("1.11.8");
}

#[test]
#[ignore = "needs Python and the package registries"]
fn each_print_on_octoprint_2_0_0rc7_is_one_job_whoever_is_killed() {
    kill("2.0.0rc7");
}

fn kill(version: &str) {
    let mut scene = Scene::set(version);

    scene.prints(Print::LONG);
    scene.kill_bridge();
    scene.until_program(program::RUNNING);
    scene.octoprint.cancel();
    scene.ended(program::ABORTED, UNSUCCESSFUL);

    // Its end may be seen or not.
    scene.prints(Print::SHORT);
    scene.kill_bridge();
    scene.ended(program::ENDED, SUCCESSFUL);

    scene.prints(Print::LONG);
    scene.kill_octoprint();
    scene.octoprint.restart();
    scene.octoprint.connect();
    scene.ended(program::ABORTED, UNKNOWN);

    scene.prints(Print::LONG);
    scene.kill_octoprint();
    scene.kill_bridge();
    scene.octoprint.restart();
    scene.octoprint.connect();
    scene.ended(program::ABORTED, UNKNOWN);
}

impl Scene {
    fn set(version: &str) -> Self {
        let octoprint = RealOctoPrint::start(version);
        octoprint.connect();
        let machines = WAYS.map(|way| {
            json!({
                "type": "OCTOPRINT",
                "url": octoprint.url(),
                "custom_name": way,
                "source": if way == "push" { "auto" } else { way },
                "api_key": octoprint.status_key(),
                "mes_id": [1],
            })
        });
        let bridge = Bridge::run(json!({
            "poll_interval_ms": 250,
            "heartbeat_interval_ms": 3_600_000,
            "machines": machines,
        }));
        let runtime = runtime();
        let machines = runtime.block_on(watch(&bridge));
        let scene = Self {
            runtime,
            octoprint,
            bridge: Some(bridge),
            machines,
            told: Default::default(),
        };
        scene.until_program(program::INITIALIZING);
        scene
    }

    /// A print that the bridge has told of.
    fn prints(&mut self, print: Print) {
        self.until_read();
        let before = Utc::now();
        self.octoprint.print(print);
        self.until_program(program::RUNNING);
        let told = self.told[0].len();
        let one_more = |seen: &Seen| jobs(&seen.value).len() > told;
        self.until(RESPONSES, "tells the print", one_more);
        let now = Utc::now();
        self.compare();
        for told in &self.told {
            let last = told.last().expect("a job");
            assert!(before <= last.start && last.start <= now, "{last:?}");
        }
    }

    fn kill_bridge(&mut self) {
        let bridge = self.bridge.take().expect("it runs");
        let bridge = bridge.kill_and_run_again();
        self.machines = self.runtime.block_on(watch(&bridge));
        self.bridge = Some(bridge);
    }

    fn kill_octoprint(&mut self) {
        self.octoprint.kill();
        let is_gone = |seen: &Seen| seen.value == false.into();
        self.until(SERVER_REACHABLE, "is false", is_gone);
    }

    /// Waits for the end of the print, which stays the same over one more kill.
    fn ended(&mut self, state: u32, result: i32) {
        let count = self.told[0].len();
        for _ in 0..2 {
            self.until_program(state);
            self.compare();
            for jobs in &self.told {
                assert_eq!(jobs.len(), count, "{jobs:#?}");
                let last = &jobs[count - 1];
                assert!(last.end.is_some_and(|end| end >= last.start), "{last:?}");
                assert_eq!(last.result, result, "{last:?}");
            }
            self.kill_bridge();
        }
        self.until_program(state);
    }

    /// What was told before is told still.
    fn compare(&mut self) {
        for (machine, told) in self.machines.iter().zip(&mut self.told) {
            let list = self.runtime.block_on(machine.read(RESPONSES));
            let now = jobs(&list.value);
            assert_nothing_lost(told, &now);
            *told = now;
        }
    }

    /// Waits until each is read in its own way.
    fn until_read(&self) {
        for (machine, way) in self.machines.iter().zip(WAYS) {
            let waiting = machine.until_is(DATA_SOURCE, text(way), StatusCode::Good);
            self.runtime.block_on(waiting);
        }
    }

    fn until_program(&self, state: u32) {
        for machine in &self.machines {
            self.runtime.block_on(machine.until_number(PROGRAM, state));
        }
    }

    fn until(&self, path: &str, what: &str, accept: impl Fn(&Seen) -> bool) {
        for machine in &self.machines {
            self.runtime.block_on(machine.until(path, what, &accept));
        }
    }
}

async fn watch(bridge: &Bridge) -> [Machine; 2] {
    let mes = Mes::connect(bridge.endpoint()).await;
    let machines = WAYS.map(|way| mes.machine(way));
    for machine in &machines {
        machine
            .watch(&[PROGRAM, RESPONSES, SERVER_REACHABLE, DATA_SOURCE])
            .await;
    }
    machines
}
