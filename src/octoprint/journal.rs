//! Every log line of this room, on change only: a printer that is off for a weekend writes one line.

use log::{info, warn};

use super::words;
use crate::machine::{KeyRejection, Unreachable, UnreachableCause};

/// What was last written about one server, so that it is written once.
pub(super) struct Journal {
    machine: String,
    standing: Standing,
    unknown_state: Option<String>,
    surplus: Vec<String>,
}

#[derive(Debug, PartialEq)]
enum Standing {
    New,
    Up,
    Unreachable(UnreachableCause),
    Rejected(KeyRejection),
}

impl Journal {
    pub(super) fn new(machine: String) -> Self {
        Self {
            machine,
            standing: Standing::New,
            unknown_state: None,
            surplus: Vec::new(),
        }
    }

    pub(super) fn up(&mut self) {
        if self.changes_to(Standing::Up) {
            info!("OctoPrint answers: machine={}", self.machine);
        }
    }

    pub(super) fn unreachable(&mut self, why: &Unreachable) {
        if self.changes_to(Standing::Unreachable(why.cause)) {
            warn!(
                "OctoPrint cannot be read: machine={}, {}",
                self.machine,
                words::unreachable(why)
            );
        }
    }

    pub(super) fn rejected(&mut self, why: &KeyRejection) {
        if self.changes_to(Standing::Rejected(why.clone())) {
            warn!(
                "OctoPrint rejects the key: machine={}, {}",
                self.machine,
                words::key_rejection(why)
            );
        }
    }

    pub(super) fn surplus(&mut self, permissions: Vec<String>) {
        if self.surplus != permissions {
            self.surplus = permissions;
            if !self.surplus.is_empty() {
                info!(
                    "The key may do more than it needs (STATUS): machine={}, {}",
                    self.machine,
                    self.surplus.join(", ")
                );
            }
        }
    }

    pub(super) fn unknown_state(&mut self, text: &str) {
        if self.unknown_state.as_deref() != Some(text) {
            self.unknown_state = Some(text.to_owned());
            warn!(
                "The printer is in a state that is not known here: machine={}, {text:?}",
                self.machine
            );
        }
    }

    fn changes_to(&mut self, standing: Standing) -> bool {
        let changes = self.standing != standing;
        self.standing = standing;
        changes
    }
}
