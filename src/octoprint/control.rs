//! What the bridge makes an OctoPrint do: one action, one POST, sent once.
//!
//! ```text
//!  action   request                                                     204: OctoPrint has taken it, not done it
//!  -------  ----------------------------------------------------------  ---------------------------------------
//!  Print    POST /api/files/<origin>/<path>  select, print              … Starting ─► Printing
//!  Pause    POST /api/job                    pause, action pause        … Pausing ─► Paused
//!  Resume   POST /api/job                    pause, action resume       … Resuming ─► Printing
//!  Cancel   POST /api/job                    cancel                     … Cancelling ─► Operational
//! ```
//!
//! Whether it was done shows in the states that are read afterwards; some versions take what they then ignore (1.4
//! another file while paused, all of them a pause in the wrong moment). What the statuses mean was measured on real
//! servers of 1.4.2 to 2.0.0rc7; bodies differ (HTML up to 1.5) and only tell a wrong key from a wrong request.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time;

use super::api::Api;
use super::http::Answer;
use super::wire::{self, Flavour};
use super::{HttpClients, Source, journal, state, words};
use crate::machine::{PrinterAction, PrinterState, Refusal};

/// Acts on one OctoPrint. Cheap to clone; the key needs the permissions PRINT and FILES_SELECT.
#[derive(Debug, Clone)]
pub struct Controller {
    machine: String,
    api: Api,
    limits: super::Limits,
}

/// Why an action was not taken: for the caller, and in words for the log.
#[derive(Debug)]
pub(super) struct Declined {
    pub refusal: Refusal,
    pub why: String,
}

impl Controller {
    /// Acts on the server that `source` reads, through the same clients.
    pub fn new(source: Source, clients: HttpClients) -> Self {
        Self {
            machine: source.id.clone(),
            limits: clients.limits().clone(),
            api: Api::new(source, clients),
        }
    }

    /// Asks OctoPrint to act, within `Limits::command`. Nothing is ever sent twice; the outcome is one log line.
    ///
    /// # Errors
    /// Why OctoPrint did not take it. [`Refusal::Unreachable`] leaves open whether it did: the answer may be what was
    /// lost, as when the future is dropped before its end.
    pub async fn act(&self, action: &PrinterAction) -> Result<(), Refusal> {
        let deadline = self.limits.command;
        let outcome = match time::timeout(deadline, self.attempt(action)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Declined {
                refusal: Refusal::Unreachable,
                why: format!("no complete answer within {deadline:?}"),
            }),
        };
        journal::action(&self.machine, action, &outcome);
        outcome.map_err(|declined| declined.refusal)
    }

    async fn attempt(&self, action: &PrinterAction) -> Result<(), Declined> {
        let (path, command) = request(action)?;
        match self.api.command(&path, &command).await {
            Ok(answer) => self.judge(action, &answer).await,
            Err(why) => Err(Declined {
                refusal: Refusal::Unreachable,
                why: words::unreachable(&why),
            }),
        }
    }

    async fn judge(&self, action: &PrinterAction, answer: &Answer) -> Result<(), Declined> {
        let status = answer.status;
        let prints = matches!(action, PrinterAction::Print(_));
        let refusal = match status.as_u16() {
            200..=299 if !answer.is_html() => return Ok(()),
            // A login page, say.
            200..=299 => Refusal::Unreachable,
            401 | 403 => Refusal::KeyNotPermitted,
            // Since 1.11 this is what a key is told that nobody has.
            400 if answer.says("CSRF") => Refusal::KeyNotPermitted,
            404 if prints => Refusal::FileNotFound,
            409 => self.wrong_state(action, answer).await,
            408 | 429 | 500..=599 => Refusal::Unreachable,
            // 415, a file that is no machine code, among them.
            _ => Refusal::InvalidRequest,
        };
        Err(Declined {
            refusal,
            why: in_words(status, answer),
        })
    }

    /// 409 to a print says "already printing" also when the printer is off: only the state tells.
    async fn wrong_state(&self, action: &PrinterAction, answer: &Answer) -> Refusal {
        let connected = match self.api.job().await {
            Ok(job) => {
                let job = wire::job(&job, Flavour::default());
                !matches!(
                    state::from_text(&job.state_text),
                    Some(PrinterState::Offline | PrinterState::Connecting | PrinterState::Error)
                )
            }
            Err(_) => !answer.says("not operational"),
        };
        match action {
            _ if !connected => Refusal::PrinterNotConnected,
            PrinterAction::Print(_) => Refusal::Busy,
            PrinterAction::Pause | PrinterAction::Resume | PrinterAction::Cancel => {
                Refusal::InvalidState
            }
        }
    }
}

