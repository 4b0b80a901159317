//! Commands over HTTP: what they do, and how they are refused.

use serde_json::json;
use umati_bridge::octoprint::simulator::{CONTROL_KEY, Endpoint, STATUS_KEY, Settings};

use crate::stage::Stage;

#[tokio::test]
async fn a_job_driven_by_hand() {
    let stage = Stage::manual().await;
    let file = "api/files/local/customers/4711/housing%20top.gcode";
    stage.command(5, file, json!({ "command": "select" })).await;
    assert_eq!(stage.state(5).await, "Operational");
    let job = stage.get(5, "api/job").await.json();
    assert_eq!(
        job["job"]["file"]["path"],
        "customers/4711/housing top.gcode"
    );
    assert_eq!(job["job"]["user"], "admin");
    let steps = [
        (json!({ "command": "start" }), "Printing"),
        (json!({ "command": "pause", "action": "pause" }), "Paused"),
        (json!({ "command": "pause", "action": "pause" }), "Paused"),
        (
            json!({ "command": "pause", "action": "resume" }),
            "Printing",
        ),
        (json!({ "command": "pause" }), "Paused"),
        (
            json!({ "command": "pause", "action": "toggle" }),
            "Printing",
        ),
        (json!({ "command": "pause" }), "Paused"),
        (json!({ "command": "restart" }), "Printing"),
        (json!({ "command": "cancel" }), "Operational"),
    ];
    for (body, state) in steps {
        stage.command(5, "api/job", body.clone()).await;
        stage.wait(1.0);
        assert_eq!(stage.state(5).await, state, "after {body}");
    }
    let entry = stage.get(5, file).await.json();
    assert_eq!(entry["prints"]["failure"], 2);
    assert_eq!(entry["prints"]["last"]["success"], false);
}

#[tokio::test]
async fn connections_driven_by_hand() {
    let stage = Stage::manual().await;
    stage
        .command(1, "api/connection", json!({ "command": "disconnect" }))
        .await;
    assert_eq!(stage.state(1).await, "Offline");
    assert_eq!(stage.get(1, "api/printer").await.status, 409);
    stage
        .command(
            1,
            "api/connection",
            json!({ "command": "connect", "port": "AUTO" }),
        )
        .await;
    stage.wait(5.0);
    assert_eq!(stage.state(1).await, "Operational");
    assert_eq!(
        stage.printer(1).answers(Endpoint::ConnectionCommand, 204),
        2
    );
}

#[tokio::test]
async fn a_hot_tool_by_hand() {
    let stage = Stage::manual().await;
    let body = json!({ "commands": ["M104 S200", "M117 hello"] });
    stage.command(1, "api/printer/command", body).await;
    stage
        .command(1, "api/printer/command", json!({ "command": "M140 S50" }))
        .await;
    stage.wait(30.0);
    let sensors = stage.get(1, "api/printer").await.json()["temperature"].clone();
    assert!((sensors["tool0"]["actual"].as_f64().unwrap() - 200.0).abs() < 0.5);
    assert_eq!(sensors["bed"]["target"], 50.0);
}

#[tokio::test]
async fn a_print_survives_no_restart_of_the_server() {
    let stage = Stage::manual().await;
    let body = json!({ "command": "select", "print": true });
    stage
        .command(1, "api/files/local/demo-ring.gcode", body)
        .await;
    stage.wait(10.0);
    assert_eq!(stage.state(1).await, "Printing");
    stage.printer(1).restart_server();
    let job = stage.get(1, "api/job").await.json();
    assert_eq!(job["state"], "Operational");
    assert_eq!(job["job"]["file"]["path"], json!(null));
    let entry = stage.get(1, "api/files/local/demo-ring.gcode").await.json();
    assert_eq!(
        entry.get("prints"),
        None,
        "nobody wrote down what became of it"
    );
}

