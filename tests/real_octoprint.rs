//! A real OctoPrint in, umati machines out: the bridge between an OctoPrint of each supported generation, which it is
//! told of and asks, and an OPC UA client that others wrote. The client only sees what a default subscription tells it.

mod common;
#[path = "real_octoprint/control.rs"]
mod control;
#[path = "real_octoprint/scene.rs"]
mod scene;

use common::bridge::Bridge;
use common::foreign::{Client, Notification, Policy};
use common::octoprint::{ADMIN_KEY, Print, RealOctoPrint};
use common::pause;
use scene::{
    BED, ERROR_REASON, ERROR_TEXT, ITEM_STATE, KEY_VALID, Observer, PROGRAM_NAME, PROGRAM_STATE,
    PROGRESS, PUSH, REACHABLE, Scene, TOOL, TOOL_SETPOINT, WAYS, assert_stamps_ascend, item, path,
    program,
};
use serde_json::json;
use std::time::Duration;

#[test]
#[ignore = "needs Python and the package registries"]
fn octoprint_1_11_8_is_a_umati_machine_through_all_that_befalls_it() {
    drive("1.11.8", Observer(Client::Asyncua, Policy::Basic256Sha256));
}

#[test]
#[ignore = "needs Python and the package registries"]
fn octoprint_2_0_0rc7_is_a_umati_machine_through_all_that_befalls_it() {
    drive("2.0.0rc7", Observer(Client::NodeOpcua, Policy::None));
}

#[test]
#[ignore = "needs Python and the package registries"]
fn check_online_tells_what_each_key_may_do() {
    for version in ["1.11.8", "2.0.0rc7"] {
        let octoprint = RealOctoPrint::start(version);
        let reachable = format!("OctoPrint {version}, printer state \"Offline\"");
        let keys = [
            (octoprint.status_key(), format!("reachable: {reachable}")),
            (
                octoprint.powerless_key(),
                "key lacks STATUS: the key of user \"noperm\"".to_owned(),
            ),
            (
                "NOBODYHASTHISKEY0123456789".to_owned(),
                "key rejected: OctoPrint does not know the key".to_owned(),
            ),
            (
                ADMIN_KEY.to_owned(),
                format!("reachable: {reachable}; the key has more rights than it needs"),
            ),
        ];
        for (key, expected) in keys {
            let (code, said) = Bridge::check_online(&json!({
                "machines": [{
                    "type": "OCTOPRINT",
                    "url": octoprint.url(),
                    "custom_name": "real",
                    "api_key": key,
                    "mes_id": [1],
                }],
            }));
            assert!(
                said.contains(&format!("real: {expected}")),
                "{version}: {said}"
            );
            let usable = expected.starts_with("reachable");
            assert_eq!(code, Some(if usable { 0 } else { 69 }), "{version}: {said}");
        }
    }
}

/// The source and its controller alone, with no OPC UA before them: what was asked for really happens, and is seen soon.
#[test]
#[ignore = "needs Python and the package registries"]
fn octoprint_1_11_8_does_what_it_is_told_and_is_seen_doing_it() {
    control::drive("1.11.8");
}

#[test]
#[ignore = "needs Python and the package registries"]
fn octoprint_2_0_0rc7_does_what_it_is_told_and_is_seen_doing_it() {
    control::drive("2.0.0rc7");
}

fn drive(version: &str, observer: Observer) {
    let mut scene = Scene::set(version, observer);
    scene.the_printer_is_not_connected();
    scene.the_printer_connects();
    scene.a_print_is_paused_resumed_and_cancelled();
    scene.a_print_finishes();
    scene.the_firmware_fails_during_a_print();
    scene.the_cable_is_pulled_during_a_print();
    scene.nothing_was_asked_in_vain();
    scene.octoprint_hangs();
    scene.octoprint_is_killed_during_a_print_and_comes_back();
    scene.the_key_is_revoked();
    scene.time_never_ran_backwards();
    assert!(scene.bridge.terminate().success());
}

impl Scene {
    fn the_printer_is_not_connected(&mut self) {
        self.facts(true, true, false);
        self.item_state(item::NOT_AVAILABLE);
        self.state_text("Offline");
    }

    fn the_printer_connects(&mut self) {
        self.octoprint.connect();
        self.facts(true, true, true);
        self.item_state(item::NOT_EXECUTING);
        self.state_text("Operational");
        self.watch_temperatures();
        self.temperature(TOOL, "is that of the room", |n| {
            n.is_good() && n.number() == Some(21.3)
        });
        self.temperature(BED, "is Good", Notification::is_good);
        self.temperature(TOOL_SETPOINT, "is off", |n| n.number() == Some(0.0));
    }

