//! What a MES was answered outlives `kill -9` of the bridge in the next moment, and a print goes on under the same order.

use opcua::types::{NodeId, StatusCode};
use serde_json::json;
use umati_bridge::octoprint::simulator::{
    AfterSelect, Command, Endpoint, Fault, Handle, PauseAction, State, printer_name,
};
use umati_bridge::password::Hash;
use umati_bridge::umati::isa95::types::{JobResponse, WorkMaster};
use umati_bridge::umati::namespaces as ns;

use crate::caller::{DONE, PASSWORD, file, of_order, order, orders, response, with_order};
use crate::common::bridge::Bridge;
use crate::common::wait_until;
use crate::machine::Machine;
use crate::mes::{Mes, Seen};
use crate::paths::{ASSET_ID, PROGRAM, RESPONSES, program};
use crate::plant::{OctoPrints, block_on, written};
use crate::told::{Job, jobs};

/// Milliseconds.
const PRINT_TIME: &str = "OctoPrint/PrintTime";

/// An OctoPrint, the bridge as a process, and a MES that may do everything.
struct Scene {
    printer: Handle,
    bridge: Option<Bridge>,
    mes: Mes,
    _octoprints: OctoPrints,
}

impl Scene {
    async fn set() -> (Self, WorkMaster) {
        let octoprints = OctoPrints::start(1).await;
        let mut machine = octoprints.machine(1);
        machine.control = true;
        let hash = Hash::of(PASSWORD).expect("a hash").expose();
        let bridge = Bridge::run(json!({
            "machines": [written(&machine)],
            "mes": [{ "id": 1, "name": "Berlin", "role": "control", "user": "mes1", "password_hash": hash }],
            // The certificate of this MES is not what is tried here.
            "allow_anonymous": true,
        }));
        let mes = Mes::connect_as(bridge.endpoint(), "mes1", PASSWORD).await;
        let file = file(&mes.machine(&printer_name(1))).await;
        let scene = Self {
            printer: octoprints.printer(1),
            bridge: Some(bridge),
            mes,
            _octoprints: octoprints,
        };
        (scene, file)
    }

    async fn kill(&mut self) {
        let bridge = self.bridge.take().expect("it runs");
        let bridge = bridge.kill_and_run_again();
        self.mes = Mes::connect_as(bridge.endpoint(), "mes1", PASSWORD).await;
        self.bridge = Some(bridge);
    }

    fn machine(&self) -> Machine {
        self.mes.machine(&printer_name(1))
    }

    async fn jobs(&self) -> Vec<Job> {
        jobs(&self.machine().read(RESPONSES).await.value)
    }

    async fn response(&self, order: &str) -> JobResponse {
        response(&self.mes, order).await.expect("a response")
    }

    /// Waits until the program is in this state, as a MES that has just come.
    async fn until_program(&self, state: u32) {
        self.machine().watch(&[PROGRAM]).await;
        self.machine().until_number(PROGRAM, state).await;
    }

    /// OctoPrint takes requests and does not answer.
    fn out_of_sight(&self) {
        self.printer.inject(Fault::Hang);
    }

    fn until_printer_is(&self, state: &State) {
        wait_until(&format!("{state:?}"), || match self.printer.state() {
            now if now == *state => Ok(()),
            now => Err(format!("{now:?}")),
        });
    }
}

#[test]
fn orders_and_a_written_asset_id_are_there_after_a_kill() {
    block_on(async {
        let (mut scene, file) = Scene::set().await;
        let asset_id = NodeId::new(ns::INSTANCES, format!("{}/{ASSET_ID}", printer_name(1)));
        let mut stored = Vec::new();
        for round in 0..8 {
            let (id, text) = (format!("order {round}"), format!("asset {round}"));
            let store = with_order(&scene.mes, "Store", order(&id, &file));
            let write = scene.mes.write(asset_id.clone(), &text);
            // Either is the last that is answered before the kill.
            if round % 2 == 0 {
                assert_eq!(write.await, StatusCode::Good);
                assert_eq!(store.await, DONE);
            } else {
                assert_eq!(store.await, DONE);
                assert_eq!(write.await, StatusCode::Good);
            }
            scene.kill().await;
            stored.push(id);
            assert_eq!(orders(&scene.mes).await, stored);
            let written = scene.machine().read(ASSET_ID).await;
            assert_eq!((written.text(), written.is_good()), (text.as_str(), true));
        }
    });
}

