//! Temperatures that come, go and make no sense: nodes appear with an event, and never disappear.

use opcua::types::{
    ModelChangeStructureDataType, ModelChangeStructureVerbMask, NodeId, ObjectTypeId, StatusCode,
    Variant,
};
use umati_bridge::octoprint::simulator::Handle;

use crate::machine::Machine;
use crate::paths::{BED, ITEM_STATE, TOOL, UPDATED, item};
use crate::plant::{Bridge, OctoPrints, block_on};

/// Of a sensor that the firmware calls `A`.
const EXTRA: &str = "Monitoring/Process/ATemperature/AnalogSignal";

#[test]
fn sensors_come_and_go_without_leaving_holes() {
    block_on(async {
        let octoprints = OctoPrints::start(4).await;
        let bridge = Bridge::start(octoprints.machines(4)).await;
        let mes = bridge.mes().await;
        mes.watch_model_changes().await;
        let play = |number: usize| {
            let name = octoprints.machine(number).name;
            (octoprints.printer(number), mes.machine(&name))
        };
        tokio::join!(
            all_withheld(play(1)),
            second_tool_vanishes(play(2)),
            new_sensor(play(3)),
            out_of_range(play(4)),
        );
    });
}

/// `"temperature": {}`, as OctoPrint answers before the firmware's first report.
async fn all_withheld((printer, machine): (Handle, Machine)) {
    start_watching(&machine).await;
    machine.watch(&[BED]).await;
    printer.withhold_temperatures();
    machine.until_nothing(TOOL, StatusCode::BadNoData).await;
    machine.until_nothing(BED, StatusCode::BadNoData).await;
    machine.until_number(ITEM_STATE, item::NOT_EXECUTING).await;
    printer.restore_sensors();
    machine.until_status(TOOL, StatusCode::Good).await;
    machine.until_status(BED, StatusCode::Good).await;
}

async fn second_tool_vanishes((printer, machine): (Handle, Machine)) {
    const SECOND: &str = "Monitoring/Process/Tool1Temperature/AnalogSignal";
    start_watching(&machine).await;
    machine.watch(&[SECOND]).await;
    machine.until_status(SECOND, StatusCode::Good).await;
    printer.remove_sensor("tool1");
    machine.until_nothing(SECOND, StatusCode::BadNoData).await;
    machine.until_polled(3).await;
    assert!(machine.read(TOOL).await.is_good());
    assert_eq!(
        machine.read(SECOND).await.status,
        StatusCode::BadNoData,
        "the node is still there"
    );
    printer.restore_sensors();
    machine.until_status(SECOND, StatusCode::Good).await;
}

async fn new_sensor((printer, machine): (Handle, Machine)) {
    start_watching(&machine).await;
    printer.set_sensor("A", Some(33.5), None);
    let added = NodeId::new(13, machine.path(EXTRA));
    machine
        .mes
        .until_event(ObjectTypeId::GeneralModelChangeEventType, |changes| {
            says_added(changes, &added)
        })
        .await;
    assert_eq!(machine.mes.node(&machine.path(EXTRA)).await, added);
    machine.watch(&[EXTRA]).await;
    machine.until_is(EXTRA, 33.5, StatusCode::Good).await;
    printer.remove_sensor("A");
    machine.until_nothing(EXTRA, StatusCode::BadNoData).await;
    assert!(machine.read(TOOL).await.is_good());
}

fn says_added(changes: &Variant, node: &NodeId) -> bool {
    let Variant::Array(changes) = changes else {
        panic!("no list of changes: {changes:?}");
    };
    changes.values.iter().any(|change| match change {
        Variant::ExtensionObject(change) => {
            let change = change
                .inner_as::<ModelChangeStructureDataType>()
                .expect("a ModelChangeStructureDataType");
            change.affected == *node && change.verb == ModelChangeStructureVerbMask::NodeAdded as u8
        }
        other => panic!("no structure: {other:?}"),
    })
}

async fn out_of_range((printer, machine): (Handle, Machine)) {
    start_watching(&machine).await;
    let hot = machine.read(TOOL).await;
    printer.set_sensor("tool0", Some(2000.0), Some(0.0));
    let doubted = machine
        .until_status(TOOL, StatusCode::UncertainEngineeringUnitsExceeded)
        .await;
    assert!(
        doubted.number().is_some_and(|n| (n - 2000.0).abs() < 1e-9),
        "{doubted:?}"
    );
    printer.set_sensor("tool0", None, Some(0.0));
    machine.until_nothing(TOOL, StatusCode::BadNoData).await;
    printer.restore_sensors();
    machine.until_is(TOOL, hot.value, StatusCode::Good).await;
}

/// Returns with the first reading, which makes the nodes of all further sensors.
async fn start_watching(machine: &Machine) {
    machine.watch(&[TOOL, ITEM_STATE, UPDATED]).await;
    machine.until_status(TOOL, StatusCode::Good).await;
}
