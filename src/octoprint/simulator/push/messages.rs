//! The messages other than events, as 1.11.8 sends them: one JSON object with one key each.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::client::Subscription;
use super::events::marking;
use crate::octoprint::simulator::clock::{Clock, Moment};
use crate::octoprint::simulator::http::bodies::{
    job_section, progress_section, sample, state_section,
};
use crate::octoprint::simulator::http::users::{ALL_PERMISSIONS, User};
use crate::octoprint::simulator::printer::state::State;
use crate::octoprint::simulator::printer::{Job, Printer};

/// Lines of the terminal and samples that `history` has.
const HISTORY: usize = 300;
/// Lines of G-code that a printing printer is sent between two `current`s.
const LINES_SENT: u64 = 12;
/// Mean length of a line of G-code.
const BYTES_PER_LINE: u64 = 24;

/// The clock of the server, which may be wrong.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServerClock<'a> {
    pub clock: &'a Clock,
    pub ahead: Duration,
    pub behind: Duration,
}

impl ServerClock<'_> {
    fn millis(&self, moment: Moment) -> i64 {
        let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        self.clock
            .unix_millis(moment)
            .saturating_add(millis(self.ahead))
            .saturating_sub(millis(self.behind))
    }

    fn seconds(&self, moment: Moment) -> i64 {
        self.millis(moment).div_euclid(1000)
    }

    fn exactly(&self, moment: Moment) -> f64 {
        self.millis(moment) as f64 / 1000.0
    }
}

/// The first message on every socket.
pub(super) fn connected() -> Value {
    let permissions: Vec<_> = ALL_PERMISSIONS
        .iter()
        .map(|key| {
            let name = key.replace('_', " ").to_lowercase();
            json!({
                "key": key,
                "name": name,
                "dangerous": matches!(*key, "ADMIN" | "SYSTEM" | "PLUGIN_APPKEYS_ADMIN"),
                "default_groups": if key.starts_with("PLUGIN") { json!(["admins"]) } else { json!([]) },
                "description": format!("Lets a user do what belongs to '{name}' on this simulated server"),
                "needs": { "role": [key.to_lowercase()] },
            })
        })
        .collect();
    json!({ "connected": {
        "version": "1.11.8",
        "display_version": "1.11.8",
        "branch": "HEAD",
        "python_version": "3.11.7",
        "plugin_hash": "5f1d0c2b7a9e4836",
        "config_hash": "c0ffee5eed5a1ad0",
        "debug": false,
        "safe_mode": null,
        "online": true,
        "permissions": permissions,
    } })
}

pub(super) fn reauth_required() -> Value {
    json!({ "reauthRequired": { "reason": "stale" } })
}

/// Nobody makes timelapses here.
pub(super) fn timelapse() -> Value {
    json!({ "timelapse": null })
}

/// What a plugin that shows the firmware's messages says when there are none any more.
pub(super) fn notifications_cleared() -> Value {
    json!({ "plugin": { "plugin": "action_command_notification", "data": {} } })
}

pub(super) fn event(name: &str, payload: Value) -> Value {
    json!({ "event": { "type": name, "payload": payload } })
}

/// Told to everyone; who it was only to an administrator.
pub(super) fn client_authed(user: User) -> Value {
    let payload = match user {
        User::Admin => json!({ "username": user.name(), "remoteAddress": "127.0.0.1" }),
        _ => json!({}),
    };
    event("ClientAuthed", payload)
}

/// What `history` and `current` both tell of the printer.
pub(super) fn face(printer: &Printer, clock: ServerClock<'_>) -> Map<String, Value> {
    let progress = printer.progress();
    let markings: Vec<_> = printer
        .markings()
        .iter()
        .map(|(at, kind)| {
            let mut marking = marking(*kind);
            marking["time"] = json!(clock.exactly(*at));
            marking
        })
        .collect();
    let sent = progress.map_or(0, |progress| progress.file_position / BYTES_PER_LINE);
    Map::from_iter([
        ("state".to_owned(), state_section(printer.state())),
        ("job".to_owned(), job_section(printer)),
        ("currentZ".to_owned(), json!(printer.height())),
        ("progress".to_owned(), progress_section(printer)),
        ("offsets".to_owned(), json!({})),
        (
            "resends".to_owned(),
            json!({ "count": 0, "transmitted": sent, "ratio": 0 }),
        ),
        ("markings".to_owned(), json!(markings)),
    ])
}

