//! Four machines that can be controlled, each with a task that takes requests as the one of the bridge does, but
//! without a printer: what is stored is stored, what needs OctoPrint is taken as done.

use std::sync::{Arc, OnceLock, RwLock};

use chrono::Utc;
use tokio::sync::mpsc;
use umati_bridge::machine::{
    Machine, Nameplate, Observation, Patience, PrinterState, Report, SensorId, Temperature,
    TemperatureReport,
};
use umati_bridge::server::{Audience, Command, Publisher, Served, SharedInstance, update};
use umati_bridge::umati::Mapping;
use umati_bridge::umati::events::Chronicle;

use super::bench::{APPLICATION_URI, PATIENCE};

/// Of MES instance 1, of instance 2, of nobody but the operators, of both instances.
pub const MACHINES: [(&str, &[u32]); 4] = [
    ("of-1", &[1]),
    ("of-2", &[2]),
    ("of-staff", &[]),
    ("of-both", &[1, 2]),
];

/// Reading the types takes longer than any test.
pub fn mapping() -> &'static Mapping {
    static MAPPING: OnceLock<Mapping> = OnceLock::new();
    MAPPING.get_or_init(|| Mapping::load(APPLICATION_URI, "1.2.3").unwrap())
}

/// The machines at work.
pub struct Shop {
    pub served: Vec<Served>,
    /// Who has to hear of their changes.
    pub publisher: Arc<OnceLock<Publisher>>,
    /// What is seen of each, in the order of [`MACHINES`].
    pub eyes: Vec<mpsc::Sender<Observation>>,
}

pub fn open() -> Shop {
    let publisher = Arc::new(OnceLock::new());
    let (served, eyes) = MACHINES
        .into_iter()
        .map(|(id, instances)| {
            let machine = machine(id);
            let instance = mapping().instantiate(&machine, Utc::now()).unwrap();
            let instance = Arc::new(RwLock::new(instance));
            let (commands, asked) = mpsc::channel(8);
            let (eye, observed) = mpsc::channel(8);
            let task = Task {
                chronicle: mapping().chronicle(&machine),
                machine,
                instance: instance.clone(),
                publisher: publisher.clone(),
            };
            tokio::spawn(task.work(asked, observed));
            let audience = match instances {
                [] => Audience::Operators,
                instances => Audience::Instances(instances.to_vec()),
            };
            let served = Served {
                instance,
                audience,
                commands: Some(commands),
            };
            (served, eye)
        })
        .unzip();
    Shop {
        served,
        publisher,
        eyes,
    }
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
    machine.apply(report(TemperatureReport::default()), Utc::now());
    machine
}

/// A printer that is ready.
pub fn report(temperatures: TemperatureReport) -> Observation {
    Observation::Report(Box::new(Report {
        state: PrinterState::Operational,
        temperatures,
        ..Report::default()
    }))
}

/// A printer that is ready and has a chamber, of which it did not tell before.
pub fn with_chamber() -> Observation {
    let chamber = Temperature {
        actual: Some(40.0),
        target: None,
        offset: None,
    };
    report(TemperatureReport::Read {
        sensors: [(SensorId::Chamber, chamber)].into(),
        sampled: None,
    })
}

struct Task {
    machine: Machine,
    chronicle: Chronicle,
    instance: SharedInstance,
    publisher: Arc<OnceLock<Publisher>>,
}

impl Task {
    async fn work(
        mut self,
        mut asked: mpsc::Receiver<Command>,
        mut observed: mpsc::Receiver<Observation>,
    ) {
        loop {
            tokio::select! {
                Some(Command { request, reply }) = asked.recv() => {
                    let outcome = self.machine.request(&request, Utc::now()).map(|_| ());
                    self.tell();
                    // The caller may have gone.
                    let _ = reply.send(outcome);
                }
                Some(observation) = observed.recv() => {
                    self.machine.apply(observation, Utc::now());
                    self.tell();
                }
                else => return,
            }
        }
    }

    fn tell(&mut self) {
        let now = Utc::now();
        let changes = self.machine.take_changes();
        let (before, delta) = update(&self.instance, |instance| {
            let before = Arc::clone(instance.blueprint());
            (before, mapping().refresh(instance, &self.machine, now))
        });
        if let Some(publisher) = self.publisher.get() {
            let id = &self.machine.nameplate.id;
            if delta.reshaped {
                publisher.model_changed(id, &before);
            }
            publisher.publish(id, &delta);
            publisher.tell(id, &self.chronicle.news(&self.machine, &changes, now));
        }
    }
}