/// Path and body of the request.
fn request(action: &PrinterAction) -> Result<(Vec<&str>, Value), Declined> {
    let command = match action {
        PrinterAction::Print(file) => {
            let path: Vec<_> = ["api", "files", &file.origin]
                .into_iter()
                .chain(file.path.split('/'))
                .collect();
            if !path.iter().all(|part| is_a_name(part)) {
                return Err(Declined {
                    refusal: Refusal::FileNotFound,
                    why: "that is not the path of a file".to_owned(),
                });
            }
            return Ok((path, json!({"command": "select", "print": true})));
        }
        PrinterAction::Pause => json!({"command": "pause", "action": "pause"}),
        PrinterAction::Resume => json!({"command": "pause", "action": "resume"}),
        PrinterAction::Cancel => json!({"command": "cancel"}),
    };
    Ok((vec!["api", "job"], command))
}

/// A URL takes some parts for a step up or for nothing, and drops tabs and line breaks: it would name another file than
/// the one that is meant. OctoPrint lets no file have such a name.
fn is_a_name(part: &str) -> bool {
    !matches!(part, "" | "." | "..") && !part.contains(char::is_control)
}

/// The status, and the reason that OctoPrint gives since 1.6.
fn in_words(status: StatusCode, answer: &Answer) -> String {
    const LONGEST_REASON: usize = 200;
    let reason = serde_json::from_slice::<Value>(&answer.body)
        .ok()
        .and_then(|body| body["error"].as_str().map(str::to_owned))
        .unwrap_or_default();
    let reason: String = reason.chars().take(LONGEST_REASON).collect();
    if reason.is_empty() {
        format!("it answers {status}")
    } else {
        format!("it answers {status}: {reason:?}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;
    use crate::machine::FileRef;
    use crate::octoprint::{ApiKey, Purpose, TlsTrust};

    fn url_of(origin: &str, path: &str) -> Result<Url, Refusal> {
        let source = Source {
            id: "test".to_owned(),
            base: Url::parse("http://pi/octoprint/").unwrap(),
            key: ApiKey::new("key").unwrap(),
            tls: TlsTrust::SystemRoots,
            way: crate::octoprint::Way::Poll,
            poll_interval: std::time::Duration::from_secs(1),
            heartbeat_interval: std::time::Duration::from_secs(1),
            purpose: Purpose::Control,
        };
        let print = PrinterAction::Print(FileRef {
            origin: origin.to_owned(),
            path: path.to_owned(),
        });
        let (path, _) = request(&print).map_err(|declined| declined.refusal)?;
        Ok(Api::new(source, HttpClients::default()).url(&path))
    }

    #[test]
    fn a_path_is_encoded_part_by_part() {
        let url = url_of("local", "customers/4711 ä/50%3F?#1;a=b\\零.gcode").unwrap();
        assert_eq!(
            url.as_str(),
            "http://pi/octoprint/api/files/local/customers/4711%20%C3%A4/50%253F%3F%231;a=b%5C%E9%9B%B6.gcode"
        );
    }

    #[test]
    fn no_path_leads_elsewhere() {
        for path in [
            "../../job",
            "a/../b",
            "./a",
            "/a",
            "a//b",
            "a/",
            "..",
            ".\t.",
            "a\r",
            "a\n.gcode",
            "\0",
        ] {
            assert_eq!(url_of("local", path), Err(Refusal::FileNotFound), "{path}");
        }
        for origin in ["..", ".", ""] {
            assert_eq!(
                url_of(origin, "job"),
                Err(Refusal::FileNotFound),
                "{origin}"
            );
        }
    }

    proptest! {
        /// Whatever a MES names, the server decodes exactly that, or it is not asked at all.
        #[test]
        fn what_is_sent_is_what_was_named(origin in "[a-z.%/?#]{1,8}", path in "\\PC{0,40}|[./%\t\n\r\\\\?#a]{0,12}") {
            if let Ok(url) = url_of(&origin, &path) {
                prop_assert_eq!(url.query(), None);
                prop_assert_eq!(url.fragment(), None);
                let parts: Vec<String> = url.path_segments().unwrap().map(decoded).collect();
                let mut expected = vec!["octoprint".to_owned(), "api".to_owned(), "files".to_owned(), origin];
                expected.extend(path.split('/').map(str::to_owned));
                prop_assert_eq!(parts, expected);
            }
        }
    }

    fn decoded(part: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = part.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    }
}
