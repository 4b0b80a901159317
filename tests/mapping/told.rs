//! What a source tells by itself, and what remains of it when it is merely asked.

use opcua::types::{StatusCode, Variant};
use umati_bridge::machine::*;
use umati_bridge::umati::instance::Instance;

use crate::support::*;

const Z: &str = "OctoPrint/CurrentZ";
const TOOL: &str = "OctoPrint/CurrentTool";
const RESENDS: &str = "OctoPrint/ResendCount";
const LINES: &str = "OctoPrint/TransmittedLines";
const RATIO: &str = "Monitoring/Health/SerialResendRatio/AnalogSignal";
const HEALTH: &str = "Monitoring/Health/DeviceHealth";
const ALL: [&str; 5] = [Z, TOOL, RESENDS, LINES, RATIO];
const TEXT: &str = "OctoPrint/LastError/Text";
const REASON: &str = "OctoPrint/LastError/Reason";
const TIME: &str = "OctoPrint/LastError/Time";
const STATE_TEXT: &str = "OctoPrint/StateText";

/// What push tells at `told_at` by OctoPrint's clock.
fn told(state: PrinterState, told_at: i64) -> Report {
    Report {
        z: Some(12.4),
        tool: Some(1),
        resends: Some(Resends {
            count: 3,
            transmitted: 1200,
            ratio: 0.25,
        }),
        told_at: Some(t(told_at)),
        ..report(state)
    }
}

fn pushed(state: PrinterState) -> Machine {
    let mut machine = machine();
    push(&mut machine, 0);
    see(&mut machine, told(state, 0), 0);
    machine
}

#[track_caller]
fn assert_all(instance: &Instance, expected: StatusCode) {
    for path in ALL {
        assert_eq!(status(instance, path), expected, "{path}");
    }
}

fn refresh(instance: &mut Instance, machine: &Machine, at: i64) {
    let _ = mapping().refresh(instance, machine, t(at));
}

#[test]
fn what_was_told_is_served() {
    let instance = instance(&pushed(PrinterState::Printing), 0);
    for (path, expected) in [
        (Z, Variant::from(12.4)),
        (TOOL, 1_u8.into()),
        (RESENDS, 3_u64.into()),
        (LINES, 1200_u64.into()),
        (RATIO, 0.25.into()),
    ] {
        assert_eq!(value(&instance, path), &expected, "{path}");
        assert_eq!(status(&instance, path), StatusCode::Good, "{path}");
    }
}

#[test]
fn an_answer_does_not_take_back_what_only_news_tell() {
    let mut machine = pushed(PrinterState::Printing);
    see(&mut machine, report(PrinterState::Printing), 1);
    assert_all(&instance(&machine, 1), StatusCode::Good);

    // OctoPrint 1.11 tells the tool once, and that the height is not known any more.
    hear(&mut machine, News::Tool(2), 2);
    let mut without = told(PrinterState::Printing, 3);
    (without.tool, without.z) = (None, None);
    see(&mut machine, without, 3);
    let instance = instance(&machine, 3);
    assert_eq!(value(&instance, TOOL), &Variant::Byte(2));
    assert_eq!(status(&instance, Z), StatusCode::BadNoData);
}

#[test]
fn what_polling_cannot_tell_has_no_data_when_push_is_gone() {
    let mut machine = pushed(PrinterState::Printing);
    let mut seen = instance(&machine, 0);
    let why = "the proxy does not let WebSocket through".to_owned();
    machine.apply(
        Observation::Source(DataSource::Poll {
            why: Some(why.clone()),
        }),
        t(1),
    );
    see(&mut machine, report(PrinterState::Printing), 1);
    refresh(&mut seen, &machine, 1);
    assert_all(&seen, StatusCode::BadNoData);
    assert_eq!(text(&seen, "OctoPrint/DataSource"), "poll");
    assert_eq!(text(&seen, "OctoPrint/DataSourceReason"), why);

    push(&mut machine, 2);
    see(&mut machine, told(PrinterState::Printing, 2), 2);
    refresh(&mut seen, &machine, 2);
    assert_all(&seen, StatusCode::Good);
    assert_eq!(text(&seen, "OctoPrint/DataSource"), "push");
    assert_eq!(text(&seen, "OctoPrint/DataSourceReason"), "");
    assert_eq!(
        text(&instance(&self::machine(), 0), "OctoPrint/DataSource"),
        "poll"
    );
}

