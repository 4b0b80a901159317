//! The messages of the push socket: one JSON object with one key, which says what it is.
//!
//! <https://docs.octoprint.org/en/master/api/push.html>; what servers of 1.4 to 2.0 really send is recorded in
//! `tests/payloads`.

use serde_json::{Value, json};

/// What a message is.
#[derive(Debug, PartialEq)]
pub(super) enum Message<'a> {
    /// The first word after a login was accepted: everything as it is, and what led there.
    History(&'a Value),
    /// Everything as it is now.
    Current(&'a Value),
    Event {
        name: &'a str,
        payload: &'a Value,
    },
    /// The login does not hold (any more).
    LoginAgain(&'a str),
    /// Of no interest here.
    Other,
}

/// The events that say something that `current` does not, or says later.
pub(super) const EVENTS: [&str; 9] = [
    "PrinterStateChanged",
    "PrintStarted",
    "PrintDone",
    "PrintCancelled",
    "PrintFailed",
    "Error",
    "FirmwareData",
    "FilamentChange",
    "ToolChange",
];

pub(super) fn read(message: &Value) -> Message<'_> {
    if let Some(current) = message.get("current") {
        return Message::Current(current);
    }
    if let Some(event) = message.get("event") {
        return Message::Event {
            name: event["type"].as_str().unwrap_or_default(),
            payload: &event["payload"],
        };
    }
    if let Some(history) = message.get("history") {
        return Message::History(history);
    }
    if let Some(reauth) = message.get("reauthRequired") {
        return Message::LoginAgain(reauth["reason"].as_str().unwrap_or("for no reason told"));
    }
    Message::Other
}

/// What a new connection says of itself. Versions before 1.8 ignore the subscription, and tell everything.
///
/// `throttle`: `current` comes every so many half seconds at most.
pub(super) fn introduction(throttle: u32, user: &str, session: &str) -> [Value; 3] {
    [
        json!({"throttle": throttle}),
        json!({"subscribe": {
            "state": {"logs": false, "messages": false},
            "plugins": false,
            "events": EVENTS,
        }}),
        json!({"auth": format!("{user}:{session}")}),
    ]
}
