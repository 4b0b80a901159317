//! The push socket in every state of health: what is told is true, nothing is told twice, and polling has the word
//! wherever push has not.

use std::time::Duration;

use umati_bridge::machine::{
    DataSource, JobEvent, JobStart, Link, Machine, Nameplate, Observation, Outcome, Patience,
    PrinterState,
};
use umati_bridge::octoprint::simulator::{
    API_KEY, AfterSelect, Clock, Command, Endpoint, Fault, Handle, NO_PERMISSION_KEY, PauseAction,
    Prank, PrinterError, PushFault, STATUS_KEY, State,
};
use umati_bridge::octoprint::{Backoff, Limits, Source, Way};

use crate::feed::{Feed, eventually, limits};
use crate::stage::{RING, Stage};

/// So long that nothing is seen by asking, but once at the start.
const NEVER: Duration = Duration::from_secs(3_600);
const PATIENCE: Duration = Duration::from_secs(30);

/// What a machine's task would know of a printer that is listened to.
struct Listener {
    stage: Stage,
    feed: Feed,
    machine: Machine,
    events: Vec<JobEvent>,
    sources: Vec<DataSource>,
}

fn quick() -> Limits {
    Limits {
        push_backoff: limits().backoff,
        push_refused: limits().backoff,
        history: Duration::from_millis(500),
        ping: Duration::from_millis(200),
        contradiction: Duration::from_millis(300),
        ..limits()
    }
}

impl Listener {
    /// `poll`: how often the printer is asked while it does not tell.
    async fn new(key: &str, poll: Duration, heartbeat: Duration) -> Self {
        let stage = Stage::with(Clock::running(1.0)).await;
        Self::at(stage, key, poll, heartbeat, quick())
    }

    fn at(stage: Stage, key: &str, poll: Duration, heartbeat: Duration, limits: Limits) -> Self {
        let source = Source {
            way: Way::Auto,
            poll_interval: poll,
            heartbeat_interval: heartbeat,
            ..stage.source(key)
        };
        let patience = Patience {
            stale_after: Duration::from_secs(60),
            frozen_after: Duration::from_secs(20),
        };
        Self {
            feed: Feed::with(source, limits),
            stage,
            machine: Machine::new(Nameplate::default(), patience),
            events: Vec::new(),
            sources: Vec::new(),
        }
    }

    /// One that tells all by itself, and is hardly ever asked.
    async fn live() -> Self {
        let mut listener = Self::new(STATUS_KEY, Duration::from_millis(500), NEVER).await;
        listener.until_push().await;
        listener
    }

    fn printer(&self) -> &Handle {
        &self.stage.printer
    }

    /// Takes in what comes until `holds`.
    async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !holds(self) {
            let now = chrono::Utc::now();
            let due = self.machine.next_deadline(now);
            let wait = due.and_then(|due| (due - now).to_std().ok());
            tokio::select! {
                observed = self.feed.observed.recv() => {
                    let observed = observed.expect("it runs");
                    if let Observation::Source(source) = &*observed.observation {
                        self.sources.push(source.clone());
                    }
                    let events = self.machine.apply(*observed.observation, observed.at);
                    self.events.extend(events);
                }
                () = tokio::time::sleep(wait.unwrap_or(PATIENCE)) => {
                    let events = self.machine.tick(chrono::Utc::now());
                    self.events.extend(events);
                }
                () = tokio::time::sleep_until(deadline) => {
                    panic!("never: {what}; {:#?}\n{:#?}", self.events, self.machine.report);
                }
            }
        }
    }

    async fn until_push(&mut self) {
        self.until("it tells", |it| {
            it.machine.source == DataSource::Push && it.machine.report.is_some()
        })
        .await;
    }

    /// Waits until it is asked, because of this.
    async fn until_poll(&mut self, why: &str) {
        self.until(&format!("it is asked, because {why}"), |it| {
            matches!(&it.machine.source, DataSource::Poll { why: Some(told) } if told.contains(why))
        })
        .await;
    }

    async fn until_state(&mut self, state: PrinterState) {
        self.until(&format!("{state:?}"), |it| {
            it.machine.printer_state() == Some(state)
        })
        .await;
    }

    async fn until_ended(&mut self, jobs: usize) {
        self.until(&format!("{jobs} jobs are over"), |it| {
            it.endings().len() == jobs
        })
        .await;
    }

    fn print(&self) {
        let path = RING.to_owned();
        let then = AfterSelect::Print;
        self.printer()
            .command(Command::Select { path, then })
            .unwrap();
    }

    async fn until_printing(&mut self) {
        self.print();
        self.until_state(PrinterState::Printing).await;
        let printer = self.printer().clone();
        eventually("the printer prints", || printer.state() == State::Printing).await;
    }

    fn starts(&self) -> usize {
        let starts = self.events.iter();
        starts
            .filter(|event| matches!(event, JobEvent::Started(_)))
            .count()
    }

    fn endings(&self) -> Vec<Outcome> {
        let ended = self.events.iter().filter_map(|event| match event {
            JobEvent::Ended(job) => job.end(),
            _ => None,
        });
        ended.map(|(_, outcome)| outcome.clone()).collect()
    }
}

