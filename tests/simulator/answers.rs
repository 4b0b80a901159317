//! Status, content type and shape of every answer, compared with what a real OctoPrint 1.11.8 answered.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use umati_bridge::octoprint::simulator::{
    AfterSelect, Command, Endpoint, NO_PERMISSION_KEY, PauseAction, PrinterError, STATUS_KEY,
    Settings,
};

use crate::stage::{Answer, Stage};

/// Has two tools, as the recorded printer.
const DUO: usize = 2;
const TWO_COLOURS: &str = "logo two colours.gcode";

fn recorded(situation: &str, endpoint: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/payloads/1.11.8")
        .join(situation)
        .join(format!("{endpoint}.json"));
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// Every path of a body with the JSON type that stands there; array elements share one path.
fn shape(body: &Value) -> BTreeSet<String> {
    fn walk(path: &str, value: &Value, into: &mut BTreeSet<String>) {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(number) if number.is_f64() => "float",
            Value::Number(_) => "int",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        into.insert(format!("{path}: {kind}"));
        match value {
            Value::Array(items) => {
                for item in items {
                    walk(&format!("{path}[]"), item, into);
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    walk(&format!("{path}/{name}"), field, into);
                }
            }
            _ => {}
        }
    }
    let mut paths = BTreeSet::new();
    walk("", body, &mut paths);
    paths
}

fn assert_like(answer: &Answer, recording: &Value) {
    assert_eq!(json!(answer.status), recording["status"]);
    assert_eq!(json!(answer.content_type), recording["content_type"]);
    assert_eq!(
        shape(&answer.json()),
        shape(&recording["body"]),
        "of {}",
        recording["request"]
    );
}

/// Asks the endpoint and compares with the recording of the same name.
async fn assert_as_recorded(stage: &Stage, situation: &str, endpoints: &[&str]) {
    for endpoint in endpoints {
        let recording = recorded(situation, endpoint);
        let request = recording["request"].as_str().unwrap();
        let path = request.strip_prefix("GET /").unwrap();
        assert_like(&stage.get(DUO, path).await, &recording);
    }
}

/// With the sensors of the recorded printer.
async fn duo() -> Stage {
    let stage = Stage::manual().await;
    stage
        .printer(DUO)
        .set_sensor("chamber", Some(21.3), Some(0.0));
    stage
}

fn select(then: AfterSelect) -> Command {
    Command::Select {
        path: TWO_COLOURS.to_owned(),
        then,
    }
}

#[tokio::test]
async fn fresh_and_operational() {
    let stage = duo().await;
    let endpoints = [
        "job",
        "printer",
        "printer_error",
        "connection",
        "version",
        "server",
    ];
    assert_as_recorded(&stage, "operational_nofile", &endpoints).await;
    for endpoint in ["version", "server", "printer_error"] {
        let recording = recorded("operational_nofile", endpoint);
        let path = recording["request"]
            .as_str()
            .unwrap()
            .trim_start_matches("GET /");
        assert_eq!(stage.get(DUO, path).await.json(), recording["body"]);
    }
    let printer = recorded("operational_nofile", "printer");
    assert_eq!(stage.get(DUO, "api/printer").await.json(), printer["body"]);
}

#[tokio::test]
async fn a_job_from_selection_to_its_end() {
    let stage = duo().await;
    let duo = stage.printer(DUO);
    duo.command(select(AfterSelect::Wait)).unwrap();
    assert_as_recorded(&stage, "operational_fileselected", &["job"]).await;

    duo.command(Command::Start).unwrap();
    stage.wait(60.0);
    assert_as_recorded(&stage, "printing", &["job", "printer"]).await;
    let job = stage.get(DUO, "api/job").await.json();
    assert_eq!(job["state"], "Printing");
    assert_eq!(job["job"]["file"]["path"], TWO_COLOURS);
    assert_eq!(job["progress"]["printTime"], 59);

    duo.command(Command::Pause(PauseAction::Pause)).unwrap();
    stage.wait(60.0);
    assert_as_recorded(&stage, "paused", &["job", "printer"]).await;
    let state = stage
        .get(DUO, "api/printer?exclude=temperature,sd")
        .await
        .json();
    let recording = recorded("paused", "printer");
    assert_eq!(state, json!({ "state": recording["body"]["state"] }));

    duo.command(Command::Pause(PauseAction::Resume)).unwrap();
    stage.wait(600.0);
    assert_as_recorded(&stage, "after_print_done", &["job", "printer"]).await;
    let job = stage.get(DUO, "api/job").await.json();
    assert_eq!(job["progress"]["completion"].to_string(), "100.0");
    assert_eq!(job["progress"]["filepos"], job["job"]["file"]["size"]);

    duo.command(Command::Start).unwrap();
    stage.wait(5.0);
    duo.command(Command::Cancel).unwrap();
    stage.wait(5.0);
    assert_as_recorded(&stage, "cancelled", &["job", "printer"]).await;
}

#[tokio::test]
async fn the_short_states_have_their_texts_and_flags() {
    let stage = duo().await;
    let duo = stage.printer(DUO);
    let mut seen = Vec::new();
    let mut look = async || {
        let state = stage.get(DUO, "api/printer").await.json()["state"].clone();
        let set: Vec<_> = state["flags"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, set)| **set == true && *name != "sdReady")
            .map(|(name, _)| name.clone())
            .collect();
        seen.push((state["text"].as_str().unwrap().to_owned(), set.join(" ")));
    };
    duo.command(select(AfterSelect::Print)).unwrap();
    look().await;
    stage.wait(1.0);
    duo.command(Command::Pause(PauseAction::Pause)).unwrap();
    look().await;
    stage.wait(1.0);
    duo.command(Command::Pause(PauseAction::Resume)).unwrap();
    look().await;
    stage.wait(1.0);
    duo.skip_to_end();
    stage.wait(0.1);
    look().await;
    stage.wait(1.0);
    duo.command(Command::Start).unwrap();
    duo.command(Command::Cancel).unwrap();
    look().await;
    let expected = [
        ("Starting", "operational printing"),
        ("Pausing", "operational pausing printing"),
        ("Resuming", "operational printing resuming"),
        ("Finishing", "finishing operational printing"),
        ("Cancelling", "cancelling operational printing"),
    ];
    assert_eq!(
        seen,
        expected.map(|(text, flags)| (text.to_owned(), flags.to_owned()))
    );
}

