//! The orders of a MES, from its Call to the printer and back: answered when the printer has done it, and there for a
//! MES that was away meanwhile.

use opcua::types::{
    Array, DateTime, ExtensionObject, LocalizedText, NodeId, ObjectId, ObjectTypeId, StatusCode,
    Variant, VariantScalarTypeId,
};
use umati_bridge::octoprint::simulator::{Endpoint, Handle, printer_name};
use umati_bridge::umati::isa95::types::{JobOrder, WorkMaster};
use umati_bridge::umati::namespaces as ns;

use crate::caller::{
    DONE, INVALID_REQUEST, INVALID_STATE, PASSWORD, UNKNOWN_ORDER, control, of_order, order,
    orders, response, stage, with_order,
};
use crate::mes::{Mes, Seen};
use crate::paths::{PROGRAM, RESPONSES, UPDATED, program};
use crate::plant::block_on;
use crate::told::jobs;

#[test]
fn each_call_is_answered_when_the_printer_has_done_it() {
    block_on(async {
        let (_octoprints, _printer, _bridge, mes, machine, file) = stage().await;
        use program::{ABORTED, INTERRUPTED, RUNNING};
        assert_eq!(
            with_order(&mes, "StoreAndStart", order("A", &file)).await,
            DONE
        );
        let started = machine.read(PROGRAM).await;
        assert!(started.is_good_number(RUNNING.into()), "{started:?}");
        for (method, reached) in [
            ("Pause", INTERRUPTED),
            ("Resume", RUNNING),
            ("Abort", ABORTED),
        ] {
            assert_eq!(of_order(&mes, method, "A").await, DONE, "{method}");
            let now = machine.read(PROGRAM).await;
            assert!(now.is_good_number(reached.into()), "{method}: {now:?}");
        }
        let response = response(&mes, "A").await.expect("a response");
        let (start, end) = (response.start_time, response.end_time);
        assert!(start.is_some() && start < end, "{start:?} {end:?}");
        assert_ne!(of_order(&mes, "Pause", "A").await & 1, 1, "it is over");
    });
}

#[test]
fn of_two_that_bring_different_orders_under_one_id_one_wins() {
    block_on(async {
        let (_octoprints, _printer, bridge, mes, _machine, file) = stage().await;
        let other = Mes::connect_as(bridge.endpoint(), "mes1", PASSWORD).await;
        for round in 0..10 {
            let first = order(&format!("race-{round}"), &file);
            let second = JobOrder {
                priority: Some(7),
                ..first.clone()
            };
            let (first, second) = tokio::join!(
                with_order(&mes, "Store", first),
                with_order(&other, "Store", second)
            );
            let won = [first, second].iter().filter(|&&it| it == DONE).count();
            assert_eq!(won, 1, "{first:#x} {second:#x}");
        }
    });
}

#[test]
fn of_two_that_want_the_free_printer_one_prints_and_the_other_waits_until_it_is_cleared() {
    block_on(async {
        let (_octoprints, printer, bridge, mes, machine, file) = stage().await;
        let other = Mes::connect_as(bridge.endpoint(), "mes1", PASSWORD).await;
        machine.watch(&[RESPONSES, UPDATED]).await;
        for round in 1..=3 {
            let ids = ["A", "B"].map(|name| format!("{name}-{round}"));
            let (first, second) = tokio::join!(
                with_order(&mes, "StoreAndStart", order(&ids[0], &file)),
                with_order(&other, "StoreAndStart", order(&ids[1], &file))
            );
            // The loser is taken, too: it is next.
            assert_eq!((first, second), (DONE, DONE));
            let running = response(&mes, &ids[0]).await.is_some();
            let [winner, loser] = if running {
                [&ids[0], &ids[1]]
            } else {
                [&ids[1], &ids[0]]
            };
            assert!(response(&mes, winner).await.is_some());
            assert!(response(&mes, loser).await.is_none(), "it waits");

            for id in [winner, loser] {
                assert_eq!(of_order(&other, "Clear", id).await, INVALID_STATE);
            }
            assert_eq!(of_order(&mes, "Abort", winner).await, DONE);
            machine.until_polled(3).await;
            assert_eq!(printer.requests(Endpoint::FileCommand), 2 * round - 1);
            assert_eq!(of_order(&other, "Clear", winner).await, DONE);
            assert_eq!(of_order(&mes, "Clear", winner).await, UNKNOWN_ORDER);
            assert!(response(&mes, winner).await.is_none(), "it is gone");
            let has_begun = |seen: &Seen| jobs(&seen.value).iter().any(|job| job.id == *loser);
            machine.until(RESPONSES, "tells the other", has_begun).await;
            assert_eq!(printer.requests(Endpoint::FileCommand), 2 * round);

            for method in ["Abort", "Clear"] {
                assert_eq!(of_order(&mes, method, loser).await, DONE, "{method}");
            }
            assert_eq!(orders(&mes).await, [] as [String; 0]);
        }
    });
}

