//! A job order has entered a state: ISA95JobOrderStatusEventType (OPC 10031-4 §7.3.1).

use opcua::types::{ExtensionObject, Variant, VariantScalarTypeId};

use super::record::{EventRecord, Lineage, Source};
use crate::machine::{JobPhase, Machine, OrderChange, OrderState, Outcome};
use crate::umati::blocks::jobs::{job_order, job_response};
use crate::umati::isa95::states::states;
use crate::umati::namespaces::JOB_CONTROL;

const SEVERITY: u16 = 100;
const SEVERITY_FAILED: u16 = 700;

/// The event of one change; `machine_uri` is the ProductInstanceUri.
pub(super) fn order_status(
    types: &Lineage,
    source: &Source,
    machine: &Machine,
    machine_uri: &str,
    change: &OrderChange,
) -> EventRecord {
    let order = &change.order;
    let failed = order.job.as_ref().is_some_and(|job| {
        matches!(
            job.phase,
            JobPhase::Ended {
                outcome: Outcome::Failed { .. },
                ..
            }
        )
    });
    let severity = if failed { SEVERITY_FAILED } else { SEVERITY };
    let reason = order.reason.as_deref().map(|why| format!(": {why}"));
    let message = format!(
        "{} {}{}",
        order.id.0,
        words(order.state),
        reason.unwrap_or_default()
    );
    let mut event = EventRecord::new(types, source, change.at, severity, &message);
    let object = ExtensionObject::from_message(job_order(order));
    event.put_in(JOB_CONTROL, "JobOrder", object);
    let states = states(order.state).0.into_iter();
    let states: Vec<Variant> = states
        .map(|state| ExtensionObject::from_message(state).into())
        .collect();
    event.put_in(
        JOB_CONTROL,
        "JobState",
        (VariantScalarTypeId::ExtensionObject, states),
    );
    // While the order waits there is no response: null.
    let response = job_response(order, machine, machine_uri);
    let response = response.map_or_else(ExtensionObject::null, ExtensionObject::from_message);
    event.put_in(JOB_CONTROL, "JobResponse", response);
    event
}

fn words(state: OrderState) -> &'static str {
    match state {
        OrderState::NotAllowedToStart => "is not allowed to start",
        OrderState::AllowedToStart => "is allowed to start",
        OrderState::Running => "is running",
        OrderState::Interrupted(_) => "is interrupted",
        OrderState::Ended => "has ended",
        OrderState::Aborted => "was aborted",
    }
}
