//! Actions: what they do, what each refusal means, and that none is ever sent twice.

use std::time::Duration;

use serde_json::{Value, json};
use umati_bridge::machine::{FileRef, PrinterAction, Refusal};
use umati_bridge::octoprint::simulator::{
    API_KEY, CONTROL_KEY, Endpoint, Fault, NO_PERMISSION_KEY, PrinterError, STATUS_KEY, State,
};
use umati_bridge::octoprint::{Controller, HttpClients, Limits};

use crate::feed::{KEY, limits, source};
use crate::stage::{RING, Stage, print};
use crate::stub::{Reply, Request, Stub};

use PrinterAction::{Cancel, Pause, Resume};

fn hasty() -> Limits {
    Limits {
        command: Duration::from_millis(300),
        ..limits()
    }
}

#[tokio::test]
async fn a_print_is_started_paused_resumed_and_cancelled() {
    let stage = Stage::set().await;
    for (action, passing, state) in [
        (print(RING), State::Starting, State::Printing),
        (Pause, State::Pausing, State::Paused),
        (Resume, State::Resuming, State::Printing),
        (Cancel, State::Cancelling, State::Operational),
    ] {
        assert_eq!(stage.act(&action).await, Ok(()), "{action:?}");
        assert_eq!(stage.printer.state(), passing, "{action:?}");
        stage.wait(1);
        assert_eq!(stage.printer.state(), state, "{action:?}");
    }
}

#[tokio::test]
async fn files_in_folders_and_of_any_script_are_found() {
    for path in [
        "customers/4711/housing top.gcode",
        "Zahnrad „klein“ 小齿轮 v2.gcode",
        "Étrier n°3 – support.gcode",
    ] {
        let stage = Stage::set().await;
        assert_eq!(stage.act(&print(path)).await, Ok(()), "{path}");
        assert_eq!(stage.printer.state(), State::Starting);
    }
}

#[tokio::test]
async fn an_idle_printer_has_nothing_to_pause() {
    let stage = Stage::set().await;
    for action in [Pause, Resume, Cancel] {
        assert_eq!(stage.act(&action).await, Err(Refusal::InvalidState));
    }
}

#[tokio::test]
async fn a_busy_printer_takes_no_other_print() {
    let stage = Stage::set().await;
    stage.printing().await;
    assert_eq!(stage.act(&print(RING)).await, Err(Refusal::Busy));
    stage.act(&Pause).await.unwrap();
    stage.wait(5);
    assert_eq!(stage.act(&print(RING)).await, Err(Refusal::Busy));
    assert_eq!(stage.printer.state(), State::Paused);
}

