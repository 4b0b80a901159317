//! What OctoPrint wrote to its log: its own story, which a test holds against what the bridge tells of it.

use chrono::{DateTime, Local, NaiveDateTime, Utc};

/// `octoprint.log`, as far as it was written.
#[derive(Debug)]
pub struct Log(pub(super) String);

/// One print, by its log.
#[derive(Debug, Clone, PartialEq)]
pub struct Printed {
    pub file: String,
    /// To the millisecond.
    pub start: DateTime<Utc>,
    /// When it was said to be over, done or given up, while the printer had still to finish.
    pub said: Option<DateTime<Utc>>,
    /// When it was over; `None` while it runs.
    pub end: Option<DateTime<Utc>>,
    pub ending: Ending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Completed,
    Cancelled,
    Failed,
    /// Nothing was said of it, or not yet.
    Untold,
}

impl Log {
    /// Every state that the printer entered, and when.
    pub fn states_entered(&self) -> Vec<(DateTime<Utc>, String)> {
        self.0
            .lines()
            .filter_map(|line| Some((time(line)?, state(line)?.to_owned())))
            .collect()
    }

    /// Every print that was started, in order.
    pub fn prints(&self) -> Vec<Printed> {
        let mut prints: Vec<Printed> = Vec::new();
        for line in self.0.lines() {
            let Some(at) = time(line) else { continue };
            if let Some(file) = started(line) {
                prints.push(Printed {
                    file: file.to_owned(),
                    start: at,
                    said: None,
                    end: None,
                    ending: Ending::Untold,
                });
            }
            let running = prints.last_mut().filter(|print| print.end.is_none());
            if let (Some(print), Some(state)) = (running, state(line)) {
                print.enter(state, at);
            }
        }
        prints
    }
}

impl Printed {
    pub fn ran_at(&self, moment: DateTime<Utc>) -> bool {
        self.start <= moment && self.end.is_none_or(|end| moment < end)
    }

    fn enter(&mut self, state: &str, at: DateTime<Utc>) {
        self.ending = match state {
            "Finishing" => Ending::Completed,
            "Cancelling" => Ending::Cancelled,
            "Error" | "Offline" | "Offline after error" => Ending::Failed,
            "Operational" => self.ending,
            _ => return,
        };
        self.said.get_or_insert(at);
        if !matches!(state, "Finishing" | "Cancelling") {
            self.end = Some(at);
        }
    }
}

/// The local time at the beginning of a line; not all lines have one.
fn time(line: &str) -> Option<DateTime<Utc>> {
    let at = NaiveDateTime::parse_from_str(line.get(..23)?, "%Y-%m-%d %H:%M:%S,%3f").ok()?;
    let at = at.and_local_timezone(Local).earliest()?;
    Some(at.with_timezone(&Utc))
}

/// `… - Changing monitoring state from "Starting" to "Printing"`
fn state(line: &str) -> Option<&str> {
    let change = line.split_once("Changing monitoring state from ")?.1;
    change.rsplit('"').nth(1)
}

/// `… - Print job started - origin: local, path: short.gcode, owner: admin, user: admin`
fn started(line: &str) -> Option<&str> {
    let job = line.split_once("Print job started - ")?.1;
    Some(job.split_once("path: ")?.1.split_once(", owner")?.0)
}
