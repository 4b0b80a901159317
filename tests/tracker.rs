//! What always holds for a machine, whatever it is told and however the clock is set.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use chrono::TimeDelta;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use umati_bridge::machine::{
    Job, JobEvent, JobFile, JobId, JobPhase, KeyRejection, Machine, Nameplate, Observation,
    Outcome, Patience, PrinterState, Progress, Report, SensorId, SensorReading, Temperature,
    TemperatureReport, Timestamp, Unreachable, UnreachableCause,
};

// ---- anything

const STATES: [PrinterState; 13] = [
    PrinterState::Offline,
    PrinterState::Connecting,
    PrinterState::Operational,
    PrinterState::Starting,
    PrinterState::Printing,
    PrinterState::Pausing,
    PrinterState::Paused,
    PrinterState::Resuming,
    PrinterState::Cancelling,
    PrinterState::Finishing,
    PrinterState::Transferring,
    PrinterState::Error,
    PrinterState::Unknown,
];

fn any_state() -> impl Strategy<Value = PrinterState> {
    prop_oneof![
        proptest::sample::select(&STATES[..]),
        // The states between which jobs live, more often.
        proptest::sample::select(vec![
            PrinterState::Operational,
            PrinterState::Printing,
            PrinterState::Paused,
        ]),
    ]
}

fn any_file() -> impl Strategy<Value = JobFile> {
    (0..2u8, option::of(0..2i64)).prop_map(|(n, date)| JobFile {
        origin: "local".into(),
        path: format!("{n}.gcode"),
        name: format!("{n}.gcode"),
        display: format!("{n}.gcode"),
        size: None,
        date: date.and_then(|seconds| Timestamp::from_timestamp(seconds, 0)),
    })
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 0.0..100.0f64,
        2 => Just(100.0),
        1 => proptest::num::f64::ANY,
    ]
}

fn any_progress() -> impl Strategy<Value = Progress> {
    let seconds = prop_oneof![4 => 0..20u64, 1 => 0..1_000_000u64, 1 => any::<u64>()];
    (option::of(any_number()), option::of(seconds)).prop_map(|(completion, seconds)| Progress {
        completion,
        print_time: seconds.map(Duration::from_secs),
        ..Progress::default()
    })
}

fn any_temperatures() -> impl Strategy<Value = TemperatureReport> {
    let sensor = prop_oneof![
        (0..3u8).prop_map(SensorId::Tool),
        Just(SensorId::Bed),
        "[A-C]".prop_map(SensorId::Extra),
    ];
    let temperature =
        (option::of(any_number()), option::of(any_number())).prop_map(|(actual, target)| {
            Temperature {
                actual,
                target,
                offset: None,
            }
        });
    let sampled = (0..3i64).prop_map(|seconds| Timestamp::from_timestamp(seconds, 0));
    let read = (
        btree_map(sensor, temperature, 0..4),
        option::of(sampled).prop_map(Option::flatten),
    )
        .prop_map(|(sensors, sampled)| TemperatureReport::Read { sensors, sampled });
    prop_oneof![Just(TemperatureReport::NotAsked), read]
}

fn any_report() -> impl Strategy<Value = Report> {
    (
        any_state(),
        option::of(any_file()),
        any_progress(),
        option::of("[a-z ]{0,3}"),
        any_temperatures(),
    )
        .prop_map(|(state, file, progress, error, temperatures)| Report {
            state,
            state_text: String::new(),
            file,
            progress,
            error,
            temperatures,
            ..Report::default()
        })
}

fn unreachable() -> Observation {
    Observation::Unreachable(Unreachable {
        cause: UnreachableCause::Timeout,
        detail: String::new(),
    })
}

fn any_observation() -> impl Strategy<Value = Observation> {
    prop_oneof![
        8 => any_report().prop_map(|report| Observation::Report(Box::new(report))),
        1 => Just(unreachable()),
        1 => Just(Observation::KeyRejected(KeyRejection::Unknown)),
        1 => Just(Observation::Software(Default::default())),
    ]
}

/// Milliseconds to the next observation; sometimes somebody sets the clock.
fn any_step() -> impl Strategy<Value = i64> {
    const DAY: i64 = 24 * 3600 * 1000;
    prop_oneof![
        12 => 0..3_000i64,
        2 => 0..600_000i64,
        1 => -10 * DAY..10 * DAY,
    ]
}

fn any_life() -> impl Strategy<Value = Vec<(Observation, i64)>> {
    vec((any_observation(), any_step()), 0..60)
}

fn ten_o_clock() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn new_machine() -> Machine {
    let patience = Patience {
        stale_after: Duration::from_secs(60),
        frozen_after: Duration::from_secs(5),
    };
    Machine::new(Nameplate::default(), patience)
}

/// Runs a life, and calls `check` after each observation with its time and events.
fn live(
    life: Vec<(Observation, i64)>,
    mut check: impl FnMut(&mut Machine, Timestamp, &[JobEvent]) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let mut machine = new_machine();
    let mut at = ten_o_clock();
    for (observation, step) in life {
        at += TimeDelta::milliseconds(step);
        let events = machine.apply(observation, at);
        check(&mut machine, at, &events)?;
    }
    Ok(())
}

// ---- what always holds for jobs

