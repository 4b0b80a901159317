//! What a MES calls at the first machine to have something printed there.

use opcua::types::{ExtensionObject, NodeId, StatusCode, Variant};
use umati_bridge::config::{Login, MesInstance, MesRole};
use umati_bridge::octoprint::simulator::{Handle, printer_name};
use umati_bridge::password::Hash;
use umati_bridge::umati::isa95::codec::from_extension_object;
use umati_bridge::umati::isa95::types::{JobOrder, JobOrderAndState, JobResponse, WorkMaster};
use umati_bridge::umati::namespaces as ns;

use crate::machine::Machine;
use crate::mes::Mes;
use crate::paths::ORDERS;
use crate::plant::{Bridge, OctoPrints};

pub const MANAGEMENT: &str = "MachineryBuildingBlocks/JobManagement";
/// Bit 0 of ReturnStatus, and nothing else.
pub const DONE: u64 = 1;
/// The other bits of ReturnStatus, as docs/mapping.md has them.
pub const UNKNOWN_ORDER: u64 = 1 << 1;
pub const INVALID_STATE: u64 = 1 << 3;
pub const INVALID_REQUEST: u64 = 1 << 32;
pub const PASSWORD: &str = "open sesame";

pub fn node(path: &str) -> NodeId {
    let machine = printer_name(1);
    NodeId::new(ns::INSTANCES, format!("{machine}/{MANAGEMENT}/{path}"))
}

pub async fn bridge(octoprints: &OctoPrints) -> Bridge {
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

pub async fn control(mes: &Mes, method: &str, arguments: Vec<Variant>) -> (StatusCode, Variant) {
    let method = node(&format!("JobOrderControl/{method}"));
    let (result, output) = mes.call(node("JobOrderControl"), method, arguments).await;
    (result.status_code, output)
}

/// Calls a method that names an order, and gives its ReturnStatus.
pub async fn of_order(mes: &Mes, method: &str, order: &str) -> u64 {
    let comment = Variant::Empty;
    returned(control(mes, method, vec![order.into(), comment]).await)
}

/// Calls a method that brings an order.
pub async fn with_order(mes: &Mes, method: &str, order: JobOrder) -> u64 {
    let order = ExtensionObject::new(order).into();
    returned(control(mes, method, vec![order, Variant::Empty]).await)
}

pub fn returned((status, output): (StatusCode, Variant)) -> u64 {
    match (status, output) {
        (StatusCode::Good, Variant::UInt64(bits)) => bits,
        other => panic!("{other:?}"),
    }
}

pub fn order(id: &str, file: &WorkMaster) -> JobOrder {
    JobOrder {
        job_order_id: id.into(),
        work_master_id: Some(vec![file.clone()].into()),
        ..JobOrder::default()
    }
}

/// The first printable file, once OctoPrint has listed them.
pub async fn file(machine: &Machine) -> WorkMaster {
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

/// The ids in JobOrderList, the oldest first.
pub async fn orders(mes: &Mes) -> Vec<String> {
    let Variant::Array(list) = mes.machine(&printer_name(1)).read(ORDERS).await.value else {
        panic!("no list");
    };
    let id = |entry| match entry {
        Variant::ExtensionObject(object) => {
            let entry: JobOrderAndState = from_extension_object(&object).expect("an order");
            entry.job_order.job_order_id.to_string()
        }
        other => panic!("{other:?}"),
    };
    list.values.into_iter().map(id).collect()
}

pub async fn response(mes: &Mes, order: &str) -> Option<JobResponse> {
    let method = node("JobOrderResults/RequestJobResponseByJobOrderID");
    let (_, output) = mes
        .call(node("JobOrderResults"), method, vec![order.into()])
        .await;
    match output {
        Variant::ExtensionObject(object) => from_extension_object(&object),
        other => panic!("{other:?}"),
    }
}

pub async fn stage() -> (OctoPrints, Handle, Bridge, Mes, Machine, WorkMaster) {
    let octoprints = OctoPrints::start(1).await;
    let bridge = bridge(&octoprints).await;
    let mes = Mes::connect_as(bridge.endpoint(), "mes1", PASSWORD).await;
    let machine = mes.machine(&printer_name(1));
    let file = file(&machine).await;
    let printer = octoprints.printer(1);
    (octoprints, printer, bridge, mes, machine, file)
}
