//! The status policy, row by row: which code says why a value cannot be trusted, or is not there.

use opcua::types::{StatusCode, Variant};
use umati_bridge::machine::*;
use umati_bridge::umati::instance::Instance;

use crate::support::*;

const ACTUAL: &str = "Monitoring/Process/Tool0Temperature/AnalogSignal";
const SETPOINT: &str = "Monitoring/Process/Tool0Temperature/ProcessValueSetpoint";
const OFFSET: &str = "Monitoring/Process/Tool0Temperature/TemperatureOffset";
const TEMPERATURES: [&str; 3] = [ACTUAL, SETPOINT, OFFSET];

#[track_caller]
fn assert_value(instance: &Instance, path: &str, expected: StatusCode, value_expected: f64) {
    assert_eq!(status(instance, path), expected, "{path}");
    assert_eq!(
        value(instance, path),
        &Variant::Double(value_expected),
        "{path}"
    );
}

#[track_caller]
fn assert_no_value(instance: &Instance, path: &str, expected: StatusCode) {
    assert_eq!(status(instance, path), expected, "{path}");
    assert_eq!(value(instance, path), &Variant::Empty, "{path}");
}

/// Identification and configuration do not depend on the source: Good whatever happens.
fn assert_identification_is_good(instance: &Instance) {
    for path in variables(instance) {
        let is_configured = path.starts_with("Identification/")
            || path.starts_with("Equipment/")
            || [
                "EngineeringUnits",
                "EURange",
                "SignalTag",
                "Category",
                "Severity",
            ]
            .iter()
            .any(|end| path.ends_with(end));
        if is_configured {
            assert_eq!(status(instance, &path), StatusCode::Good, "{path}");
        }
    }
}

fn key_rejected(machine: &mut Machine, at: i64) {
    let rejection = KeyRejection::LacksStatus { user: "mes".into() };
    machine.apply(Observation::KeyRejected(rejection), t(at));
}

/// A connected machine with this tool temperature.
fn with_tool(temperature: Temperature) -> Machine {
    let mut machine = machine();
    let mut report = report(PrinterState::Operational);
    report.temperatures = TemperatureReport::Read {
        sensors: [(SensorId::Tool(0), temperature)].into(),
        sampled: None,
    };
    see(&mut machine, report, 0);
    machine
}

#[test]
fn before_the_first_data_values_wait() {
    let mut unreachable = machine();
    lose(&mut unreachable, 0);
    let mut rejected = machine();
    key_rejected(&mut rejected, 0);
    for machine in [machine(), unreachable, rejected] {
        let instance = instance(&machine, 500);
        for path in TEMPERATURES.into_iter().chain([
            "OctoPrint/Progress",
            "OctoPrint/StateText",
            "OctoPrint/Flags/Printing",
            "OctoPrint/FileName",
            "OctoPrint/LastUpdate",
            "OctoPrint/OctoPrintVersion",
            "Notification/Prognoses/PartUnload/PredictedTime",
        ]) {
            assert_no_value(&instance, path, StatusCode::BadWaitingForInitialData);
        }
        assert_identification_is_good(&instance);
    }
}

#[test]
fn values_of_a_reachable_machine_are_good() {
    let instance = instance(&machine_in(PrinterState::Printing), 1);
    assert_value(&instance, ACTUAL, StatusCode::Good, 205.5);
    assert_value(&instance, SETPOINT, StatusCode::Good, 205.5);
    assert_value(&instance, OFFSET, StatusCode::Good, 0.0);
    assert_value(&instance, "OctoPrint/Progress", StatusCode::Good, 25.5);
    assert_identification_is_good(&instance);
}

