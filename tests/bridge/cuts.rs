//! The push socket is cut in every way and at any moment of prints, some while with all that can be asked: each print is
//! told as one job, with its start and its end, and each time the bridge listens again.

use std::time::Duration;

use chrono::Utc;
use fastrand::Rng;
use opcua::types::{NodeId, StatusCode};
use umati_bridge::config::{DataSource, MachineConfig};
use umati_bridge::octoprint::simulator::{Endpoint, Fault, Handle, Prank, PushFault, printer_name};
use umati_bridge::umati::namespaces as ns;

use crate::machine::{Machine, text};
use crate::mes::Mes;
use crate::paths::{DATA_SOURCE, RESPONSES, UPDATED};
use crate::plant::{Bridge, OctoPrints, block_on, eventually};
use crate::prints::{Floor, Held, Time};
use crate::told::{
    Job, Proof, assert_nothing_lost, assert_the_same_story, jobs, looks, until_known,
};

/// Each is cut in each way once, in an order of its own.
const PRINTERS: usize = 6;
/// Far less often than something happens, and often enough that a socket which sleeps is found out.
const HEARTBEAT: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    Closed,
    HalfFrame,
    /// It stays open and nothing comes; at last the bridge does not believe it any more.
    Silence,
    NewLogin,
    /// OctoPrint is back at once, and knows nothing of its print.
    Restart,
}

/// Whether OctoPrint can be asked meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    Answered,
    InVain,
}

#[test]
fn thirty_cuts_of_the_push_socket_lose_no_job_and_double_none() {
    block_on(async {
        let octoprints = OctoPrints::start(PRINTERS).await;
        let machines = octoprints.machines_by(DataSource::Auto, PRINTERS);
        let machines = machines.into_iter().map(|machine| MachineConfig {
            heartbeat_interval: HEARTBEAT,
            ..machine
        });
        let bridge = Bridge::start(machines.collect()).await;
        let mes = bridge.mes().await;
        let handles = (1..=PRINTERS).map(|number| octoprints.printer(number));
        let mut floor = Floor::start(handles, 3);
        let mut dice = Rng::with_seed(4);
        let cutters = (1..=PRINTERS).map(|number| {
            let cutter = Cutter {
                number,
                printer: octoprints.printer(number),
                machine: mes.machine(&printer_name(number)),
                dice: dice.fork(),
                told: Vec::new(),
                cuts: Vec::new(),
                gone_on: 0,
            };
            cutter.work(&floor)
        });
        let cutters = futures_util::future::join_all(cutters.collect::<Vec<_>>()).await;
        floor.stop().await;
        judge(&floor, &mes, cutters).await;
    });
}

struct Cutter {
    number: usize,
    printer: Handle,
    machine: Machine,
    dice: Rng,
    told: Vec<Job>,
    cuts: Vec<(Asking, Time)>,
    /// Prints that were made to go on over a cut.
    gone_on: usize,
}

impl Cutter {
    async fn work(mut self, floor: &Floor) -> Self {
        use Cut::{Closed, HalfFrame, NewLogin, Restart, Silence};
        self.machine.watch(&[UPDATED, DATA_SOURCE]).await;
        self.until_listening(0).await;
        let mut cuts = [Closed, HalfFrame, Silence, NewLogin, Restart];
        self.dice.shuffle(&mut cuts);
        for cut in cuts {
            let held = self.until_printing(floor).await;
            let asking = match self.dice.u8(..3) {
                0 => Asking::InVain,
                _ => Asking::Answered,
            };
            let upgrades = self.upgrades();
            self.strike(cut, asking, floor);
            // It goes on until it is seen again, or ends when it wants to; a restart has lost it.
            let held = (cut != Cut::Restart && self.dice.bool()).then_some(held);
            self.recover(cut, asking, upgrades).await;
            if held.is_some() {
                until_known(&self.machine.mes, &self.machine.path(UPDATED)).await;
                self.gone_on += 1;
            }
            drop(held);
            self.compare().await;
        }
        self
    }

