//! The recorded streams of four versions, against the job logs that they must become; and what a stream that breaks
//! off anywhere, or says anything at all, may do: nothing.
//!
//! `UPDATE_GOLDEN=1 cargo test --lib push` rewrites `tests/payloads/<version>/streams/*.jobs.txt`; read the difference
//! before you commit it.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::message;
use super::tale::Tale;
use crate::machine::{
    DataSource, Job, JobEvent, Machine, Nameplate, Observation, Outcome, Patience, PrinterState,
    Report, Timestamp, Unreachable, UnreachableCause,
};

/// One message and when it came.
type Told = (Timestamp, Value);

const RECORDINGS: [&str; 9] = [
    "1.4.2/streams/whole_print",
    "1.5.3/streams/whole_print",
    "1.11.8/streams/auth_status",
    "1.11.8/streams/awol",
    "1.11.8/streams/errors",
    "1.11.8/streams/restart",
    "1.11.8/streams/revoked",
    "1.11.8/streams/whole_print",
    "2.0.0rc7/streams/whole_print",
];

fn path(recording: &str, ending: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/payloads")
        .join(format!("{recording}.{ending}"))
}

/// The messages as they were on the wire: one object with one key each.
fn recording(name: &str) -> Vec<Told> {
    let text = std::fs::read_to_string(path(name, "jsonl")).unwrap();
    text.lines()
        .map(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            let micros = record["t"].as_f64().unwrap() * 1e6;
            let at = DateTime::from_timestamp_micros(micros as i64).unwrap();
            let kind = record["type"].as_str().unwrap();
            (at, json!({kind: record["payload"]}))
        })
        .collect()
}

/// A machine that listens to one connection, as the bridge's task does.
#[derive(Clone)]
struct Listener {
    machine: Machine,
    events: Vec<(Timestamp, JobEvent)>,
}

impl Listener {
    fn new() -> Self {
        let patience = Patience {
            stale_after: Duration::from_secs(60),
            frozen_after: Duration::from_secs(20),
        };
        Self {
            machine: Machine::new(Nameplate::default(), patience),
            events: Vec::new(),
        }
    }

    fn take(&mut self, observation: Observation, at: Timestamp) {
        while let Some(due) = self.machine.next_deadline(at).filter(|due| *due <= at) {
            let events = self.machine.tick(due);
            self.note(due, events);
        }
        let events = self.machine.apply(observation, at);
        self.note(at, events);
    }

    fn note(&mut self, at: Timestamp, events: Vec<JobEvent>) {
        self.events
            .extend(events.into_iter().map(|event| (at, event)));
    }

    fn hear(&mut self, tale: &mut Tale, at: Timestamp, message: &Value) {
        let message = message::read(message);
        if let message::Message::History(_) = message {
            self.take(Observation::Source(DataSource::Push), at);
        }
        if let Some(observation) = tale.observe(&message) {
            self.take(observation, at);
        }
    }

    fn hear_all(&mut self, messages: &[Told]) {
        let mut tale = Tale::default();
        for (at, message) in messages {
            self.hear(&mut tale, *at, message);
        }
    }

    /// The socket breaks, and OctoPrint is asked from now on.
    fn ask(&mut self, at: Timestamp, answer: Report) {
        let source = DataSource::Poll {
            why: Some("it broke".to_owned()),
        };
        self.take(Observation::Source(source), at);
        self.take(Observation::Report(Box::new(answer)), at);
    }

    fn starts_and_ends(&self) -> (usize, usize) {
        let count =
            |is: fn(&JobEvent) -> bool| self.events.iter().filter(|(_, event)| is(event)).count();
        (
            count(|event| matches!(event, JobEvent::Started(_))),
            count(|event| matches!(event, JobEvent::Ended(_))),
        )
    }

    /// Each event, a line: when it was told, and what.
    fn log(&self, start: Timestamp) -> String {
        let after = |at: Timestamp| (at - start).as_seconds_f64();
        let mut log = String::new();
        for (told, event) in &self.events {
            write!(log, "{:8.3} ", after(*told)).unwrap();
            match event {
                JobEvent::Started(job) => writeln!(log, "started {}", essence(job, start)),
                JobEvent::Paused { at, .. } => writeln!(log, "paused at {:.3}", after(*at)),
                JobEvent::Resumed { at, .. } => writeln!(log, "resumed at {:.3}", after(*at)),
                JobEvent::Ended(job) => {
                    let (at, outcome) = job.end().unwrap();
                    let (percent, time) = (job.progress.completion, job.progress.print_time);
                    writeln!(
                        log,
                        "ended   {} at {:.3}, {percent:?} %, {time:?}: {outcome:?}",
                        essence(job, start),
                        after(at)
                    )
                }
            }
            .unwrap();
        }
        log
    }
}

