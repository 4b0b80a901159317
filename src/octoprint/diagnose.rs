//! `check --online`: one look at a server, told to the operator.

use std::fmt;

use super::api::{Api, Problem};
use super::wire::{self, Flavour, User};
use super::{HttpClients, Purpose, Source, words};
use crate::machine::{KeyRejection, Unreachable, UnreachableCause};

/// What one look found.
#[derive(Debug, Clone, PartialEq)]
pub enum Diagnosis {
    Unreachable(Unreachable),
    /// HTTP, but no OctoPrint: what it said instead.
    NotOctoPrint {
        detail: String,
    },
    /// The key is unknown, or rejected for a reason that the server does not tell.
    KeyRejected(KeyRejection),
    /// The key is known, but may not read the state.
    KeyLacksStatus {
        user: String,
    },
    Reachable {
        /// As the server calls itself: `OctoPrint 1.11.8`.
        version: Option<String>,
        /// The printer's state in OctoPrint's words.
        state: String,
        /// What the key is for.
        purpose: Purpose,
        /// Permissions that the purpose needs and the key does not have.
        missing: Vec<String>,
        /// Permissions of the key beyond its purpose.
        surplus: Vec<String>,
    },
}

/// Asks for the job, and if that is answered for version and user; each within the limits of a request.
pub async fn diagnose(source: Source, clients: &HttpClients) -> Diagnosis {
    let purpose = source.purpose;
    let api = Api::new(source, clients.clone());
    let job = match api.job().await {
        Ok(job) => wire::job(&job, Flavour::default()),
        Err(problem) => return explain(&api, problem).await,
    };
    let version = api.version().await.ok();
    // Before 1.4 nobody tells whose key it is.
    let user = api.current_user().await.ok();
    let rights = |of: fn(&User, Purpose) -> Vec<String>| {
        user.as_ref()
            .map(|user| of(user, purpose))
            .unwrap_or_default()
    };
    Diagnosis::Reachable {
        state: job.state_text,
        version: version.and_then(|software| software.text.or(software.server)),
        purpose,
        missing: rights(User::lacking),
        surplus: rights(User::surplus),
    }
}

async fn explain(api: &Api, problem: Problem) -> Diagnosis {
    match problem {
        Problem::Unreachable(Unreachable {
            cause: UnreachableCause::NotOctoPrint,
            detail,
        }) => Diagnosis::NotOctoPrint { detail },
        Problem::Unreachable(why) => Diagnosis::Unreachable(why),
        Problem::Rejected(rejected) => match api.why_rejected(rejected).await {
            KeyRejection::LacksStatus { user } => Diagnosis::KeyLacksStatus { user },
            why => Diagnosis::KeyRejected(why),
        },
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "unreachable: {}", words::unreachable(why)),
            Self::NotOctoPrint { detail } => write!(f, "not an OctoPrint: {detail}"),
            Self::KeyRejected(why) => write!(f, "key rejected: {}", words::key_rejection(why)),
            Self::KeyLacksStatus { user } => {
                let why = KeyRejection::LacksStatus { user: user.clone() };
                write!(f, "key lacks STATUS: {}", words::key_rejection(&why))
            }
            Self::Reachable {
                version,
                state,
                purpose,
                missing,
                surplus,
            } => {
                let version = version
                    .as_deref()
                    .unwrap_or("a server that does not tell its version");
                write!(f, "reachable: {version}, printer state {state:?}")?;
                if !missing.is_empty() {
                    write!(
                        f,
                        "; control is wanted, but the key lacks {}",
                        missing.join(", ")
                    )?;
                }
                if !surplus.is_empty() {
                    write!(
                        f,
                        "; the key has more rights than it needs ({}): {}",
                        wire::needed(*purpose).join(", "),
                        surplus.join(", ")
                    )?;
                }
                Ok(())
            }
        }
    }
}
