//! A machine on a bench, and the reports that an OctoPrint gives in each situation (shapes as recorded from real
//! servers).

use std::collections::BTreeMap;
use std::time::Duration;

use umati_bridge::machine::{
    Job, JobEvent, JobFile, Machine, Nameplate, Observation, Outcome, Patience, PrinterState,
    Progress, Report, SensorId, Temperature, TemperatureReport, Timestamp, Unreachable,
    UnreachableCause,
};

pub const STALE_AFTER: Duration = Duration::from_secs(60);
pub const FROZEN_AFTER: Duration = Duration::from_secs(15);

/// A machine and the time at which the next thing happens.
pub struct Bench {
    pub machine: Machine,
    pub now: Timestamp,
}

impl Bench {
    /// Switched on at ten o'clock.
    pub fn new() -> Self {
        let patience = Patience {
            stale_after: STALE_AFTER,
            frozen_after: FROZEN_AFTER,
        };
        Self {
            machine: Machine::new(Nameplate::default(), patience),
            now: time("10:00:00"),
        }
    }

    /// A bench whose printer was seen ready, so that the next job is seen to start.
    pub fn ready() -> Self {
        let mut bench = Self::new();
        assert_eq!(bench.see(ready()), []);
        bench
    }

    pub fn wait(&mut self, seconds: u64) -> &mut Self {
        self.now += Duration::from_secs(seconds);
        self
    }

    /// One second later this report comes in.
    pub fn see(&mut self, report: Report) -> Vec<JobEvent> {
        self.observe(Observation::Report(Box::new(report)))
    }

    pub fn observe(&mut self, observation: Observation) -> Vec<JobEvent> {
        self.wait(1);
        self.machine.apply(observation, self.now)
    }

    pub fn lose_link(&mut self) {
        assert_eq!(self.observe(unreachable()), []);
    }
}

/// Today at this time, UTC.
pub fn time(clock: &str) -> Timestamp {
    format!("2026-11-22T{clock}Z").parse().unwrap()
}

pub fn unreachable() -> Observation {
    Observation::Unreachable(Unreachable {
        cause: UnreachableCause::Refused,
        detail: "connection refused".into(),
    })
}

pub fn file(path: &str) -> JobFile {
    JobFile {
        origin: "local".into(),
        path: path.into(),
        name: path.into(),
        display: path.into(),
        size: Some(8199),
        date: Some(time("08:00:00")),
    }
}

pub fn progress(completion: f64, seconds: u64) -> Progress {
    Progress {
        completion: Some(completion),
        print_time: Some(Duration::from_secs(seconds)),
        ..Progress::default()
    }
}

/// A report that tells only a state.
pub fn state(state: PrinterState) -> Report {
    Report {
        state,
        state_text: format!("{state:?}"),
        ..Report::default()
    }
}

/// No file selected, nothing to do: also what a restarted OctoPrint says.
pub fn ready() -> Report {
    state(PrinterState::Operational)
}

/// A file is selected and was not printed, or its print was cancelled.
pub fn selected(path: &str) -> Report {
    Report {
        file: Some(file(path)),
        ..ready()
    }
}

pub fn done(path: &str, seconds: u64) -> Report {
    Report {
        progress: progress(100.0, seconds),
        ..selected(path)
    }
}

pub fn printing(path: &str, completion: f64, seconds: u64) -> Report {
    active(PrinterState::Printing, path, completion, seconds)
}

pub fn active(active: PrinterState, path: &str, completion: f64, seconds: u64) -> Report {
    Report {
        file: Some(file(path)),
        progress: progress(completion, seconds),
        ..state(active)
    }
}

/// OctoPrint forgets the file at once when the printer fails.
pub fn failed(error: &str) -> Report {
    Report {
        state_text: "Offline after error".into(),
        error: Some(error.into()),
        ..state(PrinterState::Error)
    }
}

pub fn degrees(actual: f64) -> Temperature {
    Temperature {
        actual: Some(actual),
        target: Some(0.0),
        offset: Some(0.0),
    }
}

/// A printer that tells these temperatures, sampled at this time of OctoPrint's clock.
pub fn warm(sensors: &[(SensorId, f64)], sampled: Option<Timestamp>) -> Report {
    let sensors: BTreeMap<_, _> = sensors
        .iter()
        .map(|(id, actual)| (id.clone(), degrees(*actual)))
        .collect();
    Report {
        temperatures: TemperatureReport::Read { sensors, sampled },
        ..ready()
    }
}

/// The one job that these events end.
#[track_caller]
pub fn ended(events: &[JobEvent]) -> &Job {
    match events {
        [JobEvent::Ended(job)] => job,
        other => panic!("expected one end, got {other:#?}"),
    }
}

/// The one job that these events start.
#[track_caller]
pub fn started(events: &[JobEvent]) -> &Job {
    match events {
        [JobEvent::Started(job)] => job,
        other => panic!("expected one start, got {other:#?}"),
    }
}

/// The job that ended and the one that took its place.
#[track_caller]
pub fn replaced(events: &[JobEvent]) -> (&Job, &Job) {
    match events {
        [JobEvent::Ended(old), JobEvent::Started(new)] => (old, new),
        other => panic!("expected an end and a start, got {other:#?}"),
    }
}

#[track_caller]
pub fn outcome(job: &Job) -> &Outcome {
    job.end().expect("the job has ended").1
}
