//! The bridge, OctoPrint and the MES are killed, frozen and cut off at any moment: each print is told as one job, with
//! its start and its end.

use std::time::Duration;

use chrono::Utc;
use fastrand::Rng;
use opcua::types::NodeId;
use serde_json::json;
use umati_bridge::octoprint::simulator::{Fault, printer_name};
use umati_bridge::umati::namespaces as ns;

use crate::common::bridge::Bridge;
use crate::mes::Mes;
use crate::paths::{RESPONSES, UPDATED};
use crate::plant::{OctoPrints, block_on, written};
use crate::prints::{Floor, Time};
use crate::told::{Job, Proof, assert_nothing_lost, assert_the_same_story, jobs, looks};

const PRINTERS: usize = 8;
const ROUNDS: usize = 10;

/// What is done, and when; five of them in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// `kill -9` of the bridge.
    Bridge,
    /// The MES is cut off with its session open.
    Mes,
    /// OctoPrint takes requests and does not answer.
    Frozen,
    /// Nobody listens there.
    Refused,
    /// As before, and when OctoPrint is back it knows nothing of its prints.
    Restarted,
}

#[test]
fn fifty_kills_and_cuts_lose_no_job_and_double_none() {
    block_on(async {
        let mut scene = Scene::set().await;
        for round in 0..ROUNDS {
            scene.cut_mes().await;
            // In every second round OctoPrint is still out of sight when the bridge comes back.
            let over_the_kill = round % 2 == 0;
            scene.freeze(over_the_kill).await;
            scene.stop_octoprint(!over_the_kill, round % 4 < 2).await;
        }
        scene.judge().await;
    });
}

struct Scene {
    octoprints: OctoPrints,
    floor: Floor,
    /// Always there, but in the moment of its kill.
    bridge: Option<Bridge>,
    /// Each was cut off before the next came.
    clients: Vec<Mes>,
    told: Vec<Vec<Job>>,
    blows: Vec<(Blow, Time)>,
    /// How many of the blows fell while most printers were listened to.
    listened: usize,
    dice: Rng,
}

impl Scene {
    async fn set() -> Self {
        let octoprints = OctoPrints::start(PRINTERS).await;
        let machines = octoprints.machines(PRINTERS);
        let machines: Vec<_> = machines.iter().map(written).collect();
        let bridge = Bridge::run(json!({ "machines": machines }));
        let printers = (1..=PRINTERS).map(|number| octoprints.printer(number));
        let mut scene = Self {
            floor: Floor::start(printers, 1),
            octoprints,
            bridge: Some(bridge),
            clients: Vec::new(),
            told: vec![Vec::new(); PRINTERS],
            blows: Vec::new(),
            listened: 0,
            dice: Rng::with_seed(2),
        };
        scene.connect().await;
        scene
    }

    /// A MES that notes when the bridge looked.
    async fn connect(&mut self) {
        let bridge = self.bridge.as_ref().expect("it runs");
        let mes = Mes::connect(bridge.endpoint()).await;
        let looks: Vec<_> = (1..=PRINTERS).map(looks_of).collect();
        mes.watch(&looks).await;
        self.clients.push(mes);
        self.compare().await;
    }

    /// What was told before is told still.
    async fn compare(&mut self) {
        let mes = self.clients.last().expect("a client");
        let lists: Vec<_> = (1..=PRINTERS)
            .map(|number| format!("{}/{RESPONSES}", printer_name(number)))
            .map(|path| NodeId::new(ns::INSTANCES, path))
            .collect();
        let now: Vec<_> = mes.read_all(&lists).await.iter().map(jobs).collect();
        for (before, now) in self.told.iter().zip(&now) {
            assert_nothing_lost(before, now);
        }
        self.told = now;
    }

    /// Any moment from now on.
    async fn moment(&mut self, at_most_ms: u64) {
        let wait = self.dice.u64(..at_most_ms);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }

