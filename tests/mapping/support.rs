//! Machines in every situation, built from observations like a running bridge does.

use std::sync::OnceLock;
use std::time::Duration;

use opcua::types::{DataValue, StatusCode, Variant};
use umati_bridge::machine::*;
use umati_bridge::umati::Mapping;
use umati_bridge::umati::blueprint::NodeKind;
use umati_bridge::umati::instance::Instance;

pub const APPLICATION_URI: &str = "urn:shop-floor:umati-bridge";
pub const VERSION: &str = "1.2.3";

/// One mapping for all tests: reading the types takes longer than any of them.
pub fn mapping() -> &'static Mapping {
    static MAPPING: OnceLock<Mapping> = OnceLock::new();
    MAPPING.get_or_init(|| Mapping::load(APPLICATION_URI, VERSION).unwrap())
}

/// `seconds` after the start of the tests' time.
pub fn t(seconds: i64) -> Timestamp {
    "2026-11-23T10:00:00Z".parse::<Timestamp>().unwrap() + chrono::TimeDelta::seconds(seconds)
}

pub fn machine() -> Machine {
    let nameplate = Nameplate {
        id: "prusa-01".into(),
        name: "Prusa 01".into(),
        ..Nameplate::default()
    };
    Machine::new(nameplate, patience())
}

pub fn patience() -> Patience {
    Patience {
        stale_after: Duration::from_secs(60),
        frozen_after: Duration::from_secs(15),
    }
}

pub fn file(name: &str) -> JobFile {
    JobFile {
        origin: "local".into(),
        path: format!("parts/{name}.gcode"),
        name: format!("{name}.gcode"),
        display: format!("{name} ö.gcode"),
        size: Some(4096),
        date: Some(t(-3600)),
    }
}

/// A report in which everything is told that `state` lets OctoPrint tell.
pub fn report(state: PrinterState) -> Report {
    let mut report = Report {
        state,
        state_text: format!("{state:?}"),
        ..Report::default()
    };
    if state == PrinterState::Error {
        report.error = Some("MINTEMP triggered".into());
    }
    if state.is_connected() {
        report.file = Some(file("bracket"));
        report.flags = Some(StateFlags {
            operational: true,
            printing: state.has_active_job(),
            ..StateFlags::default()
        });
        report.estimates.print_time = Some(Duration::from_secs(1200));
        report.temperatures = temperatures(&[(SensorId::Tool(0), 205.5), (SensorId::Bed, 60.0)]);
    }
    if state.has_active_job() {
        report.user = Some("anna".into());
        report.progress = Progress {
            completion: Some(25.5),
            file_position: Some(1024),
            print_time: Some(Duration::from_secs(300)),
            print_time_left: Some(Duration::from_secs(900)),
            print_time_left_origin: Some("analysis".into()),
        };
        report.estimates.filament = ToolFilament::from_iter([(
            "tool0".to_owned(),
            Filament {
                length: Some(1234.5),
                volume: Some(2.5),
                weight: None,
            },
        )]);
    }
    report
}

pub fn temperatures(actual: &[(SensorId, f64)]) -> TemperatureReport {
    let reading = |value: f64| Temperature {
        actual: Some(value),
        target: Some(210.0_f64.min(value.max(0.0))),
        offset: Some(0.0),
    };
    TemperatureReport::Read {
        sensors: actual
            .iter()
            .map(|(id, value)| (id.clone(), reading(*value)))
            .collect(),
        sampled: None,
    }
}

pub fn see(machine: &mut Machine, report: Report, at: i64) {
    machine.apply(Observation::Report(Box::new(report)), t(at));
}

/// The source tells by itself from now on.
pub fn push(machine: &mut Machine, at: i64) {
    machine.apply(Observation::Source(DataSource::Push), t(at));
}

pub fn hear(machine: &mut Machine, news: News, at: i64) {
    machine.apply(Observation::News(news), t(at));
}