#[test]
fn out_of_reach_the_last_value_is_usable_until_it_is_lost() {
    let machine = machine_in(PrinterState::Printing);
    let mut unreachable = machine.clone();
    lose(&mut unreachable, 10);
    let mut rejected = machine.clone();
    key_rejected(&mut rejected, 10);
    for machine in [unreachable, rejected] {
        let stale = instance(&machine, 69);
        let usable = StatusCode::UncertainNoCommunicationLastUsableValue;
        assert_value(&stale, ACTUAL, usable, 205.5);
        assert_value(&stale, SETPOINT, usable, 205.5);
        assert_value(&stale, "OctoPrint/Progress", usable, 25.5);
        assert_eq!(source_time(&stale, ACTUAL), t(0), "the time of the sample");
        // What had no value has no last usable one.
        assert_no_value(
            &stale,
            "OctoPrint/LastPrintTime",
            StatusCode::BadNoCommunication,
        );
        assert_identification_is_good(&stale);

        let lost = instance(&machine, 70);
        for path in TEMPERATURES
            .into_iter()
            .chain(["OctoPrint/Progress", "OctoPrint/StateText"])
        {
            assert_no_value(&lost, path, StatusCode::BadNoCommunication);
        }
        assert_identification_is_good(&lost);
    }
}

#[test]
fn a_closed_printer_is_out_of_service() {
    for state in [PrinterState::Offline, PrinterState::Connecting] {
        let mut machine = machine_in(PrinterState::Operational);
        see(&mut machine, report(state), 10);
        let instance = instance(&machine, 11);
        for path in TEMPERATURES
            .into_iter()
            .chain(["OctoPrint/Flags/Ready", "OctoPrint/FileName"])
        {
            assert_no_value(&instance, path, StatusCode::BadOutOfService);
        }
        assert_eq!(text(&instance, "OctoPrint/StateText"), format!("{state:?}"));
        assert_identification_is_good(&instance);
    }
}

#[test]
fn a_closed_printer_out_of_reach_has_no_last_usable_value() {
    let mut machine = machine_in(PrinterState::Operational);
    see(&mut machine, report(PrinterState::Offline), 10);
    lose(&mut machine, 20);
    assert_no_value(
        &instance(&machine, 21),
        ACTUAL,
        StatusCode::BadNoCommunication,
    );
}

#[test]
fn a_failed_printer_is_a_device_failure() {
    let mut machine = machine_in(PrinterState::Printing);
    see(&mut machine, report(PrinterState::Error), 10);
    let instance = instance(&machine, 11);
    for path in TEMPERATURES.into_iter().chain(["OctoPrint/Progress"]) {
        assert_no_value(&instance, path, StatusCode::BadDeviceFailure);
    }
    assert_identification_is_good(&instance);
}

#[test]
fn a_sensor_waits_for_its_first_reading_and_then_has_data_or_not() {
    let mut machine = machine();
    let mut silent = report(PrinterState::Operational);
    silent.temperatures = temperatures(&[]);
    see(&mut machine, silent.clone(), 0);
    assert_no_value(
        &instance(&machine, 0),
        ACTUAL,
        StatusCode::BadWaitingForInitialData,
    );

    see(&mut machine, report(PrinterState::Operational), 1);
    assert_value(&instance(&machine, 1), ACTUAL, StatusCode::Good, 205.5);

    // `{}`, as OctoPrint answers for some seconds after it connects.
    see(&mut machine, silent, 2);
    assert_no_value(&instance(&machine, 2), ACTUAL, StatusCode::BadNoData);

    // One sensor vanishes, its nodes and the other sensor stay.
    let mut bed_only = report(PrinterState::Operational);
    bed_only.temperatures = temperatures(&[(SensorId::Bed, 60.0)]);
    see(&mut machine, bed_only, 3);
    let instance = instance(&machine, 3);
    assert_no_value(&instance, ACTUAL, StatusCode::BadNoData);
    assert_value(
        &instance,
        "Monitoring/Process/BedTemperature/AnalogSignal",
        StatusCode::Good,
        60.0,
    );
}

