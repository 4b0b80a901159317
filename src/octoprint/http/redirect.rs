//! Which redirects may be followed with the key in hand: none that leads to another server.
//!
//! Same host, and same scheme and port; or from http to https, where the port changes with the scheme.

use reqwest::header::LOCATION;
use reqwest::{Response, StatusCode};
use url::Url;

use crate::machine::{Unreachable, UnreachableCause};

/// Where `answer` sends us, if it is a redirect at all.
///
/// # Errors
/// If it is one that must not be followed.
pub(super) fn target(from: &Url, answer: &Response) -> Result<Option<Url>, Unreachable> {
    let follows = matches!(
        answer.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    if !follows {
        return Ok(None);
    }
    let to = answer
        .headers()
        .get(LOCATION)
        .and_then(|location| location.to_str().ok())
        .and_then(|location| from.join(location).ok())
        .ok_or_else(|| refused("to an address that cannot be read".to_owned()))?;
    if !is_same_server(from, &to) {
        return Err(refused(format!(
            "to {}: the key is not sent to another server; if that is the OctoPrint, configure this address",
            to.origin().ascii_serialization()
        )));
    }
    Ok(Some(to))
}

pub(super) fn too_many(limit: usize) -> Unreachable {
    refused(format!("more than {limit} times in a row"))
}

/// A command that is redirected is not followed, wherever it leads.
pub(super) fn of_a_command(from: &Url, answer: &Response) -> Unreachable {
    match target(from, answer) {
        Ok(Some(to)) => refused(format!(
            "a command to {}: commands are not sent a second time; configure this address",
            to.origin().ascii_serialization()
        )),
        Ok(None) => refused("a command".to_owned()),
        Err(why) => why,
    }
}

fn refused(why: String) -> Unreachable {
    Unreachable {
        cause: UnreachableCause::Redirected,
        detail: format!("the server redirects {why}"),
    }
}

fn is_same_server(from: &Url, to: &Url) -> bool {
    let same_port = from.port_or_known_default() == to.port_or_known_default();
    from.host() == to.host()
        && match (from.scheme(), to.scheme()) {
            ("http", "https") => true,
            (before, after) => before == after && same_port,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stays_with_its_server() {
        let allowed = |from: &str, to: &str| {
            is_same_server(&Url::parse(from).unwrap(), &Url::parse(to).unwrap())
        };
        for (from, to) in [
            ("http://pi/a", "http://pi/b"),
            ("http://pi:80/a", "http://PI/a"),
            ("http://pi:5000/", "https://pi/"),
            ("http://pi/", "https://pi:8443/"),
            ("http://[::1]:80/", "http://[::1]/x"),
        ] {
            assert!(allowed(from, to), "{from} to {to}");
        }
        for (from, to) in [
            ("http://pi/", "http://evil/"),
            ("http://pi/", "http://pi.evil/"),
            ("http://pi/", "http://pi@evil/"),
            ("http://pi:5000/", "http://pi:5001/"),
            ("https://pi/", "http://pi/"),
            ("https://pi/", "https://pi:8443/"),
            ("http://pi/", "file:///etc/passwd"),
        ] {
            assert!(!allowed(from, to), "{from} to {to}");
        }
    }
}
