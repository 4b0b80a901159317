//! Acting on a real OctoPrint, and how soon what came of it is seen: by a source that is told and by one that asks.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use umati_bridge::machine::{
    DataSource, FileRef, News, Observation, PrintableFile, PrinterAction, PrinterState, Refusal,
    Report,
};
use umati_bridge::octoprint::{
    ApiKey, Controller, HttpClients, Limits, Observed, Poke, Purpose, Source, TlsTrust, Way,
    diagnose, observe,
};

use crate::common::PATIENCE;
use crate::common::octoprint::{Print, RealOctoPrint};

use PrinterAction::{Cancel, Pause, Resume};

/// So long that nothing is seen by the poll interval or by a heartbeat.
const NEVER: Duration = Duration::from_secs(3600);

const FOLDER: &str = "customers/4711 ä";
const LONG: Print = Print {
    name: "Zahnrad „groß“ #1 零件.gcode",
    layers: 2000,
};

pub fn drive(version: &str) {
    let octoprint = RealOctoPrint::start(version);
    octoprint.upload(FOLDER, LONG);
    octoprint.upload("", Print::SHORT);
    let runtime = Runtime::new().expect("a runtime");
    let mut scene = Scene::set(&runtime, &octoprint);
    scene.the_key_is_right_for_control();
    scene.the_files_are_told();
    scene.nothing_can_be_done_while_the_printer_is_off();
    octoprint.connect();
    scene.see(PrinterState::Operational);
    let started = Utc::now();
    scene.what_cannot_be_done_is_refused();
    scene.a_long_print_is_paused_resumed_and_cancelled();
    scene.a_short_print_ends_by_itself();
    scene.a_weak_key_may_not();
    scene.tell_how_soon_it_was_seen(started);
}

struct Scene<'a> {
    runtime: &'a Runtime,
    octoprint: &'a RealOctoPrint,
    controller: Controller,
    watchers: [Watcher; 2],
}

/// One source, and what came of it.
struct Watcher {
    way: Way,
    poke: Poke,
    observed: mpsc::Receiver<Observed>,
    files: Vec<PrintableFile>,
    is_told: bool,
    last: Report,
    /// Each new state and when it was known.
    seen: Vec<(DateTime<Utc>, PrinterState)>,
    _shutdown: DropGuard,
}

fn source(octoprint: &RealOctoPrint, key: &str, way: Way) -> Source {
    Source {
        id: "real".to_owned(),
        base: octoprint.url().parse().expect("a URL"),
        key: ApiKey::new(key).expect("a key"),
        tls: TlsTrust::SystemRoots,
        way,
        poll_interval: NEVER,
        heartbeat_interval: NEVER,
        purpose: Purpose::Control,
    }
}

impl<'a> Scene<'a> {
    fn set(runtime: &'a Runtime, octoprint: &'a RealOctoPrint) -> Self {
        let clients = HttpClients::new(Limits::default());
        let source = |way| source(octoprint, &octoprint.control_key(), way);
        let watchers = [Way::Push, Way::Poll].map(|way| {
            let (poke, looks) = Poke::new();
            let (sender, observed) = mpsc::channel(1000);
            let shutdown = CancellationToken::new();
            runtime.spawn(observe(
                source(way),
                clients.clone(),
                looks,
                sender,
                shutdown.clone(),
            ));
            // It would look within an interval, which is long.
            poke.now();
            Watcher {
                way,
                poke,
                observed,
                files: Vec::new(),
                is_told: false,
                last: Report::default(),
                seen: Vec::new(),
                _shutdown: shutdown.drop_guard(),
            }
        });
        let mut scene = Self {
            runtime,
            octoprint,
            controller: Controller::new(source(Way::Poll), clients),
            watchers,
        };
        scene.until("each is read in its way", |it| {
            it.is_told == (it.way == Way::Push)
        });
        scene
    }

    fn the_key_is_right_for_control(&self) {
        let told = |key: String| {
            let source = source(self.octoprint, &key, Way::Poll);
            let clients = HttpClients::default();
            let diagnosis = self.runtime.block_on(diagnose(source, &clients));
            diagnosis.to_string()
        };
        let right = told(self.octoprint.control_key());
        assert!(right.ends_with("printer state \"Offline\""), "{right}");
        let weak = told(self.octoprint.status_key());
        assert!(
            weak.ends_with("control is wanted, but the key lacks PRINT, FILES_SELECT"),
            "{weak}"
        );
    }

    fn the_files_are_told(&mut self) {
        self.until("the files are told", |it| !it.files.is_empty());
        for watcher in &self.watchers {
            let named = |name: &str| {
                let mut files = watcher.files.iter();
                files
                    .find(|file| file.file.display == name)
                    .unwrap_or_else(|| panic!("{name} is not told"))
            };
            assert_eq!(named(Print::SHORT.name).file.path, Print::SHORT.name);
            let long = &named(LONG.name).file;
            assert_eq!(long.path, format!("{FOLDER}/{}", LONG.name));
        }
    }

    fn nothing_can_be_done_while_the_printer_is_off(&self) {
        for action in [self.print_long(), Pause, Resume, Cancel] {
            assert_eq!(self.act(&action), Err(Refusal::PrinterNotConnected));
        }
    }

    fn what_cannot_be_done_is_refused(&self) {
        for action in [Pause, Resume, Cancel] {
            assert_eq!(self.act(&action), Err(Refusal::InvalidState));
        }
        for path in ["nosuch.gcode", FOLDER, "../uploads/short.gcode"] {
            let outcome = self.act(&print(path));
            assert_eq!(outcome, Err(Refusal::FileNotFound), "{path}");
        }
    }

