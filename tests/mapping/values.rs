//! Types, units, timestamps, and what counts as a change.

use std::time::Duration;

use opcua::types::{EUInformation, ExtensionObject, Range, StatusCode, Variant};
use umati_bridge::machine::*;
use umati_bridge::umati::BridgeStatus;
use umati_bridge::umati::instance::{Delta, Instance};

use crate::support::*;

const ACTUAL: &str = "Monitoring/Process/Tool0Temperature/AnalogSignal";

fn structure(instance: &Instance, path: &str) -> ExtensionObject {
    match value(instance, path) {
        Variant::ExtensionObject(object) => object.clone(),
        other => panic!("{path} is no structure: {other:?}"),
    }
}

fn unit(instance: &Instance, path: &str) -> (i32, String, String) {
    let object = structure(instance, &format!("{path}/EngineeringUnits"));
    let unit = object.inner_as::<EUInformation>().unwrap();
    assert_eq!(
        unit.namespace_uri.as_ref(),
        "http://www.opcfoundation.org/UA/units/un/cefact"
    );
    let (sign, name) = (&unit.display_name.text, &unit.description.text);
    (unit.unit_id, sign.to_string(), name.to_string())
}

fn range(instance: &Instance, path: &str) -> (f64, f64) {
    let object = structure(instance, &format!("{path}/EURange"));
    let range = object.inner_as::<Range>().unwrap();
    (range.low, range.high)
}

/// A report whose tool 0 is at `actual`, sampled at `sampled` by the clock of OctoPrint.
fn sampled(actual: f64, sampled: i64) -> Report {
    let mut report = report(PrinterState::Operational);
    report.temperatures = temperatures(&[(SensorId::Tool(0), actual)]);
    if let TemperatureReport::Read { sampled: at, .. } = &mut report.temperatures {
        *at = Some(t(sampled));
    }
    report
}

fn changed(instance: &Instance, delta: &Delta) -> Vec<String> {
    let path = |index| instance.blueprint().node(index).path.to_string();
    delta.values.iter().map(|index| path(*index)).collect()
}

#[test]
fn units_and_ranges_are_structures() {
    let instance = instance(&full_machine(), 1);
    let celsius = (4_408_652, "°C".to_owned(), "degree Celsius".to_owned());
    for (sensor, high) in [
        ("Tool0Temperature", 350.0),
        ("Tool1Temperature", 350.0),
        ("BedTemperature", 150.0),
        ("ChamberTemperature", 120.0),
        ("ATemperature", 350.0),
    ] {
        let sensor = format!("Monitoring/Process/{sensor}");
        if instance.resolve(&sensor).is_none() {
            // Two extruders may share one nozzle: a second sensor is only there when it reports.
            assert_eq!(sensor, "Monitoring/Process/Tool1Temperature");
            continue;
        }
        for ranged in ["AnalogSignal", "ProcessValueSetpoint"] {
            let path = format!("{sensor}/{ranged}");
            assert_eq!(unit(&instance, &path), celsius, "{path}");
            assert_eq!(range(&instance, &path), (0.0, high), "{path}");
        }
        assert_eq!(
            unit(&instance, &format!("{sensor}/TemperatureOffset")),
            celsius
        );
    }
    for percent in [
        "OctoPrint/Progress",
        "Monitoring/Health/SerialResendRatio/AnalogSignal",
    ] {
        assert_eq!(range(&instance, percent), (0.0, 100.0), "{percent}");
    }
    for (path, id, sign) in [
        ("OctoPrint/Progress", 20_529, "%"),
        (
            "Monitoring/Health/SerialResendRatio/AnalogSignal",
            20_529,
            "%",
        ),
        ("OctoPrint/CurrentZ", 5_066_068, "mm"),
        ("OctoPrint/Filament/Tool0/Length", 5_066_068, "mm"),
        ("OctoPrint/Filament/Tool0/Volume", 4_410_705, "cm³"),
        ("OctoPrint/Filament/Tool0/Weight", 4_674_125, "g"),
        ("OctoPrint/BuildVolume/Width", 5_066_068, "mm"),
    ] {
        let (unit_id, display, _) = unit(&instance, path);
        assert_eq!((unit_id, display.as_str()), (id, sign), "{path}");
    }
}