#[test]
fn a_printer_that_is_not_connected_has_no_height_whatever_is_told() {
    for (state, expected) in [
        (PrinterState::Offline, StatusCode::BadOutOfService),
        (PrinterState::Connecting, StatusCode::BadOutOfService),
        (PrinterState::Error, StatusCode::BadDeviceFailure),
    ] {
        let mut machine = pushed(PrinterState::Operational);
        let mut seen = instance(&machine, 0);
        see(&mut machine, told(state, 1), 1);
        refresh(&mut seen, &machine, 1);
        assert_all(&seen, expected);

        // A word on the state alone says so as well, and what was told before does not come back with the printer.
        let mut machine = pushed(PrinterState::Operational);
        hear(
            &mut machine,
            News::State {
                state,
                text: String::new(),
            },
            1,
        );
        refresh(&mut seen, &machine, 1);
        assert_all(&seen, expected);
        let back = PrinterState::Operational;
        hear(
            &mut machine,
            News::State {
                state: back,
                text: String::new(),
            },
            9,
        );
        refresh(&mut seen, &machine, 9);
        assert_all(&seen, StatusCode::BadNoData);
    }
}

#[test]
fn out_of_reach_the_last_height_is_usable_until_it_is_lost() {
    let mut machine = pushed(PrinterState::Printing);
    lose(&mut machine, 1);
    let usable = StatusCode::UncertainNoCommunicationLastUsableValue;
    assert_all(&instance(&machine, 2), usable);
    assert_all(&instance(&machine, 100), StatusCode::BadNoCommunication);
}

#[test]
fn absurd_numbers_are_doubted_or_no_data() {
    for (ratio, expected) in [
        (100.0, StatusCode::Good),
        (100.5, StatusCode::UncertainEngineeringUnitsExceeded),
        (-1.0, StatusCode::UncertainEngineeringUnitsExceeded),
        (f64::NAN, StatusCode::BadNoData),
    ] {
        let mut machine = pushed(PrinterState::Printing);
        let mut absurd = told(PrinterState::Printing, 1);
        absurd.resends = Some(Resends {
            ratio,
            ..Resends::default()
        });
        absurd.z = Some(f64::INFINITY);
        see(&mut machine, absurd, 1);
        let instance = instance(&machine, 1);
        assert_eq!(status(&instance, RATIO), expected, "{ratio}");
        assert_eq!(status(&instance, Z), StatusCode::BadNoData);
    }
}

#[test]
fn health_is_the_sum_of_what_is_known() {
    let health = |machine: &Machine, at| {
        let instance = instance(machine, at);
        (status(&instance, HEALTH), value(&instance, HEALTH).clone())
    };
    let good = |health: i32| (StatusCode::Good, Variant::Int32(health));
    let bad = |status| (status, Variant::Empty);
    assert_eq!(
        health(&machine(), 0),
        bad(StatusCode::BadWaitingForInitialData)
    );
    for (state, expected) in [
        (PrinterState::Operational, good(0)),
        (PrinterState::Printing, good(0)),
        (PrinterState::Error, good(1)),
        (PrinterState::Offline, bad(StatusCode::BadOutOfService)),
        (PrinterState::Unknown, bad(StatusCode::BadNoData)),
    ] {
        assert_eq!(health(&machine_in(state), 0), expected, "{state:?}");
    }
    for (transmitted, ratio, expected) in [(100, 50.0, 0), (101, 9.0, 0), (101, 10.0, 3)] {
        let mut machine = pushed(PrinterState::Printing);
        let mut bad_line = told(PrinterState::Printing, 1);
        bad_line.resends = Some(Resends {
            count: 50,
            transmitted,
            ratio,
        });
        see(&mut machine, bad_line, 1);
        assert_eq!(
            health(&machine, 1),
            good(expected),
            "{ratio} % of {transmitted}"
        );
    }
}

fn trouble(text: &str, reason: Option<&str>) -> News {
    News::Trouble(Trouble {
        text: text.to_owned(),
        reason: reason.map(str::to_owned),
    })
}

fn time_of(instance: &Instance) -> Variant {
    value(instance, TIME).clone()
}

fn time(at: i64) -> Variant {
    opcua::types::DateTime::from(t(at)).into()
}

#[test]
fn an_error_that_was_told_counts_more_than_what_reports_say_of_it_and_stays() {
    let mut machine = pushed(PrinterState::Operational);
    let mut seen = instance(&machine, 0);
    assert_eq!(status(&seen, REASON), StatusCode::BadNoData);
    hear(&mut machine, trouble("kill() called", Some("firmware")), 5);
    refresh(&mut seen, &machine, 5);
    let is_told = |seen: &Instance| {
        assert_eq!(
            (text(seen, TEXT), text(seen, REASON)),
            ("kill() called".into(), "firmware".into())
        );
        assert_eq!(time_of(seen), time(5));
    };
    is_told(&seen);
    // OctoPrint says less, or something else, when it is asked.
    for at in 6..8 {
        let mut asked = report(PrinterState::Error);
        asked.error = (at == 7).then(|| "Offline after error".to_owned());
        see(&mut machine, asked, at);
        refresh(&mut seen, &machine, at);
        is_told(&seen);
    }
    see(&mut machine, report(PrinterState::Connecting), 20);
    see(&mut machine, report(PrinterState::Operational), 21);
    lose(&mut machine, 30);
    refresh(&mut seen, &machine, 200);
    is_told(&seen);
    // Who comes later learns of it, too.
    is_told(&instance(&machine, 200));
}

