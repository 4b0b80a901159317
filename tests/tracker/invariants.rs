//! What always holds, whatever a machine is told and however the clock is set.

use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;
use proptest::prelude::*;
use umati_bridge::machine::{
    Job, JobEvent, JobId, JobPhase, Machine, Observation, PrinterState, Report, SensorId,
    SensorReading, Timestamp,
};

use super::anything::{any_life, new_machine, ten_o_clock};

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

/// Someone who knows nothing but the events, and checks that they make sense.
#[derive(Default, Clone)]
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
    fn a_job_is_over_when_the_printer_goes_on_saying_so(life in any_life()) {
        let mut machine = new_machine();
        let mut at = ten_o_clock();
        let mut latest = at;
        for (observation, step) in life {
            at += TimeDelta::milliseconds(step);
            latest = latest.max(at);
            machine.apply(observation, at);
        }
        at = latest;
        let idle = Report { state: PrinterState::Operational, ..Report::default() };
        // The first may wait for the news of an end, and the second may contradict itself.
        for _ in 0..3 {
            machine.apply(Observation::Report(Box::new(idle.clone())), at);
            at += TimeDelta::seconds(2);
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
        let mut listener = Listener::default();
        live(life, |machine, at, events| {
            for event in events {
                listener.hear(event)?;
            }
            let aged = |at| {
                let mut aged = machine.clone();
                aged.tick(at);
                let readings: Vec<SensorReading> =
                    aged.sensors.values().map(|sensor| sensor.reading).collect();
                let job = aged.active_job().map(|job| job.id.clone());
                (aged.freshness(at), readings, job, aged.printer_state())
            };
            match machine.next_deadline(at) {
                None => prop_assert_eq!(aged(at), aged(at + TimeDelta::days(3_650))),
                Some(deadline) => {
                    let just_before = deadline - TimeDelta::nanoseconds(1);
                    prop_assert!(deadline > at);
                    prop_assert_eq!(aged(at), aged(just_before));
                    prop_assert_ne!(aged(at), aged(deadline));
                    let mut aged = machine.clone();
                    let mut told = listener.clone();
                    for event in aged.tick(deadline) {
                        told.hear(&event)?;
                    }
                    prop_assert!(aged.next_deadline(deadline).is_none_or(|next| next > deadline));
                }
            }
            Ok(())
        })?;
    }
}