#[test]
fn constants_say_what_the_types_ask_for() {
    let instance = instance(&full_machine(), 1);
    for (path, expected) in [
        (
            "Monitoring/Process/Tool0Temperature/Category",
            Variant::Int32(2),
        ),
        (
            "Monitoring/Process/Tool0Temperature/Severity",
            Variant::Int32(1),
        ),
        (
            "Monitoring/Process/ATemperature/Severity",
            Variant::Int32(0),
        ),
        ("Monitoring/Process/ATemperature/SignalTag", "A".into()),
        ("Monitoring/Process/BedTemperature/SignalTag", "bed".into()),
        (
            "Equipment/Tools/Tool1/ControlIdentifier1",
            Variant::UInt32(1),
        ),
        (
            "Equipment/Tools/Tool1/ControlIdentifierInterpretation",
            Variant::Int32(0),
        ),
        ("Equipment/Tools/Tool1/Locked", Variant::Boolean(false)),
        (
            "Equipment/Tools/Tool1/Locked/ReasonForLocking",
            Variant::Int32(0),
        ),
        ("Equipment/Tools/Tool1/Identifier", "tool1".into()),
        ("Equipment/Tools/Tool1/Name", "Extruder 1 (0.4 mm)".into()),
        ("Production/ActiveProgram/NumberInList", Variant::UInt16(0)),
        (
            "Monitoring/Health/SerialResendRatio/Category",
            Variant::Int32(0),
        ),
        (
            "Monitoring/Health/SerialResendRatio/Severity",
            Variant::Int32(0),
        ),
        (
            "Monitoring/Health/SerialResendRatio/SignalTag",
            "resends".into(),
        ),
        ("OctoPrint/BridgeVersion", VERSION.into()),
        ("OctoPrint/ExtruderCount", Variant::Byte(2)),
        ("OctoPrint/BuildVolume/FormFactor", "rectangular".into()),
    ] {
        assert_eq!(value(&instance, path), &expected, "{path}");
    }
}

#[test]
fn durations_are_milliseconds() {
    let instance = instance(&machine_in(PrinterState::Printing), 1);
    assert_eq!(
        value(&instance, "OctoPrint/PrintTime"),
        &Variant::Double(300_000.0)
    );
    assert_eq!(
        value(&instance, "OctoPrint/PrintTimeLeft"),
        &Variant::Double(900_000.0)
    );
    assert_eq!(
        value(&instance, "OctoPrint/EstimatedPrintTime"),
        &Variant::Double(1_200_000.0)
    );
}

#[test]
fn a_refresh_that_learns_nothing_changes_nothing() {
    let machine = full_machine();
    let mut instance = instance(&machine, 1);
    let before = source_time(&instance, "OctoPrint/StateText");
    let delta = mapping().refresh(&mut instance, &machine, t(5));
    assert_eq!(changed(&instance, &delta), Vec::<String>::new());
    assert!(delta.is_empty());
    assert_eq!(source_time(&instance, "OctoPrint/StateText"), before);
}

#[test]
fn a_change_of_status_alone_is_a_change() {
    let mut machine = machine_in(PrinterState::Printing);
    let mut instance = instance(&machine, 1);
    lose(&mut machine, 10);
    let delta = mapping().refresh(&mut instance, &machine, t(10));
    let changed = changed(&instance, &delta);
    for path in [
        ACTUAL,
        "Production/ActiveProgram/Name",
        "OctoPrint/ServerReachable",
    ] {
        assert!(
            changed.iter().any(|c| c == path),
            "{path} not in {changed:?}"
        );
    }
    assert!(!delta.reshaped);
    assert!(!changed.iter().any(|c| c.starts_with("Identification")));

    see(&mut machine, report(PrinterState::Printing), 12);
    let _ = mapping().refresh(&mut instance, &machine, t(12));
    assert_eq!(status(&instance, ACTUAL), StatusCode::Good);
}

#[test]
fn a_temperature_carries_the_time_of_its_sample() {
    let mut machine = machine();
    see(&mut machine, sampled(200.0, 8), 10);
    let mut instance = instance(&machine, 10);
    assert_eq!(source_time(&instance, ACTUAL), t(8));

    // The same temperature, sampled anew: no change, but a newer time.
    see(&mut machine, sampled(200.0, 10), 11);
    let delta = mapping().refresh(&mut instance, &machine, t(11));
    assert_eq!(source_time(&instance, ACTUAL), t(10));
    assert!(!changed(&instance, &delta).iter().any(|c| c == ACTUAL));
}

#[test]
fn a_temperature_that_is_asked_for_between_two_samples_keeps_its_time() {
    let mut machine = machine();
    let mut instance = instance(&machine, 9);
    // The node has said since 9 that it waits: the sample of 8 cannot turn it back.
    for (sample, at, stamp) in [
        (8, 10, 9),
        (8, 11, 9),
        (13, 14, 13),
        (13, 15, 13),
        (16, 16, 16),
    ] {
        see(&mut machine, sampled(200.0, sample), at);
        let _ = mapping().refresh(&mut instance, &machine, t(at));
        assert_eq!(source_time(&instance, ACTUAL), t(stamp), "at {at}");
    }
}

#[test]
fn a_source_clock_that_is_ahead_never_dates_a_value_into_the_future() {
    let mut machine = machine();
    see(&mut machine, sampled(200.0, 5000), 10);
    assert_eq!(source_time(&instance(&machine, 10), ACTUAL), t(10));
}

