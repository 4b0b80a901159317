//! Three machines that can be controlled, each with a task that takes requests as the one of the bridge does, but
//! without a printer: what is stored is stored, what needs OctoPrint is taken as done.

use std::sync::{Arc, OnceLock, RwLock};

use chrono::Utc;
use tokio::sync::mpsc;
use umati_bridge::machine::{Machine, Nameplate, Observation, Patience, PrinterState, Report};
use umati_bridge::server::{Audience, Command, Publisher, Served, SharedInstance, update};
use umati_bridge::umati::Mapping;
use umati_bridge::umati::events::Chronicle;

use super::bench::{APPLICATION_URI, PATIENCE};

/// Of MES instance 1, of instance 2, of both.
pub const MACHINES: [(&str, &[u32]); 3] = [("of-1", &[1]), ("of-2", &[2]), ("of-both", &[1, 2])];

/// Reading the types takes longer than any test.
pub fn mapping() -> &'static Mapping {
    static MAPPING: OnceLock<Mapping> = OnceLock::new();
    MAPPING.get_or_init(|| Mapping::load(APPLICATION_URI, "1.2.3").unwrap())
}

/// The machines, and who has to hear of their changes.
pub fn open() -> (Vec<Served>, Arc<OnceLock<Publisher>>) {
    let publisher = Arc::new(OnceLock::new());
    let served = MACHINES.map(|(id, instances)| {
        let machine = machine(id);
        let chronicle = mapping().chronicle(&machine);
        let instance = mapping().instantiate(&machine, Utc::now()).unwrap();
        let instance = Arc::new(RwLock::new(instance));
        let (commands, asked) = mpsc::channel(8);
        tokio::spawn(work(
            machine,
            chronicle,
            instance.clone(),
            publisher.clone(),
            asked,
        ));
        Served {
            instance,
            audience: Audience::Instances(instances.to_vec()),
            commands: Some(commands),
        }
    });
    (served.into(), publisher)
}

fn machine(id: &str) -> Machine {
    let nameplate = Nameplate {
        id: id.to_owned(),
        name: id.to_owned(),
        asset_id: Some(format!("asset of {id}")),
        control: true,
        ..Nameplate::default()
    };
    let patience = Patience {
        stale_after: PATIENCE,
        frozen_after: PATIENCE,
    };
    let mut machine = Machine::new(nameplate, patience);
    let report = Report {
        state: PrinterState::Operational,
        ..Report::default()
    };
    machine.apply(Observation::Report(Box::new(report)), Utc::now());
    machine
}

async fn work(
    mut machine: Machine,
    mut chronicle: Chronicle,
    instance: SharedInstance,
    publisher: Arc<OnceLock<Publisher>>,
    mut asked: mpsc::Receiver<Command>,
) {
    while let Some(Command { request, reply }) = asked.recv().await {
        let now = Utc::now();
        let outcome = machine.request(&request, now).map(|_| ());
        let changes = machine.take_changes();
        let delta = update(&instance, |it| mapping().refresh(it, &machine, now));
        if let Some(publisher) = publisher.get() {
            let id = &machine.nameplate.id;
            publisher.publish(id, &delta);
            publisher.tell(id, &chronicle.news(&machine, &changes, now));
        }
        // The caller may have gone.
        let _ = reply.send(outcome);
    }
}
