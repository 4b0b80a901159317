//! The state of a job order as ISA95StateDataType and as CurrentState (OPC 10031-4 §7.2.1, §7.2.4, §7.2.5).
//!
//! Numbers and texts are those of the state machines of the types. A sub-state comes second and names its machine by
//! a browse path from the receiver; CurrentState of the receiver itself tells the top level only.

use opcua::types::{
    LocalizedText, NodeId, QualifiedName, ReferenceTypeId, RelativePath, RelativePathElement,
};

use super::list::List;
use super::types::State;
use crate::machine::{Interruption, OrderState};
use crate::umati::blocks::state::StateValue;
use crate::umati::namespaces as ns;

/// Top-level states of ISA95JobOrderReceiverObjectType (JobControl, i=1002).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiverState {
    NotAllowedToStart = 1,
    AllowedToStart,
    Running,
    Interrupted,
    Ended,
    Aborted,
}

impl StateValue for ReceiverState {
    fn id(self) -> NodeId {
        // NotAllowedToStart is i=5035; the others follow in the order of their numbers.
        NodeId::new(ns::JOB_CONTROL, 5034 + self.number())
    }

    fn number(self) -> u32 {
        self as u32
    }
}

impl From<OrderState> for ReceiverState {
    fn from(state: OrderState) -> Self {
        match state {
            OrderState::NotAllowedToStart => Self::NotAllowedToStart,
            OrderState::AllowedToStart => Self::AllowedToStart,
            OrderState::Running => Self::Running,
            OrderState::Interrupted(_) => Self::Interrupted,
            OrderState::Ended => Self::Ended,
            OrderState::Aborted => Self::Aborted,
        }
    }
}

/// A sub-state: its machine below the receiver, its name and its number there.
fn sub_state(state: OrderState) -> Option<(&'static str, &'static str, u32)> {
    const INTERRUPTED: &str = "InterruptedSubstates";
    match state {
        OrderState::Interrupted(Interruption::Held) => Some((INTERRUPTED, "Held", 1)),
        OrderState::Interrupted(Interruption::Suspended) => Some((INTERRUPTED, "Suspended", 2)),
        // Closed would be an order that was cleared, and that is gone.
        OrderState::Ended => Some(("EndedSubstates", "Completed", 1)),
        OrderState::NotAllowedToStart
        | OrderState::AllowedToStart
        | OrderState::Running
        | OrderState::Aborted => None,
    }
}

/// The states of an order: the top level, then the sub-state if it has one.
pub fn states(state: OrderState) -> List<State> {
    let top = ReceiverState::from(state);
    let mut states = vec![State {
        browse_path: RelativePath::default(),
        state_text: LocalizedText::new("en", &top.text()),
        state_number: top.number(),
    }];
    states.extend(sub_state(state).map(|(machine, text, number)| State {
        browse_path: RelativePath {
            elements: Some(vec![RelativePathElement {
                reference_type_id: ReferenceTypeId::HasComponent.into(),
                is_inverse: false,
                include_subtypes: true,
                target_name: QualifiedName::new(ns::JOB_CONTROL, machine),
            }]),
        },
        state_text: LocalizedText::new("en", text),
        state_number: number,
    }));
    states.into()
}

/// The top-level state of an order alone.
pub fn top_level(state: OrderState) -> State {
    states(state).0.swap_remove(0)
}