#[test]
fn of_two_that_start_different_orders_under_one_id_the_other_is_refused() {
    block_on(async {
        let (_octoprints, printer, bridge, mes, _machine, file) = stage().await;
        let other = Mes::connect_as(bridge.endpoint(), "mes1", PASSWORD).await;
        for round in 1..=3 {
            let first = order("A", &file);
            let second = JobOrder {
                priority: Some(7),
                ..first.clone()
            };
            let (first, second) = tokio::join!(
                with_order(&mes, "StoreAndStart", first),
                with_order(&other, "StoreAndStart", second)
            );
            let mut told = [first, second];
            told.sort_unstable();
            assert_eq!(told, [DONE, INVALID_STATE]);
            assert_eq!(printer.requests(Endpoint::FileCommand), round);
            for method in ["Abort", "Clear"] {
                assert_eq!(of_order(&mes, method, "A").await, DONE, "{method}");
            }
        }
    });
}

#[test]
fn arguments_that_do_not_fit_are_refused_and_nothing_happens() {
    block_on(async {
        let (_octoprints, printer, _bridge, mes, machine, file) = stage().await;
        let document = Variant::from(ExtensionObject::new(order("A", &file)));
        for (arguments, status) in [
            (vec![], StatusCode::BadArgumentsMissing),
            (vec![document.clone()], StatusCode::BadArgumentsMissing),
            (
                vec![document.clone(), Variant::Empty, 1.into()],
                StatusCode::BadTooManyArguments,
            ),
            (
                vec!["A".into(), Variant::Empty],
                StatusCode::BadInvalidArgument,
            ),
            (vec![document, 1.into()], StatusCode::BadInvalidArgument),
        ] {
            let (told, _) = control(&mes, "StoreAndStart", arguments.clone()).await;
            assert_eq!(told, status, "{arguments:?}");
        }
        nothing_happened(&mes, &printer, &file).await;
        assert!(machine.read(RESPONSES).await.is_good());
    });
}

#[test]
fn arguments_that_are_too_long_are_refused_and_nothing_happens() {
    block_on(async {
        let (_octoprints, printer, _bridge, mes, _machine, file) = stage().await;
        let id = "A".repeat(256);
        let document = |order: JobOrder| Variant::from(ExtensionObject::new(order));
        let stored = document(order("A", &file));
        let long = LocalizedText::new("en", &"é".repeat(2_049));
        let bulky = JobOrder {
            description: Some(vec![LocalizedText::new("en", &"x".repeat(64 << 10))].into()),
            ..order("A", &file)
        };
        for (method, arguments) in [
            (
                "StoreAndStart",
                [document(order(&id, &file)), Variant::Empty],
            ),
            ("StoreAndStart", [document(bulky), Variant::Empty]),
            ("StoreAndStart", [stored.clone(), comment(vec![long])]),
            (
                "StoreAndStart",
                [stored, comment(vec![LocalizedText::new("en", "why"); 65])],
            ),
            ("Start", [id.as_str().into(), Variant::Empty]),
            ("Abort", [id.as_str().into(), Variant::Empty]),
        ] {
            let (told, _) = control(&mes, method, arguments.into()).await;
            assert_eq!(told, StatusCode::BadInvalidArgument, "{method}");
        }
        let endless = WorkMaster {
            id: format!("local/{}.gcode", "x".repeat(1_024)).into(),
            ..file.clone()
        };
        let told = with_order(&mes, "StoreAndStart", order("A", &endless)).await;
        assert_eq!(told, INVALID_REQUEST);
        nothing_happened(&mes, &printer, &file).await;
    });
}

/// No order is there, and OctoPrint was asked for nothing: what it is asked for now is the first.
async fn nothing_happened(mes: &Mes, printer: &Handle, file: &WorkMaster) {
    assert_eq!(orders(mes).await, [] as [String; 0]);
    let next = with_order(mes, "StoreAndStart", order("next", file)).await;
    assert_eq!(next, DONE);
    let commands = [
        Endpoint::FileCommand,
        Endpoint::JobCommand,
        Endpoint::ConnectionCommand,
        Endpoint::PrinterCommand,
    ];
    assert_eq!(commands.map(|it| printer.requests(it)), [1, 0, 0, 0]);
}

