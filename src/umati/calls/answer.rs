//! What the caller of a method gets.

use opcua::types::{Array, ExtensionObject, Variant, VariantScalarTypeId};

use super::Query;
use crate::machine::Refusal;
use crate::umati::blocks::jobs::{ORDERS, RESPONSES};
use crate::umati::instance::Instance;
use crate::umati::isa95::Encoded;
use crate::umati::isa95::types::{JobOrderAndState, JobResponse, State};

/// ReturnStatus (OPC 10031-4 §7.2.1): bit 0 is "no error", bits from 33 on are the bridge's own.
///
/// It goes with a Call that is Good: the standard forbids Bad, and clients take Uncertain for a failure and lose the
/// outputs.
pub fn return_status(outcome: Result<(), Refusal>) -> u64 {
    let bit = match outcome {
        Ok(()) => 0,
        Err(Refusal::UnknownOrder) => 1,
        Err(Refusal::InvalidState) => 3,
        Err(Refusal::UnableToAccept) => 4,
        Err(Refusal::InvalidRequest) => 32,
        Err(Refusal::PrinterNotConnected) => 33,
        Err(Refusal::Busy) => 34,
        Err(Refusal::FileNotFound) => 35,
        Err(Refusal::Unreachable) => 36,
        // 37, control is disabled, is never told: the methods are absent then.
        Err(Refusal::KeyNotPermitted) => 38,
        Err(Refusal::TimedOut) => 39,
        Err(Refusal::NotStored) => 40,
    };
    1 << bit
}

/// The outputs of the two methods that ask for job responses: the responses, then ReturnStatus.
///
/// By id: the one response, or null with the reason in ReturnStatus. By state: all of the orders in that state,
/// which may be none.
pub fn responses(instance: &Instance, query: &Query) -> Vec<Variant> {
    let known = known(instance);
    match query {
        Query::ById(id) => {
            let found = known
                .iter()
                .rfind(|(response, _)| response.job_order_id.as_ref() == id.0);
            match found {
                Some((_, object)) => output((*object).clone(), Ok(())),
                None if is_waiting(instance, &id.0) => {
                    output(ExtensionObject::null(), Err(Refusal::InvalidState))
                }
                None => output(ExtensionObject::null(), Err(Refusal::UnknownOrder)),
            }
        }
        Query::ByState(wanted) => {
            let found = known
                .into_iter()
                .filter(|(response, _)| is_in(&response.job_state, wanted))
                .map(|(_, object)| Variant::from(object.clone()))
                .collect();
            let list = Variant::Array(Box::new(Array {
                value_type: VariantScalarTypeId::ExtensionObject,
                values: found,
                dimensions: None,
            }));
            output(list, Ok(()))
        }
    }
}

fn output(found: impl Into<Variant>, outcome: Result<(), Refusal>) -> Vec<Variant> {
    vec![found.into(), return_status(outcome).into()]
}

/// The job responses that the instance has.
fn known(instance: &Instance) -> Vec<(JobResponse, &ExtensionObject)> {
    entries(instance, RESPONSES)
        .filter_map(|object| Some((Encoded::of(object)?.decode()?, object)))
        .collect()
}

fn is_waiting(instance: &Instance, id: &str) -> bool {
    entries(instance, ORDERS)
        .filter_map(|object| Encoded::of(object)?.decode::<JobOrderAndState>())
        .any(|entry| entry.job_order.job_order_id.as_ref() == id)
}

fn entries<'a>(
    instance: &'a Instance,
    path: &str,
) -> impl Iterator<Item = &'a ExtensionObject> + use<'a> {
    let list = instance.resolve(path).map(|index| instance.value(index));
    let elements = match list.and_then(|data| data.value.as_ref()) {
        Some(Variant::Array(array)) => array.values.as_slice(),
        _ => &[],
    };
    elements.iter().filter_map(|entry| match entry {
        Variant::ExtensionObject(object) => Some(object),
        _ => None,
    })
}

/// Every state that is asked for is one of the order's. Numbers count; texts may be in another language.
fn is_in(states: &[State], wanted: &[State]) -> bool {
    let machine = |state: &State| {
        let elements = state.browse_path.elements.iter().flatten();
        elements.map(|e| e.target_name.clone()).collect::<Vec<_>>()
    };
    wanted.iter().all(|wanted| {
        states.iter().any(|state| {
            state.state_number == wanted.state_number && machine(state) == machine(wanted)
        })
    })
}
