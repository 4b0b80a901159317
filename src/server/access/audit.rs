//! The audit log: one line for each login, refusal, write and method call, under the log target
//! `umati_bridge::audit`.
//!
//! Always holds: who, from where, what, result, in this order; never a password, a hash or a certificate's key; what
//! a client sent is in quotes, without control characters and not endless, so that nobody can forge a line.

use std::fmt::Display;

use log::{info, warn};
use opcua::server::authenticator::UserToken;
use opcua::types::{NodeId, StatusCode};

use super::super::pki::Refused;
use super::origin::Origin;

const TARGET: &str = "umati_bridge::audit";

/// Characters of a text of a client that are told.
const LONGEST: usize = 128;

/// Who did something, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) struct Actor {
    pub user: UserToken,
    pub from: Origin,
}

impl Actor {
    fn who(&self) -> String {
        quoted(&self.user.0)
    }
}

/// A session was activated by somebody who is who they say.
pub(super) fn login(actor: &Actor, application: &str, session: u32) {
    let (who, from, application) = (actor.who(), actor.from, quoted(application));
    info!(
        target: TARGET,
        "login: who={who}, from={from}, application={application}, session={session}, result=Good"
    );
}

/// Somebody is not who they say, or may not come in that way. `claimed` is what they said.
pub(super) fn login_refused(claimed: &str, from: Origin, result: StatusCode, reason: &dyn Display) {
    let (claimed, reason) = (quoted(claimed), quoted(&reason.to_string()));
    warn!(
        target: TARGET,
        "login refused: who={claimed}, from={from}, result={result}, reason={reason}"
    );
}

/// A session was activated that must not be, although its user is who they say; its connection is cut.
pub(super) fn session_refused(
    actor: &Actor,
    application: &str,
    session: u32,
    result: StatusCode,
    reason: &str,
) {
    let (who, from, application) = (actor.who(), actor.from, quoted(application));
    warn!(
        target: TARGET,
        "login refused: who={who}, from={from}, application={application}, session={session}, result={result}, \
         reason=\"{reason}\""
    );
}

/// A session is ended: the certificate of its user is not accepted any more.
pub(super) fn login_ended(actor: &Actor, session: u32, refused: &Refused) {
    let (who, from, status) = (actor.who(), actor.from, refused.status);
    let reason = quoted(&refused.reason);
    warn!(
        target: TARGET,
        "login ended: who={who}, from={from}, session={session}, result={status}, reason={reason}"
    );
}

/// A write of an attribute. `value` is what was to be written, if it is a text.
pub(in crate::server) fn write(actor: &Actor, node: &NodeId, value: &str, result: StatusCode) {
    let (who, from, node, value) = (
        actor.who(),
        actor.from,
        quoted(&node.to_string()),
        quoted(value),
    );
    tell(
        result,
        &format!("write: who={who}, from={from}, node={node}, value={value}, result={result}"),
    );
}

/// A call of a method. `returned` is what its ReturnStatus says in words, if it came to that.
pub(in crate::server) fn call(
    actor: &Actor,
    object: &NodeId,
    method: &NodeId,
    result: StatusCode,
    returned: Option<&dyn Display>,
) {
    let (who, from) = (actor.who(), actor.from);
    let (object, method) = (quoted(&object.to_string()), quoted(&method.to_string()));
    let returned = returned.map_or_else(String::new, |why| format!(", returned=\"{why}\""));
    tell(
        result,
        &format!(
            "call: who={who}, from={from}, object={object}, method={method}, result={result}{returned}"
        ),
    );
}

fn tell(result: StatusCode, line: &str) {
    if result.is_good() {
        info!(target: TARGET, "{line}");
    } else {
        warn!(target: TARGET, "{line}");
    }
}

/// A text of a client as it may stand in a log line.
fn quoted(text: &str) -> String {
    let mut told: String = text
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        told.push('…');
    }
    format!("\"{told}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sends_cannot_forge_a_line() {
        assert_eq!(quoted("mes1"), "\"mes1\"");
        assert_eq!(
            quoted("x\", result=Good\n[2026] login: who=\"y\u{7f}\u{1b}[31m"),
            "\"x\\\", result=Good\\n[2026] login: who=\\\"y\\u{7f}\\u{1b}[31m\""
        );
        let long = quoted(&"x".repeat(1 << 20));
        assert_eq!(long.chars().count(), LONGEST + 3);
    }
}
