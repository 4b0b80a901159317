//! What a request asks for: query parameters and command bodies, refused as OctoPrint refuses them.

use std::collections::BTreeMap;

use axum::body::Bytes;
use serde_json::{Map, Value};

use super::bodies::{BAUDRATES, Excluded, History, PORTS, PROFILE};
use super::endpoint::Endpoint;
use crate::octoprint::simulator::printer::command::{AfterSelect, Command, PauseAction};

/// The decoded parameters of the query string.
pub(super) type Query = BTreeMap<String, String>;

/// OctoPrint keeps 300 samples and gives all of them if no limit is asked for.
const DEFAULT_HISTORY: usize = 300;

/// What is wrong with the body of a command, in OctoPrint's words; always 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadRequest {
    #[error("Malformed JSON body or wrong content-type in request")]
    NotJson,
    #[error("{0} is invalid")]
    Invalid(&'static str),
    #[error(
        "Unknown action '{0}', allowed values for action parameter are 'pause', 'resume' and 'toggle'"
    )]
    UnknownAction(String),
    #[error("'command' and 'commands' are mutually exclusive")]
    CommandAndCommands,
    #[error("Need one of 'command', 'commands' or 'script'")]
    NoCommand,
}

pub(super) fn excluded(query: &Query) -> Excluded {
    let mut excluded = Excluded::default();
    for section in query
        .get("exclude")
        .into_iter()
        .flat_map(|list| list.split(','))
    {
        match section.trim() {
            "temperature" => excluded.temperature = true,
            "sd" => excluded.sd = true,
            "state" => excluded.state = true,
            _ => {}
        }
    }
    excluded
}

pub(super) fn history(query: &Query) -> History {
    if !is_true(query.get("history")) {
        return History::NotAsked;
    }
    let limit = query.get("limit").and_then(|limit| limit.parse().ok());
    History::Newest(limit.unwrap_or(DEFAULT_HISTORY))
}

/// The spellings of "true" that OctoPrint accepts in a query.
pub(super) fn is_true(value: Option<&String>) -> bool {
    value.is_some_and(|value| matches!(value.as_str(), "true" | "yes" | "y" | "1"))
}

/// Reads the command that was posted to `endpoint`; `path` is that of the file, where there is one.
pub(super) fn command(endpoint: Endpoint, path: &str, body: &Bytes) -> Result<Command, BadRequest> {
    let body: Map<String, Value> = serde_json::from_slice(body).map_err(|_| BadRequest::NotJson)?;
    let name = body.get("command").and_then(Value::as_str);
    match (endpoint, name) {
        (Endpoint::PrinterCommand, _) => gcode(&body),
        (Endpoint::JobCommand, Some("start")) => Ok(Command::Start),
        (Endpoint::JobCommand, Some("restart")) => Ok(Command::Restart),
        (Endpoint::JobCommand, Some("cancel")) => Ok(Command::Cancel),
        (Endpoint::JobCommand, Some("pause")) => pause(&body),
        (Endpoint::ConnectionCommand, Some("connect")) => connect(&body),
        (Endpoint::ConnectionCommand, Some("disconnect")) => Ok(Command::Disconnect),
        (Endpoint::FileCommand, Some("select")) => Ok(Command::Select {
            path: path.to_owned(),
            then: match body.get("print") {
                Some(Value::Bool(true)) => AfterSelect::Print,
                _ => AfterSelect::Wait,
            },
        }),
        _ => Err(BadRequest::Invalid("command")),
    }
}

fn pause(body: &Map<String, Value>) -> Result<Command, BadRequest> {
    let action = match body.get("action") {
        None => PauseAction::Toggle,
        Some(Value::String(action)) => match action.as_str() {
            "pause" => PauseAction::Pause,
            "resume" => PauseAction::Resume,
            "toggle" => PauseAction::Toggle,
            other => return Err(BadRequest::UnknownAction(other.to_owned())),
        },
        Some(other) => return Err(BadRequest::UnknownAction(other.to_string())),
    };
    Ok(Command::Pause(action))
}

fn connect(body: &Map<String, Value>) -> Result<Command, BadRequest> {
    let port = |port: &Value| port == "AUTO" || PORTS.iter().any(|known| port == known);
    let baudrate = |rate: &Value| rate == 0 || BAUDRATES.iter().any(|known| rate == known);
    if body.get("port").is_some_and(|value| !port(value)) {
        return Err(BadRequest::Invalid("port"));
    }
    if body.get("baudrate").is_some_and(|value| !baudrate(value)) {
        return Err(BadRequest::Invalid("baudrate"));
    }
    if body
        .get("printerProfile")
        .is_some_and(|value| value != PROFILE)
    {
        return Err(BadRequest::Invalid("printerProfile"));
    }
    Ok(Command::Connect)
}

fn gcode(body: &Map<String, Value>) -> Result<Command, BadRequest> {
    let text = |line: &Value| line.as_str().map(str::to_owned);
    let lines = match (body.get("command"), body.get("commands")) {
        (Some(_), Some(_)) => return Err(BadRequest::CommandAndCommands),
        (Some(line), None) => text(line).map(|line| vec![line]),
        (None, Some(Value::Array(lines))) => lines.iter().map(text).collect(),
        (None, Some(_)) => None,
        (None, None) => return Err(BadRequest::NoCommand),
    };
    lines
        .map(Command::Gcode)
        .ok_or(BadRequest::Invalid("commands"))
}
