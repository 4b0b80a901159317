//! Every variable of every instance is written, and never Good without a value.

use opcua::types::{StatusCode, Variant};
use umati_bridge::machine::{Machine, News, PrinterState};
use umati_bridge::umati::BridgeStatus;
use umati_bridge::umati::instance::Instance;

use crate::support::*;

fn situations() -> Vec<(String, Machine, i64)> {
    let states = [
        PrinterState::Offline,
        PrinterState::Connecting,
        PrinterState::Operational,
        PrinterState::Printing,
        PrinterState::Paused,
        PrinterState::Transferring,
        PrinterState::Error,
        PrinterState::Unknown,
    ];
    let mut all = vec![
        ("nothing read".to_owned(), machine(), 1),
        ("everything".to_owned(), full_machine(), 1),
    ];
    for state in states {
        let live = machine_in(state);
        let mut lost = live.clone();
        lose(&mut lost, 1);
        let mut told = full_machine();
        hear(
            &mut told,
            News::State {
                state,
                text: format!("{state:?}"),
            },
            1,
        );
        all.push((format!("{state:?} after a full life"), told, 5));
        all.push((format!("{state:?}"), live, 1));
        all.push((format!("{state:?}, stale"), lost.clone(), 2));
        all.push((format!("{state:?}, lost"), lost, 100));
    }
    all
}

pub fn assert_complete(what: &str, instance: &Instance) {
    for path in variables(instance) {
        let data = data(instance, &path);
        let is_fixed = path.ends_with("Arguments");
        assert!(
            is_fixed || data.source_timestamp.is_some(),
            "{what}: nothing wrote {path}"
        );
        let status = data.status.unwrap();
        let is_empty = matches!(data.value, None | Some(Variant::Empty));
        assert_eq!(
            is_empty,
            status.is_bad(),
            "{what}: {path} is {status} with {:?}",
            data.value
        );
        assert!(data.value.is_some(), "{what}: {path} has no variant");
    }
}

#[test]
fn every_variable_is_written_in_every_situation() {
    for (what, machine, at) in situations() {
        assert_complete(&what, &instance(&machine, at));
    }
}

#[test]
fn only_what_octoprint_does_not_tell_lacks_data_on_a_printing_machine() {
    let instance = instance(&full_machine(), 1);
    let mut lacking = variables(&instance);
    lacking.retain(|path| status(&instance, path) != StatusCode::Good);
    lacking.sort();
    assert_eq!(
        lacking,
        [
            "OctoPrint/AveragePrintTime",
            "OctoPrint/Filament/Tool0/Weight",
            "OctoPrint/Filament/Tool1/Length",
            "OctoPrint/Filament/Tool1/Volume",
            "OctoPrint/Filament/Tool1/Weight",
            "OctoPrint/LastError/Reason",
            "OctoPrint/LastError/Text",
            "OctoPrint/LastError/Time",
            "OctoPrint/LastPrintTime",
        ]
    );
}

#[test]
fn values_have_the_data_types_of_their_nodes() {
    use opcua::types::{DataTypeId, VariantScalarTypeId as T};
    use umati_bridge::umati::blueprint::NodeKind;
    use umati_bridge::umati::namespaces::JOB_CONTROL;
    let instance = instance(&full_machine(), 1);
    for (index, node) in instance.blueprint().iter() {
        let NodeKind::Variable(variable) = &node.kind else {
            continue;
        };
        let value = instance.value(index).value.as_ref().unwrap();
        let Some(scalar) = value.scalar_type_id() else {
            continue;
        };
        let is = |id: DataTypeId| variable.data_type == id;
        let fits = match scalar {
            T::Boolean => is(DataTypeId::Boolean),
            T::Byte => is(DataTypeId::Byte),
            T::UInt16 => is(DataTypeId::UInt16),
            T::UInt32 => is(DataTypeId::UInt32),
            T::UInt64 => is(DataTypeId::UInt64),
            T::Double => is(DataTypeId::Double) || is(DataTypeId::Duration),
            T::String => is(DataTypeId::String),
            T::DateTime => is(DataTypeId::UtcTime),
            T::NodeId => is(DataTypeId::NodeId),
            T::LocalizedText => is(DataTypeId::LocalizedText),
            T::ExtensionObject => {
                let ours = [
                    DataTypeId::EUInformation,
                    DataTypeId::Range,
                    DataTypeId::Argument,
                ];
                ours.into_iter().any(is) || variable.data_type.namespace == JOB_CONTROL
            }
            // Enumerations of the companion specifications.
            T::Int32 => variable.data_type.namespace != 0,
            _ => false,
        };
        assert!(fits, "{}: {value:?} in a {}", node.path, variable.data_type);
        let rank = if value.is_array() { 1 } else { -1 };
        assert_eq!(variable.value_rank, rank, "{}", node.path);
    }
}

#[test]
fn the_bridge_object_is_complete() {
    let status = BridgeStatus {
        started: t(0),
        machines: 3,
        machines_online: 2,
        ..BridgeStatus::default()
    };
    assert_complete("bridge", &mapping().bridge_instance(&status, t(5)));
}
