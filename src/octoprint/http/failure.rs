//! Why there is no answer: the library's nested errors sorted into what an operator can act on.

use std::error::Error;
use std::io;
use std::iter;
use std::time::Duration;

use crate::machine::{Unreachable, UnreachableCause};
use crate::octoprint::{Limits, words};

/// The error as a fact about the server. Its innermost cause is the detail; the URL, which may hold a password, is not.
pub(super) fn unreachable(error: reqwest::Error, limits: &Limits) -> Unreachable {
    let cause = cause(&error);
    if cause == UnreachableCause::Timeout && error.is_connect() {
        let detail = format!("no connection within {:?}", limits.connect);
        return Unreachable { cause, detail };
    }
    let error = error.without_url();
    let detail = causes(&error)
        .last()
        .map(words::one_line)
        .unwrap_or_default();
    Unreachable { cause, detail }
}

pub(super) fn timeout(after: Duration) -> Unreachable {
    Unreachable {
        cause: UnreachableCause::Timeout,
        detail: format!("no complete answer within {after:?}"),
    }
}

/// The server closed a connection that we were still using: what happens when it gives up an idle connection in the
/// same moment in which we send on it. A new connection tells whether the server is really gone.
pub(super) fn is_stale_connection(error: &reqwest::Error) -> bool {
    let closed = find::<hyper::Error>(error).is_some_and(|error| {
        error.is_incomplete_message() || error.is_canceled() || error.is_closed()
    });
    let reset = find::<io::Error>(error).is_some_and(|error| {
        matches!(
            error.kind(),
            io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
        )
    });
    !error.is_connect() && (closed || reset)
}

fn cause(error: &reqwest::Error) -> UnreachableCause {
    let invalid = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
        )
    };
    if error.is_dns() {
        UnreachableCause::NameUnknown
    } else if find::<rustls::Error>(error).is_some() {
        UnreachableCause::Tls
    } else if error.is_timeout()
        || find::<io::Error>(error).is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
    {
        UnreachableCause::Timeout
    } else if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse)
        || find::<io::Error>(error).is_some_and(invalid)
    {
        UnreachableCause::NotHttp
    } else {
        UnreachableCause::Refused
    }
}

fn find<T: Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The error and all that it was caused by. An I/O error hides what it wraps from `source`, so it is opened.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| {
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}
