//! The poll loop of one server: what one look consists of. When to look is decided by `pace`.
//!
//! ```text
//!   round  = /api/job ─► [/api/version, when due] ─► [/api/printer, if connected] ─► report
//!            ─► [/api/currentuser, /api/printerprofiles, after (re)connecting] ─► [/api/files, when due]
//!   glance = /api/job ─► if it differs from the last: [/api/printer, if connected] ─► report
//! ```
//!
//! While somebody waits for the printer, what is only due stays due.
//!
//! While OctoPrint tells by itself (`push`), a round is a heartbeat: it reads the job to see that the key is still good
//! and that what is told is true, and confirms it. A contradiction that stays ends the telling.

use tokio::time::Instant;

use super::api::{Api, FileListing, PrinterReading, Problem};
use super::journal::Journal;
use super::line::{Feed, Line, Rest, Told};
use super::listing::{Listing, Novelty};
use super::pace::{Pace, Turn};
use super::report::report;
use super::wire::{self, Flavour, JobAnswer, PrinterAnswer};
use super::{Backoff, HttpClients, Limits, Looks, Purpose, Source, state};
use crate::machine::{Observation, PrintableFile, PrinterState, UnreachableCause};

/// Asks one server, again and again.
pub(super) struct Poller {
    api: Api,
    purpose: Purpose,
    limits: Limits,
    pace: Pace,
    backoff: Backoff,
    journal: Journal,
    line: Line,
    session: Session,
    listing: Listing,
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
    /// What `/api/job` said when it was last told.
    job: Option<JobAnswer>,
}

#[derive(Default, PartialEq)]
enum Stage {
    #[default]
    Connecting,
    Connected,
}

impl Poller {
    /// `looks` are the wishes to look sooner.
    pub(super) fn new(source: Source, clients: HttpClients, looks: Looks, line: Line) -> Self {
        let limits = clients.limits().clone();
        Self {
            purpose: source.purpose,
            pace: Pace::new(source.rhythm(), looks),
            backoff: limits.backoff.clone(),
            journal: Journal::new(source.id.clone()),
            api: Api::new(source, clients),
            limits,
            line,
            session: Session::default(),
            listing: Listing::default(),
        }
    }

    /// Does not end.
    pub(super) async fn run(&mut self) {
        let mut feeds = self.line.feeds();
        loop {
            let turn = tokio::select! {
                biased;
                // The sender lives in `self`.
                _ = feeds.changed() => {
                    self.pace.attend(*feeds.borrow_and_update());
                    continue;
                }
                turn = self.pace.next() => turn,
            };
            // Most of the time it waits: what a turn needs takes memory only for as long as the turn.
            let began = Instant::now();
            let outcome = match turn {
                Turn::Round => Box::pin(self.round()).await,
                Turn::Glance => Box::pin(self.glance()).await,
            };
            match outcome {
                Ok(()) => {
                    self.backoff.reset();
                    self.pace.answered();
                    self.line.turn_rest(Rest::Up);
                }
                // A server that tells meanwhile is slow to answer, and not out of reach.
                Err(Problem::Unreachable(_)) if self.heard_since(began) => {}
                Err(problem) => self.report_problem(problem).await,
            }
        }
    }

    fn heard_since(&self, then: Instant) -> bool {
        self.line.feed() == Feed::Telling && self.line.heard_at() > then
    }

    async fn round(&mut self) -> Result<(), Problem> {
        let job = self.api.job().await?;
        let somebody_waits = self.pace.is_close();
        let slow_is_due = |due| Instant::now() >= due;
        if !somebody_waits && self.session.slow_due.is_none_or(slow_is_due) {
            self.read_version().await;
        }
        let job = wire::job(&job, self.session.flavour);
        match self.line.feed() {
            Feed::Silent => self.tell(job).await?,
            Feed::Telling => self.compare(job).await?,
        }
        self.journal.up();
        if somebody_waits {
            return Ok(());
        }
        if self.session.stage == Stage::Connecting {
            self.session.stage = Stage::Connected;
            self.read_once().await;
        }
        if self.listing.is_due(Instant::now()) {
            self.read_files().await;
        }
        Ok(())
    }

    async fn glance(&mut self) -> Result<(), Problem> {
        let job = wire::job(&self.api.job().await?, self.session.flavour);
        if self.session.job.as_ref() == Some(&job) {
            return Ok(());
        }
        self.tell(job).await
    }

