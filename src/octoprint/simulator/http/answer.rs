//! The right answer to a request, and how any answer becomes HTTP.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::endpoint::{Endpoint, Needs};
use super::files::Depth;
use super::users::User;
use super::{bodies, files, request};
use crate::octoprint::simulator::clock::Clock;
use crate::octoprint::simulator::member::Member;
use crate::octoprint::simulator::printer::command::Refusal;

const FORBIDDEN: &str = "You don't have the permission to access the requested resource. It is either read-protected or not readable by the server.";
const NOT_FOUND: &str = "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.";
const LOGIN_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>OctoPrint Login</title></head><body>Please log in</body></html>\n";

/// One request, as far as an answer depends on it.
pub(super) struct Asked {
    pub endpoint: Endpoint,
    /// Path of the file, where the endpoint is about one.
    pub file: String,
    pub query: BTreeMap<String, String>,
    pub user: User,
    /// Address of this OctoPrint as the client sees it, without a slash at its end.
    pub base: String,
    pub body: Bytes,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Json(Value),
    Done,
    Error(StatusCode, String),
    LoginPage,
}

impl Answer {
    pub(super) fn not_found() -> Self {
        Self::Error(StatusCode::NOT_FOUND, NOT_FOUND.to_owned())
    }

    pub(super) fn forbidden() -> Self {
        Self::Error(StatusCode::FORBIDDEN, FORBIDDEN.to_owned())
    }

    /// As a healthy OctoPrint answers.
    pub(super) fn to(asked: &Asked, member: &Member, clock: &Clock) -> Self {
        if asked.endpoint.is_command() && asked.user == User::Guest {
            let text = "CSRF validation failed".to_owned();
            return Self::Error(StatusCode::BAD_REQUEST, text);
        }
        match asked.endpoint.needs() {
            Needs::Permission(permission) if !asked.user.may(permission) => Self::forbidden(),
            _ if asked.endpoint.is_command() => obey(asked, member, clock),
            _ => look_up(asked, member, clock),
        }
    }
}

fn look_up(asked: &Asked, member: &Member, clock: &Clock) -> Answer {
    let printer = member.printer(clock);
    let body = match asked.endpoint {
        Endpoint::Root => return Answer::LoginPage,
        Endpoint::Version => bodies::version(),
        Endpoint::Server => bodies::server(),
        Endpoint::CurrentUser => asked.user.describe(),
        Endpoint::Job => bodies::job(&printer),
        Endpoint::Printer if !printer.state().flags().operational => {
            let text = "Printer is not operational".to_owned();
            return Answer::Error(StatusCode::CONFLICT, text);
        }
        Endpoint::Printer => {
            let excluded = request::excluded(&asked.query);
            bodies::printer(&printer, clock, excluded, request::history(&asked.query))
        }
        Endpoint::PrinterError => bodies::printer_error(&printer, asked.user),
        Endpoint::Connection => bodies::connection(&printer),
        Endpoint::PrinterProfiles => bodies::printer_profiles(printer.hardware(), &asked.base),
        Endpoint::Files => {
            let depth = if request::is_true(asked.query.get("recursive")) {
                Depth::Recursive
            } else {
                Depth::TopOnly
            };
            files::list(&printer, clock, &asked.base, depth)
        }
        Endpoint::File => match printer.file(&asked.file) {
            Some(model) => files::file(&printer, clock, &asked.base, model),
            None => return Answer::not_found(),
        },
        Endpoint::JobCommand
        | Endpoint::ConnectionCommand
        | Endpoint::FileCommand
        | Endpoint::PrinterCommand
        | Endpoint::Unknown => return Answer::not_found(),
    };
    Answer::Json(body)
}

fn obey(asked: &Asked, member: &Member, clock: &Clock) -> Answer {
    let command = match request::command(asked.endpoint, &asked.file, &asked.body) {
        Ok(command) => command,
        Err(bad) => return Answer::Error(StatusCode::BAD_REQUEST, bad.to_string()),
    };
    let user = asked.user.name().unwrap_or_default();
    match member.printer(clock).obey(command, user) {
        Ok(()) => Answer::Done,
        Err(Refusal::NoSuchFile) => Answer::not_found(),
        Err(refusal) => Answer::Error(StatusCode::CONFLICT, refusal.to_string()),
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Json(body) => json_reply(StatusCode::OK, &body),
            Self::Done => reply(StatusCode::NO_CONTENT, "text/plain", ""),
            Self::Error(status, text) => json_reply(status, &json!({ "error": text })),
            Self::LoginPage => reply(StatusCode::OK, "text/html; charset=utf-8", LOGIN_PAGE),
        }
    }
}

/// Indented by two and ended by a newline, as OctoPrint writes it.
fn json_reply(status: StatusCode, body: &Value) -> Response {
    reply(status, "application/json", format!("{body:#}\n"))
}

pub(super) fn reply(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Body>,
) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