    async fn cut_mes(&mut self) {
        self.moment(1_000).await;
        self.compare().await;
        self.strike(Blow::Mes);
        self.clients.last().expect("a client").cut();
        self.connect().await;
    }

    async fn kill_bridge(&mut self) {
        self.moment(1_000).await;
        self.compare().await;
        self.strike(Blow::Bridge);
        let bridge = self.bridge.take().expect("it runs");
        self.bridge = Some(bridge.kill_and_run_again());
        self.connect().await;
    }

    async fn freeze(&mut self, over_the_kill: bool) {
        self.moment(1_000).await;
        self.strike(Blow::Frozen);
        for number in 1..=PRINTERS {
            self.octoprints.printer(number).inject(Fault::Hang);
        }
        if over_the_kill {
            self.kill_bridge().await;
        }
        self.moment(700).await;
        for number in 1..=PRINTERS {
            self.octoprints.printer(number).heal();
        }
        if !over_the_kill {
            self.kill_bridge().await;
        }
    }

    async fn stop_octoprint(&mut self, over_the_kill: bool, forgets: bool) {
        self.moment(1_000).await;
        self.strike(if forgets {
            Blow::Restarted
        } else {
            Blow::Refused
        });
        self.octoprints.stop().await;
        if forgets {
            self.floor.restart_servers();
        }
        if over_the_kill {
            self.kill_bridge().await;
        }
        self.moment(700).await;
        self.octoprints.start_again().await;
        if !over_the_kill {
            self.kill_bridge().await;
        }
    }

    fn strike(&mut self, blow: Blow) {
        self.blows.push((blow, Utc::now()));
        let sockets = (1..=PRINTERS).map(|number| self.octoprints.printer(number).sockets());
        let listened = sockets.filter(|&sockets| sockets > 0).count();
        self.listened += usize::from(listened * 2 > PRINTERS);
    }

    /// When the bridge looked at a machine, by what its clients were told.
    fn looks(&self, number: usize) -> Vec<Time> {
        let path = looks_of(number);
        let told = self.clients.iter().flat_map(|mes| mes.history(0, &path));
        looks(told)
    }

    async fn judge(mut self) {
        self.floor.stop().await;
        let mes = self.clients.last().expect("a client");
        for number in 1..=PRINTERS {
            mes.until_changed(mes.mark(), &looks_of(number), 5).await;
        }
        self.compare().await;
        let mut proof = Proof::default();
        let mut hits = vec![0; self.blows.len()];
        let mut survived = 0;
        for (index, prints) in self.floor.prints().iter().enumerate() {
            let looks = self.looks(index + 1);
            assert_the_same_story(prints, &self.told[index], &looks, &mut proof);
            for print in prints {
                for ((blow, at), hits) in self.blows.iter().zip(&mut hits) {
                    let hit = print.is_told_at(*at, &looks);
                    *hits += usize::from(hit);
                    let goes_on = print.is_seen_after(*at, &looks);
                    survived += usize::from(hit && goes_on && *blow == Blow::Bridge);
                }
            }
        }
        let struck = hits.iter().filter(|&&hits| hits > 0).count();
        println!(
            "{proof:?}; {struck} of {} blows fell into {} running jobs; {survived} went on over a kill of the bridge; {} fell while it listened",
            hits.len(),
            hits.iter().sum::<usize>(),
            self.listened,
        );
        assert_eq!(hits.len(), 50);
        assert!(self.listened >= 20, "while listening: {}", self.listened);
        assert!(struck * 2 >= hits.len(), "into running jobs: {hits:?}");
        assert!(survived >= 10, "over a kill of the bridge: {survived}");
        // What was out of sight proves nothing; most was in sight.
        assert!(proof.told * 3 >= proof.prints * 2, "{proof:?}");
        assert!(proof.endings * 3 >= proof.told, "{proof:?}");
    }
}

fn looks_of(number: usize) -> String {
    format!("{}/{UPDATED}", printer_name(number))
}
