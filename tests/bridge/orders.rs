//! The orders of a MES, from its Call to the printer and back: answered when the printer has done it, and there for a
//! MES that was away meanwhile.

use opcua::types::{
    DateTime, ExtensionObject, NodeId, ObjectId, ObjectTypeId, StatusCode, Variant,
};
use umati_bridge::config::{Login, MesInstance, MesRole};
use umati_bridge::octoprint::simulator::{Handle, printer_name};
use umati_bridge::password::Hash;
use umati_bridge::umati::isa95::codec::from_extension_object;
use umati_bridge::umati::isa95::types::{JobOrder, JobResponse, WorkMaster};
use umati_bridge::umati::namespaces as ns;

use crate::machine::Machine;
use crate::mes::Mes;
use crate::paths::{PROGRAM, program};
use crate::plant::{Bridge, OctoPrints, block_on};

const MANAGEMENT: &str = "MachineryBuildingBlocks/JobManagement";
/// Bit 0 of ReturnStatus, and nothing else.
const DONE: u64 = 1;
const PASSWORD: &str = "open sesame";

fn node(path: &str) -> NodeId {
    let machine = printer_name(1);
    NodeId::new(ns::INSTANCES, format!("{machine}/{MANAGEMENT}/{path}"))
}

async fn bridge(octoprints: &OctoPrints) -> Bridge {
    let mut machine = octoprints.machine(1);
    machine.control = true;
    let login = Login::Password {
        user: "mes1".to_owned(),
        hash: Hash::of(PASSWORD).expect("a hash"),
    };
    Bridge::start_as(vec![machine], |config| {
        // The certificate of this MES is not what is tried here.
        config.allow_anonymous = true;
        config.mes = vec![MesInstance {
            id: 1,
            name: "Berlin".to_owned(),
            role: MesRole::Control,
            login,
        }];
    })
    .await
}

async fn control(mes: &Mes, method: &str, arguments: Vec<Variant>) -> (StatusCode, Variant) {
    let method = node(&format!("JobOrderControl/{method}"));
    let (result, output) = mes.call(node("JobOrderControl"), method, arguments).await;
    (result.status_code, output)
}

/// Calls a method that names an order, and gives its ReturnStatus.
async fn of_order(mes: &Mes, method: &str, order: &str) -> u64 {
    let comment = Variant::Empty;
    returned(control(mes, method, vec![order.into(), comment]).await)
}

/// Calls a method that brings an order.
async fn with_order(mes: &Mes, method: &str, order: JobOrder) -> u64 {
    let order = ExtensionObject::new(order).into();
    returned(control(mes, method, vec![order, Variant::Empty]).await)
}

fn returned((status, output): (StatusCode, Variant)) -> u64 {
    match (status, output) {
        (StatusCode::Good, Variant::UInt64(bits)) => bits,
        other => panic!("{other:?}"),
    }
}

fn order(id: &str, file: &WorkMaster) -> JobOrder {
    JobOrder {
        job_order_id: id.into(),
        work_master_id: Some(vec![file.clone()].into()),
        ..JobOrder::default()
    }
}

/// The first printable file, once OctoPrint has listed them.
async fn file(machine: &Machine) -> WorkMaster {
    let path = format!("{MANAGEMENT}/JobOrderControl/WorkMaster");
    machine.watch(&[&path]).await;
    let listed = machine
        .until(
            &path,
            "lists files",
            |seen| matches!(&seen.value, Variant::Array(list) if !list.values.is_empty()),
        )
        .await;
    match listed.value {
        Variant::Array(list) => match &list.values[0] {
            Variant::ExtensionObject(object) => from_extension_object(object).expect("a file"),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

async fn response(mes: &Mes, order: &str) -> Option<JobResponse> {
    let method = node("JobOrderResults/RequestJobResponseByJobOrderID");
    let (_, output) = mes
        .call(node("JobOrderResults"), method, vec![order.into()])
        .await;
    match output {
        Variant::ExtensionObject(object) => from_extension_object(&object),
        other => panic!("{other:?}"),
    }
}

async fn stage() -> (OctoPrints, Handle, Bridge, Mes, Machine, WorkMaster) {
    let octoprints = OctoPrints::start(1).await;
    let bridge = bridge(&octoprints).await;
    let mes = Mes::connect_as(bridge.endpoint(), "mes1", PASSWORD).await;
    let machine = mes.machine(&printer_name(1));
    let file = file(&machine).await;
    let printer = octoprints.printer(1);
    (octoprints, printer, bridge, mes, machine, file)
}

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
fn arguments_that_do_not_fit_are_refused_and_nothing_happens() {
    block_on(async {
        let (_octoprints, _printer, _bridge, mes, machine, file) = stage().await;
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
        let orders = format!("{MANAGEMENT}/JobOrderControl/JobOrderList");
        let orders = machine.read(&orders).await.value;
        assert!(
            matches!(&orders, Variant::Array(list) if list.values.is_empty()),
            "{orders:?}"
        );
    });
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
        let list = format!("{MANAGEMENT}/JobOrderResults/JobOrderResponseList");
        let list = back.machine(&printer_name(1)).read(&list).await.value;
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
            listener.until_events(EVENTS.len() - 2).await;
        }
        octoprints.start_again().await;
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
const EVENTS: [&str; 14] = [
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
];

fn message(field: &Variant) -> String {
    match field {
        Variant::LocalizedText(text) => text.text.to_string(),
        other => panic!("{other:?}"),
    }
}