fn essence(job: &Job, start: Timestamp) -> String {
    let file = job
        .file
        .as_ref()
        .map(|file| (&file.origin, &file.path, file.size));
    let after = (job.start.at() - start).as_seconds_f64();
    match job.start {
        crate::machine::JobStart::Seen(_) => format!("{file:?} seen {after:.3}"),
        // Print time is told in whole seconds.
        crate::machine::JobStart::Reckoned(_) => format!("{file:?} reckoned {after:.3}"),
    }
}

#[test]
fn the_recorded_streams_give_exactly_these_job_logs() {
    for name in RECORDINGS {
        let messages = recording(name);
        let mut listener = Listener::new();
        listener.hear_all(&messages);
        let log = listener.log(messages[0].0);
        let golden = path(name, "jobs.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &log).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(log, expected, "{name}");
    }
}

/// The two halves of a conclusion are milliseconds apart, and told together: the states are those of the jobs.
#[test]
fn the_state_and_the_job_agree_after_every_message() {
    for name in RECORDINGS {
        let mut listener = Listener::new();
        let mut tale = Tale::default();
        for (at, message) in recording(name) {
            listener.hear(&mut tale, at, &message);
            let state = listener.machine.printer_state();
            assert_eq!(
                state.is_some_and(PrinterState::has_active_job),
                listener.machine.active_job().is_some(),
                "{name} at {at}: {state:?}, {message}"
            );
        }
    }
}

#[test]
fn a_stream_that_breaks_off_anywhere_ends_each_job_once() {
    for name in RECORDINGS {
        let mut listener = Listener::new();
        let mut tale = Tale::default();
        let mut whole = Listener::new();
        let messages = recording(name);
        whole.hear_all(&messages);
        for (at, message) in &messages {
            listener.hear(&mut tale, *at, message);
            let mut broken = listener.clone();
            let later = *at + TimeDelta::milliseconds(400);
            let operational = Report {
                state: PrinterState::Operational,
                ..Report::default()
            };
            for seconds in 0..4 {
                broken.ask(later + TimeDelta::seconds(seconds), operational.clone());
            }
            let (starts, ends) = broken.starts_and_ends();
            assert_eq!(
                starts,
                ends,
                "{name} at {at}\n{}",
                broken.log(messages[0].0)
            );
            assert!(starts <= whole.starts_and_ends().0, "{name} at {at}");
            assert_eq!(broken.machine.active_job(), None, "{name} at {at}");
        }
    }
}

/// The socket breaks, the link is lost, and the same stream is told on from there: nothing is doubled.
#[test]
fn a_stream_that_goes_on_after_a_break_gives_the_same_jobs() {
    for name in RECORDINGS {
        let messages = recording(name);
        let mut whole = Listener::new();
        whole.hear_all(&messages);
        let is_current = |(_, message): &&Told| message.get("current").is_some();
        let currents: Vec<_> = messages.iter().filter(is_current).collect();
        for (n, (at, current)) in currents.iter().enumerate() {
            let mut listener = Listener::new();
            let until = messages.iter().position(|(then, _)| then == at).unwrap();
            listener.hear_all(&messages[..until]);
            if n % 2 == 0 {
                let gone = Unreachable {
                    cause: UnreachableCause::Refused,
                    detail: String::new(),
                };
                listener.take(Observation::Unreachable(gone), *at);
            }
            let source = DataSource::Poll { why: None };
            listener.take(Observation::Source(source), *at);
            // A new connection begins with how things stand.
            let history = json!({"history": current["current"]});
            let mut rest = vec![(*at, history)];
            rest.extend_from_slice(&messages[until + 1..]);
            listener.hear_all(&rest);
            assert_eq!(
                listener.starts_and_ends(),
                whole.starts_and_ends(),
                "{name} broken at {at}: {}\nwhole: {}",
                listener.log(messages[0].0),
                whole.log(messages[0].0)
            );
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = prop_oneof![
        Just("Printing"),
        Just("Operational"),
        Just("Offline"),
        Just("a.gcode"),
        Just("local"),
        Just("PrintDone"),
        Just("PrintStarted"),
        Just("PrintFailed"),
        Just("PrinterStateChanged"),
        Just("cancelled"),
        Just("error"),
        Just(""),
        Just("STARTING"),
        Just("\u{0}"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        words.prop_map(Value::from),
    ];
    let keys = proptest::sample::select(vec![
        "state",
        "text",
        "flags",
        "job",
        "file",
        "name",
        "path",
        "origin",
        "progress",
        "completion",
        "temps",
        "time",
        "tool0",
        "actual",
        "type",
        "payload",
        "state_string",
        "reason",
        "error",
        "serverTime",
        "currentZ",
        "resends",
        "count",
        "offsets",
        "new",
        "data",
    ]);
    leaf.prop_recursive(6, 48, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(keys.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|fields| Value::from(serde_json::Map::from_iter(fields))),
        ]
    })
}

fn any_message() -> impl Strategy<Value = Value> {
    let kinds = proptest::sample::select(vec![
        "current",
        "event",
        "history",
        "connected",
        "reauthRequired",
        "plugin",
        "timelapse",
    ]);
    let events = proptest::sample::select(&message::EVENTS[..]);
    prop_oneof![
        1 => any_json(),
        2 => (kinds, any_json()).prop_map(|(kind, payload)| json!({kind: payload})),
        2 => (events, any_json())
            .prop_map(|(kind, payload)| json!({"event": {"type": kind, "payload": payload}})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Nonsense in the middle of a stream neither breaks anything nor hides what is true after it.
    #[test]
    fn after_any_messages_the_next_true_one_counts(
        messages in proptest::collection::vec((any_message(), 0..3_000i64), 0..30),
    ) {
        let mut listener = Listener::new();
        let mut tale = Tale::default();
        let mut at = DateTime::from_timestamp(1_795_438_911, 0).unwrap();
        listener.hear(&mut tale, at, &json!({"history": {"state": {"text": "Operational"}}}));
        for (message, step) in messages {
            at += TimeDelta::milliseconds(step);
            listener.hear(&mut tale, at, &message);
            let (starts, ends) = listener.starts_and_ends();
            prop_assert_eq!(starts - ends, usize::from(listener.machine.active_job().is_some()));
        }
        for _ in 0..3 {
            at += TimeDelta::seconds(3);
            listener.hear(&mut tale, at, &json!({"current": {"state": {"text": "Operational"}}}));
        }
        prop_assert_eq!(listener.machine.printer_state(), Some(PrinterState::Operational));
        prop_assert_eq!(listener.machine.active_job(), None);
    }
}

/// A print that begins and ends between two looks at it, and of which nothing but the news is heard.
#[test]
fn a_print_of_which_only_the_news_came_is_a_whole_job() {
    let mut listener = Listener::new();
    let mut tale = Tale::default();
    let at = |ms: i64| DateTime::from_timestamp_millis(1_795_438_911_000 + ms).unwrap();
    let file = json!({"name": "a.gcode", "path": "a.gcode", "origin": "local", "time": 0.5});
    listener.hear(
        &mut tale,
        at(0),
        &json!({"history": {"state": {"text": "Operational"}}}),
    );
    for (ms, event) in [(100i64, "PrintStarted"), (600, "PrintDone")] {
        let event = json!({"event": {"type": event, "payload": file}});
        listener.hear(&mut tale, at(ms), &event);
    }
    assert_eq!(listener.starts_and_ends(), (1, 1));
    let job = listener.machine.last_job().unwrap();
    assert_eq!(job.start.at(), at(100));
    assert_eq!(job.end(), Some((at(600), &Outcome::Completed)));
}

#[test]
fn reports_come_as_often_as_they_would_be_asked_for() {
    for (millis, half_seconds) in [(1, 1), (500, 1), (1_000, 2), (1_300, 3), (60_000, 20)] {
        let throttle = super::throttle(Duration::from_millis(millis));
        assert_eq!(throttle, half_seconds, "{millis}");
    }
}
