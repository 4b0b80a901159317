//! The sessions that a login gives and that a socket asks for.

use std::collections::VecDeque;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Hub;
use super::fault::PushFault;
use crate::octoprint::simulator::http::users::User;

/// Older sessions are forgotten.
const KEPT: usize = 256;

/// The sessions of one OctoPrint.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// How many there ever were; makes each one different.
    count: u64,
    good: VecDeque<(User, String)>,
}

impl Sessions {
    fn open(&mut self, user: User, printer: &str) -> String {
        let session = self.invent(printer);
        if self.good.len() == KEPT {
            self.good.pop_front();
        }
        self.good.push_back((user, session.clone()));
        session
    }

    /// A session that looks like any other.
    fn invent(&mut self, printer: &str) -> String {
        self.count += 1;
        Sha256::digest(format!("session {} of {printer}", self.count))
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Whose session this is, if it is good.
    pub(super) fn user(&self, name: &str, session: &str) -> Option<User> {
        self.good
            .iter()
            .find(|(user, good)| user.name() == Some(name) && good == session)
            .map(|(user, _)| *user)
    }

    pub(super) fn forget(&mut self) {
        self.good.clear();
    }
}

/// Answer to a passive login: a session for the user of the key.
pub(crate) fn login(hub: &Hub, printer: &str, user: User) -> Value {
    let stale = hub.faults().contains(&PushFault::StaleSession);
    let mut sessions = hub.sessions();
    let session = if stale {
        sessions.invent(printer)
    } else {
        sessions.open(user, printer)
    };
    let (admin, permissions) = (user == User::Admin, user.permissions());
    let roles: &[&str] = if admin { &["user", "admin"] } else { &["user"] };
    let mut needs = json!({});
    if !permissions.is_empty() {
        needs["role"] = permissions.iter().map(|name| name.to_lowercase()).collect();
    }
    if !user.groups().is_empty() {
        needs["group"] = json!(user.groups());
    }
    json!({
        "_credentials_seen": "2026-11-23T13:04:19+00:00",
        "_is_external_client": false,
        "_login_mechanism": "apikey",
        "active": true,
        "admin": admin,
        "apikey": user.key(),
        "groups": user.groups(),
        "name": user.name(),
        "needs": needs,
        "permissions": if admin { &[] } else { permissions },
        "roles": roles,
        "session": session,
        "settings": {},
        "user": true,
    })
}