#[test]
fn a_source_clock_that_lags_never_turns_a_node_back() {
    let mut machine = machine();
    let mut instance = instance(&machine, 0);
    assert_eq!(source_time(&instance, ACTUAL), t(0));
    for at in 1..5 {
        // Five minutes behind: the receive time is the better one, and it moves on.
        see(&mut machine, sampled(200.0 + at as f64, at - 300), at);
        let _ = mapping().refresh(&mut instance, &machine, t(at));
        assert_eq!(source_time(&instance, ACTUAL), t(at));
    }
}

#[test]
fn the_predicted_end_does_not_flicker() {
    const TIME: &str = "Notification/Prognoses/PartUnload/PredictedTime";
    let mut machine = machine_in(PrinterState::Printing);
    let mut instance = instance(&machine, 0);
    let mut left = |at: i64, left: u64| {
        let mut report = report(PrinterState::Printing);
        report.progress.print_time_left = Some(std::time::Duration::from_secs(left));
        see(&mut machine, report, at);
        let _ = mapping().refresh(&mut instance, &machine, t(at));
        value(&instance, TIME).clone()
    };
    let end = |seconds| Variant::from(opcua::types::DateTime::from(t(seconds)));
    assert_eq!(left(1, 900), end(900), "one second later is jitter");
    assert_eq!(left(2, 897), end(900), "one second earlier is jitter");
    assert_eq!(left(3, 600), end(603), "five minutes earlier is news");
    let beyond_time = left(4, 252_000_000_000);
    assert_eq!(beyond_time, Variant::Empty, "OPC UA has no year 10000");
    assert_eq!(status(&instance, TIME), StatusCode::BadNoData);
}

#[test]
fn the_last_error_stays_after_it_is_gone() {
    const TEXT: &str = "OctoPrint/LastError/Text";
    const TIME: &str = "OctoPrint/LastError/Time";
    let mut machine = machine_in(PrinterState::Operational);
    let mut instance = instance(&machine, 0);
    assert_eq!(status(&instance, TEXT), StatusCode::BadNoData);

    see(&mut machine, report(PrinterState::Error), 10);
    let _ = mapping().refresh(&mut instance, &machine, t(11));
    see(&mut machine, report(PrinterState::Operational), 20);
    let _ = mapping().refresh(&mut instance, &machine, t(20));
    lose(&mut machine, 30);
    let _ = mapping().refresh(&mut instance, &machine, t(30));
    assert_eq!(text(&instance, TEXT), "MINTEMP triggered");
    assert_eq!(
        value(&instance, TIME),
        &Variant::from(opcua::types::DateTime::from(t(10)))
    );
    assert_eq!(status(&instance, TEXT), StatusCode::Good);

    // OctoPrint 2.0 tells no text: its state text is what there is.
    let mut wordless = report(PrinterState::Error);
    wordless.error = None;
    wordless.state_text = "Offline after error".into();
    see(&mut machine, wordless, 40);
    let _ = mapping().refresh(&mut instance, &machine, t(40));
    assert_eq!(text(&instance, TEXT), "Offline after error");
}

#[test]
fn the_bridge_object_counts_machines_and_polls() {
    let started = BridgeStatus {
        started: t(0),
        machines: 3,
        machines_online: 0,
        ..BridgeStatus::default()
    };
    let mut bridge = mapping().bridge_instance(&started, t(1));
    assert_eq!(bridge.id(), "UmatiBridge");
    let root = umati_bridge::umati::blueprint::NodeIndex::ROOT;
    assert_eq!(bridge.browse_name(root).to_string(), "12:UmatiBridge");
    assert_eq!(text(&bridge, "Version"), VERSION);
    assert_eq!(value(&bridge, "Machines"), &Variant::UInt32(3));
    assert_eq!(
        status(&bridge, "LastPoll"),
        StatusCode::BadWaitingForInitialData
    );

    let polled = BridgeStatus {
        machines_online: 2,
        last_poll: Some(t(2)),
        ..started
    };
    let delta = mapping().refresh_bridge(&mut bridge, &polled, t(2));
    let mut changed = changed(&bridge, &delta);
    changed.sort();
    assert_eq!(changed, ["LastPoll", "MachinesOnline"]);
    assert_eq!(value(&bridge, "MachinesOnline"), &Variant::UInt32(2));
}

#[test]
fn counters_tell_what_was_seen_in_steps() {
    const COUNTERS: &str = "Monitoring/MachineTool/OperationCounters";
    let mut machine = machine();
    machine.counters = Counters {
        power_on: Duration::from_secs(3_609),
        operation: Duration::from_secs(1_215),
        cycles: 7,
        parts: 5,
    };
    let instance = instance(&machine, 0);
    for (member, expected) in [
        ("PowerOnDuration", Variant::from(3_600_000.0)),
        ("OperationDuration", 1_210_000.0.into()),
        ("OperationCycleCounter", 7_u64.into()),
        ("PartsProducedInLifetime", 5_u64.into()),
    ] {
        let path = format!("{COUNTERS}/{member}");
        assert_eq!(value(&instance, &path), &expected, "{member}");
    }
}
