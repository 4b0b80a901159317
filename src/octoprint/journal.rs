//! Every log line of this room, on change only: a printer that is off for a weekend writes one line.

use log::{info, warn};

use super::control::Declined;
use super::{Purpose, wire, words};
use crate::machine::{KeyRejection, PrinterAction, Unreachable, UnreachableCause};

/// What was last written about one server, so that it is written once.
pub(super) struct Journal {
    machine: String,
    standing: Standing,
    unknown_state: Option<String>,
    missing: Vec<String>,
    surplus: Vec<String>,
    files_left_out: usize,
    list_refused: Option<UnreachableCause>,
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
            missing: Vec::new(),
            surplus: Vec::new(),
            files_left_out: 0,
            list_refused: None,
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

    pub(super) fn tells(&self) {
        info!(
            "OctoPrint tells by itself what happens: machine={}",
            self.machine
        );
    }

    /// Each reason once in a row: the caller knows the one before.
    pub(super) fn does_not_tell(&self, why: &str) {
        warn!(
            "OctoPrint does not tell by itself what happens and is asked: machine={}, {why}",
            self.machine
        );
    }

    pub(super) fn missing(&mut self, permissions: Vec<String>) {
        if self.missing != permissions {
            self.missing = permissions;
            if !self.missing.is_empty() {
                warn!(
                    "The key may not do what control needs: machine={}, it lacks {}",
                    self.machine,
                    self.missing.join(", ")
                );
            }
        }
    }

    pub(super) fn surplus(&mut self, purpose: Purpose, permissions: Vec<String>) {
        if self.surplus != permissions {
            self.surplus = permissions;
            if !self.surplus.is_empty() {
                info!(
                    "The key may do more than it needs ({}): machine={}, {}",
                    wire::needed(purpose).join(", "),
                    self.machine,
                    self.surplus.join(", ")
                );
            }
        }
    }

    /// The list was read; `left_out` files of it are not told.
    pub(super) fn files(&mut self, told: usize, left_out: usize) {
        self.list_refused = None;
        if left_out > 0 && self.files_left_out == 0 {
            warn!(
                "OctoPrint has more files than are told: machine={}, told={told}, left out={left_out}",
                self.machine
            );
        }
        self.files_left_out = left_out;
    }

    pub(super) fn no_files(&mut self, why: &Unreachable) {
        if self.list_refused != Some(why.cause) {
            self.list_refused = Some(why.cause);
            warn!(
                "The list of files cannot be read: machine={}, {}",
                self.machine,
                words::unreachable(why)
            );
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

/// An action was sent; told every time, because each is somebody's doing.
pub(super) fn action(machine: &str, action: &PrinterAction, outcome: &Result<(), Declined>) {
    let action = match action {
        PrinterAction::Print(file) => format!("print {:?}", file.id()),
        PrinterAction::Pause => "pause".to_owned(),
        PrinterAction::Resume => "resume".to_owned(),
        PrinterAction::Cancel => "cancel".to_owned(),
    };
    match outcome {
        Ok(()) => info!("OctoPrint takes the action: machine={machine}, action={action}"),
        Err(Declined { refusal, why }) => {
            warn!("OctoPrint does not act: machine={machine}, action={action}, {refusal}, {why}");
        }
    }
}
