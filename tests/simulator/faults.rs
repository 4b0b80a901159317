//! Faults on demand, as a client meets them.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use umati_bridge::octoprint::simulator::{API_KEY, Endpoint, Fault, Settings, State, simulate};

use crate::stage::{Answer, Stage};

async fn ask(stage: &Stage) -> reqwest::Result<Answer> {
    stage
        .ask(Method::GET, 1, "api/job", Some(API_KEY), None)
        .await
}

/// All bytes that come back for one request, until the server closes.
async fn raw(stage: &Stage) -> Vec<u8> {
    let url: url::Url = stage.url(1, "api/job").parse().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", url.port().unwrap()))
        .await
        .unwrap();
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {API_KEY}\r\n\r\n",
        url.path()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn answers_of_others() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    let page = "text/html; charset=utf-8";
    for (fault, status, content_type) in [
        (Fault::Status(500), 500, page),
        (Fault::Status(502), 502, page),
        (Fault::Html, 200, page),
        (Fault::Forbidden, 403, "application/json"),
        (Fault::Redirect("http://127.0.0.2:9/".to_owned()), 302, ""),
        (
            Fault::Body("{\"job\": NaN".to_owned()),
            200,
            "application/json",
        ),
    ] {
        printer.inject(fault);
        let answer = ask(&stage).await.unwrap();
        assert_eq!(
            (answer.status, answer.content_type.as_str()),
            (status, content_type)
        );
        assert_eq!(
            stage.get(2, "api/job").await.status,
            200,
            "the others are not concerned"
        );
        printer.heal();
        assert_eq!(ask(&stage).await.unwrap().status, 200);
    }
    assert_eq!(printer.answers(Endpoint::Job, 502), 1);
    assert_eq!(printer.requests(Endpoint::Job), 12);
}

#[tokio::test]
async fn lies_in_the_right_shape() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    printer.inject(Fault::WrongTypes);
    assert_eq!(ask(&stage).await.unwrap().json()["state"], 11);
    let printer_answer = stage.get(1, "api/printer").await.json();
    assert_eq!(printer_answer["state"]["flags"]["ready"], "true");
    printer.heal();
    printer.inject(Fault::Replace("/progress/completion", json!("half")));
    printer.inject_at(Endpoint::Version, Fault::Replace("/server", json!("9.9.9")));
    let job = ask(&stage).await.unwrap().json();
    assert_eq!(
        (
            job["progress"]["completion"].as_str(),
            job["state"].as_str()
        ),
        (Some("half"), Some("Operational"))
    );
    assert_eq!(stage.get(1, "api/version").await.json()["server"], "9.9.9");
    printer.inject_at(Endpoint::PrinterProfiles, Fault::Forbidden);
    assert_eq!(stage.get(1, "api/printerprofiles").await.status, 403);
    assert_eq!(stage.get(1, "api/connection").await.status, 200);
}

#[tokio::test]
async fn a_huge_body() {
    let stage = Stage::manual().await;
    stage.printer(1).inject(Fault::Huge(20_000_000));
    assert_eq!(ask(&stage).await.unwrap().text.len(), 20_000_000);
}

#[tokio::test]
async fn connections_that_break() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    assert_eq!(ask(&stage).await.unwrap().status, 200);
    printer.inject(Fault::Close);
    assert!(ask(&stage).await.is_err());
    assert_eq!(raw(&stage).await, b"");
    assert_eq!(
        printer.answers(Endpoint::Job, 200),
        1,
        "a broken answer is none"
    );
    printer.inject(Fault::Garbage);
    assert!(ask(&stage).await.is_err());
    assert_eq!(raw(&stage).await, b"Not found");
    printer.inject(Fault::Truncate);
    assert!(ask(&stage).await.is_err());
    let half = String::from_utf8(raw(&stage).await).unwrap();
    assert!(
        half.starts_with("HTTP/1.1 200 OK\r\n") && !half.ends_with('\n'),
        "{half}"
    );
    printer.heal();
    assert_eq!(ask(&stage).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_server_that_hangs_until_it_is_healed() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    printer.inject(Fault::Hang);
    let heal = async {
        while printer.requests(Endpoint::Job) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(printer.answers(Endpoint::Job, 200), 0);
        assert_eq!(
            stage.get(2, "api/job").await.status,
            200,
            "the others are not concerned"
        );
        printer.heal();
    };
    let (hung, ()) = tokio::join!(ask(&stage), heal);
    assert!(hung.is_err());
    assert_eq!(ask(&stage).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_slow_server() {
    let stage = Stage::manual().await;
    let late = Duration::from_millis(120);
    stage.printer(1).inject(Fault::Slow(late));
    let asked = Instant::now();
    assert_eq!(ask(&stage).await.unwrap().status, 200);
    assert!(asked.elapsed() >= late);
}

#[tokio::test]
async fn commands_that_are_late_or_ignored() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    let file = "api/files/local/demo-ring.gcode";
    let print = json!({ "command": "select", "print": true });
    printer.inject_at(Endpoint::FileCommand, Fault::Ignore);
    stage.command(1, file, print.clone()).await;
    assert_eq!(printer.state(), State::Operational);
    assert_eq!(
        stage.get(1, file).await.status,
        200,
        "only commands are ignored"
    );
    printer.heal();

    printer.inject_at(
        Endpoint::FileCommand,
        Fault::Late(Duration::from_millis(120)),
    );
    let asked = Instant::now();
    let see = async {
        while printer.state() == State::Operational {
            tokio::task::yield_now().await;
        }
        assert_eq!(printer.answers(Endpoint::FileCommand, 204), 1);
    };
    tokio::join!(stage.command(1, file, print), see);
    assert!(asked.elapsed() >= Duration::from_millis(120));
    assert_eq!(printer.answers(Endpoint::FileCommand, 204), 2);
}

#[tokio::test]
async fn a_shutdown_waits_for_nobody() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let settings = Settings::default();
    let idle = TcpStream::connect(address).await.unwrap();
    let client = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /printer-0001/api/version HTTP/1.1\r\nHost: x\r\nX-Api-Key: {API_KEY}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.unwrap();
        shutdown.cancel();
        assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
        String::from_utf8_lossy(&answer[..length]).into_owned()
    };
    let (served, answer) = tokio::join!(simulate(listener, &settings, shutdown.clone()), client);
    served.unwrap();
    assert!(!answer.is_empty());
    drop(idle);
}