async fn until_ready(printer: &Handle) {
    let is_ready = || printer.state() == State::Operational;
    eventually("the printer is ready", is_ready).await;
}

#[tokio::test]
async fn a_print_is_told_from_start_to_end_and_hardly_anything_is_asked() {
    let mut told = Listener::live().await;
    told.until_printing().await;
    told.printer()
        .command(Command::Pause(PauseAction::Pause))
        .unwrap();
    told.until_state(PrinterState::Paused).await;
    told.printer()
        .command(Command::Pause(PauseAction::Resume))
        .unwrap();
    told.until_state(PrinterState::Printing).await;
    told.printer().skip_to_end();
    told.until_ended(1).await;
    told.until_state(PrinterState::Operational).await;
    assert_eq!(told.endings(), [Outcome::Completed]);
    assert!(matches!(
        told.machine.job.as_ref().unwrap().start,
        JobStart::Seen(_)
    ));
    let asked = told.printer().requests(Endpoint::Job) + told.printer().requests(Endpoint::Printer);
    assert!(asked <= 4, "asked {asked} times");
}

#[tokio::test]
async fn each_ending_is_told_as_what_it_was() {
    const WHY: &str = "Thermal Runaway, system stopped! Heater_ID: 0";
    let mut told = Listener::live().await;
    told.until_printing().await;
    told.printer().command(Command::Cancel).unwrap();
    told.until_ended(1).await;
    told.until_state(PrinterState::Operational).await;
    told.until_printing().await;
    told.printer().unplug();
    told.until_ended(2).await;
    told.until_state(PrinterState::Offline).await;
    told.printer().command(Command::Connect).unwrap();
    told.until_state(PrinterState::Operational).await;
    told.until_printing().await;
    told.printer().fail(PrinterError::firmware(WHY));
    told.until_ended(3).await;
    told.until_state(PrinterState::Error).await;
    let failed = |reason: &str| Outcome::Failed {
        reason: reason.to_owned(),
    };
    assert_eq!(
        told.endings(),
        [
            Outcome::Cancelled,
            failed("printer disconnected"),
            failed(WHY)
        ]
    );
    let trouble = &told.machine.trouble.as_ref().unwrap().trouble;
    assert_eq!(
        (trouble.text.as_str(), trouble.reason.as_deref()),
        (WHY, Some("firmware"))
    );
    assert_eq!(told.starts(), 3);
}

#[tokio::test]
async fn a_print_shorter_than_any_interval_is_a_whole_job() {
    let mut told = Listener::live().await;
    told.print();
    told.printer().skip_to_end();
    told.until_ended(1).await;
    assert_eq!(
        (told.starts(), told.endings()),
        (1, vec![Outcome::Completed])
    );
    let job = told.machine.last_job().unwrap();
    assert_eq!(job.file.as_ref().unwrap().path, RING);
    assert!(matches!(job.start, JobStart::Seen(_)));
}

