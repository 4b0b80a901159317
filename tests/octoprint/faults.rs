//! Answers that are wrong: each is told for what it is, and the machine comes back by itself when it ends.

use std::time::Duration;

use serde_json::{Value, json};
use umati_bridge::machine::{
    PrinterState, SensorId, TemperatureReport, Unreachable, UnreachableCause,
};
use umati_bridge::octoprint::Limits;

use crate::feed::{Feed, KEY, limits, source};
use crate::payloads::{except, printing};
use crate::stub::{Reply, Stub};

use UnreachableCause::{NotHttp, NotOctoPrint, Refused, ServerError, Timeout, TooLarge};

/// Healthy, then `fault` on `path`, then healthy again: what was told of the fault.
async fn survives(
    path: &'static str,
    limits: Limits,
    fault: impl Fn() -> Reply + Send + Sync + 'static,
) -> Unreachable {
    let stub = Stub::start(printing).await;
    let mut feed = Feed::with(source("test", &stub.url()), limits);
    assert_eq!(feed.report().await.state, PrinterState::Printing);
    stub.answer(except(path, fault));
    let why = feed.unreachable().await;
    assert!(
        !why.detail.contains(KEY) && !why.detail.contains('\n'),
        "{why:?}"
    );
    stub.answer(printing);
    assert_eq!(feed.report().await.state, PrinterState::Printing);
    why
}

async fn told(fault: impl Fn() -> Reply + Send + Sync + 'static) -> (UnreachableCause, String) {
    let Unreachable { cause, detail } = survives("/api/job", limits(), fault).await;
    (cause, detail)
}

fn hasty() -> Limits {
    Limits {
        request: Duration::from_millis(300),
        ..limits()
    }
}

#[tokio::test]
async fn an_octoprint_that_is_starting_answers_without_a_status_line() {
    let (cause, detail) = told(|| Reply::raw(b"Not found").then_close()).await;
    assert_eq!(
        (cause, detail.as_str()),
        (NotHttp, "invalid HTTP version parsed")
    );
}

#[tokio::test]
async fn a_login_page_is_not_an_octoprint() {
    let (cause, detail) = told(|| Reply::html(200, "\n<!doctype html><title>Login</title>")).await;
    assert_eq!(cause, NotOctoPrint);
    assert_eq!(
        detail,
        "it answers with an HTML page (a login page, or another server?)"
    );
}

#[tokio::test]
async fn a_wrong_base_path_is_not_an_octoprint() {
    let (cause, detail) = told(|| Reply::html(404, "<h1>Not Found</h1>")).await;
    assert_eq!(cause, NotOctoPrint);
    assert_eq!(
        detail,
        "it answers 404 Not Found; is the path of the URL right?"
    );
}

#[tokio::test]
async fn another_json_service_is_not_an_octoprint() {
    for other in [
        json!({"status": "ok"}),
        json!([]),
        json!("state"),
        json!(null),
        json!(5),
    ] {
        let (cause, detail) = told(move || Reply::json(200, &other)).await;
        assert_eq!(cause, NotOctoPrint);
        assert_eq!(
            detail,
            "the answer has none of the fields state, job, progress"
        );
    }
}

#[tokio::test]
async fn errors_of_the_server_or_its_proxy_are_told_with_their_status() {
    for (status, words) in [
        (500, "it answers 500 Internal Server Error"),
        (502, "it answers 502 Bad Gateway"),
        (503, "it answers 503 Service Unavailable"),
        (429, "it answers 429 Too Many Requests"),
    ] {
        let (cause, detail) = told(move || Reply::html(status, "<html>starting</html>")).await;
        assert_eq!((cause, detail.as_str()), (ServerError(status), words));
    }
}