    /// Holds what OctoPrint answers against what it tells. Both are a state apart for moments, so only what stays so,
    /// without a turn in what is told, is a contradiction.
    async fn compare(&mut self, job: JobAnswer) -> Result<(), Problem> {
        let told = self.line.told();
        if agrees(&told, &job) {
            self.emit(Observation::Confirmed).await;
            return Ok(());
        }
        tokio::time::sleep(self.limits.contradiction).await;
        let job = wire::job(&self.api.job().await?, self.session.flavour);
        if self.line.told().turns != told.turns || agrees(&told, &job) {
            return Ok(());
        }
        self.line.condemn();
        self.tell(job).await
    }

    /// Completes what `/api/job` said to a report.
    async fn tell(&mut self, job: JobAnswer) -> Result<(), Problem> {
        let printer = self.read_printer(&job).await?;
        self.session.job = Some(job.clone());
        let report = report(job, printer);
        if report.state == PrinterState::Unknown {
            self.journal.unknown_state(&report.state_text);
        }
        // What was told since it was asked is newer.
        let counts = |report: &Observation| {
            let silent = self.line.feed() == Feed::Silent;
            if silent {
                self.line.note(report);
            }
            silent
        };
        let report = Observation::Report(Box::new(report));
        self.line.emit(report, chrono::Utc::now(), counts).await;
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
            if self.purpose == Purpose::Control {
                self.journal.missing(user.lacking(self.purpose));
            }
            self.journal
                .surplus(self.purpose, user.surplus(self.purpose));
        }
        let may = |permission| user.as_ref().is_none_or(|user| user.may(permission));
        let may_list = may(wire::FILES_LIST);
        if may("CONNECTION")
            && let Ok(Some(profile)) = self.api.profile().await
        {
            self.emit(Observation::Profile(profile)).await;
        }
        if !may_list {
            self.no_files_for_us().await;
        }
    }

    /// Slow as the other slow facts: a list that cannot be had is no failure of the round.
    async fn read_files(&mut self) {
        let asked = Instant::now();
        let listing = self.api.files(self.listing.tag.clone()).await;
        self.listing
            .asked(asked, asked.elapsed(), self.limits.files_interval);
        match listing {
            Ok(FileListing::Unchanged) => {}
            Ok(FileListing::Told { list, tag }) => {
                self.listing.tag = tag;
                let list = wire::files(&list, self.limits.files);
                self.journal.files(list.files.len(), list.left_out);
                self.tell_files(list.files).await;
            }
            Err(Problem::Rejected(_)) => self.no_files_for_us().await,
            Err(Problem::Unreachable(why)) => match why.cause {
                // Imitators of OctoPrint have no such list.
                UnreachableCause::NotOctoPrint => self.no_files_for_us().await,
                // The next round will tell it.
                UnreachableCause::Refused => {}
                _ => self.journal.no_files(&why),
            },
        }
    }

    /// Not asked again before the connection or the key is another one; what was told before is not known any more.
    async fn no_files_for_us(&mut self) {
        self.listing.close();
        if self.listing.was_told() {
            self.tell_files(Vec::new()).await;
        }
    }

    async fn tell_files(&mut self, files: Vec<PrintableFile>) {
        if self.listing.compare(&files) == Novelty::New {
            self.emit(Observation::Files(files)).await;
        }
    }

    /// Tells what went wrong, and waits accordingly.
    async fn report_problem(&mut self, problem: Problem) {
        self.session = Session::default();
        self.listing.reconnected();
        self.line.turn_rest(Rest::Down);
        match problem {
            Problem::Unreachable(why) => {
                self.journal.unreachable(&why);
                self.emit(Observation::Unreachable(why)).await;
                self.pace.failed(self.backoff.pause());
            }
            Problem::Rejected(rejected) => {
                let why = self.api.why_rejected(rejected).await;
                self.backoff.reset();
                self.journal.rejected(&why);
                self.emit(Observation::KeyRejected(why)).await;
                self.pace.rejected(self.limits.key_retry);
            }
        }
    }

    async fn emit(&self, observation: Observation) {
        self.line
            .emit(observation, chrono::Utc::now(), |_| true)
            .await;
    }
}

/// Whether what is told can be what OctoPrint answers; which file is selected while nothing is printed says nothing.
fn agrees(told: &Told, job: &JobAnswer) -> bool {
    let Some(state) = state::from_text(&job.state_text) else {
        return true;
    };
    let same_file = match (&told.file, &job.file) {
        (Some(told), Some(answered)) => told.is_same(answered),
        _ => true,
    };
    state == told.state && (same_file || !state.has_active_job())
}