    fn a_long_print_is_paused_resumed_and_cancelled(&mut self) {
        for round in 0..3 {
            let long = self.print_long();
            self.act_and_see(&long, PrinterState::Printing);
            assert_eq!(self.act(&long), Err(Refusal::Busy), "round {round}");
            self.act_and_see(&Pause, PrinterState::Paused);
            assert_eq!(self.act(&long), Err(Refusal::Busy), "round {round}");
            self.act_and_see(&Resume, PrinterState::Printing);
            self.act_and_see(&Cancel, PrinterState::Operational);
        }
    }

    fn a_short_print_ends_by_itself(&mut self) {
        self.act_and_see(&print(Print::SHORT.name), PrinterState::Printing);
        self.until_closely("the short print ends", |it| {
            it.last.state == PrinterState::Operational && it.last.progress.completion == Some(100.0)
        });
    }

    fn a_weak_key_may_not(&self) {
        for key in [self.octoprint.status_key(), self.octoprint.powerless_key()] {
            let clients = HttpClients::default();
            let controller = Controller::new(source(self.octoprint, &key, Way::Poll), clients);
            let outcome = self
                .runtime
                .block_on(controller.act(&print(Print::SHORT.name)));
            assert_eq!(outcome, Err(Refusal::KeyNotPermitted));
        }
    }

    /// By the log of OctoPrint: from entering a state that lasts to the report of it.
    fn tell_how_soon_it_was_seen(&self, since: DateTime<Utc>) {
        let entered: Vec<_> = self
            .octoprint
            .log()
            .states_entered()
            .into_iter()
            .filter(|(at, state)| {
                *at > since && ["Printing", "Paused", "Operational"].contains(&state.as_str())
            })
            .collect();
        for watcher in &self.watchers {
            watcher.tell_how_soon(&entered);
        }
    }

    fn print_long(&self) -> PrinterAction {
        print(&format!("{FOLDER}/{}", LONG.name))
    }

    fn act(&self, action: &PrinterAction) -> Result<(), Refusal> {
        self.runtime.block_on(self.controller.act(action))
    }

    /// As a method would: act, look closely until it has happened.
    fn act_and_see(&mut self, action: &PrinterAction, state: PrinterState) {
        let asked = Instant::now();
        assert_eq!(self.act(action), Ok(()), "{action:?}");
        let taken = asked.elapsed();
        self.until_closely(&format!("{action:?} leads to {state:?}"), |it| {
            it.last.state == state
        });
        println!(
            "{action:?}: taken after {taken:?}, seen after {:?}",
            asked.elapsed()
        );
    }

    fn see(&mut self, state: PrinterState) {
        for watcher in &self.watchers {
            watcher.poke.now();
        }
        self.until(&format!("{state:?} is told"), |it| it.last.state == state);
    }

    /// Looks closely until each has seen what is awaited.
    fn until_closely(&mut self, what: &str, reached: impl Fn(&Watcher) -> bool) {
        for watcher in &self.watchers {
            watcher.poke.closely(Instant::now() + PATIENCE);
        }
        self.until(what, reached);
        for watcher in &self.watchers {
            watcher.poke.calmly();
        }
    }

    fn until(&mut self, what: &str, reached: impl Fn(&Watcher) -> bool) {
        for watcher in &mut self.watchers {
            self.runtime.block_on(watcher.until(what, &reached));
        }
    }
}

impl Watcher {
    async fn until(&mut self, what: &str, reached: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !reached(self) {
            let Ok(Some(Observed { observation, at })) =
                timeout_at(deadline, self.observed.recv()).await
            else {
                panic!("{:?}, never: {what}; last was {:?}", self.way, self.last)
            };
            match *observation {
                Observation::Report(report) => {
                    self.enter(report.state, at);
                    self.last = *report;
                }
                Observation::News(News::State { state, .. }) => self.enter(state, at),
                Observation::Files(files) => self.files = files,
                Observation::Source(source) => self.is_told = source == DataSource::Push,
                Observation::News(_)
                | Observation::Confirmed
                | Observation::Software(_)
                | Observation::Profile(_) => {}
                other => panic!("{:?}, {what}: {other:?}", self.way),
            }
        }
    }

    fn enter(&mut self, state: PrinterState, at: DateTime<Utc>) {
        if self.last.state != state || self.seen.is_empty() {
            self.seen.push((at, state));
        }
        self.last.state = state;
    }

    /// `entered`: what lasted, and since when, by the log of OctoPrint.
    fn tell_how_soon(&self, entered: &[(DateTime<Utc>, String)]) {
        let mut delays = Vec::new();
        for (index, (at, state)) in entered.iter().enumerate() {
            let until = entered.get(index + 1).map(|(at, _)| *at);
            let seen = self.seen.iter().find(|(seen, told)| {
                *seen >= *at
                    && until.is_none_or(|until| *seen < until)
                    && format!("{told:?}") == *state
            });
            let Some((seen, _)) = seen else {
                panic!("{state} of {at} was never seen: {:?}", self.seen)
            };
            delays.push((*seen - *at).num_milliseconds());
        }
        assert_eq!(delays.len(), 14, "{entered:?}");
        delays.sort_unstable();
        let (median, worst) = (delays[delays.len() / 2], delays[delays.len() - 1]);
        println!(
            "{:?}: seen after {median} ms (median), {worst} ms (worst)",
            self.way
        );
        // Generous: other tests share the processor.
        assert!(median < 500, "{delays:?}");
    }
}

fn print(path: &str) -> PrinterAction {
    PrinterAction::Print(FileRef {
        origin: "local".to_owned(),
        path: path.to_owned(),
    })
}
