//! What happens between OctoPrint and the printer, which it does not tell when it is asked.
//!
//! | node | from |
//! |---|---|
//! | CurrentZ | height of the nozzle, mm |
//! | CurrentTool | number of the tool in use, as ControlIdentifier1 in `Equipment/Tools` |
//! | ResendCount, TransmittedLines | lines sent again, and all lines sent, since the connection stands |

use super::path;
use crate::machine::Report;
use crate::umati::blocks::quality::View;
use crate::umati::blocks::render::Render;
use crate::umati::blocks::shape::{Shape, ToldPart};
use crate::umati::blocks::units::Unit;
use crate::umati::blueprint::Plan;

const MEMBERS: [(&str, ToldPart); 4] = [
    ("CurrentZ", ToldPart::Basics),
    ("CurrentTool", ToldPart::Tool),
    ("ResendCount", ToldPart::Resends),
    ("TransmittedLines", ToldPart::Resends),
];

pub(super) fn plan(plan: &mut Plan, shape: &Shape) {
    for (member, part) in MEMBERS {
        if shape.told.contains(&part) {
            plan.include(&path(member));
        }
    }
}

pub(super) fn render(out: &mut Render, view: &View, shape: &Shape) {
    let report = view.machine.report.as_ref();
    let has = |part| shape.told.contains(&part);
    if has(ToldPart::Basics) {
        let z = report.and_then(|r| r.z).filter(|z| z.is_finite());
        out.put_since(&path("CurrentZ"), view.live(z), view.told_at);
        out.constant(&path("CurrentZ/EngineeringUnits"), || {
            Unit::Millimetre.into()
        });
    }
    if has(ToldPart::Tool) {
        let tool = report.and_then(|r| r.tool);
        out.put_since(&path("CurrentTool"), view.live(tool), view.told_at);
    }
    if has(ToldPart::Resends) {
        let mut lines = |member: &str, part: fn(&Report) -> Option<u64>| {
            let count = report.and_then(part);
            out.put_since(&path(member), view.live(count), view.told_at);
        };
        lines("ResendCount", |r| Some(r.resends?.count));
        lines("TransmittedLines", |r| Some(r.resends?.transmitted));
    }
}
