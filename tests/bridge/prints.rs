//! Printers that print one short file after the other, and the true story of their prints: what was begun and ended
//! when and how, as OctoPrint itself knows it.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, Utc};
use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use umati_bridge::octoprint::simulator::{
    AfterSelect, Command, Handle, PauseAction, PrinterError, State,
};

pub type Time = DateTime<Utc>;

/// On every printer. None comes again before the others have had their turn, so that a file tells which print it is.
const FILES: [&str; 5] = [
    "Halterung_links.gcode",
    "demo-ring.gcode",
    "customers/4711/housing top.gcode",
    "крышка_02.gcode",
    "Étrier n°3 – support.gcode",
];
pub const ERROR: &str = "Thermal Runaway, system stopped! Heater_ID: 0";

/// Between these two moments it happened.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub after: Time,
    pub before: Time,
}

#[derive(Debug, Clone)]
pub struct Print {
    pub file: &'static str,
    pub start: Span,
    pub fate: Fate,
}

#[derive(Debug, Clone, Copy)]
pub enum Fate {
    Runs,
    /// Since this moment it is being ended.
    Ends(Time),
    Over {
        how: Ending,
        end: Span,
        /// Since when OctoPrint tells of something else.
        gone: Option<Time>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Completed,
    Cancelled,
    Failed,
    /// OctoPrint was restarted and knows nothing of it.
    Forgotten,
    /// OctoPrint was restarted in the moment when it ended.
    Torn,
}

impl Print {
    pub fn is_over(&self) -> bool {
        matches!(self.fate, Fate::Over { .. })
    }
}

/// All printers; they print until they are told to stop.
pub struct Floor {
    workers: Vec<Arc<Worker>>,
    running: JoinSet<()>,
    stop: CancellationToken,
}

struct Worker {
    printer: Handle,
    prints: Mutex<Vec<Print>>,
}

impl Floor {
    /// The same seed gives the same plan.
    pub fn start(printers: impl Iterator<Item = Handle>, seed: u64) -> Self {
        let mut dice = Rng::with_seed(seed);
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        let workers: Vec<_> = printers
            .map(|printer| {
                let prints = Mutex::default();
                Arc::new(Worker { printer, prints })
            })
            .collect();
        for worker in &workers {
            let (worker, dice) = (Arc::clone(worker), dice.fork());
            running.spawn(worker.work(dice, stop.clone()));
        }
        Self {
            workers,
            running,
            stop,
        }
    }

    /// What each printer has printed so far.
    pub fn prints(&self) -> Vec<Vec<Print>> {
        let workers = self.workers.iter();
        workers.map(|worker| worker.prints().clone()).collect()
    }

    /// Restarts all OctoPrints: what was printed is lost, and what was known of it.
    pub fn restart_servers(&self) {
        for worker in &self.workers {
            worker.restart_server();
        }
    }

    /// Restarts the OctoPrint of a printer, the first being number 1: what was printed is lost, and what was known of it.
    pub fn restart_server(&self, number: usize) {
        self.workers[number - 1].restart_server();
    }

    /// Whether a printer, the first being number 1, prints now.
    pub fn prints_now(&self, number: usize) -> bool {
        let prints = self.workers[number - 1].prints();
        matches!(prints.last(), Some(print) if matches!(print.fate, Fate::Runs))
    }

    /// Restarts the OctoPrint of one printer whenever it is called; the first is number 1.
    pub fn restarter(&self, number: usize) -> impl Fn() + Send + use<> {
        let worker = Arc::clone(&self.workers[number - 1]);
        move || worker.restart_server()
    }

    /// Lets what runs come to its end.
    pub async fn stop(&mut self) {
        self.stop.cancel();
        while let Some(worker) = self.running.join_next().await {
            worker.expect("a worker");
        }
    }
}

impl Worker {
    fn prints(&self) -> MutexGuard<'_, Vec<Print>> {
        self.prints.lock().expect("no worker panics")
    }