#[test]
fn heater_off_is_a_value_and_not_told_is_none() {
    let off = with_tool(Temperature {
        actual: Some(21.3),
        target: Some(0.0),
        offset: None,
    });
    let off = instance(&off, 0);
    assert_value(&off, ACTUAL, StatusCode::Good, 21.3);
    assert_value(&off, SETPOINT, StatusCode::Good, 0.0);
    assert_no_value(&off, OFFSET, StatusCode::BadNoData);

    let silent = with_tool(Temperature {
        actual: Some(21.3),
        target: None,
        offset: None,
    });
    assert_no_value(&instance(&silent, 0), SETPOINT, StatusCode::BadNoData);
    let blind = with_tool(Temperature {
        actual: None,
        target: Some(200.0),
        offset: None,
    });
    assert_no_value(&instance(&blind, 0), ACTUAL, StatusCode::BadNoData);
}

#[test]
fn an_absurd_value_is_served_with_a_doubt() {
    for absurd in [-14.5, 350.5, 999_999.9] {
        let machine = with_tool(Temperature {
            actual: Some(absurd),
            target: Some(210.0),
            offset: None,
        });
        let instance = instance(&machine, 0);
        assert_value(
            &instance,
            ACTUAL,
            StatusCode::UncertainEngineeringUnitsExceeded,
            absurd,
        );
        assert_value(&instance, SETPOINT, StatusCode::Good, 210.0);
    }
    for limit in [0.0, 350.0] {
        let machine = with_tool(Temperature {
            actual: Some(limit),
            ..Temperature::default()
        });
        assert_value(&instance(&machine, 0), ACTUAL, StatusCode::Good, limit);
    }
    for nothing in [f64::NAN, f64::INFINITY] {
        let machine = with_tool(Temperature {
            actual: Some(nothing),
            ..Temperature::default()
        });
        assert_no_value(&instance(&machine, 0), ACTUAL, StatusCode::BadNoData);
    }
}

#[test]
fn a_feed_that_stands_still_is_the_last_usable_value() {
    let mut machine = machine();
    let frozen = |sampled: i64| {
        let mut report = report(PrinterState::Printing);
        if let TemperatureReport::Read { sampled: at, .. } = &mut report.temperatures {
            *at = Some(t(sampled));
        }
        report
    };
    see(&mut machine, frozen(0), 0);
    for at in 1..=30 {
        see(&mut machine, frozen(0), at);
    }
    let standing = instance(&machine, 30);
    assert_value(
        &standing,
        ACTUAL,
        StatusCode::UncertainLastUsableValue,
        205.5,
    );
    assert_eq!(source_time(&standing, ACTUAL), t(0));
    see(&mut machine, frozen(31), 31);
    assert_value(&instance(&machine, 31), ACTUAL, StatusCode::Good, 205.5);
}

#[test]
fn an_unknown_state_does_not_discredit_the_temperatures_it_came_with() {
    let mut machine = machine();
    let mut crash = report(PrinterState::Unknown);
    see(&mut machine, crash.clone(), 0);
    assert_no_value(&instance(&machine, 0), ACTUAL, StatusCode::BadOutOfService);
    crash.temperatures = temperatures(&[(SensorId::Tool(0), 180.0)]);
    see(&mut machine, crash, 1);
    assert_value(&instance(&machine, 1), ACTUAL, StatusCode::Good, 180.0);
}

#[test]
fn the_prognosis_has_data_while_a_job_is_under_way() {
    const TIME: &str = "Notification/Prognoses/PartUnload/PredictedTime";
    const PART: &str = "Notification/Prognoses/PartUnload/PartName";
    let idle = instance(&machine_in(PrinterState::Operational), 1);
    assert_no_value(&idle, TIME, StatusCode::BadNoData);
    assert_no_value(&idle, PART, StatusCode::BadNoData);

    let mut machine = machine_in(PrinterState::Printing);
    let printing = instance(&machine, 1);
    assert_eq!(
        value(&printing, TIME),
        &Variant::from(opcua::types::DateTime::from(t(900)))
    );
    assert_eq!(text(&printing, PART), "bracket ö.gcode");

    see(&mut machine, report(PrinterState::Paused), 10);
    assert_eq!(status(&instance(&machine, 10), TIME), StatusCode::Good);
    see(&mut machine, report(PrinterState::Operational), 20);
    assert_no_value(&instance(&machine, 20), TIME, StatusCode::BadNoData);
}

