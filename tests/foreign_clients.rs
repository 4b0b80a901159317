//! OPC UA clients that others wrote, used as an MES would use them, against the bridge and its simulated printers.

mod common;

use std::collections::BTreeSet;

use common::bridge::{Bridge, Simulator};
use common::foreign::{Client, Inspection, Node, Notification, Policy, Watch};
use common::process::Signal;
use serde_json::json;

const PRINTER: &str = "printer-0001";
const ITEM_STATE: &str = "MachineryBuildingBlocks/MachineryItemState/CurrentState/Number";
const PROGRAM_STATE: &str = "Production/ActiveProgram/State/CurrentState/Number";
const TOOL: &str = "Monitoring/Process/Tool0Temperature";
const TOOL_ACTUAL: &str = "Monitoring/Process/Tool0Temperature/AnalogSignal";

/// OPC 40501-1, numbers of the states of ActiveProgram.
const RUNNING: f64 = 1.0;
const ENDED: f64 = 2.0;
const INTERRUPTED: f64 = 3.0;

/// OPC 40001-1, numbers of the states of MachineryItemState.
const NOT_EXECUTING: f64 = 2.0;
const EXECUTING: f64 = 3.0;

#[test]
#[ignore = "needs Python and the package registries"]
fn each_client_browses_and_reads_everything_over_each_policy() {
    // The simulator builds five kinds of printers: one of each.
    let bridge = Bridge::demo(5);
    let endpoint = bridge.endpoint();
    for client in Client::ALL {
        until_it_prints(&mut client.watch(endpoint, Policy::None, &paths(&[TOOL_ACTUAL])));
    }
    let mut shapes = BTreeSet::new();
    for client in Client::ALL {
        for policy in Policy::ALL {
            let seen = client.inspect(endpoint, policy);
            let who = format!("{client:?} over {policy:?}");
            assert_machines_are_whole(&who, &seen);
            assert_types_are_whole(&who, &seen);
            let paths: Vec<_> = seen.nodes.values().map(|n| n.browse_path.clone()).collect();
            shapes.insert((paths, seen.types.by_namespace));
        }
    }
    assert_eq!(shapes.len(), 1, "the clients do not see the same nodes");
    assert!(bridge.terminate().success());
}

fn assert_machines_are_whole(who: &str, seen: &Inspection) {
    assert_eq!(seen.duplicates, [""; 0], "{who}: two nodes of one name");
    for number in 1..=5 {
        let printer = format!("printer-{number:04}");
        let machine = seen.node(&printer);
        let of_type = machine.type_name.as_deref();
        assert_eq!(of_type, Some("AdditiveManufacturingType"), "{who}");
        let temperature = seen.node(&format!("{printer}/{TOOL_ACTUAL}"));
        assert!(
            temperature.value.is_number() || may_lack_data(temperature, seen),
            "{who}: {temperature:?}"
        );
    }
    let astray: Vec<_> = seen
        .nodes
        .values()
        .filter(|node| !node.translates)
        .collect();
    assert!(
        astray.is_empty(),
        "{who}: browse paths lead astray: {astray:#?}"
    );
    let hollow: Vec<_> = seen
        .variables()
        .filter(|node| severity(node) == Severity::Good && node.value.is_null())
        .collect();
    assert!(
        hollow.is_empty(),
        "{who}: Good without a value: {hollow:#?}"
    );
    let bad: Vec<_> = seen
        .variables()
        .filter(|node| severity(node) != Severity::Good && !may_lack_data(node, seen))
        .collect();
    assert!(bad.is_empty(), "{who}: not Good: {bad:#?}");
    let raw: Vec<_> = seen
        .variables()
        .filter(|node| node.value.to_string().contains("undecoded"))
        .collect();
    assert!(raw.is_empty(), "{who}: structures stayed raw: {raw:#?}");
}