    fn restart_server(&self) {
        let mut prints = self.prints();
        let after = Utc::now();
        self.printer.restart_server();
        let before = Utc::now();
        let Some(print) = prints.last_mut() else {
            return;
        };
        let (how, after) = match print.fate {
            Fate::Runs => (Ending::Forgotten, after),
            Fate::Ends(since) => (Ending::Torn, since),
            Fate::Over { .. } => return lose_sight(&mut prints, after),
        };
        let end = Span { after, before };
        let gone = None;
        print.fate = Fate::Over { how, end, gone };
    }

    async fn work(self: Arc<Self>, mut dice: Rng, stop: CancellationToken) {
        let first = dice.usize(..FILES.len());
        for file in FILES.iter().cycle().skip(first) {
            sleep(Duration::from_millis(dice.u64(100..1_500))).await;
            if stop.is_cancelled() {
                return;
            }
            self.begin(file);
            sleep(Duration::from_millis(dice.u64(500..4_500))).await;
            if dice.u8(..4) == 0 {
                self.pause(&mut dice).await;
            }
            let how = match dice.u8(..6) {
                0 => Ending::Failed,
                1 | 2 => Ending::Cancelled,
                _ => Ending::Completed,
            };
            self.end(how, &mut dice).await;
        }
    }

    fn begin(&self, file: &'static str) {
        let mut prints = self.prints();
        let after = Utc::now();
        lose_sight(&mut prints, after);
        let path = file.to_owned();
        let then = AfterSelect::Print;
        let command = Command::Select { path, then };
        self.printer.command(command).expect("it is ready");
        let before = Utc::now();
        prints.push(Print {
            file,
            start: Span { after, before },
            fate: Fate::Runs,
        });
    }

    /// Does something to the print, if it still runs.
    fn while_it_runs(&self, act: impl FnOnce(&Handle) -> Fate) -> bool {
        let mut prints = self.prints();
        match prints.last_mut() {
            Some(print) if !print.is_over() => {
                print.fate = act(&self.printer);
                true
            }
            _ => false,
        }
    }

    async fn pause(&self, dice: &mut Rng) {
        let runs = self.while_it_runs(|printer| {
            let pause = Command::Pause(PauseAction::Pause);
            printer.command(pause).expect("it prints");
            Fate::Runs
        });
        if !runs || !self.until(State::Paused).await {
            return;
        }
        sleep(Duration::from_millis(dice.u64(..1_500))).await;
        self.while_it_runs(|printer| {
            let resume = Command::Pause(PauseAction::Resume);
            printer.command(resume).expect("it is paused");
            Fate::Runs
        });
    }

    async fn end(&self, how: Ending, dice: &mut Rng) {
        let since = Utc::now();
        let ends = self.while_it_runs(|printer| {
            match how {
                Ending::Completed => printer.skip_to_end(),
                Ending::Failed => printer.fail(PrinterError::firmware(ERROR)),
                _ => printer.command(Command::Cancel).expect("it prints"),
            }
            Fate::Ends(since)
        });
        if !ends {
            return;
        }
        if how == Ending::Failed {
            self.over(how, since);
            sleep(Duration::from_millis(dice.u64(100..2_000))).await;
            lose_sight(&mut self.prints(), Utc::now());
            self.printer.command(Command::Connect).expect("it connects");
        }
        // Nobody else acts on a printer without a print but a restart, which ends here, too.
        while self.printer.state() != State::Operational {
            sleep(Duration::from_millis(10)).await;
        }
        self.over(how, since);
    }

    fn over(&self, how: Ending, after: Time) {
        let before = Utc::now();
        let gone = None;
        let end = Span { after, before };
        self.while_it_runs(|_| Fate::Over { how, end, gone });
    }

    /// Waits for a state of the print; tells whether the print still runs.
    async fn until(&self, state: State) -> bool {
        while self.while_it_runs(|_| Fate::Runs) {
            if self.printer.state() == state {
                return true;
            }
            sleep(Duration::from_millis(10)).await;
        }
        false
    }
}

/// OctoPrint has something else to tell than how the last print ended.
fn lose_sight(prints: &mut [Print], now: Time) {
    if let Some(print) = prints.last_mut()
        && let Fate::Over { gone, .. } = &mut print.fate
    {
        gone.get_or_insert(now);
    }
}
