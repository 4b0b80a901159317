//! A real OctoPrint, and `kill -9` in the midst of its prints: of the bridge, of OctoPrint, of both. Each print is one
//! job with one end.

use chrono::Utc;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::common::bridge::Bridge;
use crate::common::octoprint::{Print, RealOctoPrint};
use crate::machine::Machine;
use crate::mes::{Mes, Seen};
use crate::paths::{PROGRAM, RESPONSES, SERVER_REACHABLE, program};
use crate::plant::runtime;
use crate::told::{Job, SUCCESSFUL, UNKNOWN, UNSUCCESSFUL, assert_nothing_lost, jobs};

const NAME: &str = "real";

struct Scene {
    runtime: Runtime,
    octoprint: RealOctoPrint,
    bridge: Option<Bridge>,
    machine: Machine,
    told: Vec<Job>,
}

#[test]
#[ignore = "needs Python and the package registries"]
fn each_print_on_octoprint_1_11_8_is_one_job_whoever_is_killed() {
    let mut scene = Scene::set();

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
    fn set() -> Self {
        let octoprint = RealOctoPrint::start("1.11.8");
        octoprint.connect();
        let bridge = Bridge::run(json!({
            "poll_interval_ms": 250,
            "machines": [{
                "type": "OCTOPRINT",
                "url": octoprint.url(),
                "custom_name": NAME,
                "api_key": octoprint.status_key(),
                "mes_id": [1],
            }],
        }));
        let runtime = runtime();
        let machine = runtime.block_on(watch(&bridge));
        let scene = Self {
            runtime,
            octoprint,
            bridge: Some(bridge),
            machine,
            told: Vec::new(),
        };
        scene.until_program(program::INITIALIZING);
        scene
    }

    /// A print that the bridge has told of.
    fn prints(&mut self, print: Print) {
        let before = Utc::now();
        self.octoprint.print(print);
        self.until_program(program::RUNNING);
        let told = self.told.len();
        let one_more = |seen: &Seen| jobs(&seen.value).len() > told;
        self.until(RESPONSES, "tells the print", one_more);
        let now = Utc::now();
        let last = self.compare().last().expect("a job");
        assert!(before <= last.start && last.start <= now, "{last:?}");
    }

    fn kill_bridge(&mut self) {
        let bridge = self.bridge.take().expect("it runs");
        let bridge = bridge.kill_and_run_again();
        self.machine = self.runtime.block_on(watch(&bridge));
        self.bridge = Some(bridge);
    }

    fn kill_octoprint(&mut self) {
        self.octoprint.kill();
        let is_gone = |seen: &Seen| seen.value == false.into();
        self.until(SERVER_REACHABLE, "is false", is_gone);
    }

    /// Waits for the end of the print, which stays the same over one more kill.
    fn ended(&mut self, state: u32, result: i32) {
        let count = self.told.len();
        for _ in 0..2 {
            self.until_program(state);
            let jobs = self.compare();
            assert_eq!(jobs.len(), count, "{jobs:#?}");
            let last = &jobs[count - 1];
            assert!(last.end.is_some_and(|end| end >= last.start), "{last:?}");
            assert_eq!(last.result, result, "{last:?}");
            self.kill_bridge();
        }
        self.until_program(state);
    }

    /// What was told before is told still.
    fn compare(&mut self) -> &[Job] {
        let list = self.runtime.block_on(self.machine.read(RESPONSES));
        let now = jobs(&list.value);
        assert_nothing_lost(&self.told, &now);
        self.told = now;
        &self.told
    }

    fn until_program(&self, state: u32) {
        let waiting = self.machine.until_number(PROGRAM, state);
        self.runtime.block_on(waiting);
    }

    fn until(&self, path: &str, what: &str, accept: impl Fn(&Seen) -> bool) {
        self.runtime
            .block_on(self.machine.until(path, what, accept));
    }
}

async fn watch(bridge: &Bridge) -> Machine {
    let machine = Mes::connect(bridge.endpoint()).await.machine(NAME);
    machine.watch(&[PROGRAM, RESPONSES, SERVER_REACHABLE]).await;
    machine
}
