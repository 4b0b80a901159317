//! An order of the book as an entry of JobOrderList.
//!
//! What a MES sent is served as it was sent, byte by byte. For a print that nobody ordered the bridge writes the
//! order that a MES would have sent: the file, the job's name, one run, production mode.

use std::hash::Hash;

use opcua::types::DateTime;

use super::super::quality::View;
use super::super::render::{Render, utc};
use super::list::{self, hash};
use super::parameters::{
    JOB_EXECUTION_MODE, PRODUCTION_MODE, RUNS_PLANNED, job_name, parameter, texts,
};
use crate::machine::{Order, OrderState};
use crate::umati::isa95::states::{ReceiverState, states};
use crate::umati::isa95::types::{JobOrder, JobOrderAndState, WorkMaster};
use crate::umati::isa95::{Encoded, Mark, codec};

pub(super) fn render(out: &mut Render, view: &View) {
    let orders = view.machine.book.orders();
    let sources = orders.map(|order| (mark(order), order)).collect();
    list::put(out, super::ORDERS, sources, encode);
}

/// What a MES reads of an order.
pub fn job_order(order: &Order) -> JobOrder {
    document(order).unwrap_or_else(|| written_by_us(order))
}

/// What the MES sent. `None` also for bytes that are no such order any more: a store can hand back anything.
fn document(order: &Order) -> Option<JobOrder> {
    let document = codec::decode::<JobOrder>(order.document.as_ref()?)?;
    (document.job_order_id.as_ref() == order.id.0).then_some(document)
}

fn written_by_us(order: &Order) -> JobOrder {
    let name = job_title(order);
    let file = order.file.as_ref().map(|file| WorkMaster {
        id: file.id().into(),
        description: Some(name.into()),
        parameters: None,
    });
    JobOrder {
        job_order_id: order.id.0.as_str().into(),
        description: Some(texts(name).into()),
        work_master_id: file.map(|file| vec![file].into()),
        start_time: order.job.as_ref().map(|job| utc(job.start.at())),
        end_time: None::<DateTime>,
        priority: Some(order.priority),
        job_order_parameters: Some(
            vec![
                job_name(name),
                parameter(RUNS_PLANNED, 1_u32),
                parameter(JOB_EXECUTION_MODE, PRODUCTION_MODE),
            ]
            .into(),
        ),
        ..JobOrder::default()
    }
}

/// The name under which the file was uploaded, or what else is known of it; empty if nothing is.
pub(super) fn job_title(order: &Order) -> &str {
    let uploaded = order.job.as_ref().and_then(|job| job.file.as_ref());
    let named = order.file.as_ref().map(|file| file.path.as_str());
    uploaded
        .map(|file| file.display.as_str())
        .or(named)
        .unwrap_or_default()
}

fn encode(order: &Order, mark: Mark) -> Option<Encoded> {
    let states = states(order.state);
    if document(order).is_some() {
        let front = order.document.clone();
        return Encoded::spliced::<JobOrderAndState>(front, &states, mark).ok();
    }
    let entry = JobOrderAndState {
        job_order: written_by_us(order),
        state: states,
    };
    Encoded::new(&entry, mark).ok()
}

/// An order that is told differently has another mark.
fn mark(order: &Order) -> Mark {
    if order.state.is_final() {
        return final_mark(order);
    }
    let job = order.job.as_ref();
    Mark {
        content: hash((
            identity(order),
            order.priority,
            &order.file,
            // While an entry keeps the bytes alive, no others can stand at their address.
            order
                .document
                .as_ref()
                .map(|bytes| (bytes.as_ptr() as usize, bytes.len())),
            job.map(|job| job.start.at()),
            job_title(order),
        )),
        progress: 0,
    }
}

/// An order that is over changes no more: which one it is says everything.
pub(super) fn final_mark(order: &Order) -> Mark {
    Mark {
        content: hash(identity(order)),
        progress: 0,
    }
}

/// Which order, and in which state since when.
pub(super) fn identity(order: &Order) -> impl Hash + use<'_> {
    let sub_state = match order.state {
        OrderState::Interrupted(why) => why as u32,
        _ => 0,
    };
    (
        &order.id,
        ReceiverState::from(order.state) as u32,
        sub_state,
        order.created_at,
        order.state_since,
    )
}