/// Server, key, printer, and the sentence that says what to look at.
#[track_caller]
fn assert_link(machine: &Machine, facts: [Result<bool, StatusCode>; 3], diagnosis: &str) {
    let instance = instance(machine, 11);
    let nodes = ["ServerReachable", "KeyValid", "PrinterConnected"];
    for (node, fact) in nodes.into_iter().zip(facts) {
        let path = format!("OctoPrint/{node}");
        match fact {
            Ok(fact) => assert_eq!(value(&instance, &path), &Variant::Boolean(fact), "{node}"),
            Err(expected) => assert_no_value(&instance, &path, expected),
        }
    }
    assert_eq!(text(&instance, "OctoPrint/Diagnosis"), diagnosis);
}

#[test]
fn server_key_and_printer_are_three_facts() {
    use StatusCode as C;
    let waiting = C::BadWaitingForInitialData;
    assert_link(&machine(), [Err(waiting); 3], "not read yet");
    assert_link(
        &machine_in(PrinterState::Printing),
        [Ok(true), Ok(true), Ok(true)],
        "",
    );
    assert_link(
        &machine_in(PrinterState::Offline),
        [Ok(true), Ok(true), Ok(false)],
        "",
    );

    let mut gone = machine();
    lose(&mut gone, 10);
    let no_answer = "OctoPrint is unreachable: no answer within 5 s";
    let bad = C::BadNoCommunication;
    assert_link(&gone, [Ok(false), Err(bad), Err(bad)], no_answer);

    let mut wrong_address = machine();
    let why = Unreachable {
        cause: UnreachableCause::NotOctoPrint,
        detail: "http://10.0.0.9 answers with a web page".into(),
    };
    wrong_address.apply(Observation::Unreachable(why), t(10));
    let bad = C::BadConfigurationError;
    assert_link(
        &wrong_address,
        [Ok(false), Err(bad), Err(bad)],
        "OctoPrint is unreachable: http://10.0.0.9 answers with a web page",
    );

    let rejections = [
        (
            KeyRejection::Unknown,
            "OctoPrint does not know the API key: create a new one",
        ),
        (
            KeyRejection::LacksStatus { user: "mes".into() },
            "the API key of user mes lacks the STATUS permission: grant it to the user",
        ),
        (
            KeyRejection::Unexplained { status: 401 },
            "OctoPrint, or a proxy before it, rejects the API key with HTTP 401",
        ),
    ];
    for (why, diagnosis) in rejections {
        let mut rejected = machine_in(PrinterState::Printing);
        rejected.apply(Observation::KeyRejected(why), t(10));
        assert_link(&rejected, [Ok(true), Ok(false), Err(bad)], diagnosis);
    }
}

#[test]
fn an_unreachable_server_leaves_the_last_known_connection_in_doubt() {
    let mut machine = machine_in(PrinterState::Printing);
    lose(&mut machine, 10);
    const CONNECTED: &str = "OctoPrint/PrinterConnected";
    let stale = instance(&machine, 11);
    assert_eq!(value(&stale, CONNECTED), &Variant::Boolean(true));
    assert_eq!(
        status(&stale, CONNECTED),
        StatusCode::UncertainNoCommunicationLastUsableValue
    );
    assert_no_value(
        &instance(&machine, 100),
        CONNECTED,
        StatusCode::BadNoCommunication,
    );
}
