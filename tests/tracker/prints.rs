//! Real prints, seen badly: one print is one job, and a restart makes two.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use umati_bridge::machine::{
    JobEvent, JobFile, Machine, Observation, Outcome, PrinterState, Progress, Report, Timestamp,
};

use super::anything::{new_machine, ten_o_clock, unreachable};

/// One look at a print that goes on, through everything that may blur it.
#[derive(Debug, Clone)]
struct Look {
    /// Seconds since the look before.
    after: u64,
    /// In a pause the print time stands still, or runs on.
    paused: bool,
    /// Progress was refreshed up to this many seconds ago.
    lag: u64,
    blur: Blur,
}

#[derive(Debug, Clone, Copy)]
enum Blur {
    Clear,
    LinkLost,
    UnknownState,
    NoProgress,
    NoFile,
    NoDate,
}

fn any_look() -> impl Strategy<Value = Look> {
    let blur = prop_oneof![
        6 => Just(Blur::Clear),
        1 => Just(Blur::LinkLost),
        1 => Just(Blur::UnknownState),
        1 => Just(Blur::NoProgress),
        1 => Just(Blur::NoFile),
        1 => Just(Blur::NoDate),
    ];
    let after = prop_oneof![6 => 1..4u64, 1 => 4..400u64];
    (after, proptest::bool::weighted(0.2), 0..3u64, blur).prop_map(|(after, paused, lag, blur)| {
        Look {
            after,
            paused,
            lag,
            blur,
        }
    })
}

/// A print of `total` seconds, and the machine that watches it.
struct Print {
    machine: Machine,
    now: Timestamp,
    total: f64,
    printed: u64,
    paused: u64,
}

impl Print {
    fn begin(total: f64) -> Self {
        let mut print = Self {
            machine: new_machine(),
            now: ten_o_clock(),
            total,
            printed: 0,
            paused: 0,
        };
        print.see(Report {
            state: PrinterState::Operational,
            ..Report::default()
        });
        print
    }

    fn see(&mut self, report: Report) -> Vec<JobEvent> {
        let observation = Observation::Report(Box::new(report));
        self.machine.apply(observation, self.now)
    }

    fn report(&self, state: PrinterState, printed: u64, print_time: u64) -> Report {
        Report {
            state,
            file: Some(JobFile {
                origin: "local".into(),
                path: "part.gcode".into(),
                name: "part.gcode".into(),
                display: "part.gcode".into(),
                size: None,
                date: Some(ten_o_clock()),
            }),
            progress: Progress {
                completion: Some((printed as f64 / self.total * 100.0).min(99.9)),
                print_time: Some(Duration::from_secs(print_time)),
                ..Progress::default()
            },
            ..Report::default()
        }
    }

    fn look(&mut self, look: &Look) -> Vec<JobEvent> {
        self.now += Duration::from_secs(look.after);
        if look.paused {
            self.paused += look.after;
        } else {
            self.printed += look.after;
            self.paused = 0;
        }
        let state = if look.paused {
            PrinterState::Paused
        } else {
            PrinterState::Printing
        };
        let printed = self.printed.saturating_sub(look.lag);
        let mut report = self.report(state, printed, printed + self.paused);
        match look.blur {
            Blur::Clear => {}
            Blur::LinkLost => return self.machine.apply(unreachable(), self.now),
            Blur::UnknownState => report.state = PrinterState::Unknown,
            Blur::NoProgress => report.progress = Progress::default(),
            Blur::NoFile => report.file = None,
            Blur::NoDate => {
                if let Some(file) = &mut report.file {
                    file.date = None;
                }
            }
        }
        self.see(report)
    }
}

fn starts_and_ends(events: &[JobEvent]) -> Vec<Option<Outcome>> {
    events
        .iter()
        .filter_map(|event| match event {
            JobEvent::Started(_) => Some(None),
            JobEvent::Ended(job) => Some(job.end().map(|(_, outcome)| outcome.clone())),
            JobEvent::Paused { .. } | JobEvent::Resumed { .. } => None,
        })
        .collect()
}

/// The first look at a print shows it.
const FIRST: Look = Look {
    after: 1,
    paused: false,
    lag: 0,
    blur: Blur::Clear,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Jitter, pauses, lost links and holes in the answers do not split a print.
    #[test]
    fn one_print_is_one_job(
        // Of a shorter print, a lag of two seconds would be more than a percent.
        total in 250.0..100_000.0f64,
        looks in vec(any_look(), 0..60),
        completed in any::<bool>(),
    ) {
        let mut print = Print::begin(total);
        let mut events = print.look(&FIRST);
        for look in &looks {
            events.extend(print.look(look));
        }
        let mut over = print.report(PrinterState::Operational, 0, print.printed);
        over.progress.completion = completed.then_some(100.0);
        events.extend(print.see(over));
        let outcome = if completed { Outcome::Completed } else { Outcome::Cancelled };
        prop_assert_eq!(starts_and_ends(&events), [None, Some(outcome)]);
    }

    /// A print that was cancelled and started again between two looks becomes two jobs.
    #[test]
    fn a_restart_between_two_looks_is_found(
        looks in vec(any_look(), 0..30),
        restart in 0..3u64,
    ) {
        let mut print = Print::begin(100_000.0);
        let mut events = print.look(&FIRST);
        for look in &looks {
            events.extend(print.look(look));
        }
        events.extend(print.look(&Look { after: 10, ..FIRST }));
        print.now += Duration::from_secs(5);
        let again = print.report(PrinterState::Printing, restart, restart);
        events.extend(print.see(again));
        let replaced = Outcome::Unknown { why: "another print took its place".into() };
        prop_assert_eq!(starts_and_ends(&events), [None, Some(replaced), None]);
    }
}
