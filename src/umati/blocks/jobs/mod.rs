//! Jobs as a MES knows them: `MachineryBuildingBlocks/JobManagement` (40001-3, OPC 10031-4 V2).
//!
//! | node | from |
//! |---|---|
//! | JobOrderControl/JobOrderList | every order of the book with its state (`order`) |
//! | JobOrderControl/WorkMaster | the files that OctoPrint could print (`work_master`); empty while it does not tell |
//! | JobOrderControl/CurrentState | the state of ActiveProgram; before any program, whether an order may start |
//! | JobOrderControl/MaxDownloadableJobOrders | constant [`MAX_WAITING_ORDERS`] |
//! | JobOrderControl/MaterialClassID, … | empty: an order needs to name nothing but a file |
//! | JobOrderControl, methods | only where the machine may be controlled, and only for those who may control it |
//! | JobOrderResults/JobOrderResponseList | what became of each order that is not waiting (`response`) |
//!
//! Always holds: the lists of orders are looked at only when the book has changed, a list is written only when one of
//! its entries has changed (`list`), entries that did not change
//! share their bytes with the list before, and CurrentState never contradicts ActiveProgram.

mod list;
mod order;
mod parameters;
mod response;
mod work_master;

pub use order::job_order;
pub use response::job_response;

use opcua::types::{Array, ReferenceTypeId, Variant, VariantScalarTypeId};

use super::Identity;
use super::identification::product_instance_uri;
use super::operation::current_state;
use super::quality::{Quality, View};
use super::render::Render;
use super::shape::Shape;
use super::state::{ProgramState, States};
use crate::machine::{Book, MAX_WAITING_ORDERS, OrderState};
use crate::umati::blueprint::Plan;
use crate::umati::calls::JobMethod;
use crate::umati::isa95::states::ReceiverState;

/// JobOrderControl, by path.
pub(in crate::umati) const CONTROL: &str = "MachineryBuildingBlocks/JobManagement/JobOrderControl";
/// JobOrderResults, by path.
pub(in crate::umati) const RESULTS: &str = "MachineryBuildingBlocks/JobManagement/JobOrderResults";
/// JobOrderList, by path.
pub(in crate::umati) const ORDERS: &str =
    "MachineryBuildingBlocks/JobManagement/JobOrderControl/JobOrderList";
/// JobOrderResponseList, by path.
pub(in crate::umati) const RESPONSES: &str =
    "MachineryBuildingBlocks/JobManagement/JobOrderResults/JobOrderResponseList";

pub(super) fn plan(plan: &mut Plan, shape: &Shape) {
    plan.include(&format!("{CONTROL}/CurrentState/Number"))
        .include(RESPONSES)
        .event_notifier(RESULTS)
        .link("", RESULTS, ReferenceTypeId::HasEventSource);
    if shape.control {
        for method in JobMethod::CONTROL {
            plan.include_control(&method.path());
        }
    }
}

pub(super) fn render(out: &mut Render, view: &View, states: &States, identity: &Identity) {
    let machine = view.machine;
    if out.turns_to(machine.book.revision()) {
        let uri = product_instance_uri(&machine.nameplate.id, &identity.application_uri);
        order::render(out, view);
        response::render(out, view, &uri);
    }
    work_master::render(out, view);
    let state = receiver_state(states.program, &machine.book);
    current_state(out, CONTROL, state, states);
    out.constant(&path("MaxDownloadableJobOrders"), || {
        MAX_WAITING_ORDERS.into()
    });
    for resource in [
        "MaterialClassID",
        "MaterialDefinitionID",
        "EquipmentID",
        "PhysicalAssetID",
        "PersonnelID",
    ] {
        out.constant(&path(resource), || {
            array(VariantScalarTypeId::String, Vec::new())
        });
    }
}

fn path(member: &str) -> String {
    format!("{CONTROL}/{member}")
}

/// CurrentState of the receiver. It follows the program, which is the print that runs or ran last; while there is
/// none, the orders that wait tell whether one of them may start.
fn receiver_state(program: ProgramState, book: &Book) -> ReceiverState {
    match program {
        ProgramState::Running => ReceiverState::Running,
        ProgramState::Interrupted => ReceiverState::Interrupted,
        ProgramState::Ended => ReceiverState::Ended,
        ProgramState::Aborted => ReceiverState::Aborted,
        ProgramState::Initializing
            if book
                .orders()
                .any(|order| order.state == OrderState::AllowedToStart) =>
        {
            ReceiverState::AllowedToStart
        }
        ProgramState::Initializing => ReceiverState::NotAllowedToStart,
    }
}

/// An array of this type, also if it has no elements.
fn array(value_type: VariantScalarTypeId, values: Vec<Variant>) -> Variant {
    Variant::Array(Box::new(Array {
        value_type,
        values,
        dimensions: None,
    }))
}

fn quality(value: Variant) -> Quality<Variant> {
    // What is known of orders does not depend on a printer that answers.
    Quality::Good(value)
}
