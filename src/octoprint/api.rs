//! The requests the bridge makes of an OctoPrint, and what the status of each answer means.
//!
//! The status decides before the body is looked at: up to 1.5 errors come as HTML, later as JSON.

use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use super::http::{Answer, HttpClients};
use super::wire::{self, User};
use super::{Source, words};
use crate::machine::{KeyRejection, PrinterProfile, Software, Unreachable, UnreachableCause};

/// One OctoPrint, ready to be asked.
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
        let answer = self.get_url(url).await?;
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
        self.get_url(self.url(path)).await
    }

    async fn get_url(&self, url: Url) -> Result<Answer, Problem> {
        self.http
            .get(url, &self.source.key, &self.source.tls)
            .await
            .map_err(Problem::Unreachable)
    }

    /// Below the base, so that a path prefix stays.
    fn url(&self, path: &[&str]) -> Url {
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
            reason: given_reason(&answer.body),
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
        Err(_) if answer.body.trim_ascii_start().starts_with(b"<") => Err(not_octoprint(
            "it answers with an HTML page (a login page, or another server?)".to_owned(),
        )),
        Err(error) => Err(not_octoprint(format!(
            "the answer is not valid JSON: {}",
            words::one_line(&error)
        ))),
    }
}

fn given_reason(body: &[u8]) -> GivenReason {
    const INVALID_KEY: &[u8] = b"Invalid API key";
    if body
        .windows(INVALID_KEY.len())
        .any(|window| window == INVALID_KEY)
    {
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