fn assert_types_are_whole(who: &str, seen: &Inspection) {
    let expected = umati_bridge::umati::namespaces::TYPE_URIS;
    assert_eq!(seen.namespaces[2..2 + expected.len()], expected, "{who}");
    assert_eq!(
        seen.types.not_good, [""; 0],
        "{who}: types that cannot be read"
    );
    assert!(seen.types.variables > 1000, "{who}: {:?}", seen.types);
    for (index, uri) in seen.namespaces.iter().enumerate() {
        // Of the IRDI dictionary, the entries stand in a folder of their own and not below Types.
        let index = u16::try_from(index).expect("few namespaces");
        let nodes = seen.types.by_namespace.get(&index);
        assert!(
            nodes.is_some() || !expected.contains(&uri.as_str()) || uri.ends_with("IRDI"),
            "{who}: no type of {uri}"
        );
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Severity {
    Good,
    Uncertain,
    Bad,
}

/// The two highest bits of a status code, OPC 10000-4 §7.39.
fn severity(node: &Node) -> Severity {
    match node.status.expect("a variable has a status") >> 30 {
        0 => Severity::Good,
        1 => Severity::Uncertain,
        _ => Severity::Bad,
    }
}

/// What may be without data, as the mapping documents: a healthy printer has nothing to say about some things, one
/// that the simulator has just switched off or made fail has nothing to say about any.
fn may_lack_data(node: &Node, seen: &Inspection) -> bool {
    let printer = node.path.split('/').next().unwrap_or_default();
    let connected = seen.node(&format!("{printer}/OctoPrint/PrinterConnected"));
    match node.status_name.as_deref() {
        Some("BadNoData") => true,
        Some("BadOutOfService" | "BadDeviceFailure") => connected.value == false,
        _ => false,
    }
}

#[test]
#[ignore = "needs Python and the package registries"]
fn structures_and_enumerations_arrive_decoded() {
    let bridge = Bridge::demo(1);
    for client in Client::ALL {
        let mut watch = client.watch(bridge.endpoint(), Policy::None, &paths(&[TOOL_ACTUAL]));
        until_it_prints(&mut watch);
        let seen = client.inspect(bridge.endpoint(), Policy::Basic256Sha256);
        let at = |path: &str| seen.node(&format!("{PRINTER}/{path}"));

        let unit = at(&format!("{TOOL}/AnalogSignal/EngineeringUnits"));
        assert_eq!(
            unit.data_type.as_deref(),
            Some("EUInformation"),
            "{client:?}"
        );
        assert_eq!(unit.value["UnitId"], 4_408_652, "{client:?}: {unit:?}");
        assert_eq!(
            unit.value["NamespaceUri"],
            "http://www.opcfoundation.org/UA/units/un/cefact"
        );
        assert_eq!(
            unit.value["DisplayName"]["text"], "°C",
            "{client:?}: {unit:?}"
        );
        let range = at(&format!("{TOOL}/AnalogSignal/EURange"));
        assert_eq!(range.data_type.as_deref(), Some("Range"), "{client:?}");
        assert_eq!(
            range.value["Low"].as_f64(),
            Some(0.0),
            "{client:?}: {range:?}"
        );
        assert_eq!(
            range.value["High"].as_f64(),
            Some(350.0),
            "{client:?}: {range:?}"
        );

        let enumeration = |path: &str| {
            let node = at(path);
            let name = node.enum_name.clone().unwrap_or_default();
            (node.data_type.clone().unwrap_or_default(), name)
        };
        let named = |data_type: &str, name: &str| (data_type.to_owned(), name.to_owned());
        assert_eq!(
            enumeration(&format!("{TOOL}/Category")),
            named("SensorCategory", "ProcessMonitoring"),
            "{client:?}"
        );
        assert_eq!(
            enumeration(&format!("{TOOL}/Severity")),
            named("SensorSeverity", "Critical"),
            "{client:?}"
        );
        assert_eq!(
            enumeration("Monitoring/MachineTool/OperationMode"),
            named("MachineOperationMode", "Automatic"),
            "{client:?}"
        );
        assert_eq!(
            at("Identification/DeviceClass").value,
            "Additive Manufacturing machine",
            "{client:?}"
        );
        assert_eq!(at("Identification/AMTechnologyIdentifier").value, "MEX");

        let state = at("Production/ActiveProgram/State/CurrentState");
        assert!(state.value["text"].is_string(), "{client:?}: {state:?}");
        let id = at("Production/ActiveProgram/State/CurrentState/Id");
        assert_eq!(id.data_type.as_deref(), Some("NodeId"), "{client:?}");
        assert!(
            id.value
                .as_str()
                .is_some_and(|id| id.starts_with("ns=10;i=")),
            "{client:?}: the state stands in the MachineTool namespace: {id:?}"
        );
    }
}

#[test]
#[ignore = "needs Python and the package registries"]
fn a_default_subscription_follows_a_printer_through_its_prints() {
    // A print with its pause takes some 15 s then, and each state still lasts for several polls.
    let simulator = Simulator::start(1, 3);
    let bridge = bridge_for(&simulator);
    let variables = paths(&[TOOL_ACTUAL, ITEM_STATE, PROGRAM_STATE]);
    for client in Client::ALL {
        let mut watch = client.watch(bridge.endpoint(), Policy::Aes128Sha256RsaOaep, &variables);
        follow_a_print(&mut watch);
    }
}

/// Sees a job start, pause, go on and end, and the temperature move meanwhile.
fn follow_a_print(watch: &mut Watch) {
    let program = path(PROGRAM_STATE);
    // The one that is under way may have had its pause already.
    watch.until(&program, "is between two prints", |n| {
        n.is_good() && n.number() != Some(RUNNING) && n.number() != Some(INTERRUPTED)
    });
    let start = watch.mark();
    watch.goes_through(start, &program, &[RUNNING, INTERRUPTED, RUNNING, ENDED]);
    watch.goes_through(
        start,
        &path(ITEM_STATE),
        &[EXECUTING, NOT_EXECUTING, EXECUTING, NOT_EXECUTING],
    );
    let temperatures: BTreeSet<String> = watch
        .history(start, &path(TOOL_ACTUAL))
        .iter()
        .map(|n| n.value.to_string())
        .collect();
    assert!(temperatures.len() > 3, "stands still: {temperatures:?}");
}

#[test]
#[ignore = "needs Python and the package registries"]
fn a_change_of_the_status_alone_reaches_a_default_subscription() {
    let simulator = Simulator::start(1, 1);
    let bridge = bridge_for(&simulator);
    let variables = paths(&[TOOL_ACTUAL, ITEM_STATE]);
    let mut watches =
        Client::ALL.map(|client| client.watch(bridge.endpoint(), Policy::None, &variables));
    for watch in &mut watches {
        until_it_prints(watch);
    }
    let marks = watches.each_mut().map(Watch::mark);
    simulator.signal(Signal::Stop);
    for (watch, mark) in watches.iter_mut().zip(marks) {
        let temperature = path(TOOL_ACTUAL);
        let old = watch.since(mark, &temperature, "is old", |n| {
            n.status_name == "UncertainNoCommunicationLastUsableValue"
        });
        let all = watch.history(0, &temperature);
        let good = all
            .iter()
            .rfind(|n| n.is_good())
            .expect("it was Good before");
        let moved = good.number().zip(old.number()).map(|(a, b)| (a - b).abs());
        // The last bit of an Uncertain number tells the library that it is news (server/publish).
        assert!(
            moved.is_some_and(|by| by < 1e-9),
            "not of the status alone: {good:?} {old:?}"
        );
        let gone = watch.until(&temperature, "is gone", |n| {
            n.status_name == "BadNoCommunication"
        });
        assert!(gone.value.is_null(), "Bad with a value: {gone:?}");
    }
    simulator.signal(Signal::Continue);
    for watch in &mut watches {
        until_it_prints(watch);
        watch.until(&path(ITEM_STATE), "is known again", Notification::is_good);
    }
}

fn bridge_for(simulator: &Simulator) -> Bridge {
    Bridge::run(json!({
        "poll_interval_ms": 250,
        "stale_after_ms": 3000,
        "machines": [{
            "type": "OCTOPRINT",
            "url": simulator.url(1),
            "custom_name": PRINTER,
            "api_key": "demo",
            "mes_id": [1],
        }],
    }))
}

fn until_it_prints(watch: &mut Watch) {
    watch.until(&path(TOOL_ACTUAL), "is Good", Notification::is_good);
}

fn path(name: &str) -> String {
    format!("Machines/{PRINTER}/{name}")
}

fn paths(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| path(name)).collect()
}
