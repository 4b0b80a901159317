//! A real OctoPrint in, a umati machine out: the bridge between an OctoPrint of each supported generation and an
//! OPC UA client that others wrote. The client only sees what a default subscription tells it.

mod common;
#[path = "real_octoprint/control.rs"]
mod control;

use common::bridge::Bridge;
use common::foreign::{Client, Notification, Policy, Watch};
use common::octoprint::{ADMIN_KEY, Print, RealOctoPrint};
use common::pause;
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

const ITEM_STATE: &str = "MachineryBuildingBlocks/MachineryItemState/CurrentState/Number";
const PROGRAM_STATE: &str = "Production/ActiveProgram/State/CurrentState/Number";
const PROGRAM_NAME: &str = "Production/ActiveProgram/Name";
const REACHABLE: &str = "OctoPrint/ServerReachable";
const KEY_VALID: &str = "OctoPrint/KeyValid";
const CONNECTED: &str = "OctoPrint/PrinterConnected";
const STATE_TEXT: &str = "OctoPrint/StateText";
const PROGRESS: &str = "OctoPrint/Progress";
const TOOL: &str = "Monitoring/Process/Tool0Temperature/AnalogSignal";
const TOOL_SETPOINT: &str = "Monitoring/Process/Tool0Temperature/ProcessValueSetpoint";
const BED: &str = "Monitoring/Process/BedTemperature/AnalogSignal";

/// Numbers of the states of MachineryItemState, OPC 40001-1.
mod item {
    pub const NOT_AVAILABLE: f64 = 0.0;
    pub const OUT_OF_SERVICE: f64 = 1.0;
    pub const NOT_EXECUTING: f64 = 2.0;
    pub const EXECUTING: f64 = 3.0;
}

/// Numbers of the states of ActiveProgram, OPC 40501-1.
mod program {
    pub const INITIALIZING: f64 = 0.0;
    pub const RUNNING: f64 = 1.0;
    pub const ENDED: f64 = 2.0;
    pub const INTERRUPTED: f64 = 3.0;
    pub const ABORTED: f64 = 4.0;
}

/// Who looks at the bridge from outside, and how secured.
#[derive(Debug, Clone, Copy)]
struct Observer(Client, Policy);

impl Observer {
    fn watch(self, bridge: &Bridge, names: &[&str]) -> Watch {
        let paths: Vec<String> = names.iter().map(|name| path(name)).collect();
        let Self(client, policy) = self;
        client.watch(bridge.endpoint(), policy, &paths)
    }
}

/// An OctoPrint, the bridge that reads it, and the client that watches the machine.
struct Scene {
    octoprint: RealOctoPrint,
    bridge: Bridge,
    observer: Observer,
    machine: Watch,
    /// There only since the printer connected: until then nobody knows which sensors it has.
    temperatures: Option<Watch>,
}