fn comment(languages: Vec<LocalizedText>) -> Variant {
    Variant::Array(Box::new(Array {
        value_type: VariantScalarTypeId::LocalizedText,
        values: languages.into_iter().map(Variant::from).collect(),
        dimensions: None,
    }))
}

#[test]
fn a_mes_that_was_away_for_the_whole_print_finds_it() {
    block_on(async {
        let (_octoprints, printer, bridge, mes, _machine, file) = stage().await;
        let before = DateTime::now();
        assert_eq!(with_order(&mes, "Store", order("A", &file)).await, DONE);
        let visitor = bridge.mes().await;
        // The one that wants it printed asks for it and is gone before anything is answered.
        let starting = tokio::spawn(async move { of_order(&mes, "Start", "A").await });
        visitor.machine(&printer_name(1)).watch(&[PROGRAM]).await;
        visitor
            .machine(&printer_name(1))
            .until_number(PROGRAM, program::RUNNING)
            .await;
        starting.abort();
        printer.skip_to_end();
        visitor
            .machine(&printer_name(1))
            .until_number(PROGRAM, program::ENDED)
            .await;

        let back = Mes::connect_as(bridge.endpoint(), "mes1", PASSWORD).await;
        let found = response(&back, "A").await.expect("a response");
        let (start, end) = (found.start_time.expect("a start"), found.end_time);
        assert!(before < start && Some(start) < end, "{start} {end:?}");
        let list = back.machine(&printer_name(1)).read(RESPONSES).await.value;
        assert!(
            matches!(&list, Variant::Array(list) if list.values.len() == 1),
            "{list:?}"
        );
    });
}

#[test]
fn each_event_reaches_those_who_listen_at_the_machine_and_at_server_once() {
    block_on(async {
        let (mut octoprints, _printer, bridge, mes, _machine, file) = stage().await;
        let fields = [
            (ObjectTypeId::BaseEventType, "EventId"),
            (ObjectTypeId::BaseEventType, "SourceName"),
            (ObjectTypeId::BaseEventType, "Message"),
            (ObjectTypeId::AlarmConditionType, "ActiveState/Id"),
        ];
        let root = NodeId::new(ns::INSTANCES, printer_name(1));
        let listen = async |node: NodeId| {
            let listener = Mes::connect_as(bridge.endpoint(), "mes1", PASSWORD).await;
            listener.watch_events(node, &fields).await;
            listener
        };
        let listeners = [listen(root).await, listen(ObjectId::Server.into()).await];
        let started = with_order(&mes, "StoreAndStart", order("A", &file)).await;
        assert_eq!(started, DONE);
        for method in ["Pause", "Resume", "Abort"] {
            assert_eq!(of_order(&mes, method, "A").await, DONE, "{method}");
        }
        // OctoPrint goes, and comes back: an alert begins and ends.
        octoprints.stop().await;
        for listener in &listeners {
            listener.until_events(EVENTS.len() - 3).await;
        }
        octoprints.start_again().await;
        for listener in &listeners {
            listener.until_events(EVENTS.len() - 1).await;
        }
        assert_eq!(with_order(&mes, "Store", order("B", &file)).await, DONE);
        for listener in &listeners {
            listener.until_events(EVENTS.len()).await;
        }
        let told = listeners.map(|listener| listener.events());
        let messages: Vec<_> = told[0].iter().map(|event| message(&event[2])).collect();
        assert_eq!(messages, EVENTS);
        let alerts = told[0].iter().map(|event| event[3].clone());
        let alerts: Vec<_> = alerts.filter(|it| *it != Variant::Empty).collect();
        assert_eq!(alerts, [true.into(), false.into()]);
        // The same events, with the same EventIds.
        assert_eq!(told[0], told[1]);
    });
}

/// Orders and transitions, the former first where they come together; then the alert.
const EVENTS: [&str; 15] = [
    "A is not allowed to start",
    "A is allowed to start",
    "A is running",
    "printer-0001: NotExecuting → Executing",
    "A is interrupted",
    "printer-0001: Executing → NotExecuting",
    "A is running",
    "printer-0001: NotExecuting → Executing",
    "A was aborted: cancelled",
    "printer-0001: Executing → NotExecuting",
    "printer-0001: NotExecuting → NotAvailable",
    "Connection refused (os error 111)",
    // It is over.
    "printer-0001: NotAvailable → NotExecuting",
    "Connection refused (os error 111)",
    // Nothing else came before this.
    "B is not allowed to start",
];

fn message(field: &Variant) -> String {
    match field {
        Variant::LocalizedText(text) => text.text.to_string(),
        other => panic!("{other:?}"),
    }
}
