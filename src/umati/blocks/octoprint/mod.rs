//! The vendor AddIn `OctoPrint`: what OctoPrint tells and no companion specification has a place for.
//!
//! Type OctoPrintInterfaceType of `nodesets/UmatiBridge.NodeSet2.xml`.
//!
//! | node | from |
//! |---|---|
//! | ServerReachable, KeyValid, PrinterConnected, Diagnosis | the link: three facts, and the reason in words |
//! | StateText, Flags, User | the newest report, as it was told |
//! | LastError/Text, Time, Reason | the newest error; stays after it is gone (`error`) |
//! | Progress, FilePosition, PrintTime, PrintTimeLeft, PrintTimeLeftOrigin | its progress |
//! | EstimatedPrintTime, AveragePrintTime, LastPrintTime, Filament/ToolN | its estimates |
//! | FileName, FileDisplay, FileOrigin, FilePath, FileSize, FileDate | the selected file |
//! | OctoPrintVersion, ApiVersion | `/api/version` |
//! | BuildVolume, ExtruderCount, HeatedBed, HeatedChamber | the printer profile, once the key may read it |
//! | CurrentZ, CurrentTool, ResendCount, TransmittedLines | what only news tell, once they do (`serial`) |
//! | BridgeVersion, DataSource, DataSourceReason, LastUpdate | the bridge |
//!
//! What the newest report tells has its time by OctoPrint's clock, where it tells that.

use opcua::types::{QualifiedName, ReferenceTypeId, StatusCode, Variant};

use super::quality::{Limits, Quality, View};
use super::render::{Render, utc};
use super::shape::{Shape, tool_name};
use super::units::Unit;
use crate::machine::{DataSource, Filament, SensorId};
use crate::umati::blueprint::Plan;
use crate::umati::ids;
use crate::umati::namespaces::{INSTANCES, VENDOR};

mod error;
mod link;
mod serial;

const ADD_IN: &str = "OctoPrint";
const FILAMENT: &str = "OctoPrint/Filament";

pub(super) fn plan(plan: &mut Plan, shape: &Shape) {
    plan.add_in(
        "",
        QualifiedName::new(VENDOR, ADD_IN),
        ReferenceTypeId::HasAddIn,
        ids::OCTOPRINT_INTERFACE_TYPE,
    );
    for tool in &shape.tools {
        plan.add(
            FILAMENT,
            QualifiedName::new(INSTANCES, tool_name(*tool)),
            ids::FILAMENT_TYPE,
        );
    }
    let profile = shape.profile.unwrap_or_default();
    let optional = [
        (profile.extruder_count, "ExtruderCount"),
        (profile.heated_bed, "HeatedBed"),
        (profile.heated_chamber, "HeatedChamber"),
        (profile.volume, "BuildVolume"),
    ];
    for (_, member) in optional.into_iter().filter(|(known, _)| *known) {
        plan.include(&path(member));
    }
    error::plan(plan, shape);
    serial::plan(plan, shape);
}

pub(super) fn render(out: &mut Render, view: &View, shape: &Shape, bridge_version: &str) {
    link::render(out, view);
    state(out, view);
    error::render(out, view, shape);
    serial::render(out, view, shape);
    progress(out, view);
    file(out, view);
    filament(out, view, shape);
    profile(out, view);

    let software = view.machine.software.as_ref();
    let waiting = StatusCode::BadWaitingForInitialData;
    let version = software.and_then(|s| s.server.as_deref());
    let api = software.and_then(|s| s.api.as_deref());
    let updated = view.machine.reported_at.map(utc);
    out.put(&path("OctoPrintVersion"), Quality::or_bad(version, waiting));
    out.put(&path("ApiVersion"), Quality::or_bad(api, waiting));
    out.put(&path("LastUpdate"), Quality::or_bad(updated, waiting));
    out.constant(&path("BridgeVersion"), || bridge_version.into());
    let (source, why) = match &view.machine.source {
        DataSource::Push => ("push", None),
        DataSource::Poll { why } => ("poll", why.as_deref()),
    };
    out.put(&path("DataSource"), Quality::Good(source));
    out.put(
        &path("DataSourceReason"),
        Quality::Good(why.unwrap_or_default()),
    );
}

fn path(member: &str) -> String {
    format!("{ADD_IN}/{member}")
}

/// A value of the newest report.
fn tell(out: &mut Render, view: &View, member: &str, value: Option<impl Into<Variant>>) {
    out.put_since(&path(member), view.told(value), view.told_at);
}

