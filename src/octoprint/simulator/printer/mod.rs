//! One simulated printer with the OctoPrint that drives it.
//!
//! A pure function of its seed, of virtual time and of the commands it was given: nothing runs between two looks,
//! [`Printer::advance`] catches up from event to event. Who looks how often changes nothing.

pub(super) mod catalogue;
pub(super) mod command;
pub(super) mod happening;
pub(super) mod hardware;
mod heater;
mod job;
mod run;
mod script;
pub(super) mod sensors;
pub(super) mod state;

use std::collections::BTreeMap;
use std::time::Duration;

use super::Conduct;
use super::clock::{HEAD_START, Moment};
use happening::{Failure, Happening, MarkKind, Record};
use hardware::{Hardware, Pace};
pub(super) use job::{Job, Prints, Work};
use run::Run;
use script::{Act, Script};
use sensors::{Reading, Sensors};
use state::{ErrorSource, PrinterError, State};

/// OctoPrint asks the firmware for temperatures this often, first one second after it connected.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(2);
const FIRST_SAMPLE_AFTER: Duration = Duration::from_secs(1);

/// The user in whose name the script starts its jobs.
const SCRIPT_USER: &str = "admin";

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Printer {
    hardware: Hardware,
    state: State,
    /// When `state` was entered.
    entered: Moment,
    now: Moment,
    /// Since when OctoPrint has its connection; `None` without one.
    connected: Option<Moment>,
    sensors: Sensors,
    job: Job,
    /// What became of earlier prints, by path.
    prints: BTreeMap<&'static str, Prints>,
    script: Script,
    flow: Flow,
    record: Record,
}

/// Whether the printer lives on or stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Running,
    /// The firmware went silent: OctoPrint goes on telling the last it heard.
    Frozen,
}

/// What can happen by itself.
enum Event {
    PassingStateOver(State),
    NextLayer,
    FileAtEnd,
    Script(Act),
}

impl Printer {
    /// The printer with this number (from 1), at the moment its OctoPrint came up.
    pub(super) fn new(number: usize, seed: u64, conduct: Conduct) -> Self {
        let hardware = Hardware::of(number);
        let mut script = Script::new(
            &hardware,
            seed ^ (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15),
        );
        let age = match (conduct, hardware.pace) {
            (Conduct::Manual, _) | (_, Pace::Showcase) => Duration::from_secs(10),
            (Conduct::Scripted, Pace::Workshop) => script.span(10..HEAD_START.as_secs()),
        };
        let born = HEAD_START - age;
        let state = State::Operational;
        match conduct {
            Conduct::Scripted => script.entered(born, &state, None),
            Conduct::Manual => script.stop(),
        }
        Self {
            sensors: Sensors::new(&hardware),
            hardware,
            state,
            entered: born,
            now: born,
            connected: Some(born),
            job: Job::Initial,
            prints: BTreeMap::new(),
            script,
            flow: Flow::Running,
            record: Record::since(born),
        }
    }

    /// Lives on until `to`; a moment in the past changes nothing.
    pub(super) fn advance(&mut self, to: Moment) {
        if self.flow == Flow::Frozen {
            return;
        }
        while let Some((at, event)) = self.next_event().filter(|(at, _)| *at <= to) {
            self.now = self.now.max(at);
            self.happen(event);
        }
        self.now = self.now.max(to);
    }

    /// When something will happen by itself; `None` if nothing will.
    pub(super) fn next_change(&self) -> Option<Moment> {
        match self.flow {
            Flow::Running => self.next_event().map(|(at, _)| at),
            Flow::Frozen => None,
        }
    }

    /// Whether OctoPrint hears something of its printer all the time.
    pub(super) fn is_talking(&self) -> bool {
        self.flow == Flow::Running && self.state.flags().operational
    }

    /// Millimetres between nozzle and bed, while it prints.
    pub(super) fn height(&self) -> Option<f64> {
        self.run().and_then(Run::height)
    }

