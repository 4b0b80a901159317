//! The order book under any sequence of observations, requests and restarts.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use proptest::prelude::*;
use umati_bridge::machine::{
    Admitted, FileRef, Interruption, JobPhase, Machine, NewOrder, Observation, OrderId,
    OrderRequest, OrderState, Refusal, Request, Saved, Timestamp,
};

use super::anything::{any_life, new_machine, ten_o_clock};

/// What happens next to a machine.
#[derive(Debug, Clone)]
enum Step {
    Observe(Observation, i64),
    Ask(OrderRequest),
    /// The action that the queue wants is taken up, and fails or not.
    Queue {
        fails: bool,
    },
    Restart,
}

fn any_id() -> impl Strategy<Value = OrderId> {
    (0..4u8).prop_map(|n| OrderId(format!("order-{n}")))
}

fn any_order() -> impl Strategy<Value = NewOrder> {
    (any_id(), 0..3u8, any::<i16>()).prop_map(|(id, file, priority)| NewOrder {
        id,
        file: FileRef {
            origin: "local".to_owned(),
            path: ["a", "b", "c"][usize::from(file)].to_owned(),
        },
        document: Arc::from([file]),
        priority,
    })
}

fn any_request() -> impl Strategy<Value = OrderRequest> {
    prop_oneof![
        any_order().prop_map(OrderRequest::Store),
        any_order().prop_map(OrderRequest::StoreAndStart),
        any_order().prop_map(OrderRequest::Update),
        any_id().prop_map(OrderRequest::Start),
        any_id().prop_map(OrderRequest::RevokeStart),
        any_id().prop_map(OrderRequest::Pause),
        any_id().prop_map(OrderRequest::Resume),
        any_id().prop_map(OrderRequest::Abort),
        any_id().prop_map(OrderRequest::Cancel),
        any_id().prop_map(OrderRequest::Clear),
    ]
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let other = prop_oneof![
        6 => any_request().prop_map(Step::Ask),
        2 => any::<bool>().prop_map(|fails| Step::Queue { fails }),
        1 => Just(Step::Restart),
    ];
    let other = proptest::collection::vec(other, 0..3);
    let others = proptest::collection::vec(other, 60);
    (any_life(), others).prop_map(|(life, others)| {
        let mut steps = Vec::new();
        let mut others = others.into_iter();
        for (observation, after) in life {
            steps.push(Step::Observe(observation, after));
            steps.extend(others.next().unwrap_or_default());
        }
        steps
    })
}

/// A machine, and what a store and a listener know of its orders.
struct Life {
    machine: Machine,
    at: Timestamp,
    stored: BTreeMap<OrderId, umati_bridge::machine::Order>,
    told: BTreeMap<OrderId, OrderState>,
}

impl Life {
    fn new() -> Self {
        let mut machine = new_machine();
        machine.nameplate.control = true;
        Self {
            machine,
            at: ten_o_clock(),
            stored: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Observe(observation, after) => {
                let earliest = self.at;
                self.at = self
                    .at
                    .checked_add_signed(TimeDelta::milliseconds(after))
                    .unwrap_or(earliest);
                self.machine.apply(observation, self.at);
            }
            Step::Ask(request) => {
                let request = Request::Order {
                    request,
                    comment: None,
                };
                let before = self.states();
                match self.machine.request(&request, self.at) {
                    Ok(Admitted::Done | Admitted::Act { .. }) => {}
                    Err(why) => {
                        let after = self.states();
                        let stored_first = matches!(
                            &request,
                            Request::Order {
                                request: OrderRequest::StoreAndStart(_),
                                ..
                            }
                        );
                        prop_assert!(
                            before == after || stored_first,
                            "refused: {why}, yet changed"
                        );
                    }
                }
            }
            Step::Queue { fails } => {
                if let Some((order, action)) = self.machine.next_action(self.at)
                    && fails
                {
                    self.machine
                        .act_failed(&order, &action, Refusal::TimedOut, self.at);
                }
            }
            Step::Restart => self.restart(),
        }
        self.listen()?;
        self.check()
    }

    fn states(&self) -> Vec<(OrderId, OrderState)> {
        let orders = self.machine.book.orders();
        orders
            .map(|order| (order.id.clone(), order.state))
            .collect()
    }

    fn restart(&mut self) {
        let mut orders: Vec<_> = self.stored.values().cloned().collect();
        orders.sort_by_key(|order| order.created_at);
        let saved = Saved {
            orders,
            checkpoint: self.machine.checkpoint(),
            tags: self.machine.tags.clone(),
        };
        self.machine =
            Machine::resume(self.machine.nameplate.clone(), self.machine.patience, saved);
    }

    /// Takes the news, as the store and the clients do.
    fn listen(&mut self) -> Result<(), TestCaseError> {
        let changes = self.machine.take_changes();
        for transition in changes.transitions {
            let id = transition.order.id.clone();
            prop_assert_eq!(
                transition.from,
                self.told.get(&id).copied(),
                "a state of {} was left out or told twice",
                id.0
            );
            prop_assert_ne!(Some(transition.order.state), transition.from);
            if let Some(from) = transition.from {
                prop_assert!(!from.is_final(), "{} went on after its end", id.0);
            }
            self.told.insert(id, transition.order.state);
        }
        for id in changes.removed {
            self.stored.remove(&id);
            self.told.remove(&id);
        }
        for order in changes.changed {
            self.stored.insert(order.id.clone(), order);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let orders: Vec<_> = self.machine.book.orders().collect();
        let mut ids: Vec<_> = orders.iter().map(|order| &order.id).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), orders.len(), "ids are unique");
        for order in &orders {
            prop_assert_eq!(
                self.told.get(&order.id),
                Some(&order.state),
                "what is told is so"
            );
            let kept = self.stored.get(&order.id).map(|order| order.state);
            prop_assert_eq!(kept, Some(order.state), "what is kept is so");
            if order.state.is_waiting() {
                prop_assert!(order.job.is_none());
            }
        }
        let active: Vec<_> = orders
            .iter()
            .filter(|order| !order.state.is_waiting() && !order.state.is_final())
            .collect();
        match (self.machine.active_job(), active.as_slice()) {
            (None, []) => {}
            (Some(job), [order]) => {
                let own = order.job.as_ref().expect("an active order has a job");
                // The progress may hold NaN, which equals nothing.
                prop_assert_eq!(
                    (&own.id, &own.file, own.start, &own.phase),
                    (&job.id, &job.file, job.start, &job.phase)
                );
                let state = match job.phase {
                    JobPhase::Running => OrderState::Running,
                    JobPhase::Paused(_) => match order.state {
                        OrderState::Interrupted(why) => OrderState::Interrupted(why),
                        _ => OrderState::Interrupted(Interruption::Held),
                    },
                    JobPhase::Ended { .. } => return Err(TestCaseError::fail("active and over")),
                };
                prop_assert_eq!(order.state, state);
            }
            (job, active) => {
                return Err(TestCaseError::fail(format!("{job:#?} but {active:#?}")));
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_book_agrees_with_the_printer_and_tells_each_state_once(steps in any_steps()) {
        let mut life = Life::new();
        for step in steps {
            life.step(step)?;
        }
    }
}