#[tokio::test]
async fn refusals_are_told_as_octoprint_tells_them() {
    let stage = Stage::manual().await;
    let cases = [
        (
            "api/job",
            json!({ "command": "cancel" }),
            409,
            "Printer is neither printing nor paused, 'cancel' command cannot be performed",
        ),
        (
            "api/job",
            json!({ "command": "pause" }),
            409,
            "Printer is neither printing nor paused, 'pause' command cannot be performed",
        ),
        (
            "api/job",
            json!({ "command": "restart" }),
            409,
            "Printer does not have an active print job or is not paused",
        ),
        (
            "api/job",
            json!({ "command": "dance" }),
            400,
            "command is invalid",
        ),
        (
            "api/job",
            json!({ "command": "pause", "action": "dance" }),
            400,
            "Unknown action 'dance', allowed values for action parameter are 'pause', 'resume' and 'toggle'",
        ),
        (
            "api/job",
            json!([1]),
            400,
            "Malformed JSON body or wrong content-type in request",
        ),
        (
            "api/connection",
            json!({ "command": "connect", "port": "LPT1" }),
            400,
            "port is invalid",
        ),
        (
            "api/connection",
            json!({ "command": "connect", "baudrate": 7 }),
            400,
            "baudrate is invalid",
        ),
        (
            "api/connection",
            json!({ "command": "connect", "printerProfile": "x" }),
            400,
            "printerProfile is invalid",
        ),
        (
            "api/printer/command",
            json!({}),
            400,
            "Need one of 'command', 'commands' or 'script'",
        ),
        (
            "api/printer/command",
            json!({ "command": "M105", "commands": [] }),
            400,
            "'command' and 'commands' are mutually exclusive",
        ),
        (
            "api/printer/command",
            json!({ "commands": 3 }),
            400,
            "commands is invalid",
        ),
    ];
    for (path, body, status, text) in cases {
        let answer = stage.post(1, path, body).await;
        assert_eq!(
            (answer.status, answer.json()),
            (status, json!({ "error": text }))
        );
    }
    stage.printer(1).unplug();
    for path in ["api/job", "api/printer/command"] {
        let answer = stage.post(1, path, json!({ "command": "start" })).await;
        let text = json!({ "error": "Printer is not operational" });
        assert_eq!((answer.status, answer.json()), (409, text));
    }
    let body = json!({ "command": "start" });
    let guest = stage
        .post_as(Some("wrong"), 1, "api/job", body.clone())
        .await;
    assert_eq!(
        (guest.status, guest.json()["error"].as_str()),
        (400, Some("CSRF validation failed"))
    );
    assert_eq!(
        stage
            .post_as(Some(STATUS_KEY), 1, "api/job", body)
            .await
            .status,
        409
    );
}

/// Measured on a real 1.11.8: which of several reasons is told.
#[tokio::test]
async fn the_first_reason_wins() {
    let stage = Stage::manual().await;
    let file = "api/files/local/demo-ring.gcode";
    let print = json!({ "command": "select", "print": true });
    let dance = json!({ "command": "dance" });
    let pause = json!({ "command": "pause" });
    let status = async |key, path, body: &serde_json::Value| {
        stage.post_as(Some(key), 1, path, body.clone()).await.status
    };
    assert_eq!(status(STATUS_KEY, "api/job", &dance).await, 400);
    assert_eq!(status(STATUS_KEY, file, &dance).await, 400);
    assert_eq!(status(STATUS_KEY, "api/job", &pause).await, 403);
    let nosuch = "api/files/local/nosuch.gcode";
    assert_eq!(status(STATUS_KEY, nosuch, &print).await, 403);
    assert_eq!(status(CONTROL_KEY, nosuch, &print).await, 404);
    let on_card = "api/files/sdcard/demo-ring.gcode";
    assert_eq!(status(CONTROL_KEY, on_card, &print).await, 404);
    let elsewhere = "api/files/elsewhere/demo-ring.gcode";
    assert_eq!(status(CONTROL_KEY, elsewhere, &print).await, 404);

    stage.printer(1).unplug();
    assert_eq!(status(STATUS_KEY, "api/job", &dance).await, 409);
    assert_eq!(status(STATUS_KEY, file, &print).await, 403);
    assert_eq!(status(CONTROL_KEY, nosuch, &print).await, 404);
    let refused = stage
        .post_as(Some(CONTROL_KEY), 1, file, print.clone())
        .await;
    assert_eq!(
        (refused.status, refused.json()["error"].as_str()),
        (
            409,
            Some("Printer is already printing, cannot select a new file")
        )
    );
    assert_eq!(status("wrong", file, &print).await, 400);
}

#[tokio::test]
async fn a_print_can_be_paused_while_it_starts() {
    let stage = Stage::manual().await;
    let print = json!({ "command": "select", "print": true });
    stage
        .command(1, "api/files/local/demo-ring.gcode", print)
        .await;
    assert_eq!(stage.state(1).await, "Starting");
    let pause = json!({ "command": "pause", "action": "pause" });
    stage.command(1, "api/job", pause).await;
    // Not yet paused: nothing to resume.
    let resume = json!({ "command": "pause", "action": "resume" });
    stage.command(1, "api/job", resume.clone()).await;
    assert_eq!(stage.state(1).await, "Pausing");
    stage.wait(10.0);
    assert_eq!(stage.state(1).await, "Paused");
    stage.command(1, "api/job", resume).await;
    stage.wait(1.0);
    assert_eq!(stage.state(1).await, "Printing");
    stage.printer(1).skip_to_end();
    stage.wait(1.0);
    assert_eq!(stage.state(1).await, "Operational");
}

#[tokio::test]
async fn a_command_by_hand_beats_the_script() {
    let stage = Stage::with(&Settings::default()).await;
    stage.wait(10.0);
    assert_eq!(stage.state(1).await, "Printing");
    stage
        .command(1, "api/job", json!({ "command": "pause" }))
        .await;
    stage.wait(120.0);
    assert_eq!(
        stage.state(1).await,
        "Paused",
        "the script would have gone on by now"
    );
    stage
        .command(1, "api/job", json!({ "command": "cancel" }))
        .await;
    stage.wait(240.0);
    assert_eq!(stage.state(1).await, "Operational");
    let mut tries = 0;
    while stage.state(1).await != "Printing" {
        stage.wait(5.0);
        tries += 1;
        assert!(tries < 60, "the script never took over again");
    }
}
