//! The right answer to a request, and how any answer becomes HTTP.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::endpoint::{Endpoint, Needs};
use super::files::Depth;
use super::users::User;
use super::{bodies, files, request};
use crate::octoprint::simulator::clock::Clock;
use crate::octoprint::simulator::member::Member;
use crate::octoprint::simulator::printer::command::Refusal;
use crate::octoprint::simulator::push;

const FORBIDDEN: &str = "You don't have the permission to access the requested resource. It is either read-protected or not readable by the server.";
const NOT_FOUND: &str = "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.";
const LOGIN_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>OctoPrint Login</title></head><body>Please log in</body></html>\n";

/// One request, as far as an answer depends on it.
pub(super) struct Asked {
    pub endpoint: Endpoint,
    /// Path of the file, where the endpoint is about one.
    pub file: String,
    pub query: BTreeMap<String, String>,
    /// The tag of the answer that the client has.
    pub known: Option<HeaderValue>,
    pub user: User,
    /// Address of this OctoPrint as the client sees it, without a slash at its end.
    pub base: String,
    pub body: Bytes,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Json(Value),
    /// With a tag that names this version of it.
    Tagged(Value),
    /// The client has this version.
    NotModified,
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
        let posts = asked.endpoint.is_command() || asked.endpoint == Endpoint::Login;
        if posts && asked.user == User::Guest {
            let text = "CSRF validation failed".to_owned();
            return Self::Error(StatusCode::BAD_REQUEST, text);
        }
        if asked.endpoint.is_command() {
            return obey(asked, member, clock);
        }
        match asked.endpoint.needs() {
            Needs::Permission(permission) if !asked.user.may(permission) => Self::forbidden(),
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
        Endpoint::Login => push::login(&member.push, &printer.hardware().name, asked.user),
        Endpoint::PrinterProfiles => bodies::printer_profiles(printer.hardware(), &asked.base),
        Endpoint::Files => {
            let depth = if request::is_true(asked.query.get("recursive")) {
                Depth::Recursive
            } else {
                Depth::TopOnly
            };
            let list = files::list(&printer, clock, &asked.base, depth);
            return match &asked.known {
                Some(known) if *known == tag(&list) => Answer::NotModified,
                _ => Answer::Tagged(list),
            };
        }
        Endpoint::File => match printer.file(&asked.file) {
            Some(model) => files::file(&printer, clock, &asked.base, model),
            None => return Answer::not_found(),
        },
        Endpoint::JobCommand
        | Endpoint::ConnectionCommand
        | Endpoint::FileCommand
        | Endpoint::PrinterCommand
        | Endpoint::Push
        | Endpoint::Unknown => return Answer::not_found(),
    };
    Answer::Json(body)
}

/// In the order in which 1.11.8 refuses: a job command to a printer that is off before anything else, an unknown
/// command before a key that may not give it, and that before what the printer says.
fn obey(asked: &Asked, member: &Member, clock: &Clock) -> Answer {
    let operational = member.printer(clock).state().flags().operational;
    if asked.endpoint == Endpoint::JobCommand && !operational {
        return refused(&Refusal::NotOperational);
    }
    let command = match request::command(asked.endpoint, &asked.file, &asked.body) {
        Ok(command) => command,
        Err(bad) => return Answer::Error(StatusCode::BAD_REQUEST, bad.to_string()),
    };
    if let Needs::Permission(permission) = asked.endpoint.needs()
        && !asked.user.may(permission)
    {
        return Answer::forbidden();
    }
    let user = asked.user.name().unwrap_or_default();
    match member.act(clock, |printer| printer.obey(command, user)) {
        Ok(()) => Answer::Done,
        Err(refusal) => refused(&refusal),
    }
}

fn refused(refusal: &Refusal) -> Answer {
    match refusal {
        Refusal::NoSuchFile => Answer::not_found(),
        refusal => Answer::Error(StatusCode::CONFLICT, refusal.to_string()),
    }
}

fn tag(body: &Value) -> HeaderValue {
    let digits: String = Sha256::digest(body.to_string())
        .iter()
        .take(20)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // Hexadecimal digits in quotation marks can always be sent.
    HeaderValue::from_str(&format!("\"{digits}\""))
        .unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Json(body) => json_reply(StatusCode::OK, &body),
            Self::Tagged(body) => {
                let mut response = json_reply(StatusCode::OK, &body);
                response.headers_mut().insert(ETAG, tag(&body));
                response
            }
            Self::NotModified => StatusCode::NOT_MODIFIED.into_response(),
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
