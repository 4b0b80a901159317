//! What became of an order: an entry of JobOrderResponseList. Orders that wait have none.
//!
//! | JobResponseData | from |
//! |---|---|
//! | JobName | that of the MES's order, else the name of the file |
//! | JobExecutionMode | that of the MES's order, else ProductionMode |
//! | JobResult | Unknown until it is over and if nobody saw how it ended, else Successful or Unsuccessful |
//! | ReasonForStateChange | the comment of the MES, or what OctoPrint told |
//! | ProducedQuantity | 1 if the print was completed, else 0 |
//! | ActualProductionTime | OctoPrint's print time, which leaves out pauses, ms |
//! | Runs | one run: its identifier, state, and while it is under way the remaining time, ms |
//!
//! MaterialActuals of a completed print: the filament of each tool, as the file was analysed, and the part. What a
//! print that was given up has consumed, nobody knows.

use opcua::types::{ExtensionObject, LocalizedText, Variant};

use super::super::names::name_based_uuid;
use super::super::quality::View;
use super::super::render::{Render, utc};
use super::list::{self, hash};
use super::order::{final_mark, identity, job_order, job_title};
use super::parameters::{
    JOB_EXECUTION_MODE, JOB_NAME, PRODUCTION_MODE, decimal, job_name, measure, measures, parameter,
    tool_of,
};
use crate::machine::{Job, Machine, Order, OrderState, Outcome};
use crate::umati::blocks::units::Unit;
use crate::umati::isa95::states::{states, top_level};
use crate::umati::isa95::types::{JobResponse, Material, Parameter, Property, RunInfo};
use crate::umati::isa95::{Encoded, List, Mark};

/// Enumeration JobResult (40001-3 §9.2).
#[derive(Debug, Clone, Copy)]
enum JobResult {
    Unknown = 0,
    Successful = 1,
    Unsuccessful = 2,
}

pub(super) fn render(out: &mut Render, view: &View, machine_uri: &str) {
    let orders = view.machine.book.orders();
    let sources = orders
        .filter(|order| !order.state.is_waiting())
        .map(|order| (order, job_of(order, view.machine)))
        .map(|(order, job)| (mark(order, job), (order, job)))
        .collect();
    list::put(out, super::RESPONSES, sources, |(order, job), mark| {
        Encoded::new(&response(order, job, machine_uri), mark).ok()
    });
}

/// What a MES reads of what became of an order; `None` while the order waits. `machine_uri` is the
/// ProductInstanceUri.
pub fn job_response(order: &Order, machine: &Machine, machine_uri: &str) -> Option<JobResponse> {
    (!order.state.is_waiting()).then(|| response(order, job_of(order, machine), machine_uri))
}

/// The print of an order; the machine knows more of the one that runs.
fn job_of<'a>(order: &'a Order, machine: &'a Machine) -> Option<&'a Job> {
    let known = order.job.as_ref();
    let runs = machine.active_job();
    runs.filter(|job| known.is_some_and(|known| known.id == job.id))
        .or(known)
}

fn response(order: &Order, job: Option<&Job>, machine_uri: &str) -> JobResponse {
    // A JobOrderID may come back after Clear; a job never does.
    let print = job.map_or("", |job| &job.id.0);
    let id = name_based_uuid(&format!("{machine_uri}\n{}\n{print}", order.id.0));
    let is_completed = order.state == OrderState::Ended;
    let ended_at = job.and_then(Job::end).map(|(at, _)| at);
    let materials = is_completed.then(|| materials(order));
    JobResponse {
        job_order_id: order.id.0.as_str().into(),
        start_time: job.map(|job| utc(job.start.at())),
        end_time: (order.state.is_final()).then(|| utc(ended_at.unwrap_or(order.state_since))),
        job_state: states(order.state),
        job_response_data: Some(data(order, job, &id).into()),
        material_actuals: materials.map(List),
        job_response_id: id.into(),
        ..JobResponse::default()
    }
}