/// Everything that is known at the beginning. The log is there for everyone and whatever was subscribed to; it has
/// at least `log_bytes`.
pub(super) fn history(
    mut face: Map<String, Value>,
    printer: &Printer,
    now: Moment,
    clock: ServerClock<'_>,
    log_bytes: usize,
) -> Value {
    let samples = printer.samples(HISTORY);
    let temps: Vec<_> = samples
        .iter()
        .map(|(at, readings)| sample(readings, clock.seconds(*at)))
        .collect();
    let reports: Vec<_> = temps.iter().map(report).collect();
    let mut logs: Vec<_> = reports.iter().flat_map(|report| asked(report)).collect();
    let mut length: usize = logs.iter().map(String::len).sum();
    while logs.len() < HISTORY || length < log_bytes {
        let line = "Recv: echo:busy: processing";
        length += line.len();
        logs.push(line.to_owned());
    }
    if log_bytes == 0 {
        logs.drain(..logs.len() - HISTORY);
    }
    face.insert("temps".to_owned(), json!(temps));
    face.insert("logs".to_owned(), json!(logs));
    face.insert("messages".to_owned(), json!(reports));
    face.insert("serverTime".to_owned(), json!(clock.exactly(now)));
    json!({ "history": face })
}

/// Which samples a `current` tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Samples {
    /// Those before were told.
    pub after: Moment,
    /// The connection closed, which leaves one sample without any sensor.
    pub closed: bool,
}

/// What changes from moment to moment.
pub(super) fn current(
    mut face: Map<String, Value>,
    printer: &Printer,
    now: Moment,
    clock: ServerClock<'_>,
    samples: Samples,
    (user, wanted): (User, &Subscription),
) -> Value {
    let mut temps: Vec<_> = printer
        .samples_after(samples.after)
        .iter()
        .map(|(at, readings)| sample(readings, clock.seconds(*at)))
        .collect();
    let reports: Vec<_> = temps.iter().map(report).collect();
    if samples.closed {
        temps.push(json!({ "time": clock.seconds(now) }));
    }
    if user.may("MONITOR_TERMINAL") {
        if wanted.logs {
            let lines: Vec<_> = reports
                .iter()
                .flat_map(|report| asked(report))
                .chain(sent(printer))
                .collect();
            face.insert("logs".to_owned(), json!(lines));
        }
        if wanted.messages {
            face.insert("messages".to_owned(), json!(reports));
        }
    }
    face.insert("serverTime".to_owned(), json!(clock.exactly(now)));
    face.insert("temps".to_owned(), json!(temps));
    face.insert("busyFiles".to_owned(), busy_files(printer));
    json!({ "current": face })
}

fn busy_files(printer: &Printer) -> Value {
    let flags = printer.state().flags();
    match printer.job() {
        Job::Loaded { model, .. } if flags.printing || flags.paused => {
            json!([{ "origin": "local", "path": model.path }])
        }
        _ => json!([]),
    }
}

/// A temperature report in the firmware's words.
fn report(sample: &Value) -> String {
    let sensors = sample.as_object().into_iter().flatten();
    let readings: Vec<_> = sensors
        .filter(|(_, reading)| reading.is_object())
        .map(|(name, reading)| format!("{name}:{} /{}", reading["actual"], reading["target"]))
        .collect();
    format!("ok {} @:0 B@:0", readings.join(" "))
}

/// The two lines of the terminal that a report makes.
fn asked(report: &str) -> [String; 2] {
    ["Send: M105".to_owned(), format!("Recv: {report}")]
}

/// The lines of the terminal between two `current`s.
fn sent(printer: &Printer) -> impl Iterator<Item = String> + use<> {
    let position = printer
        .progress()
        .map_or(0, |progress| progress.file_position);
    let lines = match printer.state() {
        State::Printing => LINES_SENT,
        _ => 0,
    };
    let first = position / BYTES_PER_LINE;
    (first..first + lines).flat_map(|number| {
        let (x, y) = (10 + number % 80, 15 + number % 60);
        [
            format!(
                "Send: N{number} G1 X{x} Y{y} E{}.05 F6000*{}",
                number % 9,
                number % 128
            ),
            "Recv: ok".to_owned(),
        ]
    })
}
