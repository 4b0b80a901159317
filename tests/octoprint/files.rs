//! The list of printable files: as recorded from every version, told when it changes, asked for within reason.
//!
//! `UPDATE_GOLDEN=1 cargo test --test octoprint files` rewrites `tests/payloads/<version>/files.txt`.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};
use umati_bridge::machine::{Observation, PrintableFile};
use umati_bridge::octoprint::Limits;
use umati_bridge::octoprint::simulator::{
    AfterSelect, CONTROL_KEY, Command, Endpoint, PauseAction, STATUS_KEY,
};

use crate::feed::{Feed, eventually, limits, source};
use crate::payloads::{directory, except, printing, situation};
use crate::stage::{RING, Stage};
use crate::stub::{Reply, Request, Stub};

fn often() -> Limits {
    Limits {
        files_interval: Duration::from_millis(1),
        ..limits()
    }
}

fn listed(files: &[&str]) -> Reply {
    let files: Vec<_> = files
        .iter()
        .map(|path| json!({"type": "machinecode", "origin": "local", "path": path, "name": path}))
        .collect();
    Reply::json(200, &json!({"files": files, "free": fastrand::u32(..)}))
}

fn paths(files: &[PrintableFile]) -> Vec<&str> {
    files.iter().map(|file| file.file.path.as_str()).collect()
}

#[tokio::test]
async fn every_version_tells_its_files() {
    for version in ["1.4.2", "1.5.3", "1.11.8", "2.0.0rc7"] {
        let stub = Stub::start(move |request| situation(version, "printing", request)).await;
        let files = Feed::of(&stub.url()).files().await;
        let mut told = String::new();
        for PrintableFile {
            file,
            estimates,
            dimensions,
        } in files
        {
            writeln!(told, "{file:?}\n  {estimates:?}\n  {dimensions:?}").unwrap();
        }
        let golden = directory(version).join("files.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &told).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        for (line, (told, expected)) in told.lines().zip(expected.lines()).enumerate() {
            assert_eq!(told, expected, "{} line {}", golden.display(), line + 1);
        }
        assert_eq!(told.lines().count(), expected.lines().count(), "{version}");
    }
}

#[tokio::test]
async fn a_list_is_told_again_only_when_it_differs() {
    let stub = Stub::start(except("/api/files", || listed(&["a", "b/c"]))).await;
    let mut feed = Feed::with(source("test", &stub.url()), often());
    assert_eq!(paths(&feed.files().await), ["a", "b/c"]);
    while stub.count("/api/files") < 5 {
        match feed.next().await {
            Observation::Files(again) => panic!("{again:?}"),
            _ => continue,
        }
    }
    stub.answer(except("/api/files", || listed(&["a"])));
    assert_eq!(paths(&feed.files().await), ["a"]);
    stub.answer(except("/api/files", || listed(&[])));
    assert_eq!(paths(&feed.files().await), [""; 0]);
}

/// Also over an outage: the model keeps the list, and a MES would see it flicker.
#[tokio::test]
async fn the_same_list_after_an_outage_is_not_told_again() {
    let stub = Stub::start(except("/api/files", || listed(&["a"]))).await;
    let mut feed = Feed::with(source("test", &stub.url()), limits());
    feed.files().await;
    stub.answer(|_| Reply::html(502, "restarting"));
    feed.unreachable().await;
    stub.answer(except("/api/files", || listed(&["a"])));
    while stub.count("/api/files") < 2 {
        match feed.next().await {
            Observation::Files(again) => panic!("{again:?}"),
            _ => continue,
        }
    }
    let asked = stub.count("/api/job");
    eventually("it goes on", || stub.count("/api/job") > asked + 2).await;
}

