//! A machine that is told things, and whether it and its nodes keep their promises.

use std::sync::OnceLock;
use std::time::Duration;

use chrono::TimeDelta;
use opcua::types::Variant;

use crate::machine::{JobEvent, MAX_SENSORS, Machine, Nameplate, Observation, Patience, Timestamp};
use crate::umati::Mapping;
use crate::umati::blueprint::NodeKind;
use crate::umati::instance::Instance;

/// Between two things that are told: some time out in one way or another while much is told.
const STEP: TimeDelta = TimeDelta::seconds(7);
/// Far more than there are kinds of deadlines.
const MOST_TICKS: usize = 20;

/// A machine and its nodes.
pub(crate) struct Witness {
    machine: Machine,
    instance: Option<Instance>,
    at: Timestamp,
    jobs: Jobs,
}

/// What the events of jobs have told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Jobs {
    None,
    Active,
}

impl Witness {
    pub(crate) fn new() -> Self {
        let nameplate = Nameplate {
            id: "fuzzed".to_owned(),
            control: true,
            ..Nameplate::default()
        };
        let patience = Patience {
            stale_after: Duration::from_secs(60),
            frozen_after: Duration::from_secs(20),
        };
        let machine = Machine::new(nameplate, patience);
        // In 2026, whatever the clock of this computer says: the same bytes do the same again.
        let at = Timestamp::from_timestamp_nanos(1_795_000_000_000_000_000);
        Self {
            instance: mapping().and_then(|mapping| mapping.instantiate(&machine, at).ok()),
            machine,
            at,
            jobs: Jobs::None,
        }
    }

    /// Takes in what was told, as the task of a machine does.
    pub(crate) fn take(&mut self, observation: Observation) {
        self.at += STEP;
        let mut ticks = 0;
        while let Some(due) = self.machine.next_deadline(self.at)
            && due <= self.at
        {
            ticks += 1;
            assert!(ticks < MOST_TICKS, "time does not get past {due}");
            let events = self.machine.tick(due);
            self.follow(&events);
        }
        let events = self.machine.apply(observation, self.at);
        self.follow(&events);
        assert!(self.machine.sensors.len() <= MAX_SENSORS + 1);
    }

    /// Jobs start and end in turn, and none ends before it has started.
    fn follow(&mut self, events: &[JobEvent]) {
        for event in events {
            self.jobs = match (self.jobs, event) {
                (Jobs::None, JobEvent::Started(_)) => Jobs::Active,
                (Jobs::Active, JobEvent::Paused { .. } | JobEvent::Resumed { .. }) => Jobs::Active,
                (Jobs::Active, JobEvent::Ended(job)) => {
                    assert!(job.end().is_some_and(|(end, _)| end >= job.start.at()));
                    Jobs::None
                }
                (before, event) => unreachable!("{before:?}, and then {event:?}"),
            };
        }
    }

    /// Looks at every value that a client would see.
    pub(crate) fn look(&mut self) {
        let (Some(mapping), Some(instance)) = (mapping(), &mut self.instance) else {
            unreachable!("the types do not load");
        };
        mapping.refresh(instance, &self.machine, self.at);
        for (index, node) in instance.blueprint().iter() {
            if let NodeKind::Variable(_) = node.kind {
                let value = instance.value(index);
                let is_null = matches!(value.value, None | Some(Variant::Empty));
                let is_good = value.status.is_none_or(|status| status.is_good());
                assert!(value.value.is_some(), "{}: {value:?}", node.path);
                assert!(!(is_good && is_null), "{}: {value:?}", node.path);
            }
        }
    }
}

/// Reading the types takes longer than thousands of machines.
fn mapping() -> Option<&'static Mapping> {
    static MAPPING: OnceLock<Option<Mapping>> = OnceLock::new();
    MAPPING
        .get_or_init(|| Mapping::load("urn:fuzzed:umati-bridge", "0").ok())
        .as_ref()
}