    fn next_event(&self) -> Option<(Moment, Event)> {
        let passing = self
            .state
            .passing()
            .map(|(lasts, next)| (self.entered + lasts, Event::PassingStateOver(next)));
        let layer = self
            .run()
            .and_then(|run| Some((run.rises()?, Event::NextLayer)));
        let at_end = self
            .run()
            .and_then(|run| Some((run.reaches(1.0)?, Event::FileAtEnd)));
        let script = self.script.next().map(|(at, act)| (at, Event::Script(act)));
        [passing, layer, at_end, script]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::PassingStateOver(next) => self.pass_to(next),
            Event::NextLayer => self.rise(),
            Event::FileAtEnd => {
                self.hold_run();
                self.sensors.all_off(self.now);
                self.enter(State::Finishing);
            }
            Event::Script(act) => self.act(act),
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Print(model) => {
                self.load(model, SCRIPT_USER);
                self.begin();
            }
            Act::Pause => self.pause(),
            Act::Resume => self.resume(),
            Act::Cancel => self.cancel(),
            Act::Fail(text) => self.fail(PrinterError::firmware(text)),
            Act::SwitchOff => self.disconnect(),
            Act::Connect => self.connect(),
            Act::TakeOver => {
                let (script, run) = (&mut self.script, self.job.run());
                script.take_over(self.now, &self.state, run);
            }
        }
    }

    /// The only place where the state changes.
    fn enter(&mut self, state: State) {
        self.state = state;
        self.entered = self.now;
        if self.state == State::Printing
            && let Some(run) = self.job.run_mut()
        {
            run.go_on(self.now);
        }
        self.script.entered(self.now, &self.state, self.job.run());
        self.tell_state();
    }

    fn pass_to(&mut self, next: State) {
        match self.state {
            State::Pausing => {
                self.tell_print(Happening::PrintPaused);
                self.tell_mark(MarkKind::Paused);
                self.enter(next);
            }
            State::Finishing => {
                self.tell_mark(MarkKind::Done);
                self.tell_print(Happening::PrintDone);
                self.complete();
                self.enter(next);
                self.tell_statistics();
            }
            State::Cancelling => {
                self.tell_print(Happening::PrintCancelled);
                self.tell_mark(MarkKind::Cancelled);
                self.tell_statistics();
                self.tell_print(|print| Happening::PrintFailed(print, Failure::Cancelled));
                self.abandon();
                self.enter(next);
            }
            State::Connecting => {
                self.connected = Some(self.now);
                self.enter(next);
                self.tell(Happening::Connected);
                self.mark(MarkKind::Connected);
                self.tell(Happening::FirmwareTold);
                self.tell(Happening::FilesUpdated);
            }
            _ => self.enter(next),
        }
    }

    fn hold_run(&mut self) {
        let now = self.now;
        if let Some(run) = self.job.run_mut() {
            run.hold(now);
        }
    }

    fn begin(&mut self) {
        let Job::Loaded { model, work, .. } = &mut self.job else {
            return;
        };
        let targets = model.targets(&self.hardware);
        let heating = self.sensors.time_to_heat(&targets, self.now);
        *work = Work::Running(Run::new(model, heating));
        for (name, target) in targets {
            self.sensors.set_target(&name, self.now, target);
        }
        self.enter(State::Starting);
        self.tell_print(Happening::PrintStarted);
        self.tell_mark(MarkKind::Started);
    }

    fn pause(&mut self) {
        if matches!(
            self.state,
            State::Starting | State::Printing | State::Resuming
        ) {
            self.hold_run();
            self.enter(State::Pausing);
        }
    }

    fn resume(&mut self) {
        if self.state == State::Paused {
            self.enter(State::Resuming);
            self.tell_print(Happening::PrintResumed);
            self.tell_mark(MarkKind::Resumed);
        }
    }

    fn cancel(&mut self) {
        self.hold_run();
        self.tell_print(Happening::PrintCancelling);
        self.sensors.all_off(self.now);
        self.enter(State::Cancelling);
    }

    /// The connection is gone, and with it what OctoPrint knew of a job.
    fn lose_printer(&mut self, state: State) {
        self.abandon();
        self.job = Job::Empty;
        self.connected = None;
        self.sensors.all_off(self.now);
        self.enter(state);
    }

    /// An error that ends the connection to the printer. OctoPrint lingers only over one that the firmware reported.
    pub(super) fn fail(&mut self, error: PrinterError) {
        let closing = self.closing(&error.text);
        match error.source {
            ErrorSource::Firmware => {
                self.lose_printer(State::Error(error.clone()));
                self.tell(Happening::Failed(error));
                self.tell(Happening::EmergencyStop);
                self.tell_with_next_state(closing);
            }
            ErrorSource::Connection => {
                if error.is_timeout() {
                    self.tell(Happening::Failed(error.clone()));
                }
                self.tell_with_next_state(closing);
                self.lose_printer(State::OfflineAfterError(error));
            }
        }
    }

    /// The printer is unplugged, or OctoPrint told to let it go.
    pub(super) fn disconnect(&mut self) {
        self.close_connection();
        self.lose_printer(State::Offline);
    }

    fn connect(&mut self) {
        self.close_connection();
        self.tell_with_next_state([Happening::Connecting]);
        self.lose_printer(State::Opening);
    }

    fn close_connection(&mut self) {
        let closing = self.closing("");
        if !closing.is_empty() {
            self.tell(Happening::Disconnecting);
        }
        self.tell_with_next_state(closing);
    }

    /// The OctoPrint server restarts and finds its printer at once; the job is lost without any trace.
    pub(super) fn restart_server(&mut self) {
        self.job = Job::Initial;
        self.connected = Some(self.now);
        self.sensors.all_off(self.now);
        self.enter(State::Operational);
        self.begin_record();
    }

    /// Somebody else acts on the printer: the script lets go of it for a while.
    pub(super) fn let_go(&mut self) {
        self.script.let_go(self.now);
    }

    /// From here on nothing happens by itself but the end of what was begun.
    pub(super) fn stop_script(&mut self) {
        self.script.stop();
    }

    /// The firmware asks for other filament, which changes no state.
    pub(super) fn ask_for_filament(&mut self) {
        self.tell(Happening::FilamentChange);
    }

    /// Hands the printer back to its script.
    pub(super) fn resume_script(&mut self) {
        let (script, run) = (&mut self.script, self.job.run());
        script.take_over(self.now, &self.state, run);
    }

    /// Nothing is left to print: the job finishes at once, or as soon as it is resumed.
    pub(super) fn skip_to_end(&mut self) {
        let now = self.now;
        if let Some(run) = self.job.run_mut() {
            run.skip_to_end(now);
        }
    }

    pub(super) fn freeze(&mut self) {
        self.flow = Flow::Frozen;
    }

    pub(super) fn thaw(&mut self) {
        self.flow = Flow::Running;
    }

    pub(super) fn sensors_mut(&mut self) -> &mut Sensors {
        &mut self.sensors
    }

    pub(super) fn hardware(&self) -> &Hardware {
        &self.hardware
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// The samples after a moment, oldest first.
    pub(super) fn samples_after(&self, moment: Moment) -> Vec<(Moment, BTreeMap<&str, Reading>)> {
        let passed = self.now.saturating_sub(moment).as_millis() / SAMPLE_INTERVAL.as_millis();
        let mut samples = self.samples(
            usize::try_from(passed)
                .unwrap_or(usize::MAX)
                .saturating_add(1),
        );
        samples.retain(|(at, _)| *at > moment);
        samples
    }

    /// The newest `limit` samples, oldest first. None at all in the first second after connecting.
    pub(super) fn samples(&self, limit: usize) -> Vec<(Moment, BTreeMap<&str, Reading>)> {
        let first = self.connected.map(|since| since + FIRST_SAMPLE_AFTER);
        let Some(first) = first.filter(|first| *first <= self.now) else {
            return Vec::new();
        };
        let intervals = (self.now - first).as_millis() / SAMPLE_INTERVAL.as_millis();
        let newest = u32::try_from(intervals).unwrap_or(u32::MAX);
        let kept = (heater::MEMORY.as_secs() / SAMPLE_INTERVAL.as_secs()) as usize;
        let taken = u32::try_from(limit.min(kept)).unwrap_or(u32::MAX);
        (0..=newest)
            .rev()
            .take(taken as usize)
            .map(|index| first + SAMPLE_INTERVAL * index)
            .map(|at| (at, self.sensors.readings(at)))
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect()
    }
}

#[cfg(test)]
mod tests;
