//! The same facts in the same words, in log lines and in `check --online`.

use std::error::Error;

use crate::machine::{KeyRejection, Unreachable, UnreachableCause};

/// What an operator reads when a server cannot be read: the kind, then what exactly was seen.
pub(super) fn unreachable(why: &Unreachable) -> String {
    let kind = match why.cause {
        UnreachableCause::Refused => "no connection",
        UnreachableCause::Timeout => "no answer in time",
        UnreachableCause::NameUnknown => "host name unknown",
        UnreachableCause::Tls => "TLS failed",
        UnreachableCause::NotHttp => "the answer is not HTTP",
        UnreachableCause::NotOctoPrint => "not an OctoPrint",
        UnreachableCause::ServerError(_) => "server error",
        UnreachableCause::TooLarge => "the answer is too large",
        UnreachableCause::Redirected => "redirect not followed",
    };
    format!("{kind}: {}", why.detail)
}

/// What an operator reads when the key is rejected, with the remedy.
pub(super) fn key_rejection(why: &KeyRejection) -> String {
    match why {
        KeyRejection::Unknown => {
            "OctoPrint does not know the key (mistyped, or revoked): create a new one in its settings".to_owned()
        }
        KeyRejection::LacksStatus { user } => {
            format!("the key of user {user:?} lacks the STATUS permission: grant it in OctoPrint's access control")
        }
        KeyRejection::Unexplained { status } => {
            format!("rejected with HTTP status {status}; the server does not say why (a proxy with its own login?)")
        }
    }
}

/// An error that came from outside and may hold line breaks, as part of one line.
pub(super) fn one_line(error: &dyn Error) -> String {
    error
        .to_string()
        .split(char::is_control)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
