//! The requests the bridge makes of an OctoPrint, and what the status of each answer means.
//!
//! The status decides before the body is looked at: up to 1.5 errors come as HTML, later as JSON.

use reqwest::header::HeaderValue;
use reqwest::{StatusCode, Upgraded};
use serde_json::Value;
use url::Url;

use super::http::{Answer, Connections, HttpClients, NotUpgraded, Question};
use super::wire::{self, User};
use super::{Source, words};
use crate::machine::{KeyRejection, PrinterProfile, Software, Unreachable, UnreachableCause};

/// One OctoPrint, ready to be asked.
#[derive(Debug, Clone)]
pub(super) struct Api {
    source: Source,
    http: HttpClients,
}

/// Why a request has no useful answer.
#[derive(Debug)]
pub(super) enum Problem {
    Unreachable(Unreachable),
    /// 401 or 403.
    Rejected(Rejected),
}

/// The key was not accepted for this request; [`Api::why_rejected`] finds out more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rejected {
    status: StatusCode,
    reason: GivenReason,
}

/// What the rejecting answer says about its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GivenReason {
    /// `Invalid API key`, as versions before 1.11 say.
    InvalidKey,
    None,
}

/// What `/api/printer` has to say.
#[derive(Debug)]
pub(super) enum PrinterReading {
    Told(Value),
    /// 409: the printer is not connected, or has just ceased to be.
    NotOperational,
}

/// What `/api/files` has to say.
#[derive(Debug)]
pub(super) enum FileListing {
    Told {
        list: Value,
        /// To be shown at the next question.
        tag: Option<HeaderValue>,
    },
    /// 304: as it was when the shown tag was given.
    Unchanged,
}

impl Api {
    pub(super) fn new(source: Source, http: HttpClients) -> Self {
        Self { source, http }
    }

    pub(super) async fn job(&self) -> Result<Value, Problem> {
        let answer = self.get(&["api", "job"]).await?;
        octoprint_object(&answer, &["state", "job", "progress"])
    }

    pub(super) async fn printer(&self) -> Result<PrinterReading, Problem> {
        let mut url = self.url(&["api", "printer"]);
        url.set_query(Some("history=true&limit=1"));
        let answer = self.ask(self.question(url)).await?;
        if answer.status == StatusCode::CONFLICT {
            return Ok(PrinterReading::NotOperational);
        }
        octoprint_object(&answer, &["state", "temperature"]).map(PrinterReading::Told)
    }

    pub(super) async fn version(&self) -> Result<Software, Problem> {
        let answer = self.get(&["api", "version"]).await?;
        octoprint_object(&answer, &["server", "text", "api"]).map(|answer| wire::software(&answer))
    }

    pub(super) async fn current_user(&self) -> Result<User, Problem> {
        let answer = self.get(&["api", "currentuser"]).await?;
        octoprint_object(&answer, &["permissions", "name"]).map(|answer| wire::user(&answer))
    }

    pub(super) async fn profile(&self) -> Result<Option<PrinterProfile>, Problem> {
        let answer = self.get(&["api", "printerprofiles"]).await?;
        octoprint_object(&answer, &["profiles"]).map(|answer| wire::profile(&answer))
    }

    /// All files of all storages. `known` is the tag of the list that we have.
    pub(super) async fn files(&self, known: Option<HeaderValue>) -> Result<FileListing, Problem> {
        let mut url = self.url(&["api", "files"]);
        url.set_query(Some("recursive=true"));
        let bytes = self.http.limits().listing_bytes;
        let question = Question {
            url,
            known,
            bytes,
            connection: Connections::Single,
        };
        let answer = self.ask(question).await?;
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok(FileListing::Unchanged);
        }
        let list = octoprint_object(&answer, &["files"])?;
        Ok(FileListing::Told {
            list,
            tag: answer.tag,
        })
    }

    /// Posts a command to `path`, once; what its status means depends on the command.
    ///
    /// No part of `path` may be `.` or `..` or hold control characters, which a URL would swallow.
    pub(super) async fn command(&self, path: &[&str], body: &Value) -> Result<Answer, Unreachable> {
        let (url, source) = (self.url(path), &self.source);
        self.http.post(url, body, &source.key, &source.tls).await
    }

    /// The push socket, without frames of its own around the messages.
    pub(super) async fn socket(&self) -> Result<Upgraded, NotUpgraded> {
        let url = self.url(&["sockjs", "websocket"]);
        self.http.upgrade(url, &self.source.tls).await
    }

    /// A wrong key and a weak key are rejected with the same words; who we are tells them apart.
    pub(super) async fn why_rejected(&self, rejected: Rejected) -> KeyRejection {
        let unexplained = KeyRejection::Unexplained {
            status: rejected.status.as_u16(),
        };
        if rejected.reason == GivenReason::InvalidKey {
            return KeyRejection::Unknown;
        }
        match self.current_user().await {
            Ok(User { name: None, .. }) => KeyRejection::Unknown,
            Ok(user) if user.may("STATUS") => unexplained,
            Ok(User {
                name: Some(user), ..
            }) => KeyRejection::LacksStatus { user },
            Err(Problem::Rejected(Rejected {
                reason: GivenReason::InvalidKey,
                ..
            })) => KeyRejection::Unknown,
            Err(_) => unexplained,
        }
    }

    async fn get(&self, path: &[&str]) -> Result<Answer, Problem> {
        self.ask(self.question(self.url(path))).await
    }

    fn question(&self, url: Url) -> Question {
        Question {
            url,
            known: None,
            bytes: self.http.limits().answer_bytes,
            connection: Connections::Kept,
        }
    }

    async fn ask(&self, question: Question) -> Result<Answer, Problem> {
        self.http
            .get(question, &self.source.key, &self.source.tls)
            .await
            .map_err(Problem::Unreachable)
    }

    /// Below the base, so that a path prefix stays.
    pub(super) fn url(&self, path: &[&str]) -> Url {
        let mut url = self.source.base.clone();
        // Only a URL that cannot be a base, such as `mailto:`, has no segments; it then fails as a request.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }
}

/// The JSON object in a successful answer, if it has at least one of the fields that an OctoPrint sends.
fn octoprint_object(answer: &Answer, one_of: &[&str]) -> Result<Value, Problem> {
    let status = answer.status;
    if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
        return Err(Problem::Rejected(Rejected {
            status,
            reason: given_reason(answer),
        }));
    }
    if status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
    {
        return Err(unreachable(
            UnreachableCause::ServerError(status.as_u16()),
            format!("it answers {status}"),
        ));
    }
    if !status.is_success() {
        return Err(not_octoprint(format!(
            "it answers {status}; is the path of the URL right?"
        )));
    }
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(value) if one_of.iter().any(|field| value.get(field).is_some()) => Ok(value),
        Ok(_) => Err(not_octoprint(format!(
            "the answer has none of the fields {}",
            one_of.join(", ")
        ))),
        Err(_) if answer.is_html() => Err(not_octoprint(
            "it answers with an HTML page (a login page, or another server?)".to_owned(),
        )),
        Err(error) => Err(not_octoprint(format!(
            "the answer is not valid JSON: {}",
            words::one_line(&error)
        ))),
    }
}

fn given_reason(answer: &Answer) -> GivenReason {
    if answer.says("Invalid API key") {
        GivenReason::InvalidKey
    } else {
        GivenReason::None
    }
}

fn not_octoprint(detail: String) -> Problem {
    unreachable(UnreachableCause::NotOctoPrint, detail)
}

fn unreachable(cause: UnreachableCause, detail: String) -> Problem {
    Problem::Unreachable(Unreachable { cause, detail })
}