/// Someone who knows nothing but the events, and checks that they make sense.
#[derive(Default)]
struct Listener {
    running: Option<Job>,
    ended: Option<Job>,
    newest: Option<Timestamp>,
    ids: HashSet<JobId>,
}

impl Listener {
    fn hear(&mut self, event: &JobEvent) -> Result<(), TestCaseError> {
        match event {
            JobEvent::Started(job) => {
                prop_assert!(self.running.is_none(), "two jobs run: {job:?}");
                prop_assert_eq!(&job.phase, &JobPhase::Running);
                prop_assert!(self.ids.insert(job.id.clone()), "second {:?}", job.id);
                self.pass(job.start.at())?;
                self.running = Some(job.clone());
            }
            JobEvent::Paused { id, at } => {
                let job = self.known(id)?;
                prop_assert_eq!(&job.phase, &JobPhase::Running);
                job.phase = JobPhase::Paused(*at);
                self.pass(*at)?;
            }
            JobEvent::Resumed { id, at } => {
                let job = self.known(id)?;
                prop_assert!(matches!(job.phase, JobPhase::Paused(_)));
                job.phase = JobPhase::Running;
                self.pass(*at)?;
            }
            JobEvent::Ended(job) => {
                let start = self.known(&job.id)?.start;
                prop_assert_eq!(start, job.start);
                let Some((at, _)) = job.end() else {
                    return Err(TestCaseError::fail("an end without an end"));
                };
                prop_assert!(at >= job.start.at());
                self.pass(at)?;
                self.running = None;
                self.ended = Some(job.clone());
            }
        }
        Ok(())
    }

    fn known(&mut self, id: &JobId) -> Result<&mut Job, TestCaseError> {
        self.running
            .as_mut()
            .filter(|job| job.id == *id)
            .ok_or_else(|| TestCaseError::fail(format!("{id:?} does not run")))
    }

    fn pass(&mut self, at: Timestamp) -> Result<(), TestCaseError> {
        prop_assert!(self.newest.is_none_or(|newest| newest <= at));
        self.newest = Some(at);
        Ok(())
    }

    fn agrees_with(&self, machine: &Machine) -> Result<(), TestCaseError> {
        // Without the progress, which may hold a NaN that equals nothing.
        let essence = |job: &Job| (job.id.clone(), job.start, job.phase.clone());
        let running = self.running.as_ref().map(essence);
        let ended = match running {
            Some(_) => None,
            None => self.ended.as_ref().map(essence),
        };
        prop_assert_eq!(machine.active_job().map(essence), running);
        prop_assert_eq!(machine.last_job().map(essence), ended);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn jobs_start_once_end_once_and_never_overlap(life in any_life()) {
        let mut listener = Listener::default();
        live(life, |machine, _, events| {
            for event in events {
                listener.hear(event)?;
            }
            listener.agrees_with(machine)
        })?;
    }

    #[test]
    fn a_job_is_over_when_the_printer_says_so_twice(life in any_life()) {
        let mut machine = new_machine();
        let mut at = ten_o_clock();
        for (observation, step) in life {
            at += TimeDelta::milliseconds(step);
            machine.apply(observation, at);
        }
        let idle = Report { state: PrinterState::Operational, ..Report::default() };
        for _ in 0..2 {
            machine.apply(Observation::Report(Box::new(idle.clone())), at);
        }
        prop_assert_eq!(machine.active_job(), None);
    }

    #[test]
    fn sensors_never_disappear_and_their_time_never_runs_backwards(life in any_life()) {
        let mut known: BTreeMap<SensorId, Timestamp> = BTreeMap::new();
        live(life, |machine, _, _| {
            for (id, sampled) in &known {
                prop_assert!(machine.sensors.get(id).is_some_and(|s| s.sampled >= *sampled));
            }
            known = machine.sensors.iter().map(|(id, s)| (id.clone(), s.sampled)).collect();
            Ok(())
        })?;
    }

    #[test]
    fn nothing_changes_between_observations_but_at_the_deadline(life in any_life()) {
        live(life, |machine, at, _| {
            let aged = |at| {
                let mut aged = machine.clone();
                aged.tick(at);
                let readings: Vec<SensorReading> =
                    aged.sensors.values().map(|sensor| sensor.reading).collect();
                (aged.freshness(at), readings)
            };
            match machine.next_deadline(at) {
                None => prop_assert_eq!(aged(at), aged(at + TimeDelta::days(3_650))),
                Some(deadline) => {
                    let just_before = deadline - TimeDelta::nanoseconds(1);
                    prop_assert!(deadline > at);
                    prop_assert_eq!(aged(at), aged(just_before));
                    prop_assert_ne!(aged(at), aged(deadline));
                    let mut aged = machine.clone();
                    aged.tick(deadline);
                    prop_assert!(aged.next_deadline(deadline).is_none_or(|next| next > deadline));
                }
            }
            Ok(())
        })?;
    }
}

// ---- real prints, seen badly

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
        // A print so short that two seconds are more than a percent of it is less than a minute of jitter.
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
        let replaced = Outcome::Unknown { why: "another print took its place" };
        prop_assert_eq!(starts_and_ends(&events), [None, Some(replaced), None]);
    }
}
