//! One printer as two machines, one told of it and one asking, as a client of the bridge sees both.

use serde_json::json;

use crate::common::bridge::Bridge;
use crate::common::foreign::{Client, Notification, Policy, Watch};
use crate::common::octoprint::RealOctoPrint;

/// The machines are named after the way in which they are read.
pub const WAYS: [&str; 2] = [PUSH, POLL];
pub const PUSH: &str = "push";
pub const POLL: &str = "poll";

pub const ITEM_STATE: &str = "MachineryBuildingBlocks/MachineryItemState/CurrentState/Number";
pub const PROGRAM_STATE: &str = "Production/ActiveProgram/State/CurrentState/Number";
pub const PROGRAM_NAME: &str = "Production/ActiveProgram/Name";
pub const REACHABLE: &str = "OctoPrint/ServerReachable";
pub const KEY_VALID: &str = "OctoPrint/KeyValid";
pub const CONNECTED: &str = "OctoPrint/PrinterConnected";
pub const SOURCE: &str = "OctoPrint/DataSource";
pub const ERROR_TEXT: &str = "OctoPrint/LastError/Text";
pub const ERROR_REASON: &str = "OctoPrint/LastError/Reason";
pub const STATE_TEXT: &str = "OctoPrint/StateText";
pub const PROGRESS: &str = "OctoPrint/Progress";
pub const TOOL: &str = "Monitoring/Process/Tool0Temperature/AnalogSignal";
pub const TOOL_SETPOINT: &str = "Monitoring/Process/Tool0Temperature/ProcessValueSetpoint";
pub const BED: &str = "Monitoring/Process/BedTemperature/AnalogSignal";

/// Numbers of the states of MachineryItemState, OPC 40001-1.
pub mod item {
    pub const NOT_AVAILABLE: f64 = 0.0;
    pub const OUT_OF_SERVICE: f64 = 1.0;
    pub const NOT_EXECUTING: f64 = 2.0;
    pub const EXECUTING: f64 = 3.0;
}

/// Numbers of the states of ActiveProgram, OPC 40501-1.
pub mod program {
    pub const INITIALIZING: f64 = 0.0;
    pub const RUNNING: f64 = 1.0;
    pub const ENDED: f64 = 2.0;
    pub const INTERRUPTED: f64 = 3.0;
    pub const ABORTED: f64 = 4.0;
}

/// Who looks at the bridge from outside, and how secured.
#[derive(Debug, Clone, Copy)]
pub struct Observer(pub Client, pub Policy);

/// One OctoPrint, which the bridge reads as two machines, and the client that watches both.
pub struct Scene {
    pub octoprint: RealOctoPrint,
    pub bridge: Bridge,
    pub observer: Observer,
    pub machines: Watch,
    /// There only since the printer connected: until then nobody knows which sensors it has.
    temperatures: Option<Watch>,
}

impl Scene {
    pub fn set(version: &str, observer: Observer) -> Self {
        let octoprint = RealOctoPrint::start(version);
        let machines = WAYS.map(|way| {
            json!({
                "type": "OCTOPRINT",
                "url": octoprint.url(),
                "custom_name": way,
                "source": if way == PUSH { "auto" } else { way },
                "authentication_file_path": octoprint.status_key(),
                "mes_id": [1],
            })
        });
        let bridge = Bridge::run(json!({
            "poll_interval_ms": 250,
            "heartbeat_interval_ms": 1000,
            "stale_after_ms": 3000,
            "machines": machines,
        }));
        let mut scene = Self {
            machines: observer.watch(
                &bridge,
                &[
                    ITEM_STATE,
                    PROGRAM_STATE,
                    PROGRAM_NAME,
                    REACHABLE,
                    KEY_VALID,
                    CONNECTED,
                    SOURCE,
                    ERROR_TEXT,
                    STATE_TEXT,
                    PROGRESS,
                ],
            ),
            octoprint,
            bridge,
            observer,
            temperatures: None,
        };
        scene.each_is_read_in_its_way();
        scene
    }

    pub fn watch_temperatures(&mut self) {
        let names = [TOOL, TOOL_SETPOINT, BED];
        self.temperatures = Some(self.observer.watch(&self.bridge, &names));
    }

    pub fn each_is_read_in_its_way(&mut self) {
        for way in WAYS {
            let what = format!("is {way}");
            self.machines
                .until(&path(way, SOURCE), &what, |n| n.value == way);
        }
    }

    /// The three facts that are not the state: OctoPrint answers, it accepts the key, it has its printer.
    pub fn facts(&mut self, reachable: bool, key_valid: bool, connected: bool) {
        self.fact(REACHABLE, reachable);
        self.fact(KEY_VALID, key_valid);
        self.fact(CONNECTED, connected);
    }

    pub fn fact(&mut self, name: &str, expected: bool) {
        self.each(name, &format!("is {expected}"), |n| n.value == expected);
    }

    pub fn item_state(&mut self, number: f64) {
        self.number(ITEM_STATE, number);
    }

    pub fn program_state(&mut self, number: f64) {
        self.number(PROGRAM_STATE, number);
    }

    fn number(&mut self, name: &str, number: f64) {
        self.each(name, &format!("is {number}"), |n| {
            n.is_good() && n.number() == Some(number)
        });
    }

    pub fn state_text(&mut self, text: &str) {
        self.each(STATE_TEXT, &format!("is {text}"), |n| n.value == text);
    }

    /// All program states since `mark`, without repetitions: so each start had exactly one end.
    ///
    /// The next file may be seen selected and not yet started, which is the state Initializing.
    pub fn the_program_went(&mut self, mark: usize, expected: &[f64]) {
        for way in WAYS {
            let mut numbers: Vec<f64> = self
                .machines
                .history(mark, &path(way, PROGRAM_STATE))
                .iter()
                .filter_map(Notification::number)
                .skip_while(|number| *number == program::INITIALIZING)
                .collect();
            numbers.dedup();
            assert_eq!(numbers, expected, "{way}");
        }
    }

    /// Waits for this of both machines, and gives what they are then.
    pub fn each(
        &mut self,
        name: &str,
        what: &str,
        accept: impl Fn(&Notification) -> bool,
    ) -> [Notification; 2] {
        WAYS.map(|way| self.machines.until(&path(way, name), what, &accept))
    }

    pub fn temperature(&mut self, name: &str, what: &str, accept: impl Fn(&Notification) -> bool) {
        for way in WAYS {
            self.temperatures().until(&path(way, name), what, &accept);
        }
    }

    pub fn temperatures(&mut self) -> &mut Watch {
        self.temperatures
            .as_mut()
            .expect("the printer was connected before")
    }
}

impl Observer {
    /// Watches these of both machines.
    pub fn watch(self, bridge: &Bridge, names: &[&str]) -> Watch {
        let of = |way| names.iter().map(move |name| path(way, name));
        let paths: Vec<String> = WAYS.into_iter().flat_map(of).collect();
        let Self(client, policy) = self;
        client.watch(bridge.endpoint(), policy, &paths)
    }
}

/// Each value says when it was taken. (A null may stand between two statuses of one integer: server/publish.)
pub fn assert_stamps_ascend(history: &[Notification]) {
    let stamps: Vec<_> = history
        .iter()
        .filter(|n| !n.value.is_null())
        .map(|n| n.source_timestamp.as_ref())
        .collect();
    assert!(stamps.iter().all(Option::is_some), "{history:#?}");
    assert!(stamps.is_sorted(), "{history:#?}");
}

pub fn path(way: &str, name: &str) -> String {
    format!("Machines/{way}/{name}")
}