#[tokio::test]
async fn what_asking_cannot_tell_is_told() {
    // It heats up for some time before there is a height.
    let stage = Stage::with(Clock::running(20.0)).await;
    let poll = Duration::from_millis(500);
    let mut told = Listener::at(stage, STATUS_KEY, poll, NEVER, quick());
    told.until_push().await;
    told.until_printing().await;
    told.until("height and resends", |it| {
        let report = it.machine.report.as_ref().unwrap();
        report.z.is_some() && report.resends.is_some() && report.told_at.is_some()
    })
    .await;
    told.printer().ask_for_filament();
    told.until("a change of filament", |it| {
        it.machine.filament_change.is_some()
    })
    .await;
    told.printer().unplug();
    told.until_state(PrinterState::Offline).await;
    assert_eq!(
        told.machine.filament_change, None,
        "there is nothing to change any more"
    );
    told.printer().command(Command::Connect).unwrap();
    told.until("the firmware", |it| it.machine.firmware.is_some())
        .await;
}

/// The reasons for which there is no push, and that polling does its work meanwhile.
#[tokio::test]
async fn without_push_the_printer_is_asked_and_the_reason_is_told() {
    let html = "<html>";
    let cases: [(Endpoint, Fault, &str); 8] = [
        (Endpoint::Login, Fault::Status(404), "HTTP status 404"),
        (
            Endpoint::Login,
            Fault::Body(r#"{"name":"x"}"#.into()),
            "names no session",
        ),
        (
            Endpoint::Login,
            Fault::Body(html.into()),
            "names no session",
        ),
        (
            Endpoint::Push,
            Fault::Status(400),
            "is not upgraded to a WebSocket (HTTP status 400)",
        ),
        (
            Endpoint::Push,
            Fault::Status(502),
            "is not upgraded to a WebSocket (HTTP status 502)",
        ),
        (
            Endpoint::Push,
            Fault::Html,
            "is not upgraded to a WebSocket (HTTP status 200)",
        ),
        (Endpoint::Push, Fault::Garbage, "the answer is not HTTP"),
        (
            Endpoint::Push,
            Fault::Redirect("http://192.0.2.1/".into()),
            "(HTTP status 302)",
        ),
    ];
    for (endpoint, fault, why) in cases {
        let stage = Stage::with(Clock::running(1.0)).await;
        stage.printer.inject_at(endpoint, fault);
        let poll = Duration::from_millis(20);
        let mut asked = Listener::at(stage, STATUS_KEY, poll, NEVER, quick());
        asked.until_poll(why).await;
        asked.until_printing().await;
        asked.printer().command(Command::Cancel).unwrap();
        asked.until_ended(1).await;
        asked.printer().heal();
        asked.until_push().await;
        assert_eq!(asked.endings(), [Outcome::Cancelled]);
    }
}

/// Each refusal is a line in OctoPrint's log, so it is asked ever more seldom; a restart may have changed its mind.
#[tokio::test]
async fn who_refuses_is_left_alone_until_it_was_away() {
    let stage = Stage::with(Clock::running(1.0)).await;
    stage.printer.inject_at(Endpoint::Push, Fault::Status(400));
    let poll = Duration::from_millis(20);
    let limits = Limits {
        push_refused: Backoff::new(NEVER, NEVER).unwrap(),
        ..quick()
    };
    let mut asked = Listener::at(stage, STATUS_KEY, poll, NEVER, limits);
    asked.until_poll("is not upgraded").await;
    asked.until_printing().await;
    asked.printer().command(Command::Cancel).unwrap();
    asked.until_ended(1).await;
    assert_eq!(asked.printer().requests(Endpoint::Push), 1);

    asked.printer().heal();
    asked.printer().inject(Fault::Status(503));
    asked
        .until("it is out of reach", |it| {
            matches!(it.machine.link, Link::Unreachable { .. })
        })
        .await;
    asked.printer().heal();
    asked.until_push().await;
}

/// It began to connect before the print, and is greeted in its midst: what it is told first may be of before.
#[tokio::test]
async fn a_greeting_that_was_long_on_its_way_does_not_count() {
    let stage = Stage::with(Clock::running(1.0)).await;
    stage.printer.inject_push(PushFault::Silence);
    let poll = Duration::from_millis(20);
    let limits = Limits {
        history: NEVER,
        ping: NEVER,
        ..quick()
    };
    let mut asked = Listener::at(stage, STATUS_KEY, poll, NEVER, limits);
    asked
        .until("it is asked", |it| it.machine.report.is_some())
        .await;
    let printer = asked.printer().clone();
    eventually("it waits for the greeting", || printer.sockets() == 1).await;
    asked.until_printing().await;
    asked.printer().heal();
    asked.until_poll("is older than what").await;
    asked.until_push().await;
    assert_eq!((asked.starts(), asked.endings()), (1, Vec::new()));
}

#[tokio::test]
async fn a_key_that_may_not_see_the_status_gets_no_history() {
    let stage = Stage::with(Clock::running(1.0)).await;
    stage.printer.inject_push(PushFault::StaleSession);
    let poll = Duration::from_millis(20);
    let mut stale = Listener::at(stage, API_KEY, poll, NEVER, quick());
    stale.until_poll("a new login is asked for (stale)").await;
    stale.printer().heal();
    stale.until_push().await;

    let mut weak = Listener::new(NO_PERMISSION_KEY, poll, NEVER).await;
    weak.until("the key is rejected", |it| {
        matches!(it.machine.link, Link::KeyRejected { .. })
    })
    .await;
    assert_eq!(
        weak.printer().sockets(),
        0,
        "nobody listens with a rejected key"
    );
}

/// Whatever happens to the socket during a print, the print is one job with its true start and one end.
#[tokio::test]
async fn a_socket_that_breaks_in_a_print_splits_nothing() {
    /// Its name, what is done, and what is said of it.
    type Break = (&'static str, fn(&Handle), &'static str);
    let breaks: [Break; 4] = [
        ("cut", Handle::cut, "the connection was closed"),
        (
            "half a frame",
            |it| it.play(Prank::HalfFrame),
            "the connection was closed",
        ),
        (
            "login again",
            |it| it.play(Prank::Reauthenticate),
            "a new login is asked for",
        ),
        (
            "silence",
            |it| it.inject_push(PushFault::Silence),
            "no sign of life for",
        ),
    ];
    for (name, break_it, why) in breaks {
        let mut told = Listener::new(STATUS_KEY, Duration::from_millis(50), NEVER).await;
        told.until_push().await;
        told.until_printing().await;
        let start = told.machine.active_job().unwrap().start;
        break_it(told.printer());
        told.until_poll(why).await;
        told.printer().heal();
        told.until_push().await;
        told.until("it prints still", |it| it.machine.active_job().is_some())
            .await;
        told.printer().skip_to_end();
        told.until_ended(1).await;
        assert_eq!(
            (told.starts(), told.endings()),
            (1, vec![Outcome::Completed]),
            "{name}"
        );
        assert_eq!(told.machine.last_job().unwrap().start, start, "{name}");
    }
}

#[tokio::test]
async fn a_socket_that_lies_is_found_out_by_the_heartbeat() {
    let interval = Duration::from_millis(100);
    let mut told = Listener::new(STATUS_KEY, interval, interval).await;
    told.until_push().await;
    told.until_printing().await;
    told.printer().inject_push(PushFault::Lie);
    told.printer().command(Command::Cancel).unwrap();
    told.until_poll("another state").await;
    told.until_ended(1).await;
    told.printer().heal();
    told.until_push().await;
    told.until_state(PrinterState::Operational).await;
    assert_eq!(told.endings(), [Outcome::Cancelled]);
}

/// The state is the same, so only the file shows that it is another print.
#[tokio::test]
async fn a_socket_that_sleeps_over_a_change_of_prints_is_found_out() {
    const OTHER: &str = "Halterung_links.gcode";
    let interval = Duration::from_millis(100);
    let mut told = Listener::new(STATUS_KEY, interval, interval).await;
    told.until_push().await;
    told.until_printing().await;
    told.printer().inject_push(PushFault::Lie);
    told.printer().command(Command::Cancel).unwrap();
    until_ready(told.printer()).await;
    let path = OTHER.to_owned();
    let then = AfterSelect::Print;
    let other = Command::Select { path, then };
    told.printer().command(other).unwrap();
    told.until_poll("another state or file").await;
    told.until_ended(1).await;
    told.until("it prints the other file", |it| {
        let file = it.machine.active_job().and_then(|job| job.file.as_ref());
        file.is_some_and(|file| file.path == OTHER)
    })
    .await;
    told.printer().heal();
    told.until_push().await;
    assert_eq!((told.starts(), told.endings().len()), (2, 1));
}

#[tokio::test]
async fn a_revoked_key_ends_the_telling() {
    let interval = Duration::from_millis(100);
    let mut told = Listener::new(STATUS_KEY, interval, interval).await;
    told.until_push().await;
    told.printer().revoke_keys();
    told.until("the key is rejected", |it| {
        matches!(it.machine.link, Link::KeyRejected { .. })
            && matches!(it.machine.source, DataSource::Poll { .. })
    })
    .await;
    let printer = told.printer().clone();
    eventually("nobody listens any more", || printer.sockets() == 0).await;
    told.printer().restore_keys();
    told.until_push().await;
    told.until("the link is up", |it| {
        matches!(it.machine.link, Link::Up { .. })
    })
    .await;
}

/// Nobody says how the print ended: the report tells it, a little later.
#[tokio::test]
async fn an_end_of_which_no_word_comes_is_concluded_from_the_report() {
    for (swallowed, command) in [
        (vec!["PrintDone"], None),
        (vec!["PrintCancelled", "PrintFailed"], Some(Command::Cancel)),
        (
            vec!["PrinterStateChanged", "PrintStarted", "PrintDone"],
            None,
        ),
    ] {
        let mut told = Listener::live().await;
        for event in &swallowed {
            told.printer().inject_push(PushFault::Swallow(event));
        }
        told.until_printing().await;
        let expected = match command {
            Some(command) => {
                told.printer().command(command).unwrap();
                Outcome::Cancelled
            }
            None => {
                told.printer().skip_to_end();
                Outcome::Completed
            }
        };
        told.until_ended(1).await;
        assert_eq!(told.endings(), [expected], "without {swallowed:?}");
    }
}

#[tokio::test]
async fn nonsense_floods_and_clocks_that_jump_do_no_harm() {
    let mut told = Listener::live().await;
    told.until_printing().await;
    let nonsense = [
        "",
        "{",
        "null",
        "[1]",
        r#"{"current":7}"#,
        r#"{"event":{"type":"PrintDone"}}x"#,
    ];
    for text in nonsense {
        told.printer().play(Prank::Text(text.to_owned()));
    }
    told.printer().play(Prank::Text("[".repeat(100_000)));
    told.printer().play(Prank::Binary(vec![0xff; 1000]));
    told.printer().play(Prank::Currents(2_000));
    told.printer().play(Prank::Events(2_000));
    told.printer()
        .inject_push(PushFault::Ahead(Duration::from_secs(6 * 3600)));
    told.printer()
        .command(Command::Pause(PauseAction::Pause))
        .unwrap();
    told.until_state(PrinterState::Paused).await;
    told.printer()
        .inject_push(PushFault::Behind(Duration::from_secs(6 * 3600)));
    told.printer()
        .command(Command::Pause(PauseAction::Resume))
        .unwrap();
    told.until_state(PrinterState::Printing).await;
    let job = told.machine.active_job().unwrap();
    let age = chrono::Utc::now() - job.start.at();
    assert!(
        age < chrono::TimeDelta::minutes(5),
        "a job starts by our clock: {age}"
    );
    told.printer().skip_to_end();
    told.until_ended(1).await;
    assert_eq!(
        (told.starts(), told.endings()),
        (1, vec![Outcome::Completed])
    );
    assert_eq!(told.machine.source, DataSource::Push, "{:?}", told.sources);
}

#[tokio::test]
async fn a_long_history_is_read_and_an_endless_one_is_not() {
    let stage = Stage::with(Clock::running(1.0)).await;
    stage.printer.inject_push(PushFault::LongLog(64 * 1024));
    let poll = Duration::from_millis(20);
    let mut long = Listener::at(stage, STATUS_KEY, poll, NEVER, quick());
    long.until_push().await;

    let stage = Stage::with(Clock::running(1.0)).await;
    stage
        .printer
        .inject_push(PushFault::LongLog(2 * 1024 * 1024));
    let mut endless = Listener::at(stage, STATUS_KEY, poll, NEVER, quick());
    endless.until_poll("larger than any of OctoPrint's").await;
    endless.until_state(PrinterState::Operational).await;
}

/// While it is listened to, OctoPrint is asked for the state no more often than for a heartbeat, and for nothing else.
#[tokio::test]
async fn a_heartbeat_asks_for_the_job_alone() {
    let heartbeat = Duration::from_millis(50);
    let mut told = Listener::new(STATUS_KEY, Duration::from_millis(10), heartbeat).await;
    told.until_push().await;
    let printer = told.printer().clone();
    // What was under way when it began to tell.
    let settled = printer.requests(Endpoint::Job) + 2;
    eventually("two heartbeats", || {
        printer.requests(Endpoint::Job) >= settled
    })
    .await;
    let asked = printer.requests(Endpoint::Printer);
    let beats = printer.requests(Endpoint::Job) + 5;
    eventually("five heartbeats", || {
        printer.requests(Endpoint::Job) >= beats
    })
    .await;
    assert_eq!(printer.requests(Endpoint::Printer), asked);
    told.until("it is confirmed", |it| it.machine.reported_at.is_some())
        .await;
}

/// The intervals are an hour long, so nothing but the fall into silence can have made it ask.
#[tokio::test]
async fn who_falls_silent_is_asked_at_once() {
    let mut told = Listener::new(STATUS_KEY, NEVER, NEVER).await;
    told.feed.poke.now();
    told.until_push().await;
    told.until_printing().await;
    let asked = told.printer().requests(Endpoint::Printer);
    let refused = Fault::Status(404);
    told.printer().inject_at(Endpoint::Push, refused);
    told.printer().inject_push(PushFault::Lie);
    told.printer().command(Command::Cancel).unwrap();
    until_ready(told.printer()).await;
    told.printer().cut();
    told.until_ended(1).await;
    assert_eq!(told.endings(), [Outcome::Cancelled]);
    let asked = told.printer().requests(Endpoint::Printer) - asked;
    assert!(asked <= 1, "asked {asked} times");
}

#[tokio::test]
async fn without_a_socket_the_thrifty_way_asks_as_seldom_as_a_heartbeat() {
    let stage = Stage::with(Clock::running(1.0)).await;
    stage.printer.inject_at(Endpoint::Push, Fault::Status(404));
    let source = Source {
        way: Way::Push,
        poll_interval: Duration::from_millis(10),
        heartbeat_interval: NEVER,
        ..stage.source(STATUS_KEY)
    };
    let mut feed = Feed::with(source, quick());
    feed.poke.now();
    feed.report().await;
    let asked = stage.printer.requests(Endpoint::Job);
    let tries = stage.printer.requests(Endpoint::Push) + 5;
    let printer = stage.printer.clone();
    eventually("it was tried again", || {
        printer.requests(Endpoint::Push) >= tries
    })
    .await;
    assert_eq!(stage.printer.requests(Endpoint::Job), asked);
}
