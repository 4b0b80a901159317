//! Looking sooner than the poll interval, because somebody waits for the printer.

use std::time::{Duration, Instant};

use serde_json::json;
use umati_bridge::machine::{Observation, PrinterAction, PrinterState};
use umati_bridge::octoprint::simulator::{CONTROL_KEY, Clock, Endpoint};
use umati_bridge::octoprint::{Backoff, Limits, Source};

use crate::feed::{Feed, eventually, limits};
use crate::payloads::{except, printing};
use crate::stage::{RING, Stage, print};
use crate::stub::{Reply, Stub};

/// So long that no test lives to see its end.
const NEVER: Duration = Duration::from_secs(3600);

/// Read once, and then only when poked.
async fn patient(source: Source, limits: Limits) -> Feed {
    let source = Source {
        poll_interval: NEVER,
        ..source
    };
    let mut feed = Feed::with(source, limits);
    feed.poke.now();
    feed.report().await;
    feed
}

fn soon() -> tokio::time::Instant {
    tokio::time::Instant::now() + Duration::from_secs(20)
}

async fn state(feed: &mut Feed, wanted: PrinterState) {
    feed.first(|observation| match observation {
        Observation::Report(report) if report.state == wanted => Some(()),
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn a_poke_is_a_report() {
    let stub = Stub::start(printing).await;
    let mut feed = patient(crate::feed::source("test", &stub.url()), limits()).await;
    for _ in 0..3 {
        feed.poke.now();
        feed.report().await;
    }
}

#[tokio::test]
async fn what_an_action_leads_to_is_seen_while_it_is_awaited() {
    let stage = Stage::with(Clock::running(1.0)).await;
    let mut feed = patient(stage.source(CONTROL_KEY), limits()).await;
    for (action, wanted) in [
        (print(RING), PrinterState::Printing),
        (PrinterAction::Pause, PrinterState::Paused),
        (PrinterAction::Resume, PrinterState::Printing),
        (PrinterAction::Cancel, PrinterState::Operational),
    ] {
        stage.act(&action).await.unwrap();
        feed.poke.closely(soon());
        state(&mut feed, wanted).await;
        feed.poke.calmly();
    }
}

/// While nothing changes, nothing is told, and the printer's temperatures are not asked for.
#[tokio::test]
async fn a_close_look_tells_changes_only() {
    let stub = Stub::start(printing).await;
    let mut feed = patient(crate::feed::source("test", &stub.url()), limits()).await;
    eventually("the slow facts are read", || stub.count("/api/files") == 1).await;
    while feed.observed.try_recv().is_ok() {}
    let printer = stub.count("/api/printer");
    feed.poke.closely(soon());
    let before = stub.count("/api/job");
    eventually("it looks closely", || stub.count("/api/job") > before + 5).await;
    assert_eq!(stub.count("/api/printer"), printer);
    assert!(feed.observed.try_recv().is_err());
    stub.answer(|request| match request.path() {
        "/api/job" => Reply::json(200, &json!({"state": "Pausing"})),
        _ => printing(request),
    });
    state(&mut feed, PrinterState::Pausing).await;
}

#[tokio::test]
async fn a_close_look_ends_by_itself() {
    let stub = Stub::start(printing).await;
    let feed = patient(crate::feed::source("test", &stub.url()), limits()).await;
    let until = Duration::from_millis(200);
    feed.poke.closely(tokio::time::Instant::now() + until);
    // Twenty pauses of 10 ms; each request takes a moment, too.
    tokio::time::sleep(until * 3).await;
    assert!(stub.count("/api/job") <= 25, "{}", stub.count("/api/job"));
}

/// A list of files can keep a small OctoPrint for seconds.
#[tokio::test]
async fn the_list_of_files_is_not_read_while_somebody_waits() {
    let stub = Stub::start(printing).await;
    let often = Limits {
        files_interval: Duration::from_millis(1),
        slow_interval: Duration::from_millis(1),
        ..limits()
    };
    // Polls every 10 ms, and reads the list nearly as often.
    let mut feed = Feed::with(crate::feed::source("test", &stub.url()), often);
    feed.files().await;
    feed.poke.closely(soon());
    let looked = stub.count("/api/job");
    eventually("it looks", || stub.count("/api/job") > looked + 5).await;
    while feed.observed.try_recv().is_ok() {}
    let (list, version) = (stub.count("/api/files"), stub.count("/api/version"));
    let looked = stub.count("/api/job");
    while stub.count("/api/job") < looked + 20 {
        feed.report().await;
    }
    assert_eq!(
        (stub.count("/api/files"), stub.count("/api/version")),
        (list, version)
    );
    feed.poke.calmly();
    loop {
        feed.report().await;
        if stub.count("/api/files") > list {
            break;
        }
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_not_hammered() {
    let stub = Stub::start(printing).await;
    let pause = Duration::from_millis(200);
    let calm = Limits {
        backoff: Backoff::new(pause, pause).unwrap(),
        ..limits()
    };
    let mut feed = patient(crate::feed::source("test", &stub.url()), calm).await;
    stub.answer(|_| Reply::html(502, "starting"));
    feed.poke.now();
    feed.unreachable().await;
    let (asked, begun) = (stub.count("/api/job"), Instant::now());
    while begun.elapsed() < pause * 5 {
        feed.poke.now();
        feed.poke.closely(soon());
        while feed.observed.try_recv().is_ok() {}
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let pauses = begun.elapsed().div_duration_f64(pause / 2).ceil() as usize;
    let asked = stub.count("/api/job") - asked;
    assert!(
        asked <= 2 * pauses + 2,
        "{asked} questions in {pauses} pauses"
    );
    stub.answer(printing);
    feed.report().await;
}

#[tokio::test]
async fn a_poke_is_not_heeded_by_who_rejected_the_key() {
    let stub = Stub::start(printing).await;
    let slow = Limits {
        key_retry: NEVER,
        ..limits()
    };
    let mut feed = patient(crate::feed::source("test", &stub.url()), slow).await;
    stub.answer(except("/api/job", || Reply::html(403, "Invalid API key")));
    feed.poke.now();
    feed.rejected().await;
    let asked = stub.count("/api/job");
    for _ in 0..10 {
        feed.poke.now();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(stub.count("/api/job"), asked);
}

/// The simulator lives in real time here: whatever a look costs, pausing takes it 700 ms.
#[tokio::test]
async fn a_close_look_costs_a_few_requests() {
    let stage = Stage::with(Clock::running(1.0)).await;
    let mut feed = patient(stage.source(CONTROL_KEY), limits()).await;
    stage.act(&print(RING)).await.unwrap();
    feed.poke.closely(soon());
    state(&mut feed, PrinterState::Printing).await;
    let before = stage.printer.requests(Endpoint::Job);
    stage.act(&PrinterAction::Pause).await.unwrap();
    feed.poke.closely(soon());
    state(&mut feed, PrinterState::Paused).await;
    feed.poke.calmly();
    let looks = stage.printer.requests(Endpoint::Job) - before;
    assert!(looks < 100, "{looks} looks");
}