pub fn firmware(name: &str) -> Firmware {
    Firmware {
        name: name.into(),
        ..Firmware::default()
    }
}

pub fn lose(machine: &mut Machine, at: i64) {
    machine.apply(
        Observation::Unreachable(Unreachable {
            cause: UnreachableCause::Timeout,
            detail: "no answer within 5 s".into(),
        }),
        t(at),
    );
}

/// A machine that reported `state` at 0 s.
pub fn machine_in(state: PrinterState) -> Machine {
    let mut machine = machine();
    see(&mut machine, report(state), 0);
    machine
}

/// A machine of everything: all optional nodes.
pub fn full_machine() -> Machine {
    let mut machine = machine();
    machine.nameplate = Nameplate {
        manufacturer: Some("Prusa Research".into()),
        model: Some("MK4".into()),
        serial_number: Some("SN-4711".into()),
        product_code: Some("PRI-MK4".into()),
        year_of_construction: Some(2025),
        location: Some("N 51.257315 E 6.740885".into()),
        asset_id: Some("INV-0815".into()),
        control: true,
        ..machine.nameplate
    };
    let mut report = report(PrinterState::Printing);
    report.temperatures = temperatures(&[
        (SensorId::Tool(0), 205.5),
        (SensorId::Bed, 60.0),
        (SensorId::Chamber, 40.0),
        (SensorId::Extra("A".into()), 25.0),
    ]);
    report.z = Some(12.4);
    report.tool = Some(0);
    report.resends = Some(Resends {
        count: 3,
        transmitted: 1200,
        ratio: 0.25,
    });
    push(&mut machine, 0);
    see(&mut machine, report, 0);
    hear(&mut machine, News::Firmware(firmware("Marlin 2.1.2")), 0);
    machine.apply(Observation::Software(software()), t(0));
    machine.apply(Observation::Profile(profile()), t(0));
    machine
}

pub fn software() -> Software {
    Software {
        server: Some("1.11.8".into()),
        api: Some("0.1".into()),
        text: Some("OctoPrint 1.11.8".into()),
    }
}

pub fn profile() -> PrinterProfile {
    PrinterProfile {
        name: Some("Default".into()),
        model: Some("Generic RepRap".into()),
        extruder_count: Some(2),
        nozzle_diameter: Some(0.4),
        heated_bed: Some(true),
        heated_chamber: Some(false),
        volume: Some(BuildVolume {
            width: 250.0,
            depth: 210.0,
            height: 220.0,
            form_factor: "rectangular".into(),
        }),
    }
}

/// The instance of a machine as of `at` seconds.
pub fn instance(machine: &Machine, at: i64) -> Instance {
    mapping().instantiate(machine, t(at)).unwrap()
}

pub fn data<'a>(instance: &'a Instance, path: &str) -> &'a DataValue {
    let index = instance
        .resolve(path)
        .unwrap_or_else(|| panic!("no node {path}"));
    instance.value(index)
}

pub fn status(instance: &Instance, path: &str) -> StatusCode {
    data(instance, path).status.unwrap()
}

pub fn value<'a>(instance: &'a Instance, path: &str) -> &'a Variant {
    data(instance, path).value.as_ref().unwrap()
}

/// The text of a String or LocalizedText.
pub fn text(instance: &Instance, path: &str) -> String {
    match value(instance, path) {
        Variant::String(text) => text.to_string(),
        Variant::LocalizedText(text) => text.text.to_string(),
        other => panic!("{path} is no text: {other:?}"),
    }
}

pub fn source_time(instance: &Instance, path: &str) -> Timestamp {
    data(instance, path).source_timestamp.unwrap().into()
}

/// Paths of all variables.
pub fn variables(instance: &Instance) -> Vec<String> {
    instance
        .blueprint()
        .iter()
        .filter(|(_, node)| matches!(node.kind, NodeKind::Variable(_)))
        .map(|(_, node)| node.path.to_string())
        .collect()
}