#[tokio::test]
async fn offline_after_errors_and_connecting() {
    let stage = duo().await;
    let duo = stage.printer(DUO);
    duo.command(select(AfterSelect::Print)).unwrap();
    stage.wait(5.0);
    let text = "Thermal Runaway, system stopped! Heater_ID: bed - Printer halted. kill() called!";
    duo.fail(PrinterError::firmware(text));
    assert_eq!(stage.state(DUO).await, "Error");
    stage.wait(1.0);
    let situation = "error_fatal_marlin_while_printing";
    let endpoints = ["job", "printer", "printer_error", "connection"];
    assert_as_recorded(&stage, situation, &endpoints).await;
    assert_eq!(
        stage.get(DUO, "api/job").await.json(),
        recorded(situation, "job")["body"]
    );
    let as_monitor = stage
        .get_as(Some(STATUS_KEY), DUO, "api/printer/error")
        .await
        .json();
    assert_eq!(as_monitor["reason"], "firmware");
    assert_eq!(
        as_monitor.get("logs"),
        None,
        "the terminal needs a permission of its own"
    );

    duo.command(Command::Connect).unwrap();
    assert_eq!(stage.state(DUO).await, "Opening serial connection");
    assert_eq!(stage.get(DUO, "api/printer").await.status, 409);
    stage.wait(0.5);
    assert_eq!(stage.state(DUO).await, "Connecting");
    stage.wait(1.0);
    duo.restore_sensors();
    assert_as_recorded(&stage, "connecting", &["printer"]).await;

    duo.fail(PrinterError::connection(
        "Too many consecutive timeouts, printer still connected and alive?",
    ));
    stage.wait(1.0);
    assert_as_recorded(&stage, "error_awol_timeout", &["job", "printer_error"]).await;

    duo.command(Command::Connect).unwrap();
    stage.wait(5.0);
    duo.unplug();
    assert_as_recorded(&stage, "disconnected", &["job", "printer", "connection"]).await;
    assert_eq!(
        stage.get(DUO, "api/job").await.json(),
        recorded("disconnected", "job")["body"]
    );
    assert_eq!(duo.answers(Endpoint::Printer, 409), 3);
}

