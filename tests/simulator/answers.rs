//! Status, content type and shape of every answer, compared with what a real OctoPrint 1.11.8 answered.

use serde_json::{Value, json};
use umati_bridge::octoprint::simulator::{
    AfterSelect, Command, Endpoint, PauseAction, PrinterError, STATUS_KEY,
};

use crate::recording::{assert_like, recorded, shape};
use crate::stage::Stage;

/// Has two tools, as the recorded printer.
const DUO: usize = 2;
const TWO_COLOURS: &str = "logo two colours.gcode";

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