    fn a_print_is_paused_resumed_and_cancelled(&mut self) {
        let start = self.machines.mark();
        self.octoprint.print(Print::LONG);
        self.item_state(item::EXECUTING);
        self.program_state(program::RUNNING);
        self.each(PROGRAM_NAME, "is the file", |n| n.value == Print::LONG.name);
        self.temperature(TOOL_SETPOINT, "is heating", |n| n.number() == Some(205.0));
        self.temperature(TOOL, "is heating", |n| n.number() > Some(30.0));
        let progress = self.each(PROGRESS, "is told", Notification::is_good);
        let most = progress
            .iter()
            .filter_map(Notification::number)
            .fold(0.0, f64::max);
        self.each(PROGRESS, "grows", |n| n.number() > Some(most));

        self.octoprint.pause();
        self.item_state(item::NOT_EXECUTING);
        self.program_state(program::INTERRUPTED);
        self.state_text("Paused");
        self.octoprint.resume();
        self.item_state(item::EXECUTING);
        self.program_state(program::RUNNING);

        self.octoprint.cancel();
        self.program_state(program::ABORTED);
        self.item_state(item::NOT_EXECUTING);
        self.the_program_went(
            start,
            &[
                program::RUNNING,
                program::INTERRUPTED,
                program::RUNNING,
                program::ABORTED,
            ],
        );
    }

    fn a_print_finishes(&mut self) {
        let start = self.machines.mark();
        self.octoprint.print(Print::SHORT);
        self.program_state(program::RUNNING);
        self.program_state(program::ENDED);
        self.item_state(item::NOT_EXECUTING);
        self.each(PROGRAM_NAME, "stays", |n| n.value == Print::SHORT.name);
        self.the_program_went(start, &[program::RUNNING, program::ENDED]);
    }

    fn the_firmware_fails_during_a_print(&mut self) {
        let start = self.machines.mark();
        self.octoprint.print(Print::LONG);
        self.program_state(program::RUNNING);
        self.octoprint.provoke("trigger_fatal_error_marlin");
        self.item_state(item::OUT_OF_SERVICE);
        self.program_state(program::ABORTED);
        self.facts(true, true, false);
        self.temperature(TOOL, "failed", |n| n.status_name == "BadDeviceFailure");
        self.why_it_failed_is_told();
        self.the_program_went(start, &[program::RUNNING, program::ABORTED]);

        self.octoprint.connect();
        self.item_state(item::NOT_EXECUTING);
        self.temperature(TOOL, "is back", Notification::is_good);
        self.the_program_went(start, &[program::RUNNING, program::ABORTED]);
    }

    /// OctoPrint 2.0 forgets it, and who only asks does not learn it.
    fn why_it_failed_is_told(&mut self) {
        const ERROR: &str =
            "Thermal Runaway, system stopped! Heater_ID: bed - Printer halted. kill() called!";
        const RESPONSES: &str =
            "MachineryBuildingBlocks/JobManagement/JobOrderResults/JobOrderResponseList";
        self.machines
            .until(&path(PUSH, ERROR_TEXT), "is told", |n| n.value == ERROR);
        let Observer(client, policy) = self.observer;
        let reason = [path(PUSH, ERROR_REASON)];
        let mut watch = client.watch(self.bridge.endpoint(), policy, &reason);
        watch.until(&reason[0], "is told", |n| n.value == "firmware");

        let lists = client.jobs(self.bridge.endpoint(), policy);
        let jobs = lists[&format!("{PUSH}/{RESPONSES}")].as_array();
        let last = jobs.and_then(|jobs| jobs.last()).expect("a job");
        let data = last["JobResponseData"].as_array().expect("its data");
        let reason = data.iter().find(|it| it["ID"] == "ReasonForStateChange");
        assert!(
            reason.is_some_and(|reason| reason["Value"].to_string().contains(ERROR)),
            "{last:#}"
        );
    }

