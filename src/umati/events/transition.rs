//! The machine has changed its state: TransitionEventType (OPC 10000-16 §4.4.20) of MachineryItemState.

use opcua::types::{LocalizedText, NodeId};

use super::record::{EventRecord, Lineage, Source};
use crate::machine::Timestamp;
use crate::umati::blocks::state::{ItemState, StateValue};
use crate::umati::namespaces::MACHINERY;

const SEVERITY: u16 = 50;

/// The event of a change of state.
pub(super) fn item_state(
    types: &Lineage,
    source: &Source,
    from: ItemState,
    to: ItemState,
    at: Timestamp,
) -> EventRecord {
    let text = |state: ItemState| LocalizedText::new("en", &state.text());
    let message = format!("{}: {} → {}", source.name, from.text(), to.text());
    let mut event = EventRecord::new(types, source, at, SEVERITY, &message);
    let name = format!("From{}To{}", from.text(), to.text());
    event.put("Transition", LocalizedText::new("en", &name));
    event.put("Transition/Id", NodeId::new(MACHINERY, id(from, to)));
    event.put("FromState", text(from));
    event.put("FromState/Id", from.id());
    event.put("ToState", text(to));
    event.put("ToState/Id", to.id());
    event
}

/// The transition of the type (Machinery NodeSet, i=5008 to 5023).
fn id(from: ItemState, to: ItemState) -> u32 {
    use ItemState::{Executing, NotAvailable, NotExecuting, OutOfService};
    match (from, to) {
        (NotAvailable, OutOfService) => 5008,
        (NotAvailable, NotExecuting) => 5009,
        (NotAvailable, Executing) => 5010,
        (NotAvailable, NotAvailable) => 5011,
        (OutOfService, NotAvailable) => 5012,
        (OutOfService, NotExecuting) => 5013,
        (OutOfService, Executing) => 5014,
        (OutOfService, OutOfService) => 5015,
        (NotExecuting, NotAvailable) => 5016,
        (NotExecuting, OutOfService) => 5017,
        (NotExecuting, Executing) => 5018,
        (NotExecuting, NotExecuting) => 5019,
        (Executing, NotAvailable) => 5020,
        (Executing, OutOfService) => 5021,
        (Executing, NotExecuting) => 5022,
        (Executing, Executing) => 5023,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transition_is_the_one_of_the_type() {
        use ItemState::{Executing, NotAvailable, NotExecuting, OutOfService};
        let types = include_str!("../../../nodesets/Opc.Ua.Machinery.NodeSet2.xml");
        let states = [NotAvailable, OutOfService, NotExecuting, Executing];
        for from in states {
            for to in states {
                let (id, from, to) = (id(from, to), from.text(), to.text());
                let node = format!("NodeId=\"ns=1;i={id}\" BrowseName=\"1:From{from}To{to}\"");
                assert!(types.contains(&node), "{node}");
            }
        }
    }
}
