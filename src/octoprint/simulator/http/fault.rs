//! What can go wrong between an OctoPrint and its reader, on demand.

use std::time::Duration;

use serde_json::{Value, json};

use super::endpoint::Endpoint;

/// How an endpoint misbehaves until it is healed.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Accepts the request and never answers; the connection closes when the fault is healed.
    Hang,
    /// Closes the connection instead of answering.
    Close,
    /// Sends a full header and half of the body, then closes the connection.
    Truncate,
    /// Answers `Not found` without a status line, as an OctoPrint that is still starting.
    Garbage,
    /// Answers with this status and an HTML page: 500, the 502 and 503 of a proxy, 401, 404, 429.
    Status(u16),
    /// Answers 200 with an HTML page, as a login page or captive portal.
    Html,
    /// Answers 403 as OctoPrint does for a missing permission.
    Forbidden,
    /// Redirects (302) to this address.
    Redirect(String),
    /// Answers 200 with this as its JSON body, whatever it is.
    Body(String),
    /// Answers 200 with a JSON string of so many bytes.
    Huge(usize),
    /// Answers correctly but this late; a command is carried out as late.
    Slow(Duration),
    /// Answers as it was right when it was asked, this late; a command is carried out at once.
    Late(Duration),
    /// Takes every command (204) and carries out none.
    Ignore,
    /// Answers with numbers for strings, strings for numbers and so on in all fields.
    WrongTypes,
    /// Answers correctly but for the value at this JSON pointer, which need not exist.
    Replace(&'static str, Value),
}

/// Where a fault shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Everywhere,
    Only(Endpoint),
}

impl Scope {
    pub(crate) fn covers(self, endpoint: Endpoint) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Only(only) => only == endpoint,
        }
    }
}

/// What a fault makes of a right answer.
pub(crate) fn spoil(fault: &Fault, mut right: Value) -> Value {
    match fault {
        Fault::WrongTypes => wrong_types(right),
        Fault::Replace(pointer, value) => {
            replace(&mut right, pointer, value);
            right
        }
        _ => right,
    }
}

fn wrong_types(value: Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(flag) => json!(flag.to_string()),
        Value::Number(number) => json!(number.to_string()),
        Value::String(text) => json!(text.len()),
        Value::Array(items) => items.into_iter().map(wrong_types).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, wrong_types(value)))
            .collect(),
    }
}

fn replace(right: &mut Value, pointer: &str, value: &Value) {
    if let Some(place) = right.pointer_mut(pointer) {
        *place = value.clone();
    } else if let Some((parent, name)) = pointer.rsplit_once('/')
        && let Some(Value::Object(fields)) = right.pointer_mut(parent)
    {
        fields.insert(name.to_owned(), value.clone());
    }
}
