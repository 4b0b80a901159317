//! Messages and what is expected next: `Notification` (40501-1 §8.6).
//!
//! | node | from |
//! |---|---|
//! | Messages | where events of the machine are subscribed |
//! | Prognoses/PartUnload/PredictedTime | receive time + the print time that is left |
//! | Prognoses/PartUnload/PartName | the file that is printed |
//! | Prognoses/PartUnload/Location | constant: the build plate |
//!
//! While no job is under way the prognosis has no data. (ProductionJobEndPrognosisType, which says the same, is
//! deprecated since 1.02.)

use chrono::{Datelike, TimeDelta};
use opcua::types::{DateTime, LocalizedText, QualifiedName, ReferenceTypeId, Variant};

use super::quality::View;
use super::render::Render;
use crate::machine::Timestamp;
use crate::umati::blueprint::Plan;
use crate::umati::ids;
use crate::umati::namespaces::INSTANCES;

/// Messages, by path.
pub(in crate::umati) const MESSAGES: &str = "Notification/Messages";
const PROGNOSES: &str = "Notification/Prognoses";
const PREDICTED_TIME: &str = "Notification/Prognoses/PartUnload/PredictedTime";
const PART_NAME: &str = "Notification/Prognoses/PartUnload/PartName";
const LOCATION: &str = "Notification/Prognoses/PartUnload/Location";

/// OctoPrint tells whole seconds, so the same end seems to move by a second or two with each poll.
const JITTER: TimeDelta = TimeDelta::seconds(2);

pub(super) fn plan(plan: &mut Plan) {
    plan.include(MESSAGES)
        .event_notifier("")
        .event_notifier(MESSAGES)
        .link("", MESSAGES, ReferenceTypeId::HasNotifier)
        .add(
            PROGNOSES,
            QualifiedName::new(INSTANCES, "PartUnload"),
            ids::PART_UNLOAD_PROGNOSIS_TYPE,
        );
}

pub(super) fn render(out: &mut Render, view: &View) {
    let job = view.machine.active_job();
    let name = job.and_then(|job| Some(job.file.as_ref()?.display.as_str()));
    out.put(PART_NAME, view.told(name));
    let steadied = job
        .and_then(|_| end_of_print(view))
        .map(|end| steady(end, out.current(PREDICTED_TIME)));
    out.put(PREDICTED_TIME, view.told(steadied));
    out.constant(LOCATION, || LocalizedText::new("en", "Build plate").into());
}

/// `None` for an end that OPC UA cannot tell: its time ends with the year 9999.
fn end_of_print(view: &View) -> Option<Timestamp> {
    let left = view.machine.report.as_ref()?.progress.print_time_left?;
    let left = TimeDelta::from_std(left).ok()?;
    let end = view.machine.reported_at?.checked_add_signed(left)?;
    (end.year() < 10_000).then_some(end)
}

/// The prediction that stands, unless the new one really differs.
fn steady(end: Timestamp, standing: Option<&Variant>) -> DateTime {
    match standing {
        Some(Variant::DateTime(standing)) if (standing.as_chrono() - end).abs() <= JITTER => {
            **standing
        }
        _ => DateTime::from(end),
    }
}