    fn the_cable_is_pulled_during_a_print(&mut self) {
        let start = self.machines.mark();
        self.octoprint.print(Print::LONG);
        self.program_state(program::RUNNING);
        self.octoprint.provoke("drop_connection");
        self.program_state(program::ABORTED);
        self.facts(true, true, false);
        self.temperature(TOOL, "is lost", |n| !n.is_good() && n.value.is_null());
        self.the_program_went(start, &[program::RUNNING, program::ABORTED]);
        self.octoprint.connect();
        self.item_state(item::NOT_EXECUTING);
        self.temperature(TOOL, "is back", Notification::is_good);

        // Nobody prints, somebody switches the printer off in the web page.
        self.octoprint.disconnect();
        self.item_state(item::NOT_AVAILABLE);
        self.facts(true, true, false);
        self.temperature(TOOL, "is off", |n| n.status_name == "BadOutOfService");
    }

    /// Each poll of a printer that is not connected would be refused, if the bridge asked for its temperatures.
    fn nothing_was_asked_in_vain(&mut self) {
        let before = self.octoprint.refusals();
        pause(Duration::from_secs(3));
        let after = self.octoprint.refusals();
        assert_eq!(
            before, after,
            "a printer that is off costs lines in the log"
        );
        // A poll can be under way at the moment when a printer goes: it went three times.
        assert!(after.len() <= 3, "refusals: {after:#?}");
        assert!(
            after
                .iter()
                .all(|line| line.contains(" 409 GET /api/printer")),
            "refusals: {after:#?}"
        );
    }

    fn octoprint_hangs(&mut self) {
        self.octoprint.connect();
        self.item_state(item::NOT_EXECUTING);
        self.temperature(TOOL, "is read", Notification::is_good);
        let mark = self.machines.mark();
        self.octoprint.freeze();
        self.fact(REACHABLE, false);
        let states = self.each(ITEM_STATE, "is not known", |n| {
            n.status_name == "UncertainNoCommunicationLastUsableValue"
        });
        for state in states {
            assert_eq!(state.number(), Some(item::NOT_AVAILABLE));
        }
        self.temperature(TOOL, "is gone", |n| n.status_name == "BadNoCommunication");
        self.octoprint.thaw();
        self.facts(true, true, true);
        self.each_is_read_in_its_way();
        self.item_state(item::NOT_EXECUTING);
        self.temperature(TOOL, "is back", Notification::is_good);
        // Nothing was printed: the program changed its status, but not its state.
        self.program_state(program::ABORTED);
        self.the_program_went(mark, &[program::ABORTED]);
    }

    fn octoprint_is_killed_during_a_print_and_comes_back(&mut self) {
        let start = self.machines.mark();
        self.octoprint.print(Print::LONG);
        self.program_state(program::RUNNING);
        self.temperature(TOOL, "is heating", |n| n.number() > Some(30.0));
        let mark = self.temperatures().mark();
        self.octoprint.kill();
        self.fact(REACHABLE, false);
        for way in WAYS {
            let tool = path(way, TOOL);
            let temperatures = self.temperatures();
            let usable = temperatures.since(mark, &tool, "is old", |n| {
                n.status_name == "UncertainNoCommunicationLastUsableValue"
            });
            assert!(usable.number() > Some(30.0), "not usable: {usable:?}");
            let lost =
                temperatures.until(&tool, "is gone", |n| n.status_name == "BadNoCommunication");
            assert!(lost.value.is_null(), "{lost:?}");
        }
        for program in self.each(PROGRAM_STATE, "is kept", |n| !n.is_good()) {
            assert_eq!(program.number(), Some(program::RUNNING));
        }

        self.octoprint.restart();
        self.facts(true, true, false);
        self.each_is_read_in_its_way();
        self.program_state(program::ABORTED);
        self.octoprint.connect();
        self.item_state(item::NOT_EXECUTING);
        self.temperature(TOOL, "is back", Notification::is_good);
        self.the_program_went(start, &[program::RUNNING, program::ABORTED]);
    }

    fn the_key_is_revoked(&mut self) {
        self.octoprint.revoke_status_key();
        self.fact(KEY_VALID, false);
        self.fact(REACHABLE, true);
        self.temperature(TOOL, "is gone", |n| n.status_name == "BadNoCommunication");
    }

    fn time_never_ran_backwards(&mut self) {
        for way in WAYS {
            for name in [ITEM_STATE, PROGRAM_STATE, REACHABLE, PROGRESS] {
                assert_stamps_ascend(&self.machines.history(0, &path(way, name)));
            }
            for name in [TOOL, TOOL_SETPOINT, BED] {
                assert_stamps_ascend(&self.temperatures().history(0, &path(way, name)));
            }
        }
    }
}
