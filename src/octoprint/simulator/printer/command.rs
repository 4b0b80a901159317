//! What can be asked of a printer, and why it may refuse: the same for a request over HTTP and for a test.

use super::catalogue::{Model, files_for};
use super::state::State;
use super::{Job, Printer};

/// No firmware heats beyond, °C.
const HOTTEST: f64 = 500.0;

/// One command of the REST API.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Start,
    Restart,
    Pause(PauseAction),
    Cancel,
    Connect,
    Disconnect,
    Select {
        /// Path of a local file.
        path: String,
        then: AfterSelect,
    },
    /// Lines for the firmware; it obeys those that set a temperature and accepts all others.
    Gcode(Vec<String>),
}

/// `action` of the command `pause`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseAction {
    Pause,
    Resume,
    Toggle,
}

/// `print` of the command `select`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterSelect {
    Wait,
    Print,
}

/// Why OctoPrint refuses a command, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("Printer is not operational")]
    NotOperational,
    #[error("Printer already has an active print job, did you mean 'restart'?")]
    AlreadyActive,
    #[error("Printer does not have an active print job or is not paused")]
    NotPaused,
    #[error("Printer is neither printing nor paused, '{0}' command cannot be performed")]
    NoActiveJob(&'static str),
    #[error("Printer is already printing, cannot select a new file")]
    NotReady,
    /// Answered like every address that does not exist.
    #[error("There is no such file")]
    NoSuchFile,
}

impl Printer {
    /// Does what somebody asked by hand; the script lets go of the printer for a while.
    pub(crate) fn obey(&mut self, command: Command, user: &str) -> Result<(), Refusal> {
        self.perform(command, user)?;
        self.script.let_go(self.now);
        Ok(())
    }

    /// The file with this path, if it lies on this printer.
    pub(crate) fn file(&self, path: &str) -> Option<&'static Model> {
        files_for(&self.hardware).find(|model| model.path == path)
    }

    fn perform(&mut self, command: Command, user: &str) -> Result<(), Refusal> {
        match command {
            Command::Start => {
                self.require_operational()?;
                if self.has_active_job() {
                    return Err(Refusal::AlreadyActive);
                }
                self.take_job_over(user);
                self.begin();
            }
            Command::Restart => {
                self.require_operational()?;
                if self.state != State::Paused {
                    return Err(Refusal::NotPaused);
                }
                self.abandon();
                self.take_job_over(user);
                self.begin();
            }
            Command::Pause(action) => {
                self.require_active_job("pause")?;
                match (action, &self.state) {
                    (PauseAction::Resume, _) | (PauseAction::Toggle, State::Paused) => {
                        self.resume();
                    }
                    (PauseAction::Pause | PauseAction::Toggle, _) => self.pause(),
                }
            }
            Command::Cancel => {
                self.require_active_job("cancel")?;
                // OctoPrint accepts and ignores a second cancel, or one that comes too late.
                if !matches!(self.state, State::Cancelling | State::Finishing) {
                    self.cancel();
                }
            }
            Command::Connect => self.connect(),
            // Without a connection there is nothing to close; an error stays visible.
            Command::Disconnect if self.state.flags().closed_or_error => {}
            Command::Disconnect => self.disconnect(),
            Command::Select { path, then } => {
                let model = self.file(&path).ok_or(Refusal::NoSuchFile)?;
                if self.state != State::Operational {
                    return Err(Refusal::NotReady);
                }
                self.load(model, user);
                if then == AfterSelect::Print {
                    self.begin();
                }
            }
            Command::Gcode(lines) => {
                self.require_operational()?;
                for line in &lines {
                    self.obey_gcode(line);
                }
            }
        }
        Ok(())
    }

    /// The job belongs to whoever started it last.
    fn take_job_over(&mut self, by: &str) {
        if let Job::Loaded { user, .. } = &mut self.job {
            by.clone_into(user);
        }
    }

    fn require_operational(&self) -> Result<(), Refusal> {
        if self.state.flags().operational {
            Ok(())
        } else {
            Err(Refusal::NotOperational)
        }
    }

    fn has_active_job(&self) -> bool {
        let flags = self.state.flags();
        flags.printing || flags.paused
    }

    fn require_active_job(&self, command: &'static str) -> Result<(), Refusal> {
        self.require_operational()?;
        if self.has_active_job() {
            Ok(())
        } else {
            Err(Refusal::NoActiveJob(command))
        }
    }

    fn obey_gcode(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let Some(code) = words.next() else { return };
        let mut tool = 0.0;
        let mut target = None;
        for word in words {
            let (letter, number) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
            match (letter, number.parse::<f64>()) {
                ("S", Ok(degrees)) if degrees.is_finite() => {
                    target = Some(degrees.clamp(0.0, HOTTEST))
                }
                ("T", Ok(index)) => tool = index,
                _ => {}
            }
        }
        let sensor = match code {
            "M104" | "M109" => format!("tool{tool}"),
            "M140" | "M190" => "bed".to_owned(),
            "M141" | "M191" => "chamber".to_owned(),
            _ => return,
        };
        if let Some(target) = target {
            self.sensors.set_target(&sensor, self.now, target);
        }
    }
}
