//! The poll loop of one server: when to ask, and what one round consists of.
//!
//! ```text
//!   random phase ─► round ─► at the next tick ──────────────┐
//!                     ▲  ├─ unreachable: after the back-off ─┤
//!                     │  └─ key rejected: after key_retry ───┤
//!                     └──────────────────────────────────────┘
//!
//!   round = /api/job ─► [/api/version, when due] ─► [/api/printer, if connected] ─► report
//!           ─► [/api/currentuser, /api/printerprofiles, after (re)connecting]
//! ```

use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::time::{self, Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::api::{Api, PrinterReading, Problem};
use super::journal::Journal;
use super::report::report;
use super::wire::{self, Flavour, JobAnswer, PrinterAnswer};
use super::{Backoff, HttpClients, Limits, Source, state};
use crate::machine::{Observation, PrinterState, Timestamp};

/// An observation and when its last byte was received, by the bridge's wall clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    pub observation: Observation,
    pub at: Timestamp,
}

/// Reads `source` again and again until `shutdown`, or until nobody listens to `out` any more.
///
/// Both end it at once, also in the middle of a request. A full queue makes it wait.
pub async fn observe(
    source: Source,
    clients: HttpClients,
    out: Sender<Observed>,
    shutdown: CancellationToken,
) {
    let listener = out.clone();
    let mut poller = Poller::new(source, clients, out);
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = listener.closed() => {}
        () = poller.run() => {}
    }
}

struct Poller {
    api: Api,
    limits: Limits,
    interval: Duration,
    backoff: Backoff,
    journal: Journal,
    out: Sender<Observed>,
    session: Session,
}

/// What holds from the first success to the next failure.
#[derive(Default)]
struct Session {
    stage: Stage,
    flavour: Flavour,
    /// When to read `/api/version` again; `None` is at once.
    slow_due: Option<Instant>,
    /// The state text that came with a 409 although it does not say offline. While it stays, `/api/printer` is not
    /// asked again before the next slow round: each refusal is a line in OctoPrint's log.
    conflicting: Option<String>,
}

#[derive(Default, PartialEq)]
enum Stage {
    #[default]
    Connecting,
    Connected,
}

impl Poller {
    fn new(source: Source, clients: HttpClients, out: Sender<Observed>) -> Self {
        let limits = clients.limits().clone();
        Self {
            // `interval` panics on zero; the configuration does not let it get here.
            interval: source.poll_interval.max(Duration::from_millis(1)),
            backoff: limits.backoff.clone(),
            journal: Journal::new(source.id.clone()),
            api: Api::new(source, clients),
            limits,
            out,
            session: Session::default(),
        }
    }

    async fn run(&mut self) {
        // A thousand printers do not start in step.
        let phase = self.interval.mul_f64(fastrand::f64());
        let mut ticks = time::interval_at(Instant::now() + phase, self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            match self.round().await {
                Ok(()) => self.backoff.reset(),
                Err(problem) => {
                    let pause = self.report_problem(problem).await;
                    ticks.reset_after(pause);
                }
            }
        }
    }

    async fn round(&mut self) -> Result<(), Problem> {
        let job = self.api.job().await?;
        if self
            .session
            .slow_due
            .is_none_or(|due| Instant::now() >= due)
        {
            self.read_version().await;
        }
        let job = wire::job(&job, self.session.flavour);
        let printer = self.read_printer(&job).await?;
        let report = report(job, printer);
        if report.state == PrinterState::Unknown {
            self.journal.unknown_state(&report.state_text);
        }
        self.emit(Observation::Report(Box::new(report))).await;
        self.journal.up();
        if self.session.stage == Stage::Connecting {
            self.session.stage = Stage::Connected;
            self.read_once().await;
        }
        Ok(())
    }

    /// Slow facts are welcome but not needed: what goes wrong here shows in the next round, or does not matter.
    async fn read_version(&mut self) {
        self.session.slow_due = Some(Instant::now() + self.limits.slow_interval);
        self.session.conflicting = None;
        if let Ok(software) = self.api.version().await {
            self.session.flavour = Flavour::of(&software);
            self.emit(Observation::Software(software)).await;
        }
    }

    async fn read_printer(&mut self, job: &JobAnswer) -> Result<Option<PrinterAnswer>, Problem> {
        if self.session.conflicting.as_ref() != Some(&job.state_text) {
            self.session.conflicting = None;
        }
        let is_offline =
            state::from_text(&job.state_text).is_some_and(|state| !state.is_connected());
        if is_offline || self.session.conflicting.is_some() {
            return Ok(None);
        }
        match self.api.printer().await? {
            PrinterReading::Told(answer) => Ok(Some(wire::printer(&answer))),
            PrinterReading::NotOperational => {
                self.session.conflicting = Some(job.state_text.clone());
                Ok(None)
            }
        }
    }

    /// Whose key it is, and the profile if that key may see it: each refusal would be a line in OctoPrint's log.
    async fn read_once(&mut self) {
        let user = self.api.current_user().await.ok();
        if let Some(user) = &user {
            self.journal.surplus(user.surplus());
        }
        if user.is_none_or(|user| user.may("CONNECTION"))
            && let Ok(Some(profile)) = self.api.profile().await
        {
            self.emit(Observation::Profile(profile)).await;
        }
    }

    /// Tells what went wrong, and how long to wait.
    async fn report_problem(&mut self, problem: Problem) -> Duration {
        self.session = Session::default();
        match problem {
            Problem::Unreachable(why) => {
                self.journal.unreachable(&why);
                self.emit(Observation::Unreachable(why)).await;
                self.backoff.pause()
            }
            Problem::Rejected(rejected) => {
                let why = self.api.why_rejected(rejected).await;
                self.backoff.reset();
                self.journal.rejected(&why);
                self.emit(Observation::KeyRejected(why)).await;
                self.limits.key_retry
            }
        }
    }

    /// An error means that nobody listens any more, which [`observe`] sees by itself.
    async fn emit(&self, observation: Observation) {
        let at = chrono::Utc::now();
        let _ = self.out.send(Observed { observation, at }).await;
    }
}
