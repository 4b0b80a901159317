//! What a round asks and tells, how the loop ends, and what it logs.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;
use umati_bridge::machine::{
    FileRef, Observation, PrinterAction, PrinterState, Refusal, TemperatureReport,
};
use umati_bridge::octoprint::{Controller, HttpClients, Limits, Source};

use crate::feed::{Feed, KEY, eventually, limits, source};
use crate::payloads::{except, offline, printing, situation};
use crate::stub::{Reply, Stub};

#[tokio::test]
async fn job_first_then_the_printer_with_one_sample() {
    let stub = Stub::start(printing).await;
    let mut feed = Feed::of(&stub.url());
    for _ in 0..3 {
        feed.report().await;
    }
    let asked: Vec<_> = stub
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect();
    let printer = "/api/printer?history=true&limit=1";
    let connect = [
        "/api/job",
        "/api/version",
        printer,
        "/api/currentuser",
        "/api/printerprofiles",
        "/api/files?recursive=true",
    ];
    assert_eq!(asked[..6], connect);
    assert_eq!(asked[6..10], ["/api/job", printer, "/api/job", printer]);
}

/// Each 409 is a line on the SD card of a Raspberry Pi.
#[tokio::test]
async fn an_offline_printer_is_never_asked() {
    for name in ["disconnected", "error_awol_timeout"] {
        let stub = Stub::start(move |request| situation("1.11.8", name, request)).await;
        let mut feed = Feed::of(&stub.url());
        for _ in 0..3 {
            assert_eq!(
                feed.report().await.temperatures,
                TemperatureReport::NotAsked
            );
        }
        assert_eq!(stub.count("/api/printer"), 0);
    }
}

#[tokio::test]
async fn a_printer_that_goes_off_between_the_requests_is_no_failure() {
    let stub = Stub::start(except("/api/printer", || {
        Reply::html(409, "Printer is not operational")
    }))
    .await;
    let mut feed = Feed::of(&stub.url());
    for _ in 0..3 {
        let report = feed.report().await;
        assert_eq!(report.state, PrinterState::Printing);
        assert_eq!(
            (report.temperatures, report.flags),
            (TemperatureReport::NotAsked, None)
        );
    }
    // Each refusal is a line in OctoPrint's log: it is not asked again while the state stays what it is.
    assert_eq!(stub.count("/api/printer"), 1);
    stub.answer(|request| match request.path() {
        "/api/job" => Reply::json(200, &json!({"state": "Operational"})),
        _ => printing(request),
    });
    eventually("the next state is asked about", || {
        stub.count("/api/printer") >= 2
    })
    .await;
}

/// The flags might tell what a text of a later version means; if the server says 409, it is not asked each second.
#[tokio::test]
async fn an_unknown_text_with_409_is_asked_again_only_with_the_slow_facts() {
    let stub = Stub::start(|request| match request.path() {
        "/api/job" => Reply::json(200, &json!({"state": "Gone fishing"})),
        "/api/printer" => Reply::json(409, &json!({"error": "Printer is not operational"})),
        _ => printing(request),
    })
    .await;
    let mut feed = Feed::of(&stub.url());
    for _ in 0..5 {
        assert_eq!(feed.report().await.state, PrinterState::Unknown);
    }
    assert_eq!(stub.count("/api/printer"), 1);
}

#[tokio::test]
async fn versions_are_read_at_connecting_and_then_slowly() {
    let stub = Stub::start(printing).await;
    let slow = Limits {
        slow_interval: Duration::from_millis(50),
        ..limits()
    };
    let _feed = Feed::with(source("test", &stub.url()), slow);
    eventually("the version is read again", || {
        stub.count("/api/version") >= 3
    })
    .await;
    assert_eq!(stub.count("/api/currentuser"), 1);
}

#[tokio::test]
async fn after_a_failure_all_is_read_anew() {
    let stub = Stub::start(printing).await;
    let mut feed = Feed::of(&stub.url());
    feed.report().await;
    stub.answer(|_| Reply::html(503, ""));
    feed.unreachable().await;
    let upgraded = |request: &crate::stub::Request| situation("2.0.0rc7", "printing", request);
    stub.answer(upgraded);
    let software = feed
        .first(|observation| match observation {
            Observation::Software(software) if software.server.as_deref() != Some("1.11.8") => {
                Some(software)
            }
            _ => None,
        })
        .await;
    assert_eq!(software.text.as_deref(), Some("OctoPrint 2.0.0rc7"));
    eventually("the user is read again", || {
        stub.count("/api/currentuser") == 2
    })
    .await;
}

