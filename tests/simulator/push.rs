//! The push interface against recordings of a real 1.11.8: what is said, in which order, with which fields.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use umati_bridge::octoprint::simulator::{
    API_KEY, AfterSelect, Command, Endpoint, Handle, NO_PERMISSION_KEY, PauseAction, PrinterError,
    STATUS_KEY,
};

use crate::recording::shape;
use crate::socket::{Socket, kind, name, session};
use crate::stage::Stage;

/// Events that depend on the G-code, or that the simulated printer never has.
const OF_THE_GCODE: [&str; 5] = [
    "ToolChange",
    "ZChange",
    "Dwelling",
    "Home",
    "PositionUpdate",
];

fn recorded(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/payloads/1.11.8/push")
        .join(file);
    std::fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The messages of a recording from the first event of this type on.
fn recorded_from(file: &str, first: &str) -> Vec<Value> {
    let messages = recorded(file);
    let start = messages
        .iter()
        .position(|message| message["event"]["type"] == first)
        .unwrap();
    messages[start..].to_vec()
}

/// Types of events in their order, states with their id, plugin messages; without what depends on the G-code.
fn story(messages: &[Value]) -> Vec<String> {
    messages
        .iter()
        .filter_map(|message| match kind(message) {
            "plugin" => Some("plugin".to_owned()),
            "event" if OF_THE_GCODE.contains(&name(message)) => None,
            "event" => {
                let state = message["event"]["payload"]["state_id"].as_str();
                Some(state.unwrap_or(name(message)).to_owned())
            }
            _ => None,
        })
        .collect()
}

/// Each message must have the fields that a recorded one of its kind has; types may be any of the recorded ones.
fn assert_recorded_shapes(said: &[Value], recorded: &[Value]) {
    let key = |message: &Value| match kind(message) {
        "event" => name(message).to_owned(),
        other => other.to_owned(),
    };
    for message in said {
        let like: Vec<_> = recorded
            .iter()
            .filter(|other| key(other) == key(message))
            .collect();
        if like.is_empty() {
            continue;
        }
        let fields: Vec<_> = like.iter().map(|other| paths(other)).collect();
        assert!(
            fields.contains(&paths(message)),
            "{message}\nhas not the fields of any {}",
            key(message)
        );
        let types: BTreeSet<_> = like.iter().flat_map(|other| comparable(other)).collect();
        let strange: Vec<_> = comparable(message).difference(&types).cloned().collect();
        assert_eq!(strange, Vec::<String>::new(), "in {message}");
    }
}

/// The shape without what only the recorded printer, or only a longer life, has.
fn comparable(message: &Value) -> BTreeSet<String> {
    let mut shape = shape(message);
    shape.retain(|path| {
        let extra = [
            "/tool1",
            "/chamber",
            "/faq",
            "EXTRUDER_COUNT",
            "MACHINE_TYPE",
        ];
        !extra.iter().any(|part| path.contains(part))
    });
    shape
}

fn paths(message: &Value) -> BTreeSet<String> {
    comparable(message)
        .iter()
        .filter_map(|path| path.split(": ").next())
        // A list may be empty at any time, and any field null.
        .filter(|path| !path.contains("[]") && !path.contains("filament/"))
        .map(str::to_owned)
        .collect()
}

fn print(printer: &Handle, path: &str) {
    let path = path.to_owned();
    let then = AfterSelect::Print;
    printer.command(Command::Select { path, then }).unwrap();
}

/// Everything that a listener is told while virtual time passes, a second at a time.
struct Witness {
    stage: Stage,
    printer: Handle,
    socket: Socket,
    said: Vec<Value>,
}

impl Witness {
    async fn of(number: usize, key: &str) -> Self {
        let stage = Stage::manual().await;
        Self {
            printer: stage.printer(number),
            socket: Socket::listening(&stage, key, number).await,
            stage,
            said: Vec::new(),
        }
    }

    fn wait(&mut self, seconds: usize) {
        for _ in 0..seconds {
            self.stage.wait(1.0);
            self.said.extend(self.socket.settle());
        }
    }

    fn command(&mut self, command: Command) {
        self.printer.command(command).unwrap();
        self.wait(5);
    }

    fn print(&mut self) {
        print(&self.printer, "Halterung_links.gcode");
        self.wait(5);
    }

    fn told_like(&self, recorded: &[Value]) {
        assert_eq!(story(&self.said), story(recorded));
        // What one recording lacks because of how it was made, the other may have.
        let shapes = ["print.jsonl", "errors.jsonl"].map(crate::push::recorded);
        assert_recorded_shapes(&self.said, &[recorded, &shapes.concat()].concat());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_login_to_the_first_current() {
    let stage = Stage::manual().await;
    for (key, user) in [
        (API_KEY, "admin"),
        (STATUS_KEY, "status_only"),
        (NO_PERMISSION_KEY, "noperm"),
    ] {
        let passive = json!({ "passive": true });
        let login = stage.post_as(Some(key), 1, "api/login", passive).await;
        assert_eq!(login.status, 200);
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payloads/1.11.8/push/login.json");
        let recorded: Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(shape(&login.json()), shape(&recorded[user]), "{user}");
    }
    for key in [None, Some("wrong")] {
        let login = stage
            .post_as(key, 1, "api/login", json!({ "passive": true }))
            .await;
        assert_eq!(
            (login.status, login.json()["error"].as_str()),
            (400, Some("CSRF validation failed"))
        );
    }

    let recorded = recorded("status_only.jsonl");
    let mut socket = Socket::stranger(&stage, 1);
    socket.authenticate(&session(&stage, STATUS_KEY, 1).await);
    let greeting = socket.settle();
    let kinds: Vec<_> = greeting.iter().map(kind).collect();
    assert_eq!(kinds, ["history", "timelapse", "event"]);
    let history = &greeting[0]["history"];
    assert_eq!(history["logs"].as_array().unwrap().len(), 300);
    assert_eq!(history["state"]["text"], "Operational");
    stage.wait(0.499);
    assert_eq!(socket.settle(), Vec::<Value>::new());
    stage.wait(0.001);
    let said = socket.settle();
    let kinds: Vec<_> = said.iter().map(kind).collect();
    assert_eq!(kinds, ["current"]);
    assert_eq!(said[0]["current"].get("logs"), None, "not for this user");
    assert_eq!(stage.printer(1).answers(Endpoint::Push, 101), 1);
    assert_eq!(stage.printer(1).answers(Endpoint::Login, 200), 4);
    assert_eq!(
        (stage.printer(1).sockets(), stage.printer(1).frames()),
        (1, 5)
    );
    // As in the recording a file is selected that was printed before.
    print(&stage.printer(1), "demo-ring.gcode");
    stage.wait(100.0);
    let select = Command::Select {
        path: "demo-ring.gcode".to_owned(),
        then: AfterSelect::Wait,
    };
    stage.printer(1).command(select).unwrap();
    assert_recorded_shapes(&socket.settle(), &recorded);
    let mut socket = Socket::stranger(&stage, 1);
    socket.authenticate(&session(&stage, STATUS_KEY, 1).await);
    assert_recorded_shapes(&socket.settle(), &recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_message_tells_of_the_server() {
    let stage = Stage::manual().await;
    let request = crate::socket::handshake(&stage, 1);
    let mut socket = crate::socket::open(request).ok().unwrap();
    let connected = socket.next();
    let size = connected.to_string().len();
    assert!((5_000..8_000).contains(&size), "{size} bytes");
    let recorded = &recorded("status_only.jsonl")[0];
    assert!(shape(recorded).is_subset(&shape(&connected)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_print_is_told_as_a_real_one_was() {
    let mut witness = Witness::of(1, API_KEY).await;
    witness.print();
    witness.command(Command::Pause(PauseAction::Pause));
    witness.command(Command::Pause(PauseAction::Resume));
    witness.printer.skip_to_end();
    witness.wait(5);
    witness.print();
    witness.command(Command::Cancel);
    witness.command(Command::Disconnect);
    witness.command(Command::Connect);
    witness.told_like(&recorded_from("print.jsonl", "FileSelected"));
    let last = |name: &str| {
        let mut events = witness
            .said
            .iter()
            .filter(|event| event["event"]["type"] == name);
        events.next_back().unwrap()["event"]["payload"].clone()
    };
    assert!(last("PrintDone")["time"].as_f64().unwrap() > 0.0);
    assert_eq!(last("PrintFailed")["reason"], "cancelled");
    assert_eq!(last("FileSelected")["size"], Value::Null);
    assert_eq!(last("FileSelected")["path"], "Halterung_links.gcode");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_told_as_real_ones_were() {
    let mut witness = Witness::of(1, API_KEY).await;
    let fail = |witness: &mut Witness, error: PrinterError| {
        witness.printer.fail(error);
        witness.wait(5);
    };
    witness.print();
    let text = "Thermal Runaway, system stopped! Heater_ID: bed - Printer halted. kill() called!";
    fail(&mut witness, PrinterError::firmware(text));
    witness.command(Command::Connect);
    witness.print();
    fail(
        &mut witness,
        PrinterError::connection("SerialTimeoutException: "),
    );
    witness.command(Command::Connect);
    witness.print();
    witness.command(Command::Disconnect);
    witness.command(Command::Connect);
    witness.print();
    witness.command(Command::Pause(PauseAction::Toggle));
    witness.command(Command::Pause(PauseAction::Toggle));
    witness.command(Command::Cancel);
    fail(&mut witness, PrinterError::firmware("MINTEMP triggered!"));
    witness.command(Command::Connect);
    // The recorded server forgot its file before it disconnected.
    witness.command(Command::Disconnect);
    witness.told_like(&recorded_from("errors.jsonl", "FileSelected"));
    let failures: Vec<_> = witness
        .said
        .iter()
        .filter(|event| event["event"]["type"] == "PrintFailed")
        .map(|event| &event["event"]["payload"])
        .map(|payload| {
            (
                payload["reason"].as_str().unwrap(),
                payload["error"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        failures,
        [
            ("error", Some(text)),
            ("error", Some("SerialTimeoutException: ")),
            ("error", Some("")),
            ("cancelled", None)
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firmware_gone_silent_is_told_as_a_real_one_was() {
    let mut witness = Witness::of(1, STATUS_KEY).await;
    witness.print();
    witness.printer.freeze();
    witness.wait(1);
    witness.said.clear();
    witness.wait(30);
    assert_eq!(witness.said, Vec::<Value>::new(), "nothing changes");
    witness.printer.thaw();
    witness.printer.fail(PrinterError::connection(
        "Too many consecutive timeouts, printer still connected and alive?",
    ));
    witness.said = witness.socket.settle();
    witness
        .said
        .retain(|event| event["event"]["type"] != "ZChange");
    witness.told_like(&recorded_from("timeouts.jsonl", "Error"));
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_a_share_in_one_event_and_percent_in_the_other() {
    let mut witness = Witness::of(1, STATUS_KEY).await;
    let mut progress = |act: fn(&Handle)| {
        print(&witness.printer, "demo-ring.gcode");
        witness.stage.wait(20.0);
        act(&witness.printer);
        witness.stage.wait(2.0);
        let events = witness.socket.events();
        let failed = events
            .iter()
            .find(|event| name(event) == "PrintFailed")
            .unwrap();
        failed["event"]["payload"]["progress"].as_f64().unwrap()
    };
    let percent = progress(|printer| printer.command(Command::Cancel).unwrap());
    assert!(percent > 30.0 && percent.fract() == 0.0, "{percent}");
    let share = progress(|printer| printer.fail(PrinterError::firmware("Heating failed")));
    assert!((0.3..1.0).contains(&share), "{share}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_between_two_looks() {
    let mut witness = Witness::of(2, STATUS_KEY).await;
    print(&witness.printer, "logo two colours.gcode");
    witness.stage.wait(500.0);
    witness.said = witness.socket.settle();
    assert_eq!(
        story(&witness.said),
        [
            "FileSelected",
            "STARTING",
            "PrintStarted",
            "ChartMarked",
            "PRINTING",
            "FINISHING",
            "ChartMarked",
            "PrintDone",
            "OPERATIONAL",
            "MetadataStatisticsUpdated"
        ]
    );
    let count = |wanted: &str| {
        let events = witness
            .said
            .iter()
            .filter(|event| event["event"]["type"] == wanted);
        events.count()
    };
    assert_eq!((count("ZChange"), count("ToolChange")), (123, 123));
    let currents = witness
        .said
        .iter()
        .filter(|message| kind(message) == "current");
    assert_eq!(currents.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filament_change_is_told_and_changes_nothing() {
    let mut witness = Witness::of(1, STATUS_KEY).await;
    witness.printer.ask_for_filament();
    let events = witness.socket.events();
    assert_eq!(
        events,
        [json!({ "event": { "type": "FilamentChange", "payload": null } })]
    );
}