#[tokio::test]
async fn slow_facts_and_files() {
    let stage = Stage::manual().await;
    let user = stage.get(DUO, "api/currentuser").await;
    let recording = recorded("admin", "currentuser");
    assert_like(&user, &recording);
    assert_eq!(user.json(), recording["body"]);
    assert_eq!(json!(user.text.len()), recording["bytes"], "to the byte");
    assert_as_recorded(&stage, "admin", &["printerprofiles"]).await;

    let list = stage.get(DUO, "api/files?recursive=true").await.json();
    let recording = recorded("admin", "files-recursive=true")["body"].clone();
    for total in ["free", "total"] {
        assert_eq!(shape(&list[total]), shape(&recording[total]));
    }
    let named = |list: &Value, name: &str| {
        let found = list
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["name"] == name);
        found
            .unwrap_or_else(|| panic!("{name} is not in {list}"))
            .clone()
    };
    let same = named(&recording["files"], "short.gcode");
    assert_eq!(shape(&named(&list["files"], TWO_COLOURS)), shape(&same));
    let folder = named(&named(&list["files"], "customers")["children"], "4711");
    assert_eq!(folder["type"], "folder");
    let file = named(&folder["children"], "housing top.gcode");
    assert_eq!(file["path"], "customers/4711/housing top.gcode");
    let one = stage
        .get(DUO, "api/files/local/logo%20two%20colours.gcode")
        .await;
    assert_like(&one, &recorded("admin", "files_local_short.gcode"));
    assert_eq!(
        stage.get(DUO, "api/files/local/nosuch.gcode").await.status,
        404
    );
}

#[tokio::test]
async fn temperatures_with_history() {
    let stage = Stage::manual().await;
    let path = "api/printer?history=true&limit=2";
    let recording = recorded("operational_history", "printer-history-true&limit-2");
    let answer = stage.get(1, path).await;
    assert_like(&answer, &recording);
    let time = |answer: &Answer| {
        answer.json()["temperature"]["history"][1]["time"]
            .as_i64()
            .unwrap()
    };
    let first = time(&answer);
    assert!((first - chrono::Utc::now().timestamp()).abs() < 60);
    stage.wait(4.0);
    assert_eq!(time(&stage.get(1, path).await), first + 4);
    stage.printer(1).freeze();
    stage.wait(60.0);
    assert_eq!(time(&stage.get(1, path).await), first + 4);
    let all = stage
        .get(1, "api/printer?history=true&exclude=state,sd")
        .await
        .json();
    assert!(all["temperature"]["history"].as_array().unwrap().len() > 5);
    assert_eq!(all.as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn sensors_as_a_test_wants_them() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    printer.set_sensor("tool0", Some(-14.5), Some(0.0));
    printer.set_sensor("P", Some(999_999.9), None);
    printer.remove_sensor("bed");
    let path = "api/printer?exclude=state,sd";
    let expected = json!({ "temperature": {
        "P": { "actual": 999_999.9, "offset": 0, "target": null },
        "tool0": { "actual": -14.5, "offset": 0, "target": 0.0 },
    } });
    assert_eq!(stage.get(1, path).await.json(), expected);
    printer.withhold_temperatures();
    assert_eq!(
        stage.get(1, path).await.json(),
        json!({ "temperature": {} })
    );
    printer.restore_sensors();
    let sensors = stage.get(1, path).await.json()["temperature"].clone();
    let names: Vec<_> = sensors.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["bed", "tool0"]);
}