#[tokio::test]
async fn prusalink_tells_completion_from_zero_to_one() {
    let stub = Stub::start(|request| match request.path() {
        "/api/job" => Reply::json(
            200,
            &json!({"state": "Printing", "progress": {"completion": 0.25}}),
        ),
        "/api/version" => Reply::json(
            200,
            &json!({"api": "0.9", "server": "2.1.2", "text": "PrusaLink"}),
        ),
        "/api/printer" => Reply::json(
            200,
            &json!({"temperature": {"tool0": {"actual": 210, "target": 210}}}),
        ),
        _ => Reply::html(404, ""),
    })
    .await;
    assert_eq!(
        Feed::of(&stub.url()).report().await.progress.completion,
        Some(25.0)
    );
}

#[tokio::test]
async fn shutdown_ends_the_loop_in_the_middle_of_a_request() {
    let stub = Stub::start(|_| Reply::raw(b"").then_hang()).await;
    let mut feed = Feed::of(&stub.url());
    eventually("it asks", || stub.count("/api/job") == 1).await;
    feed.shutdown.cancel();
    feed.ends().await;
}

#[tokio::test]
async fn shutdown_ends_the_loop_before_a_full_queue() {
    let stub = Stub::start(printing).await;
    let mut feed = Feed::queue(source("test", &stub.url()), limits(), 1);
    eventually("the queue is full", || {
        stub.count("/api/printer") == 1 && feed.observed.len() == 1
    })
    .await;
    feed.shutdown.cancel();
    feed.ends().await;
}

#[tokio::test]
async fn the_loop_ends_when_nobody_listens() {
    let stub = Stub::start(printing).await;
    let patient = Source {
        poll_interval: Duration::from_secs(3600),
        ..source("test", &stub.url())
    };
    let mut feed = Feed::with(patient, limits());
    feed.observed.close();
    feed.ends().await;
}

struct Lines(Mutex<Vec<String>>);

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.0
            .lock()
            .unwrap()
            .push(format!("{} {}", record.level(), record.args()));
    }

    fn flush(&self) {}
}

static LINES: Lines = Lines(Mutex::new(Vec::new()));

/// The only test that looks at the log, by the name of its machine; the key of all tests is in none of the lines.
#[tokio::test]
async fn changes_are_logged_and_repetitions_are_not() {
    log::set_logger(&LINES).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let stub = Stub::start(offline).await;
    let mut feed = Feed::with(source("logged", &stub.url()), limits());
    for _ in 0..3 {
        feed.report().await;
    }
    stub.answer(|_| Reply::html(502, ""));
    for _ in 0..3 {
        feed.unreachable().await;
    }
    stub.answer(|_| Reply::html(403, "Invalid API key"));
    for _ in 0..3 {
        feed.rejected().await;
    }
    stub.answer(printing);
    for _ in 0..3 {
        feed.report().await;
    }
    feed.shutdown.cancel();
    feed.ends().await;
    stub.answer(|request| match request.target.as_str() {
        "/api/job" => Reply::head(204, ""),
        _ => Reply::json(404, &json!({"error": "not\nhere"})),
    });
    let controller = Controller::new(source("logged", &stub.url()), HttpClients::new(limits()));
    controller.act(&PrinterAction::Cancel).await.unwrap();
    let file = FileRef {
        origin: "local".to_owned(),
        path: "a \"forged\" \u{202e}.gcode".to_owned(),
    };
    let refused = controller.act(&PrinterAction::Print(file)).await;
    assert_eq!(refused, Err(Refusal::FileNotFound));
    let lines = LINES.0.lock().unwrap().clone();
    assert!(lines.iter().all(|line| !line.contains(KEY)));
    let ours: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("machine=logged"))
        .collect();
    let expected = [
        "INFO OctoPrint answers: machine=logged",
        "INFO The key may do more than it needs (STATUS): machine=logged, ADMIN",
        "WARN OctoPrint cannot be read: machine=logged, server error: it answers 502 Bad Gateway",
        "WARN OctoPrint rejects the key: machine=logged, OctoPrint does not know the key (mistyped, or revoked): create \
         a new one in its settings",
        "INFO OctoPrint answers: machine=logged",
        "INFO OctoPrint takes the action: machine=logged, action=cancel",
        "WARN OctoPrint does not act: machine=logged, action=print \"local/a \\\"forged\\\" \\u{202e}.gcode\", there is no such \
         file, it answers 404 Not Found: \"not\\nhere\"",
    ];
    assert_eq!(ours, expected);
}
