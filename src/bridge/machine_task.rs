//! The one task that owns a machine: everything that happens to it enters here, one thing at a time.
//!
//! ```text
//!  observations ─┐                       ┌─► store     (what happened is kept before it is told)
//!  requests ─────┼─► pure model ─► turn ─┼─► instance, publisher
//!  actions ──────┤                       ├─► OctoPrint (actions, see `errands`)
//!  time ─────────┘                       └─► answers to requests
//! ```
//!
//! It holds the instance's lock only while it renders.

use std::future;
use std::sync::Arc;

use chrono::Utc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::machine::{
    Admitted, JobEvent, Link, MAX_SENSORS, Machine, Observation, Refusal, Timestamp,
};
use crate::octoprint::Observed;
use crate::server::{Command, Publisher, SharedInstance, update};
use crate::umati::Mapping;
use crate::umati::events::Chronicle;

use super::errands::{Errands, Failed, Reply};
use super::journal;
use super::pulse::Pulse;
use super::remember::Memory;

/// A machine and the places that its changes go to.
pub(super) struct MachineTask {
    pub machine: Machine,
    pub instance: SharedInstance,
    pub mapping: Arc<Mapping>,
    pub publisher: Publisher,
    pub pulse: Arc<Pulse>,
    pub online: bool,
    pub memory: Memory,
    pub chronicle: Chronicle,
}

/// What made the task turn.
enum Turn {
    Observed(Observed),
    Asked(Command),
    Failed(Failed),
    TimePassed,
}

impl MachineTask {
    /// Runs until `shutdown`, or until the source has gone.
    pub(super) async fn run(
        mut self,
        mut observed: mpsc::Receiver<Observed>,
        mut asked: mpsc::Receiver<Command>,
        mut errands: Errands,
        shutdown: CancellationToken,
    ) {
        loop {
            let deadline = self.machine.next_deadline(Utc::now());
            let turn = tokio::select! {
                () = shutdown.cancelled() => break,
                observed = observed.recv() => match observed {
                    Some(observed) => Turn::Observed(observed),
                    None => break,
                },
                Some(command) = asked.recv() => Turn::Asked(command),
                failed = errands.failed() => Turn::Failed(failed),
                () = sleep_until(deadline) => Turn::TimePassed,
            };
            // Most of the time it waits: what a turn needs takes memory only for as long as the turn.
            Box::pin(self.turn(turn, &mut errands)).await;
        }
        self.memory.note(&self.machine);
    }

    async fn turn(&mut self, turn: Turn, errands: &mut Errands) {
        let mut done = None;
        let mut failure = None;
        let at = match turn {
            Turn::Observed(observed) => self.observe(observed),
            Turn::TimePassed => {
                let now = Utc::now();
                let events = self.machine.tick(now);
                self.tell(&events);
                now
            }
            Turn::Asked(command) => {
                let now = Utc::now();
                done = self.ask(command, now, errands);
                now
            }
            Turn::Failed(failed) => {
                failure = Some(failed);
                Utc::now()
            }
        };
        let reached = errands.settle(&mut self.machine, failure.as_ref(), at);
        if let Some((order, action)) = self.machine.next_action(at) {
            errands.take_on(order, action, None);
        }
        let changes = self.machine.take_changes();
        let kept = self.memory.keep(&self.machine, &changes).await;
        errands.ask();
        self.turn_link();
        self.render(at);
        let news = self.chronicle.news(&self.machine, &changes, at);
        self.publisher.tell(&self.machine.nameplate.id, &news);
        // What OctoPrint did is done, whether it could be stored or not. The callers may have gone.
        for (reply, outcome) in reached {
            let _ = reply.send(outcome);
        }
        if let Some((reply, outcome)) = done {
            let _ = reply.send(outcome.and(kept));
        }
    }

    fn observe(&mut self, observed: Observed) -> Timestamp {
        let Observed { observation, at } = observed;
        if matches!(
            *observation,
            Observation::Report(_) | Observation::Confirmed
        ) {
            self.pulse.polled(at);
        }
        let sensors = self.machine.sensors.len();
        let events = self.machine.apply(*observation, at);
        self.tell(&events);
        if sensors < MAX_SENSORS && self.machine.sensors.len() == MAX_SENSORS {
            journal::sensors_full(&self.machine.nameplate.id);
        }
        at
    }

    fn tell(&self, events: &[JobEvent]) {
        for event in events {
            journal::job(&self.machine.nameplate.id, event);
        }
    }

    fn ask(
        &mut self,
        command: Command,
        at: Timestamp,
        errands: &mut Errands,
    ) -> Option<(Reply, Result<(), Refusal>)> {
        let Command { request, reply } = command;
        match self.machine.request(&request, at) {
            Ok(Admitted::Done) => Some((reply, Ok(()))),
            Ok(Admitted::Act { order, action }) => {
                errands.take_on(order, action, Some(reply));
                None
            }
            Err(refusal) => Some((reply, Err(refusal))),
        }
    }

    fn turn_link(&mut self) {
        let answers = matches!(self.machine.link, Link::Up { .. });
        if answers != self.online {
            self.online = answers;
            self.pulse.machine_turned(answers);
        }
    }

    fn render(&mut self, at: Timestamp) {
        let id = &self.machine.nameplate.id;
        let (before, delta) = update(&self.instance, |instance| {
            let before = Arc::clone(instance.blueprint());
            (before, self.mapping.refresh(instance, &self.machine, at))
        });
        if delta.reshaped {
            self.publisher.model_changed(id, &before);
        }
        self.publisher.publish(id, &delta);
    }
}

/// Sleeps until a wall-clock deadline; for ever if there is none.
async fn sleep_until(deadline: Option<Timestamp>) {
    match deadline {
        Some(at) => {
            let wait = (at - Utc::now()).to_std().unwrap_or_default();
            tokio::time::sleep(wait).await;
        }
        None => future::pending().await,
    }
}