#[tokio::test]
async fn what_is_not_json_is_told_with_its_place() {
    for (body, words) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        (
            "{\"state\": \"Printing\"",
            "EOF while parsing an object at line 1 column 20",
        ),
        (
            "{\"progress\": {\"completion\": NaN}}",
            "expected value at line 1 column 29",
        ),
        (
            "{\"progress\": {\"completion\": Infinity}}",
            "expected value at line 1 column 29",
        ),
        ("\u{feff}{}", "expected value at line 1 column 1"),
    ] {
        let (cause, detail) = told(move || Reply::text(200, "application/json", body)).await;
        assert_eq!(cause, NotOctoPrint, "{body}");
        assert_eq!(
            detail,
            format!("the answer is not valid JSON: {words}"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn invalid_utf8_and_deep_nesting_are_not_valid_json() {
    let (cause, _) =
        told(|| Reply::head(200, "Content-Length: 13\r\n").and(b"{\"state\":\"\xff\"}")).await;
    assert_eq!(cause, NotOctoPrint);
    let deep = || {
        Reply::text(
            200,
            "application/json",
            &format!("{{\"job\":{}", "[".repeat(200_000)),
        )
    };
    let (cause, detail) = told(deep).await;
    assert_eq!(cause, NotOctoPrint);
    assert!(detail.contains("recursion limit exceeded"), "{detail}");
}

#[tokio::test]
async fn a_connection_that_ends_early_is_no_answer() {
    let started = || Reply::head(200, "Content-Length: 500\r\n").and(b"{\"state\": ");
    assert_eq!(told(move || started().then_close()).await.0, Refused);
    assert_eq!(told(move || started().then_reset()).await.0, Refused);
    assert_eq!(told(|| Reply::raw(b"").then_close()).await.0, Refused);
    assert_eq!(told(|| Reply::raw(b"").then_reset()).await.0, Refused);
}

#[tokio::test]
async fn a_server_that_hangs_or_drips_meets_the_deadline() {
    let silent = || Reply::raw(b"").then_hang();
    let half = || {
        Reply::head(200, "Content-Length: 500\r\n")
            .and(b"{\"state\": ")
            .then_hang()
    };
    let drip = || Reply::head(200, "Content-Length: 500000\r\n").then_drip();
    let drip_head = || Reply::raw(b"HTTP/1.1 200 OK\r\nX: ").then_drip();
    for fault in [silent, half, drip, drip_head] {
        let why = survives("/api/job", hasty(), fault).await;
        assert_eq!(
            (why.cause, why.detail.as_str()),
            (Timeout, "no complete answer within 300ms")
        );
    }
}

#[tokio::test]
async fn a_huge_answer_is_not_read_to_its_end() {
    const HUGE: u64 = 100 * 1024 * 1024;
    let announced = || Reply::head(200, &format!("Content-Length: {HUGE}\r\n")).then_flood(HUGE);
    let endless = || Reply::head(200, "").then_flood(HUGE);
    for fault in [announced, endless] {
        let stub = Stub::start(except("/api/job", fault)).await;
        let mut feed = Feed::of(&stub.url());
        let why = feed.unreachable().await;
        assert_eq!(
            (why.cause, why.detail.as_str()),
            (TooLarge, "more than 2097152 bytes")
        );
        // What is in flight in the sockets of a few tries, but nothing like the whole.
        assert!(stub.flooded() < HUGE, "{}", stub.flooded());
        stub.answer(printing);
        feed.report().await;
    }
}

#[tokio::test]
async fn a_fault_of_the_second_request_costs_the_round() {
    let why = survives("/api/printer", limits(), || Reply::html(502, "<html>")).await;
    assert_eq!(why.cause, ServerError(502));
    let why = survives("/api/printer", hasty(), || Reply::raw(b"").then_hang()).await;
    assert_eq!(why.cause, Timeout);
}

#[tokio::test]
async fn faults_of_the_slow_requests_cost_nothing() {
    for path in ["/api/version", "/api/currentuser", "/api/printerprofiles"] {
        let stub = Stub::start(except(path, || Reply::html(500, "<html>"))).await;
        let mut feed = Feed::of(&stub.url());
        for _ in 0..3 {
            assert_eq!(feed.report().await.state, PrinterState::Printing);
        }
        assert_eq!(stub.count(path), 1);
    }
}

async fn report_of(job: Value, printer: Value) -> umati_bridge::machine::Report {
    let stub = Stub::start(move |request| match request.path() {
        "/api/job" => Reply::json(200, &job),
        "/api/printer" => Reply::json(200, &printer),
        _ => Reply::html(404, ""),
    })
    .await;
    Feed::of(&stub.url()).report().await
}

#[tokio::test]
async fn wrong_types_cost_their_field_and_not_the_round() {
    let job = json!({"state": "Printing", "job": null, "progress": {"completion": "50", "printTime": 60}});
    let printer = json!({"state": [], "temperature": {"tool0": {"actual": "200", "target": 210}, "bed": null}});
    let report = report_of(job, printer).await;
    assert_eq!(report.state, PrinterState::Printing);
    assert_eq!((&report.file, report.progress.completion), (&None, None));
    assert_eq!(report.progress.print_time, Some(Duration::from_secs(60)));
    let TemperatureReport::Read { sensors, .. } = report.temperatures else {
        panic!("it was asked")
    };
    assert_eq!(sensors.len(), 1);
    assert_eq!(sensors[&SensorId::Tool(0)].actual, None);
    assert_eq!(sensors[&SensorId::Tool(0)].target, Some(210.0));
}

#[tokio::test]
async fn only_a_state_is_a_report() {
    for job in [
        json!({"state": "Operational"}),
        json!({"state": "Operational", "job": {"file": {}}, "progress": {}}),
    ] {
        let report = report_of(job, json!({"temperature": {}})).await;
        assert_eq!(report.state, PrinterState::Operational);
        assert_eq!(report.flags, None);
    }
    let nulls = report_of(
        json!({"job": null, "progress": null, "state": null}),
        json!({"state": null}),
    )
    .await;
    assert_eq!(
        (nulls.state, nulls.state_text.as_str()),
        (PrinterState::Unknown, "")
    );
}

#[tokio::test]
async fn odd_file_names_come_through() {
    let name = format!("a/b \"c\" 'd' \u{202e}零件\t\u{1}\\ {}", "x".repeat(5000));
    let job = json!({"state": "Operational", "job": {"file": {"name": name, "path": name, "display": "nul\0l"}}});
    let file = report_of(job, json!({"temperature": {}}))
        .await
        .file
        .unwrap();
    assert_eq!(file.path.chars().count(), 4096);
    assert!(name.starts_with(&file.path));
    assert_eq!(file.display, "null");
}
