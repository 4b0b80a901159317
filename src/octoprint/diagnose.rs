//! `check --online`: one look at a server, told to the operator.

use std::fmt;

use super::api::{Api, Problem};
use super::wire::{self, Flavour};
use super::{HttpClients, Source, words};
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
        /// Permissions of the key beyond STATUS.
        surplus: Vec<String>,
    },
}

/// Asks for the job, and if that is answered for version and user; each within the limits of a request.
pub async fn diagnose(source: Source, clients: &HttpClients) -> Diagnosis {
    let api = Api::new(source, clients.clone());
    let job = match api.job().await {
        Ok(job) => wire::job(&job, Flavour::default()),
        Err(problem) => return explain(&api, problem).await,
    };
    Diagnosis::Reachable {
        state: job.state_text,
        version: api
            .version()
            .await
            .ok()
            .and_then(|software| software.text.or(software.server)),
        surplus: api
            .current_user()
            .await
            .map(|user| user.surplus())
            .unwrap_or_default(),
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
                surplus,
            } => {
                let version = version
                    .as_deref()
                    .unwrap_or("a server that does not tell its version");
                write!(f, "reachable: {version}, printer state {state:?}")?;
                if !surplus.is_empty() {
                    write!(
                        f,
                        "; the key has more rights than it needs (STATUS): {}",
                        surplus.join(", ")
                    )?;
                }
                Ok(())
            }
        }
    }
}
