//! What an operator should know of, as events: begun once, ended once, with the words of OctoPrint.

use opcua::nodes::Event;
use opcua::types::event_field::EventField;
use opcua::types::{AttributeId, NodeId, NumericRange, QualifiedName, Variant};
use umati_bridge::machine::*;
use umati_bridge::umati::events::{Chronicle, EventRecord};

use crate::support::*;

/// AlertType of 40501-1.
const ALERT: u32 = 39;
const MACHINE_TOOL: u16 = 10;

/// ErrorCode, whether it is active, the message.
type Told = (String, bool, String);

fn field(event: &EventRecord, namespace: u16, path: &str) -> Variant {
    let path: Vec<_> = path
        .split('/')
        .map(|name| QualifiedName::new(namespace, name))
        .collect();
    event.get_value(AttributeId::Value, &NumericRange::None, &path)
}

fn words(event: &EventRecord, namespace: u16, path: &str) -> String {
    match field(event, namespace, path) {
        Variant::String(text) => text.to_string(),
        Variant::LocalizedText(text) => text.text.to_string(),
        other => panic!("{path} is no text: {other:?}"),
    }
}

fn alert_events(chronicle: &mut Chronicle, machine: &mut Machine, at: i64) -> Vec<EventRecord> {
    let changes = machine.take_changes();
    let told = chronicle.news(machine, &changes, t(at)).into_iter();
    told.map(|told| told.event)
        .filter(|event| *event.event_type_id() == NodeId::new(MACHINE_TOOL, ALERT))
        .collect()
}

fn alerts(chronicle: &mut Chronicle, machine: &mut Machine, at: i64) -> Vec<Told> {
    let events = alert_events(chronicle, machine, at);
    let told = events.iter().map(|event| {
        let is_active = field(event, 0, "ActiveState/Id") == Variant::Boolean(true);
        assert_eq!(field(event, 0, "Retain"), Variant::Boolean(is_active));
        (
            words(event, MACHINE_TOOL, "ErrorCode"),
            is_active,
            words(event, 0, "Message"),
        )
    });
    told.collect()
}

fn told(code: &str, is_active: bool, text: &str) -> Told {
    (code.to_owned(), is_active, text.to_owned())
}

fn trouble(text: &str, reason: Option<&str>) -> News {
    News::Trouble(Trouble {
        text: text.to_owned(),
        reason: reason.map(str::to_owned),
    })
}

fn printing_with_push() -> (Machine, Chronicle) {
    let mut machine = machine();
    push(&mut machine, 0);
    see(&mut machine, report(PrinterState::Printing), 0);
    let mut chronicle = mapping().chronicle(&machine);
    assert_eq!(alerts(&mut chronicle, &mut machine, 0), []);
    (machine, chronicle)
}

#[test]
fn a_change_of_filament_calls_the_operator_until_the_print_goes_on() {
    let (mut machine, mut chronicle) = printing_with_push();
    hear(&mut machine, News::FilamentChange, 10);
    let events = alert_events(&mut chronicle, &mut machine, 10);
    let [event] = &events[..] else {
        panic!("{events:?}")
    };
    let operator = Variant::from(NodeId::new(MACHINE_TOOL, 47));
    assert_eq!(field(event, 0, "ConditionClassId"), operator);
    assert_eq!(
        words(event, 0, "ConditionClassName"),
        "OperatorConditionClassType"
    );
    assert_eq!(words(event, 0, "ConditionName"), "printer.filament-change");
    assert_eq!(field(event, 0, "Severity"), Variant::UInt16(500));
    assert_eq!(field(event, 0, "ActiveState/Id"), Variant::Boolean(true));

    // It goes on waiting, whether it is asked for again or nobody can reach it.
    hear(&mut machine, News::FilamentChange, 11);
    see(&mut machine, report(PrinterState::Paused), 12);
    assert_eq!(alerts(&mut chronicle, &mut machine, 12), []);
    lose(&mut machine, 13);
    let lost = alerts(&mut chronicle, &mut machine, 13);
    assert_eq!(
        lost,
        [told("octoprint.unreachable", true, "no answer within 5 s")]
    );
    see(&mut machine, report(PrinterState::Paused), 14);
    let back = alerts(&mut chronicle, &mut machine, 14);
    assert_eq!(
        back,
        [told("octoprint.unreachable", false, "no answer within 5 s")]
    );

    see(&mut machine, report(PrinterState::Resuming), 20);
    let over = alerts(&mut chronicle, &mut machine, 20);
    let text = "the filament must be changed";
    assert_eq!(over, [told("printer.filament-change", false, text)]);
}

#[test]
fn the_error_code_is_the_reason_that_octoprint_told() {
    for (text, name) in [
        ("Printer halted. kill() called!", "printer.error"),
        ("MINTEMP triggered", "printer.thermal"),
    ] {
        let (mut machine, mut chronicle) = printing_with_push();
        hear(&mut machine, trouble(text, Some("firmware")), 10);
        assert_eq!(
            alerts(&mut chronicle, &mut machine, 10),
            [],
            "nothing has stopped yet"
        );
        // As OctoPrint 2.0 does it: the state comes without a text.
        let mut failed = report(PrinterState::Error);
        failed.error = None;
        see(&mut machine, failed, 11);
        hear(
            &mut machine,
            News::Print(PrintNews::Over {
                file: None,
                ending: Ending::Failed { reason: None },
                print_time: None,
            }),
            11,
        );
        let events = alert_events(&mut chronicle, &mut machine, 11);
        let [event] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!(words(event, MACHINE_TOOL, "ErrorCode"), "firmware");
        assert_eq!(words(event, 0, "ConditionName"), name);
        assert_eq!(words(event, 0, "Message"), text);

        see(&mut machine, report(PrinterState::Offline), 12);
        assert_eq!(
            alerts(&mut chronicle, &mut machine, 12),
            [],
            "it holds until the printer is back"
        );
        see(&mut machine, report(PrinterState::Connecting), 20);
        let over = alerts(&mut chronicle, &mut machine, 20);
        assert_eq!(over, [told("firmware", false, text)]);
    }
}

#[test]
fn an_error_that_is_explained_later_is_told_again_with_its_reason() {
    let (mut machine, mut chronicle) = printing_with_push();
    see(&mut machine, report(PrinterState::Error), 10);
    machine.tick(t(12));
    let polled = alerts(&mut chronicle, &mut machine, 12);
    assert_eq!(polled, [told("printer.thermal", true, "MINTEMP triggered")]);
    hear(
        &mut machine,
        trouble("MINTEMP triggered", Some("firmware")),
        13,
    );
    let explained = alerts(&mut chronicle, &mut machine, 13);
    assert_eq!(explained, [told("firmware", true, "MINTEMP triggered")]);
}

#[test]
fn a_printer_that_is_lost_during_a_print_is_told_under_push_as_under_poll() {
    for is_push in [false, true] {
        let mut machine = machine();
        if is_push {
            push(&mut machine, 0);
        }
        see(&mut machine, report(PrinterState::Printing), 0);
        let mut chronicle = mapping().chronicle(&machine);
        assert_eq!(alerts(&mut chronicle, &mut machine, 0), []);
        see(&mut machine, report(PrinterState::Offline), 10);
        machine.tick(t(15));
        let lost = alerts(&mut chronicle, &mut machine, 15);
        let [(code, true, _)] = &lost[..] else {
            panic!("push {is_push}: {lost:?}")
        };
        assert_eq!(code, "printer.disconnected", "push {is_push}");
    }
}