#[test]
fn a_later_error_that_only_a_report_tells_has_no_reason() {
    let mut machine = pushed(PrinterState::Printing);
    let mut seen = instance(&machine, 0);
    hear(&mut machine, trouble("kill() called", Some("firmware")), 5);
    refresh(&mut seen, &machine, 5);
    see(&mut machine, report(PrinterState::Connecting), 20);
    refresh(&mut seen, &machine, 20);
    machine.apply(Observation::Source(DataSource::default()), t(30));
    see(&mut machine, report(PrinterState::Error), 31);
    refresh(&mut seen, &machine, 31);
    for at in [31, 40] {
        assert_eq!(text(&seen, TEXT), "MINTEMP triggered");
        assert_eq!(status(&seen, REASON), StatusCode::BadNoData);
        assert_eq!(time_of(&seen), time(31));
        // It is over, and stays the last one: the older error does not come back.
        see(&mut machine, report(PrinterState::Operational), at + 1);
        refresh(&mut seen, &machine, at + 1);
    }
}

#[test]
fn a_reason_that_comes_into_being_after_an_error_says_that_none_was_told() {
    let mut machine = machine_in(PrinterState::Error);
    let mut seen = instance(&machine, 0);
    see(&mut machine, report(PrinterState::Operational), 1);
    push(&mut machine, 2);
    refresh(&mut seen, &machine, 2);
    assert_eq!(text(&seen, TEXT), "MINTEMP triggered");
    assert_eq!(status(&seen, REASON), StatusCode::BadNoData);
}

/// A report under push with these words for the state.
fn says(text: &str, told_at: Option<i64>) -> Report {
    Report {
        state_text: text.to_owned(),
        told_at: told_at.map(t),
        ..report(PrinterState::Printing)
    }
}

#[test]
fn what_octoprint_tells_has_the_time_of_its_clock() {
    let mut machine = machine();
    push(&mut machine, 0);
    let mut seen = instance(&machine, 0);
    for (at, words, told_at, stamp, why) in [
        (10, "a", Some(8), 8, "its own time"),
        (20, "b", Some(5), 20, "its clock was set back"),
        (30, "c", Some(29), 29, "and goes on"),
        (40, "d", Some(41), 40, "it is ahead"),
        (200, "e", Some(139), 200, "it lags by more than a minute"),
        (300, "f", None, 300, "it was asked"),
        (310, "f", Some(309), 300, "nothing new"),
    ] {
        see(&mut machine, says(words, told_at), at);
        refresh(&mut seen, &machine, at);
        assert_eq!(source_time(&seen, STATE_TEXT), t(stamp), "{why}");
    }
    // What changes later than the report was not told with it.
    let paused = News::State {
        state: PrinterState::Paused,
        text: "g".into(),
    };
    hear(&mut machine, paused, 320);
    refresh(&mut seen, &machine, 320);
    assert_eq!(source_time(&seen, STATE_TEXT), t(320));
    see(&mut machine, says("h", Some(324)), 325);
    refresh(&mut seen, &machine, 325);
    hear(&mut machine, News::Tool(1), 330);
    refresh(&mut seen, &machine, 330);
    assert_eq!(source_time(&seen, TOOL), t(330));
}

#[test]
fn states_and_what_gets_lost_have_the_time_of_the_bridge() {
    let mut machine = machine();
    push(&mut machine, 0);
    let mut seen = instance(&machine, 0);
    see(&mut machine, says("a", Some(8)), 10);
    refresh(&mut seen, &machine, 10);
    let state = "Production/ActiveProgram/State/CurrentState";
    assert_eq!(source_time(&seen, state), t(10));
    // Found running after 300 s of print time.
    assert_eq!(machine.active_job().unwrap().start.at(), t(10 - 300));
    let mut less = says("b", Some(18));
    less.user = None;
    see(&mut machine, less, 20);
    refresh(&mut seen, &machine, 20);
    assert_eq!(source_time(&seen, "OctoPrint/User"), t(20));
    lose(&mut machine, 30);
    refresh(&mut seen, &machine, 30);
    assert_eq!(source_time(&seen, STATE_TEXT), t(30));
}
