//! What of a machine has been told as events, so that each thing is told once.
//!
//! The model tells levels (what state, which alerts) and, of orders, what has changed; here the levels become edges.

use std::collections::BTreeMap;

use opcua::types::{NodeId, ObjectTypeId};

use super::alert::{self, Standing};
use super::order;
use super::record::{EventRecord, Lineage, Source};
use super::transition;
use crate::machine::{Alert, AlertKind, Changes, Machine, Timestamp};
use crate::umati::blocks::jobs::RESULTS;
use crate::umati::blocks::notification::MESSAGES;
use crate::umati::blocks::state::{ItemState, Situation, States};
use crate::umati::catalogue::Catalogue;
use crate::umati::{ids, namespaces};

/// An event and the node that it comes from, by path; `""` is the machine itself.
#[derive(Debug)]
pub struct Told {
    pub notifier: &'static str,
    pub event: EventRecord,
}

/// What was told of one machine.
#[derive(Debug)]
pub struct Chronicle {
    source: Source,
    machine_uri: String,
    order_status: Lineage,
    transition: Lineage,
    alert: Lineage,
    /// `None` until something was read: the first state is no change.
    item: Option<ItemState>,
    alerts: BTreeMap<AlertKind, Alert>,
}

impl Chronicle {
    /// Nothing was told yet.
    pub(in crate::umati) fn new(
        catalogue: &Catalogue,
        machine: &Machine,
        machine_uri: String,
    ) -> Self {
        let plate = &machine.nameplate;
        Self {
            source: Source {
                node: NodeId::new(namespaces::INSTANCES, plate.id.as_str()),
                name: plate.name.clone(),
            },
            machine_uri,
            order_status: lineage(catalogue, ids::JOB_ORDER_STATUS_EVENT_TYPE),
            transition: lineage(catalogue, ObjectTypeId::TransitionEventType),
            alert: lineage(catalogue, ids::ALERT_TYPE),
            item: None,
            alerts: BTreeMap::new(),
        }
    }

    /// What there is to tell of the machine as it is at `at`, after these changes of its orders.
    pub fn news(&mut self, machine: &Machine, changes: &Changes, at: Timestamp) -> Vec<Told> {
        let mut news: Vec<Told> = changes
            .transitions
            .iter()
            .map(|change| Told {
                notifier: RESULTS,
                event: order::order_status(
                    &self.order_status,
                    &self.source,
                    machine,
                    &self.machine_uri,
                    change,
                ),
            })
            .collect();
        news.extend(self.transition(machine, at));
        self.alerts(machine, at, &mut news);
        news
    }

    fn transition(&mut self, machine: &Machine, at: Timestamp) -> Option<Told> {
        machine.report.as_ref()?;
        let resting = crate::umati::blocks::resting_state(machine);
        let now = States::of(Situation::of(machine, at), resting).item;
        let before = self.item.replace(now)?;
        (before != now).then(|| Told {
            notifier: "",
            event: transition::item_state(&self.transition, &self.source, before, now, at),
        })
    }

    fn alerts(&mut self, machine: &Machine, at: Timestamp, news: &mut Vec<Told>) {
        let holding: BTreeMap<AlertKind, Alert> = machine
            .alerts()
            .into_iter()
            .map(|alert| (alert.kind, alert))
            .collect();
        let mut tell = |alert: &Alert, standing, at| {
            news.push(Told {
                notifier: MESSAGES,
                event: alert::alert(&self.alert, &self.source, alert, standing, at),
            });
        };
        for (kind, over) in &self.alerts {
            if !holding.contains_key(kind) {
                tell(over, Standing::Inactive, at);
            }
        }
        for (kind, alert) in &holding {
            match self.alerts.get(kind) {
                Some(before) if before.says_the_same(alert) => {}
                Some(_) => tell(alert, Standing::Active, at),
                None => tell(alert, Standing::Active, alert.since),
            }
        }
        self.alerts = holding;
    }
}

fn lineage(catalogue: &Catalogue, id: impl Into<NodeId>) -> Lineage {
    let id = id.into();
    let above = catalogue.node(&id).map(|node| {
        let above = catalogue.supertypes(node);
        above.map(|node| node.id.clone()).collect::<Vec<_>>()
    });
    std::iter::once(id)
        .chain(above.unwrap_or_default())
        .collect()
}