#[tokio::test]
async fn a_list_that_the_server_has_sent_is_not_sent_again() {
    let stage = Stage::set().await;
    let mut feed = Feed::with(stage.source(CONTROL_KEY), often());
    let files = feed.files().await;
    let housing = files
        .iter()
        .find(|file| file.file.path == "customers/4711/housing top.gcode");
    assert!(housing.is_some(), "{files:#?}");
    let unchanged = || stage.printer.answers(Endpoint::Files, 304);
    while unchanged() < 3 {
        feed.report().await;
    }
    assert_eq!(stage.printer.answers(Endpoint::Files, 200), 1);
    // What became of a print stands in the list.
    for command in [
        Command::Select {
            path: RING.to_owned(),
            then: AfterSelect::Print,
        },
        Command::Pause(PauseAction::Pause),
    ] {
        stage.printer.command(command).unwrap();
    }
    stage.wait(2);
    stage
        .printer
        .command(Command::Pause(PauseAction::Resume))
        .unwrap();
    stage.wait(2);
    stage.printer.skip_to_end();
    stage.wait(2);
    let files = feed.files().await;
    let ring = files.iter().find(|file| file.file.path == RING).unwrap();
    assert!(ring.estimates.last_print_time.is_some(), "{ring:?}");
}

#[tokio::test]
async fn a_key_that_may_not_list_files_does_not_ask() {
    let stage = Stage::set().await;
    let mut feed = Feed::with(stage.source(STATUS_KEY), often());
    for _ in 0..5 {
        feed.report().await;
    }
    assert_eq!(stage.printer.requests(Endpoint::Files), 0);
    assert_eq!(stage.printer.answers_with(403), 0);
}

/// Where the server does not tell whose key it is, the list is tried once per connection.
#[tokio::test]
async fn a_refused_list_is_not_asked_for_again() {
    let refused = |status: u16| {
        move |request: &Request| match request.path() {
            "/api/currentuser" => Reply::html(404, "Not found"),
            "/api/files" => Reply::html(status, "<h1>no</h1>"),
            _ => printing(request),
        }
    };
    for status in [403, 404] {
        let stub = Stub::start(refused(status)).await;
        let mut feed = Feed::with(source("test", &stub.url()), often());
        for _ in 0..5 {
            feed.report().await;
        }
        assert_eq!(stub.count("/api/files"), 1);
        stub.answer(|_| Reply::html(502, "restarting"));
        feed.unreachable().await;
        stub.answer(printing);
        feed.files().await;
        stub.answer(refused(403));
        assert_eq!(
            feed.files().await,
            [],
            "what may not be seen is not told any more"
        );
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_costs_nothing_but_the_list() {
    for reply in [
        || Reply::html(500, "<h1>Internal Server Error</h1>"),
        || Reply::raw(b"Not found").then_close(),
        || Reply::json(200, &json!({"files": "none"})),
    ] {
        let stub = Stub::start(except("/api/files", reply)).await;
        let mut feed = Feed::with(source("test", &stub.url()), often());
        let mut reports = 0;
        while reports < 5 {
            match feed.next().await {
                Observation::Report(_) => reports += 1,
                Observation::Unreachable(why) => panic!("{why:?}"),
                Observation::Files(files) => assert_eq!(files, []),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn a_list_of_500_files_is_read_and_a_huge_one_is_not() {
    let list = |count: usize| {
        let entry = |n: usize| {
            let path = format!("folder/{n:04}.gcode");
            json!({"type": "machinecode", "origin": "local", "path": path, "name": path,
                   "filler": " ".repeat(5_000)})
        };
        let files: Vec<Value> = (0..count).map(entry).collect();
        move || Reply::json(200, &json!({"files": files}))
    };
    let stub = Stub::start(except("/api/files", list(500))).await;
    let mut feed = Feed::with(source("test", &stub.url()), often());
    assert_eq!(feed.files().await.len(), 500);
    stub.answer(except("/api/files", list(1000)));
    let asked = stub.count("/api/files");
    while stub.count("/api/files") < asked + 2 {
        match feed.next().await {
            Observation::Files(files) => panic!("{} files", files.len()),
            Observation::Unreachable(why) => panic!("{why:?}"),
            _ => {}
        }
    }
    let few = Limits {
        files: 10,
        ..often()
    };
    stub.answer(except("/api/files", list(50)));
    let mut feed = Feed::with(source("test", &stub.url()), few);
    assert_eq!(feed.files().await.len(), 10);
}