/// OctoPrint says "already printing" also of a printer that is off.
#[tokio::test]
async fn a_printer_that_is_not_connected_is_told_from_a_busy_one() {
    let stage = Stage::set().await;
    let refused = async |stage: &Stage| {
        for action in [print(RING), Pause, Resume, Cancel] {
            let outcome = stage.act(&action).await;
            assert_eq!(outcome, Err(Refusal::PrinterNotConnected), "{action:?}");
        }
    };
    stage.printer.unplug();
    refused(&stage).await;
    stage
        .printer
        .fail(PrinterError::firmware("Thermal Runaway"));
    refused(&stage).await;
    stage.wait(5);
    refused(&stage).await;
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_found() {
    let stage = Stage::set().await;
    let elsewhere = |origin: &str| {
        PrinterAction::Print(FileRef {
            origin: origin.to_owned(),
            path: RING.to_owned(),
        })
    };
    for action in [
        print("nosuch.gcode"),
        print("customers/nosuch.gcode"),
        print("customers"),
        print("../local/demo-ring.gcode"),
        elsewhere("sdcard"),
        elsewhere("elsewhere"),
        elsewhere(".."),
    ] {
        let outcome = stage.act(&action).await;
        assert_eq!(outcome, Err(Refusal::FileNotFound), "{action:?}");
    }
    assert_eq!(stage.printer.state(), State::Operational);
}

#[tokio::test]
async fn the_key_must_be_known_and_strong_enough() {
    let stage = Stage::set().await;
    for key in [STATUS_KEY, NO_PERMISSION_KEY, "nobody-has-this-key"] {
        for action in [print(RING), Pause] {
            let outcome = stage.controller(key, limits()).act(&action).await;
            assert_eq!(outcome, Err(Refusal::KeyNotPermitted), "{key} {action:?}");
        }
    }
    for key in [CONTROL_KEY, API_KEY] {
        let controller = stage.controller(key, limits());
        assert_eq!(controller.act(&print(RING)).await, Ok(()));
        assert_eq!(controller.act(&Cancel).await, Ok(()));
        stage.wait(5);
    }
    stage.printer.revoke_keys();
    let outcome = stage.act(&print(RING)).await;
    assert_eq!(outcome, Err(Refusal::KeyNotPermitted));
}

#[tokio::test]
async fn whatever_goes_wrong_the_action_is_sent_once() {
    let other = Stub::start(|_| Reply::head(204, "")).await;
    for fault in [
        Fault::Hang,
        Fault::Close,
        Fault::Garbage,
        Fault::Truncate,
        Fault::Status(500),
        Fault::Status(502),
        Fault::Status(429),
        Fault::Html,
        Fault::Redirect(format!("{}api/job", other.url())),
        Fault::Redirect("/printer-0005/api/job".to_owned()),
        Fault::Late(Duration::from_secs(60)),
    ] {
        let stage = Stage::set().await;
        stage.printing().await;
        stage.printer.inject_at(Endpoint::JobCommand, fault.clone());
        let outcome = stage.controller(CONTROL_KEY, hasty()).act(&Pause).await;
        assert_eq!(outcome, Err(Refusal::Unreachable), "{fault:?}");
        assert_eq!(stage.printer.requests(Endpoint::JobCommand), 1, "{fault:?}");
    }
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test]
async fn an_answer_that_is_late_leaves_open_what_was_done() {
    let stage = Stage::set().await;
    let late = Fault::Late(Duration::from_secs(60));
    stage.printer.inject_at(Endpoint::FileCommand, late);
    let controller = stage.controller(CONTROL_KEY, hasty());
    let outcome = controller.act(&print(RING)).await;
    assert_eq!(outcome, Err(Refusal::Unreachable));
    assert_eq!(stage.printer.state(), State::Starting);
}

#[tokio::test]
async fn a_slow_answer_is_waited_for() {
    let stage = Stage::set().await;
    let slow = Fault::Slow(Duration::from_millis(200));
    stage.printer.inject_at(Endpoint::FileCommand, slow);
    assert_eq!(stage.act(&print(RING)).await, Ok(()));
    assert_eq!(stage.printer.state(), State::Starting);
}

/// As a pause does that comes while OctoPrint cancels.
#[tokio::test]
async fn taken_is_not_done() {
    let stage = Stage::set().await;
    stage.printer.inject(Fault::Ignore);
    assert_eq!(stage.act(&print(RING)).await, Ok(()));
    assert_eq!(stage.printer.state(), State::Operational);
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let stub = Stub::start(|_| Reply::head(204, "")).await;
    let url = stub.url();
    drop(stub);
    assert_eq!(act(&url, &Cancel).await, Err(Refusal::Unreachable));
}

async fn act(url: &str, action: &PrinterAction) -> Result<(), Refusal> {
    let clients = HttpClients::new(limits());
    Controller::new(source("test", url), clients)
        .act(action)
        .await
}

type Answering = Box<dyn Fn() -> Reply + Send + Sync>;

/// Answers commands with `reply`, and tells of a printer in `state`.
fn answering(
    state: &'static str,
    reply: impl Fn() -> Reply + Send + Sync,
) -> impl Fn(&Request) -> Reply + Send + Sync {
    move |request| match request.method.as_str() {
        "POST" => reply(),
        _ => Reply::json(200, &json!({"state": state})),
    }
}

/// What servers of 1.4.2 and 1.11.8 answered, and what no OctoPrint would answer.
#[tokio::test]
async fn each_status_has_its_meaning_whatever_the_body() {
    const PAGE: &str =
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 3.2 Final//EN\">\n<title>403 Forbidden</title>";
    const NOT_PRINTABLE: &str = "Cannot select file for printing, not a machinecode file";
    let print = print(RING);
    let old = |status, body: &'static str| move || Reply::html(status, body);
    let new = |status, body: &'static str| move || Reply::json(status, &json!({ "error": body }));
    let printing = "Printer is already printing, cannot select a new file";
    let idle = "Printer is neither printing nor paused, 'pause' command cannot be performed";
    let off = "Printer is not operational";
    use Refusal::*;
    let cases: Vec<(&PrinterAction, &'static str, Answering, Refusal)> = vec![
        (&print, "Printing", Box::new(old(409, printing)), Busy),
        (&print, "Printing", Box::new(new(409, printing)), Busy),
        (
            &print,
            "Offline",
            Box::new(old(409, printing)),
            PrinterNotConnected,
        ),
        (
            &print,
            "Offline (Error: kill() called!)",
            Box::new(old(409, printing)),
            PrinterNotConnected,
        ),
        (
            &print,
            "Opening serial port",
            Box::new(old(409, printing)),
            PrinterNotConnected,
        ),
        // By the time of asking it may be over.
        (&print, "Operational", Box::new(new(409, printing)), Busy),
        (&print, "CrashRecovery", Box::new(new(409, printing)), Busy),
        (
            &Pause,
            "Operational",
            Box::new(old(409, idle)),
            InvalidState,
        ),
        (
            &Pause,
            "Closed",
            Box::new(old(409, off)),
            PrinterNotConnected,
        ),
        (&print, "", Box::new(old(403, PAGE)), KeyNotPermitted),
        (
            &print,
            "",
            Box::new(new(403, "Invalid API key")),
            KeyNotPermitted,
        ),
        (&print, "", Box::new(old(401, PAGE)), KeyNotPermitted),
        (
            &print,
            "",
            Box::new(new(400, "CSRF validation failed")),
            KeyNotPermitted,
        ),
        (
            &print,
            "",
            Box::new(old(400, "Expected valid command")),
            InvalidRequest,
        ),
        (
            &print,
            "",
            Box::new(old(404, "File not found on 'local': x.gcode")),
            FileNotFound,
        ),
        (&Pause, "", Box::new(old(404, "Not Found")), InvalidRequest),
        (
            &print,
            "",
            Box::new(new(415, NOT_PRINTABLE)),
            InvalidRequest,
        ),
        (&print, "", Box::new(old(405, "")), InvalidRequest),
        (&print, "", Box::new(old(503, PAGE)), Unreachable),
        (&print, "", Box::new(old(408, "")), Unreachable),
        (&print, "", Box::new(old(200, PAGE)), Unreachable),
    ];
    for (action, state, reply, refusal) in cases {
        let stub = Stub::start(answering(state, reply)).await;
        let outcome = act(&stub.url(), action).await;
        let answered = &stub.requests()[0];
        assert_eq!(outcome, Err(refusal), "{action:?} {state} {answered:?}");
    }
}

/// Where even the state cannot be read, the words of the refusal have to do.
#[tokio::test]
async fn a_conflict_without_a_state_is_told_by_its_words() {
    for (words, refusal) in [
        ("Printer is not operational", Refusal::PrinterNotConnected),
        (
            "Printer is neither printing nor paused",
            Refusal::InvalidState,
        ),
    ] {
        let stub = Stub::start(move |request| match request.method.as_str() {
            "POST" => Reply::html(409, words),
            _ => Reply::html(503, "starting"),
        })
        .await;
        assert_eq!(act(&stub.url(), &Pause).await, Err(refusal));
    }
}

#[tokio::test]
async fn a_command_carries_the_key_and_its_body_on_a_connection_of_its_own() {
    let stub = Stub::start(answering("Printing", || Reply::head(204, ""))).await;
    let controller = Controller::new(source("test", &stub.url()), HttpClients::new(limits()));
    let print = PrinterAction::Print(FileRef {
        origin: "local".to_owned(),
        path: "a b/零#?.gcode".to_owned(),
    });
    let expected = [
        (
            print,
            "/api/files/local/a%20b/%E9%9B%B6%23%3F.gcode",
            json!({"command": "select", "print": true}),
        ),
        (
            Pause,
            "/api/job",
            json!({"command": "pause", "action": "pause"}),
        ),
        (
            Resume,
            "/api/job",
            json!({"command": "pause", "action": "resume"}),
        ),
        (Cancel, "/api/job", json!({"command": "cancel"})),
    ];
    for (action, ..) in &expected {
        assert_eq!(controller.act(action).await, Ok(()));
    }
    for (number, (request, (action, target, body))) in
        stub.requests().iter().zip(&expected).enumerate()
    {
        assert_eq!(request.connection, number, "{action:?}");
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            ("POST", *target)
        );
        assert_eq!(&serde_json::from_str::<Value>(&request.body).unwrap(), body);
        assert_eq!(request.header("x-api-key"), Some(KEY));
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.header("accept-language"), Some("en"));
        for absent in ["origin", "referer", "cookie", "authorization"] {
            assert_eq!(request.header(absent), None, "{absent}");
        }
    }
    assert_eq!(stub.requests().len(), expected.len());
}