#[tokio::test]
async fn each_printer_has_its_own_parts() {
    let stage = Stage::manual().await;
    let mut parts = Vec::new();
    for number in 1..=5 {
        let answer = stage
            .get(number, "api/printer?exclude=state,sd")
            .await
            .json();
        let sensors = answer["temperature"].as_object().unwrap();
        parts.push(sensors.keys().cloned().collect::<Vec<_>>().join(" "));
    }
    let expected = [
        "bed tool0",
        "bed tool0 tool1",
        "bed chamber tool0",
        "tool0",
        "bed tool0",
    ];
    assert_eq!(parts, expected);
}

#[tokio::test]
async fn keys_decide_who_may_what() {
    let stage = Stage::manual().await;
    let forbidden = json!({ "error": "You don't have the permission to access the requested resource. It is either read-protected or not readable by the server." });
    for key in [Some("wrong"), Some(NO_PERMISSION_KEY), None] {
        let answer = stage.get_as(key, 1, "api/job").await;
        assert_eq!((answer.status, answer.json()), (403, forbidden.clone()));
        assert_eq!(answer.text.len(), 140, "as recorded");
    }
    let guest = stage.get_as(Some("wrong"), 1, "api/currentuser").await;
    assert_eq!((guest.status, guest.text.len()), (200, 72), "as recorded");
    assert_eq!(guest.json()["name"], Value::Null);
    let powerless = stage
        .get_as(Some(NO_PERMISSION_KEY), 1, "api/currentuser")
        .await;
    assert_eq!(
        powerless.json(),
        json!({ "groups": [], "name": "noperm", "permissions": [] })
    );

    assert_eq!(
        stage.get_as(Some(STATUS_KEY), 1, "api/job").await.status,
        200
    );
    assert_eq!(
        stage
            .get_as(Some(STATUS_KEY), 1, "api/printerprofiles")
            .await
            .status,
        403
    );
    assert_eq!(
        stage.get_as(None, 1, "api/job?apikey=demo").await.status,
        200
    );
    assert_eq!(
        stage
            .get_as(Some("wrong"), 1, "api/job?apikey=demo")
            .await
            .status,
        403
    );
    let bearer = stage
        .client
        .get(stage.url(1, "api/job"))
        .bearer_auth("demo")
        .send();
    assert_eq!(bearer.await.unwrap().status(), 200);

    let printer = stage.printer(1);
    printer.revoke_keys();
    assert_eq!(stage.get(1, "api/job").await.status, 403);
    assert_eq!(
        stage.get(1, "api/currentuser").await.json()["name"],
        Value::Null
    );
    assert_eq!(
        stage.get(2, "api/job").await.status,
        200,
        "the others are not concerned"
    );
    printer.restore_keys();
    assert_eq!(stage.get(1, "api/job").await.status, 200);
}

#[tokio::test]
async fn whatever_is_not_there_is_404() {
    let stage = Stage::manual().await;
    for (number, path) in [(1, "api/nosuch"), (1, "api/job/"), (99, "api/job")] {
        let answer = stage.get(number, path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            answer.json()["error"]
                .as_str()
                .unwrap()
                .starts_with("The requested URL")
        );
    }
    let page = stage.get_as(None, 1, "").await;
    assert_eq!(
        (page.status, page.content_type.as_str()),
        (200, "text/html; charset=utf-8")
    );
}

#[tokio::test]
async fn a_thousand_printers_are_asked_once_each() {
    let settings = Settings {
        printers: 1_000,
        ..Settings::default()
    };
    let stage = Stage::with(&settings).await;
    stage.wait(3_600.0);
    let mut states = BTreeSet::new();
    for number in 1..=1_000 {
        states.insert(stage.state(number).await);
        assert_eq!(stage.printer(number).requests(Endpoint::Job), 1);
    }
    for state in ["Operational", "Printing", "Paused"] {
        assert!(states.contains(state), "no printer is {state}: {states:?}");
    }
}