#[test]
fn a_print_that_was_ordered_runs_over_a_kill_and_ends_once() {
    block_on(async {
        let (mut scene, file) = Scene::set().await;
        for (id, ends_unseen) in [("A", false), ("B", true)] {
            let started = with_order(&scene.mes, "StoreAndStart", order(id, &file)).await;
            assert_eq!(started, DONE);
            let before = scene.response(id).await;
            if ends_unseen {
                scene.out_of_sight();
                scene.printer.skip_to_end();
                scene.until_printer_is(&State::Operational);
                scene.kill().await;
                scene.printer.heal();
            } else {
                scene.kill().await;
                scene.until_program(program::RUNNING).await;
                let during = scene.response(id).await;
                assert_eq!(during.job_response_id, before.job_response_id);
                assert_eq!(
                    (during.start_time, during.end_time),
                    (before.start_time, None)
                );
                scene.printer.skip_to_end();
            }
            scene.until_program(program::ENDED).await;
            let after = scene.response(id).await;
            assert_eq!(after.job_response_id, before.job_response_id);
            assert_eq!(after.start_time, before.start_time);
            assert!(after.end_time > after.start_time, "{after:?}");
            // And it does not end again.
            scene.kill().await;
            scene.until_program(program::ENDED).await;
            assert_eq!(scene.response(id).await, after);
        }
        assert_eq!(scene.jobs().await.len(), 2);
    });
}

/// OctoPrint was told to print, and nobody has seen yet that it does.
#[test]
fn a_print_that_was_just_asked_for_is_still_that_of_its_order() {
    block_on(async {
        let (mut scene, file) = Scene::set().await;
        scene.printer.inject_at(Endpoint::Job, Fault::Hang);
        let mes = scene.mes.clone();
        let document = order("A", &file);
        let starting =
            tokio::spawn(async move { with_order(&mes, "StoreAndStart", document).await });
        scene.until_printer_is(&State::Printing);
        starting.abort();
        scene.kill().await;
        scene.printer.heal();
        scene.until_program(program::RUNNING).await;
        assert_eq!(scene.response("A").await.end_time, None);
        assert_eq!(scene.jobs().await.len(), 1);
        assert_eq!(of_order(&scene.mes, "Abort", "A").await, DONE);
        assert_eq!(scene.printer.requests(Endpoint::FileCommand), 1);
    });
}

/// Only how far the print was tells the one from the other.
#[test]
fn the_same_file_again_while_the_bridge_is_dead_is_another_job() {
    block_on(async {
        let (mut scene, _) = Scene::set().await;
        let path = "Halterung_links.gcode".to_owned();
        let then = AfterSelect::Print;
        scene
            .printer
            .command(Command::Select { path, then })
            .expect("it is ready");
        scene.until_program(program::RUNNING).await;
        scene.machine().watch(&[PRINT_TIME]).await;
        let far = |seen: &Seen| seen.number().is_some_and(|time| time >= 5_000.0);
        scene.machine().until(PRINT_TIME, "is 5 s", far).await;
        // The bridge keeps how far it is when the order turns.
        for (action, state) in [
            (PauseAction::Pause, program::INTERRUPTED),
            (PauseAction::Resume, program::RUNNING),
        ] {
            scene
                .printer
                .command(Command::Pause(action))
                .expect("it prints");
            scene.machine().until_number(PROGRAM, state).await;
        }
        let before = scene.jobs().await;
        scene.out_of_sight();
        scene.printer.command(Command::Cancel).expect("it prints");
        scene.until_printer_is(&State::Operational);
        scene.printer.command(Command::Start).expect("it is ready");
        scene.kill().await;
        scene.printer.heal();
        let machine = scene.machine();
        machine.watch(&[RESPONSES]).await;
        let two = |seen: &Seen| jobs(&seen.value).len() == 2;
        let list = machine.until(RESPONSES, "has two jobs", two).await;
        let [first, second] = &jobs(&list.value)[..] else {
            panic!("{list:?}");
        };
        assert_eq!((&first.id, first.start), (&before[0].id, before[0].start));
        assert!(
            first.end.is_some_and(|end| end <= second.start),
            "{first:?} {second:?}"
        );
        assert_eq!(second.end, None);
    });
}
