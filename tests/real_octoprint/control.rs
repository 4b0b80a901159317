//! Acting on a real OctoPrint, and how soon the source sees what came of it.

use std::time::Duration;

use chrono::{DateTime, Local, Utc};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use umati_bridge::machine::{
    FileRef, Observation, PrintableFile, PrinterAction, PrinterState, Refusal, Report,
};
use umati_bridge::octoprint::{
    ApiKey, Controller, HttpClients, Limits, Observed, Poke, Purpose, Source, TlsTrust, Way,
    diagnose, observe,
};

use crate::common::PATIENCE;
use crate::common::octoprint::{Print, RealOctoPrint};

use PrinterAction::{Cancel, Pause, Resume};

/// So long that nothing is seen by the poll interval.
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
    poke: Poke,
    observed: mpsc::Receiver<Observed>,
    files: Vec<PrintableFile>,
    /// Each new state and when its report was complete.
    seen: Vec<(DateTime<Utc>, PrinterState)>,
    _shutdown: tokio_util::sync::DropGuard,
}

fn source(octoprint: &RealOctoPrint, key: &str) -> Source {
    Source {
        id: "real".to_owned(),
        base: octoprint.url().parse().expect("a URL"),
        key: ApiKey::new(key).expect("a key"),
        tls: TlsTrust::SystemRoots,
        way: Way::Poll,
        poll_interval: NEVER,
        heartbeat_interval: NEVER,
        purpose: Purpose::Control,
    }
}

impl<'a> Scene<'a> {
    fn set(runtime: &'a Runtime, octoprint: &'a RealOctoPrint) -> Self {
        let clients = HttpClients::new(Limits::default());
        let source = source(octoprint, &octoprint.control_key());
        let (poke, looks) = Poke::new();
        let (sender, observed) = mpsc::channel(1000);
        let shutdown = CancellationToken::new();
        runtime.spawn(observe(
            source.clone(),
            clients.clone(),
            looks,
            sender,
            shutdown.clone(),
        ));
        Self {
            runtime,
            octoprint,
            controller: Controller::new(source, clients),
            poke,
            observed,
            files: Vec::new(),
            seen: Vec::new(),
            _shutdown: shutdown.drop_guard(),
        }
    }

    fn the_key_is_right_for_control(&self) {
        let told = |key: String| {
            let source = source(self.octoprint, &key);
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
        self.poke.now();
        self.until("the files are told", |scene, _| !scene.files.is_empty());
        let named = |name: &str| {
            let mut files = self.files.iter();
            files
                .find(|file| file.file.display == name)
                .unwrap_or_else(|| panic!("{name} is not told"))
        };
        assert_eq!(named(Print::SHORT.name).file.path, Print::SHORT.name);
        let long = &named(LONG.name).file;
        assert_eq!(long.path, format!("{FOLDER}/{}", LONG.name));
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
        self.poke.closely(Instant::now() + PATIENCE);
        self.until("the short print ends", |_, report| {
            report.state == PrinterState::Operational && report.progress.completion == Some(100.0)
        });
        self.poke.calmly();
    }

    fn a_weak_key_may_not(&self) {
        for key in [self.octoprint.status_key(), self.octoprint.powerless_key()] {
            let clients = HttpClients::default();
            let controller = Controller::new(source(self.octoprint, &key), clients);
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
            .states_entered()
            .into_iter()
            .map(|(at, state)| {
                let at = at.and_local_timezone(Local).earliest();
                (at.expect("a local time").with_timezone(&Utc), state)
            })
            .filter(|(at, state)| {
                *at > since && ["Printing", "Paused", "Operational"].contains(&state.as_str())
            })
            .collect();
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
            let delay = (*seen - *at).num_milliseconds();
            println!("{state} entered {at}, seen after {delay} ms");
            delays.push(delay);
        }
        assert_eq!(delays.len(), 14, "{entered:?}");
        delays.sort_unstable();
        let (median, worst) = (delays[delays.len() / 2], delays[delays.len() - 1]);
        println!("seen after {median} ms (median), {worst} ms (worst)");
        // Generous: other tests share the processor.
        assert!(median < 500, "{delays:?}");
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
        self.poke.closely(Instant::now() + PATIENCE);
        self.until(&format!("{action:?} leads to {state:?}"), |_, report| {
            report.state == state
        });
        self.poke.calmly();
        println!(
            "{action:?}: taken after {taken:?}, seen after {:?}",
            asked.elapsed()
        );
    }

    fn see(&mut self, state: PrinterState) {
        self.poke.now();
        self.until(&format!("{state:?} is told"), |_, report| {
            report.state == state
        });
    }

    /// Takes observations until a report, looked at together with all before it, is the awaited one.
    fn until(&mut self, what: &str, reached: impl Fn(&Self, &Report) -> bool) {
        let mut last = Report::default();
        let deadline = Instant::now() + PATIENCE;
        while !reached(self, &last) {
            let next = async { timeout(deadline - Instant::now(), self.observed.recv()).await };
            let observed = self.runtime.block_on(next);
            let Ok(Some(Observed { observation, at })) = observed else {
                panic!("never: {what}; last was {last:?}")
            };
            match *observation {
                Observation::Report(report) => {
                    if self.seen.last().map(|(_, state)| *state) != Some(report.state) {
                        self.seen.push((at, report.state));
                    }
                    last = *report;
                }
                Observation::Files(files) => self.files = files,
                Observation::Software(_) | Observation::Profile(_) => {}
                other => panic!("{what}: {other:?}"),
            }
        }
    }
}

fn print(path: &str) -> PrinterAction {
    PrinterAction::Print(FileRef {
        origin: "local".to_owned(),
        path: path.to_owned(),
    })
}