    /// Any moment of a print that the MES knows of; it goes on until what is given is dropped.
    async fn until_printing(&mut self, floor: &Floor) -> Held {
        self.moment(1_500).await;
        loop {
            if let Some(held) = floor.hold(self.number).await {
                until_known(&self.machine.mes, &self.machine.path(UPDATED)).await;
                self.moment(600).await;
                return held;
            }
            self.moment(100).await;
        }
    }

    async fn moment(&mut self, at_most_ms: u64) {
        let wait = self.dice.u64(1..at_most_ms);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }

    fn strike(&mut self, cut: Cut, asking: Asking, floor: &Floor) {
        self.cuts.push((asking, Utc::now()));
        match cut {
            Cut::Closed => self.printer.cut(),
            Cut::HalfFrame => self.printer.play(Prank::HalfFrame),
            Cut::Silence => self.printer.inject_push(PushFault::Silence),
            Cut::NewLogin => self.printer.play(Prank::Reauthenticate),
            Cut::Restart => floor.restart_server(self.number),
        }
        if asking == Asking::InVain {
            let absence = self.dice.choice(absences()).expect("there are some");
            self.printer.inject(absence);
        }
    }

    /// Waits until the bridge listens again.
    async fn recover(&mut self, cut: Cut, asking: Asking, upgrades: u64) {
        if asking == Asking::InVain {
            self.moment(2_000).await;
        }
        if cut == Cut::Silence {
            self.until_source("poll").await;
        }
        self.printer.heal();
        self.until_listening(upgrades).await;
    }

    fn upgrades(&self) -> u64 {
        self.printer.answers(Endpoint::Push, 101)
    }

    /// Waits until the MES is told that the machine is listened to, on another socket than the first so many.
    async fn until_listening(&self, upgrades: u64) {
        eventually("a new socket", || {
            self.upgrades() > upgrades && self.printer.sockets() == 1
        })
        .await;
        self.until_source("push").await;
    }

    async fn until_source(&self, source: &str) {
        let machine = &self.machine;
        machine
            .until_is(DATA_SOURCE, text(source), StatusCode::Good)
            .await;
    }

    /// What was told before is told still.
    async fn compare(&mut self) {
        let list = NodeId::new(ns::INSTANCES, format!("{}/{RESPONSES}", self.machine.name));
        let now = jobs(&self.machine.mes.read_all(&[list]).await[0]);
        assert_nothing_lost(&self.told, &now);
        self.told = now;
    }
}

/// How OctoPrint is out of reach.
fn absences() -> [Fault; 3] {
    [Fault::Hang, Fault::Close, Fault::Status(502)]
}

async fn judge(floor: &Floor, mes: &Mes, cutters: Vec<Cutter>) {
    let mut proof = Proof::default();
    let (mut hit, mut survived, mut gone_on, mut in_vain) = (0, 0, 0, 0);
    let all = floor.prints();
    for mut cutter in cutters {
        let updated = cutter.machine.path(UPDATED);
        cutter.machine.until_polled(3).await;
        cutter.compare().await;
        let looks = looks(mes.history(0, &updated));
        let prints = &all[cutter.number - 1];
        assert_the_same_story(prints, &cutter.told, &looks, &mut proof);
        assert_eq!(cutter.cuts.len(), 5);
        gone_on += cutter.gone_on;
        for (asking, at) in cutter.cuts {
            let print = prints.iter().find(|print| print.is_told_at(at, &looks));
            let goes_on = print.is_some_and(|print| print.is_seen_after(at, &looks));
            hit += usize::from(print.is_some());
            survived += usize::from(goes_on);
            in_vain += usize::from(asking == Asking::InVain);
        }
    }
    println!("{proof:?}; {hit} cuts of running jobs, {survived} survived, {in_vain} out of reach");
    assert_eq!(hit, 30, "of running jobs");
    assert!(
        survived >= gone_on && gone_on >= 8,
        "over a cut: {survived} of {gone_on}"
    );
    assert!(in_vain >= 5, "out of reach: {in_vain}");
    assert!(proof.told >= 30 && proof.endings >= 10, "{proof:?}");
}
