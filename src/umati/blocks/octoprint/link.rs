//! Three facts that operators confuse when they are one: is OctoPrint reachable, is the key valid, is the printer
//! connected. And one sentence that says what to look at.

use opcua::types::StatusCode;

use super::path;
use crate::machine::{Freshness, KeyRejection, Link, UnreachableCause};
use crate::umati::blocks::quality::{Quality, View};
use crate::umati::blocks::render::Render;

pub(super) fn render(out: &mut Render, view: &View) {
    let link = &view.machine.link;
    out.put(&path("ServerReachable"), server_reachable(link));
    out.put(&path("KeyValid"), key_valid(link));
    out.put(&path("PrinterConnected"), printer_connected(view));
    out.put(&path("Diagnosis"), Quality::Good(diagnosis(link)));
}

fn server_reachable(link: &Link) -> Quality<bool> {
    match link {
        Link::Waiting => Quality::Bad(StatusCode::BadWaitingForInitialData),
        Link::Up { .. } | Link::KeyRejected { .. } => Quality::Good(true),
        Link::Unreachable { .. } => Quality::Good(false),
    }
}

fn key_valid(link: &Link) -> Quality<bool> {
    match link {
        Link::Waiting => Quality::Bad(StatusCode::BadWaitingForInitialData),
        Link::Up { .. } => Quality::Good(true),
        Link::KeyRejected { .. } => Quality::Good(false),
        Link::Unreachable { .. } => Quality::Bad(out_of_reach(link)),
    }
}

fn printer_connected(view: &View) -> Quality<bool> {
    let connected = view.machine.report.as_ref().map(|r| r.state.is_connected());
    match (&view.machine.link, view.freshness) {
        (Link::Waiting, _) => Quality::Bad(StatusCode::BadWaitingForInitialData),
        (link @ (Link::KeyRejected { .. } | Link::Unreachable { .. }), _)
            if out_of_reach(link) == StatusCode::BadConfigurationError =>
        {
            Quality::Bad(StatusCode::BadConfigurationError)
        }
        (Link::Unreachable { .. }, Freshness::Waiting) => {
            Quality::Bad(StatusCode::BadNoCommunication)
        }
        _ => view.told(connected),
    }
}

/// A rejected key and a wrong address are mistakes in the configuration, not failures of the network.
fn out_of_reach(link: &Link) -> StatusCode {
    match link {
        Link::KeyRejected { .. } => StatusCode::BadConfigurationError,
        Link::Unreachable { why, .. } if why.cause == UnreachableCause::NotOctoPrint => {
            StatusCode::BadConfigurationError
        }
        _ => StatusCode::BadNoCommunication,
    }
}

/// What keeps OctoPrint from being read; empty while nothing does. Never holds a key.
fn diagnosis(link: &Link) -> String {
    match link {
        Link::Waiting => "not read yet".to_owned(),
        Link::Up { .. } => String::new(),
        Link::Unreachable { why, .. } => format!("OctoPrint is unreachable: {}", why.detail),
        Link::KeyRejected { why, .. } => match why {
            KeyRejection::Unknown => {
                "OctoPrint does not know the API key: create a new one".to_owned()
            }
            KeyRejection::LacksStatus { user } => format!(
                "the API key of user {user} lacks the STATUS permission: grant it to the user"
            ),
            KeyRejection::Unexplained { status } => {
                format!("OctoPrint, or a proxy before it, rejects the API key with HTTP {status}")
            }
        },
    }
}
