//! The last error: stays, as a Good value of its time, until the next one.

use opcua::types::StatusCode;

use super::path;
use crate::machine::{PrinterState, Timestamp};
use crate::umati::blocks::quality::{Quality, View};
use crate::umati::blocks::render::{Render, utc};
use crate::umati::blocks::shape::{Shape, ToldPart};
use crate::umati::blueprint::Plan;

const REASON: &str = "LastError/Reason";

/// An error, as far as it was told.
struct Told<'a> {
    text: &'a str,
    reason: Option<&'a str>,
    at: Timestamp,
}

pub(super) fn plan(plan: &mut Plan, shape: &Shape) {
    if shape.told.contains(&ToldPart::Basics) {
        plan.include(&path(REASON));
    }
}

pub(super) fn render(out: &mut Render, view: &View, shape: &Shape) {
    let (text, time) = (path("LastError/Text"), path("LastError/Time"));
    let known = out.current(&text).is_some();
    let told = newest(view, known);
    match &told {
        Some(error) => {
            out.put(&text, Quality::Good(error.text));
            out.put(&time, Quality::Good(utc(error.at)));
        }
        None if !known => {
            out.put(&text, view.told(None::<&str>));
            out.put(&time, view.told(None::<&str>));
        }
        None => {}
    }
    if shape.told.contains(&ToldPart::Basics) {
        let reason = path(REASON);
        match told {
            Some(error) => out.put(
                &reason,
                Quality::or_bad(error.reason, StatusCode::BadNoData),
            ),
            None if !known => out.put(&reason, view.told(None::<&str>)),
            // The node is younger than the error, which was told without a reason.
            None if out.age(&reason).is_none() => {
                out.put(&reason, Quality::<&str>::Bad(StatusCode::BadNoData));
            }
            None => {}
        }
    }
}

/// The error that holds, if one does. What was told of it by itself counts more than what a report says of it.
fn newest<'a>(view: &View<'a>, known: bool) -> Option<Told<'a>> {
    let last = view.machine.trouble.as_ref();
    let trouble = last.map(|last| Told {
        text: &last.trouble.text,
        reason: last.trouble.reason.as_deref(),
        at: last.at,
    });
    if last.is_some_and(|last| last.holds()) {
        return trouble;
    }
    // OctoPrint 2.0 tells the error to subscribers only; its state text is what remains.
    let report = view.machine.report.as_ref();
    let reported = report.and_then(|report| match (&report.error, report.state) {
        (Some(error), _) => Some(error.as_str()),
        (None, PrinterState::Error) => Some(report.state_text.as_str()),
        (None, _) => None,
    });
    let reported = reported.map(|text| Told {
        text,
        reason: None,
        at: view.machine.state_since.unwrap_or(view.at),
    });
    reported.or(trouble.filter(|_| !known))
}