fn data(order: &Order, job: Option<&Job>, id: &str) -> Vec<Parameter> {
    let ordered = job_order(order).job_order_parameters.unwrap_or_default();
    let as_ordered = |name: &str| ordered.iter().find(|p| p.id.as_ref() == name).cloned();
    let mut data = vec![
        as_ordered(JOB_NAME).unwrap_or_else(|| job_name(job_title(order))),
        as_ordered(JOB_EXECUTION_MODE)
            .unwrap_or_else(|| parameter(JOB_EXECUTION_MODE, PRODUCTION_MODE)),
        parameter("JobResult", result(order, job) as i32),
    ];
    data.extend(reason(order, job).map(|reason| {
        let reason = LocalizedText::from(reason);
        parameter("ReasonForStateChange", reason)
    }));
    let produced = if order.state == OrderState::Ended {
        1.0
    } else {
        0.0
    };
    data.push(parameter("ProducedQuantity", produced));
    let print_time = job.and_then(|job| job.progress.print_time);
    data.extend(print_time.map(|time| {
        let milliseconds = time.as_secs_f64() * 1000.0;
        measure("ActualProductionTime", milliseconds, Unit::Millisecond)
    }));
    if let Some(job) = job {
        let runs = vec![ExtensionObject::new(run(order, job, id))];
        data.push(parameter("Runs", runs));
    }
    data
}

fn run(order: &Order, job: &Job, id: &str) -> RunInfo {
    let left = job.progress.print_time_left.filter(|_| job.end().is_none());
    RunInfo {
        // Only the G-code knows layers, and OctoPrint does not tell.
        current_layer: None,
        identifier: format!("{id}#1").into(),
        state: top_level(order.state),
        remaining_time: left.map(|left| left.as_secs_f64() * 1000.0),
    }
}

fn result(order: &Order, job: Option<&Job>) -> JobResult {
    match (order.state, job.and_then(Job::end)) {
        (OrderState::Ended, _) => JobResult::Successful,
        (OrderState::Aborted, Some((_, Outcome::Unknown { .. }))) => JobResult::Unknown,
        (OrderState::Aborted, _) => JobResult::Unsuccessful,
        _ => JobResult::Unknown,
    }
}

/// Why the order is in its state, if anybody said.
fn reason<'a>(order: &'a Order, job: Option<&'a Job>) -> Option<&'a str> {
    let told = match job.and_then(Job::end) {
        Some((_, Outcome::Failed { reason })) => Some(reason.as_str()),
        Some((_, Outcome::Unknown { why })) => Some(why.as_ref()),
        _ => None,
    };
    order.reason.as_deref().or(told)
}

fn materials(order: &Order) -> Vec<Material> {
    let consumed = order.filament.iter().filter_map(|(tool, filament)| {
        let (_, amount, unit) = measures(filament).next()?;
        let tool = Property {
            id: "Tool".into(),
            value: Variant::from(tool_of(tool)),
            ..Property::default()
        };
        Some(Material {
            material_use: Some("Material consumed".into()),
            quantity: Some(decimal(amount)),
            engineering_units: Some(unit.into()),
            properties: Some(vec![tool].into()),
            ..Material::default()
        })
    });
    let part = Material {
        material_use: Some("Material produced".into()),
        description: Some(vec![job_title(order).into()].into()),
        quantity: Some("1".into()),
        ..Material::default()
    };
    consumed.chain([part]).collect()
}

/// A response that is told differently has another mark.
fn mark(order: &Order, job: Option<&Job>) -> Mark {
    if order.state.is_final() {
        return final_mark(order);
    }
    let end = job.and_then(Job::end).map(|(at, _)| at);
    let progress = job.map(|job| {
        let progress = &job.progress;
        (progress.print_time, progress.print_time_left)
    });
    Mark {
        content: hash((
            identity(order),
            &order.reason,
            job.map(|job| (&job.id, job.start.at(), end)),
            job_title(order),
        )),
        progress: hash(progress),
    }
}