fn state(out: &mut Render, view: &View) {
    let report = view.machine.report.as_ref();
    let text = report.map(|r| r.state_text.as_str());
    tell(out, view, "StateText", text);
    tell(out, view, "User", report.and_then(|r| r.user.as_deref()));
    let flags = report.and_then(|r| r.flags);
    let mut flag = |name: &str, value: Option<bool>| {
        tell(out, view, &format!("Flags/{name}"), value);
    };
    flag("Operational", flags.map(|f| f.operational));
    flag("Printing", flags.map(|f| f.printing));
    flag("Pausing", flags.map(|f| f.pausing));
    flag("Paused", flags.map(|f| f.paused));
    flag("Resuming", flags.map(|f| f.resuming));
    flag("Cancelling", flags.map(|f| f.cancelling));
    flag("Finishing", flags.map(|f| f.finishing));
    flag("Ready", flags.map(|f| f.ready));
    flag("Error", flags.map(|f| f.error));
    flag("ClosedOrError", flags.map(|f| f.closed_or_error));
    flag("SdReady", flags.map(|f| f.sd_ready));
}

fn progress(out: &mut Render, view: &View) {
    let report = view.machine.report.as_ref();
    let progress = report.map(|r| &r.progress);
    let estimates = report.map(|r| &r.estimates);
    let completion = progress
        .and_then(|p| p.completion)
        .filter(|c| c.is_finite());
    tell(out, view, "Progress", completion);
    out.constant(&path("Progress/EngineeringUnits"), || Unit::Percent.into());
    out.constant(&path("Progress/EURange"), || Limits::PERCENT.into());
    let position = progress.and_then(|p| p.file_position);
    tell(out, view, "FilePosition", position);
    let origin = progress.and_then(|p| p.print_time_left_origin.as_deref());
    tell(out, view, "PrintTimeLeftOrigin", origin);

    let durations = [
        ("PrintTime", progress.and_then(|p| p.print_time)),
        ("PrintTimeLeft", progress.and_then(|p| p.print_time_left)),
        ("EstimatedPrintTime", estimates.and_then(|e| e.print_time)),
        (
            "AveragePrintTime",
            estimates.and_then(|e| e.average_print_time),
        ),
        ("LastPrintTime", estimates.and_then(|e| e.last_print_time)),
    ];
    for (member, duration) in durations {
        // OPC 10000-3 §8.13: a Duration is in milliseconds.
        let milliseconds = duration.map(|d| d.as_secs_f64() * 1000.0);
        tell(out, view, member, milliseconds);
    }
}

fn file(out: &mut Render, view: &View) {
    let file = view.machine.report.as_ref().and_then(|r| r.file.as_ref());
    let texts = [
        ("FileName", file.map(|f| &f.name)),
        ("FileDisplay", file.map(|f| &f.display)),
        ("FileOrigin", file.map(|f| &f.origin)),
        ("FilePath", file.map(|f| &f.path)),
    ];
    for (member, text) in texts {
        tell(out, view, member, text.map(String::as_str));
    }
    let size = file.and_then(|f| f.size);
    let date = file.and_then(|f| f.date).map(utc);
    tell(out, view, "FileSize", size);
    tell(out, view, "FileDate", date);
}

fn filament(out: &mut Render, view: &View, shape: &Shape) {
    let estimates = view.machine.report.as_ref().map(|r| &r.estimates);
    for tool in &shape.tools {
        let key = SensorId::Tool(*tool).to_string();
        let needed = estimates.and_then(|e| e.filament.get(&key));
        let mut amount = |name: &str, unit: Unit, part: fn(&Filament) -> Option<f64>| {
            let member = format!("Filament/{}/{name}", tool_name(*tool));
            tell(out, view, &member, needed.and_then(part));
            out.constant(&path(&format!("{member}/EngineeringUnits")), || unit.into());
        };
        amount("Length", Unit::Millimetre, |f| f.length);
        amount("Volume", Unit::CubicCentimetre, |f| f.volume);
        amount("Weight", Unit::Gram, |f| f.weight);
    }
}

/// The profile is read rarely and hardly ever changes: what was read stays Good.
fn profile(out: &mut Render, view: &View) {
    let Some(profile) = &view.machine.profile else {
        return;
    };
    let mut put = |member: &str, value: Option<Variant>| {
        if let Some(value) = value {
            out.put(&path(member), Quality::Good(value));
        }
    };
    put("ExtruderCount", profile.extruder_count.map(Variant::from));
    put("HeatedBed", profile.heated_bed.map(Variant::from));
    put("HeatedChamber", profile.heated_chamber.map(Variant::from));
    let Some(volume) = &profile.volume else {
        return;
    };
    let form = volume.form_factor.as_str();
    put("BuildVolume/FormFactor", Some(form.into()));
    let extents = [
        ("BuildVolume/Width", volume.width),
        ("BuildVolume/Depth", volume.depth),
        ("BuildVolume/Height", volume.height),
    ];
    for (extent, millimetres) in extents {
        out.put(&path(extent), Quality::Good(millimetres));
        let unit = path(&format!("{extent}/EngineeringUnits"));
        out.constant(&unit, || Unit::Millimetre.into());
    }
}