impl Scene {
    fn set(version: &str, observer: Observer) -> Self {
        let octoprint = RealOctoPrint::start(version);
        let bridge = Bridge::run(json!({
            "poll_interval_ms": 250,
            "stale_after_ms": 3000,
            "machines": [{
                "type": "OCTOPRINT",
                "url": octoprint.url(),
                "custom_name": "real",
                "authentication_file_path": octoprint.status_key(),
                "mes_id": [1],
            }],
        }));
        let machine = observer.watch(
            &bridge,
            &[
                ITEM_STATE,
                PROGRAM_STATE,
                PROGRAM_NAME,
                REACHABLE,
                KEY_VALID,
                CONNECTED,
                STATE_TEXT,
                PROGRESS,
            ],
        );
        Self {
            octoprint,
            bridge,
            observer,
            machine,
            temperatures: None,
        }
    }

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
        let temperatures = self
            .observer
            .watch(&self.bridge, &[TOOL, TOOL_SETPOINT, BED]);
        self.temperatures = Some(temperatures);
        self.temperature(TOOL, "is that of the room", |n| {
            n.is_good() && n.number() == Some(21.3)
        });
        self.temperature(BED, "is Good", Notification::is_good);
        self.temperature(TOOL_SETPOINT, "is off", |n| n.number() == Some(0.0));
    }

    fn a_print_is_paused_resumed_and_cancelled(&mut self) {
        let start = self.machine.mark();
        self.octoprint.print(Print::LONG);
        self.item_state(item::EXECUTING);
        self.program_state(program::RUNNING);
        self.machine_value(PROGRAM_NAME, "is the file", |n| n.value == Print::LONG.name);
        self.temperature(TOOL_SETPOINT, "is heating", |n| n.number() == Some(205.0));
        self.temperature(TOOL, "is heating", |n| n.number() > Some(30.0));
        let progress = self.machine_value(PROGRESS, "is told", Notification::is_good);
        self.machine_value(PROGRESS, "grows", |n| n.number() > progress.number());

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
        let start = self.machine.mark();
        self.octoprint.print(Print::SHORT);
        self.program_state(program::RUNNING);
        self.program_state(program::ENDED);
        self.item_state(item::NOT_EXECUTING);
        self.machine_value(PROGRAM_NAME, "stays", |n| n.value == Print::SHORT.name);
        self.the_program_went(start, &[program::RUNNING, program::ENDED]);
    }

    fn the_firmware_fails_during_a_print(&mut self) {
        let start = self.machine.mark();
        self.octoprint.print(Print::LONG);
        self.program_state(program::RUNNING);
        self.octoprint.provoke("trigger_fatal_error_marlin");
        self.item_state(item::OUT_OF_SERVICE);
        self.program_state(program::ABORTED);
        self.facts(true, true, false);
        self.temperature(TOOL, "failed", |n| n.status_name == "BadDeviceFailure");
        self.the_program_went(start, &[program::RUNNING, program::ABORTED]);

        self.octoprint.connect();
        self.item_state(item::NOT_EXECUTING);
        self.temperature(TOOL, "is back", Notification::is_good);
        self.the_program_went(start, &[program::RUNNING, program::ABORTED]);
    }

    fn the_cable_is_pulled_during_a_print(&mut self) {
        let start = self.machine.mark();
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
        let mark = self.machine.mark();
        self.octoprint.freeze();
        self.fact(REACHABLE, false);
        let state = self.machine.until(&path(ITEM_STATE), "is not known", |n| {
            n.status_name == "UncertainNoCommunicationLastUsableValue"
        });
        assert_eq!(state.number(), Some(item::NOT_AVAILABLE));
        self.temperature(TOOL, "is gone", |n| n.status_name == "BadNoCommunication");
        self.octoprint.thaw();
        self.facts(true, true, true);
        self.item_state(item::NOT_EXECUTING);
        self.temperature(TOOL, "is back", Notification::is_good);
        // Nothing was printed: the program changed its status, but not its state.
        self.program_state(program::ABORTED);
        self.the_program_went(mark, &[program::ABORTED]);
    }

    fn octoprint_is_killed_during_a_print_and_comes_back(&mut self) {
        let start = self.machine.mark();
        self.octoprint.print(Print::LONG);
        self.program_state(program::RUNNING);
        self.temperature(TOOL, "is heating", |n| n.number() > Some(30.0));
        let mark = self.temperatures().mark();
        self.octoprint.kill();
        self.fact(REACHABLE, false);
        let usable = self.temperatures().since(mark, &path(TOOL), "is old", |n| {
            n.status_name == "UncertainNoCommunicationLastUsableValue"
        });
        assert!(
            usable.number() > Some(30.0),
            "no last usable value: {usable:?}"
        );
        let lost = self.temperatures().until(&path(TOOL), "is gone", |n| {
            n.status_name == "BadNoCommunication"
        });
        assert!(lost.value.is_null(), "{lost:?}");
        let program = self
            .machine
            .until(&path(PROGRAM_STATE), "is kept", |n| !n.is_good());
        assert_eq!(program.number(), Some(program::RUNNING));

        self.octoprint.restart();
        self.facts(true, true, false);
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
        for name in [ITEM_STATE, PROGRAM_STATE, REACHABLE, PROGRESS] {
            assert_stamps_ascend(&self.machine.history(0, &path(name)));
        }
        for name in [TOOL, TOOL_SETPOINT, BED] {
            assert_stamps_ascend(&self.temperatures().history(0, &path(name)));
        }
    }

    /// The three facts that are not the state: OctoPrint answers, it accepts the key, it has its printer.
    fn facts(&mut self, reachable: bool, key_valid: bool, connected: bool) {
        self.fact(REACHABLE, reachable);
        self.fact(KEY_VALID, key_valid);
        self.fact(CONNECTED, connected);
    }

    fn fact(&mut self, name: &str, expected: bool) {
        self.machine_value(name, &format!("is {expected}"), |n| n.value == expected);
    }

    fn item_state(&mut self, number: f64) {
        self.machine_value(ITEM_STATE, &format!("is {number}"), |n| {
            n.is_good() && n.number() == Some(number)
        });
    }

    fn program_state(&mut self, number: f64) {
        self.machine_value(PROGRAM_STATE, &format!("is {number}"), |n| {
            n.is_good() && n.number() == Some(number)
        });
    }

    fn state_text(&mut self, text: &str) {
        self.machine_value(STATE_TEXT, &format!("is {text}"), |n| n.value == text);
    }

    /// All program states since `mark`, without repetitions: so each start had exactly one end.
    ///
    /// A poll may see the next file selected and not yet started, which is the state Initializing.
    fn the_program_went(&mut self, mark: usize, expected: &[f64]) {
        let mut numbers: Vec<f64> = self
            .machine
            .history(mark, &path(PROGRAM_STATE))
            .iter()
            .filter_map(Notification::number)
            .skip_while(|number| *number == program::INITIALIZING)
            .collect();
        numbers.dedup();
        assert_eq!(numbers, expected);
    }

    fn machine_value(
        &mut self,
        name: &str,
        what: &str,
        accept: impl Fn(&Notification) -> bool,
    ) -> Notification {
        self.machine.until(&path(name), what, accept)
    }

    fn temperature(&mut self, name: &str, what: &str, accept: impl Fn(&Notification) -> bool) {
        self.temperatures().until(&path(name), what, accept);
    }

    fn temperatures(&mut self) -> &mut Watch {
        self.temperatures
            .as_mut()
            .expect("the printer was connected before")
    }
}

/// Each value says when it was taken. (A null may stand between two statuses of one integer: server/publish.)
fn assert_stamps_ascend(history: &[Notification]) {
    let stamps: Vec<_> = history
        .iter()
        .filter(|n| !n.value.is_null())
        .map(|n| n.source_timestamp.as_ref())
        .collect();
    assert!(stamps.iter().all(Option::is_some), "{history:#?}");
    assert!(stamps.is_sorted(), "{history:#?}");
}

fn path(name: &str) -> String {
    format!("Machines/real/{name}")
}
