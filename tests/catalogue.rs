//! What the catalogue says of the real specifications.

use std::sync::LazyLock;

use opcua::types::{DataTypeId, NodeClass, NodeId, ObjectId, ObjectTypeId, ReferenceTypeId};
use umati_bridge::umati::catalogue::{Catalogue, DeclaredMember, ModellingRule, Place};
use umati_bridge::umati::{namespaces as ns, nodesets};

static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::load(&nodesets::imports().unwrap()));

fn type_id(namespace: u16, name: &str) -> NodeId {
    CATALOGUE.find_type(namespace, name).unwrap().id.clone()
}

fn place(namespace: u16, name: &str) -> Place {
    CATALOGUE.place_of_type(&type_id(namespace, name)).unwrap()
}

fn member(place: &Place, name: &str) -> DeclaredMember<'static> {
    let mut members = CATALOGUE.members(place);
    let position = members
        .iter()
        .position(|member| member.declaration.browse_name.name.as_ref() == name)
        .unwrap_or_else(|| panic!("no {name}"));
    members.swap_remove(position)
}

fn below(member: &DeclaredMember<'_>) -> Place {
    CATALOGUE
        .place_of_members([member], member.type_definition.unwrap())
        .unwrap()
}

#[test]
fn types_are_found_by_specification_and_name() {
    let machine = CATALOGUE
        .find_type(ns::ADDITIVE_MANUFACTURING, "AdditiveManufacturingType")
        .unwrap();
    assert_eq!(machine.id, NodeId::new(ns::ADDITIVE_MANUFACTURING, 1005u32));
    assert_eq!(machine.class(), NodeClass::ObjectType);
    assert!(!machine.is_abstract());
    assert!(
        CATALOGUE
            .find_type(ns::UA, "AdditiveManufacturingType")
            .is_none()
    );
    // An instance declaration of that name is no type.
    assert!(
        CATALOGUE
            .find_type(ns::MACHINE_TOOL, "Monitoring")
            .is_none()
    );
    let mode = CATALOGUE.find_type(ns::MACHINE_TOOL, "MachineOperationMode");
    assert_eq!(mode.unwrap().class(), NodeClass::DataType);
}

#[test]
fn supertypes_come_nearest_first() {
    let machine = type_id(ns::ADDITIVE_MANUFACTURING, "AdditiveManufacturingType");
    let names: Vec<_> = CATALOGUE
        .supertypes(CATALOGUE.node(&machine).unwrap())
        .map(|node| node.browse_name.name.to_string())
        .collect();
    assert_eq!(names, ["MachineToolType", "BaseObjectType"]);
}

#[test]
fn subtypes_are_known_for_every_kind_of_type() {
    let is = |id: NodeId, base: NodeId| CATALOGUE.is_subtype_of(&id, &base);
    assert!(is(DataTypeId::Double.into(), DataTypeId::Number.into()));
    assert!(!is(DataTypeId::Number.into(), DataTypeId::Double.into()));
    assert!(is(DataTypeId::Double.into(), DataTypeId::Double.into()));
    let signal = type_id(ns::PADIM, "AnalogSignalVariableType");
    assert!(is(signal, type_id(ns::UA, "BaseDataVariableType")));
    assert!(!is(
        NodeId::new(ns::INSTANCES, "nobody"),
        ObjectTypeId::BaseObjectType.into()
    ));
}

#[test]
fn hierarchical_references_are_told_from_others() {
    for id in [
        ReferenceTypeId::Organizes,
        ReferenceTypeId::HasComponent,
        ReferenceTypeId::HasProperty,
        ReferenceTypeId::HasAddIn,
        ReferenceTypeId::HasNotifier,
    ] {
        assert!(CATALOGUE.is_hierarchical(&id.into()), "{id:?}");
    }
    for id in [
        ReferenceTypeId::HasTypeDefinition,
        ReferenceTypeId::HasInterface,
        ReferenceTypeId::GeneratesEvent,
    ] {
        assert!(!CATALOGUE.is_hierarchical(&id.into()), "{id:?}");
    }
}

/// MachineToolType declares Identification with a general type; AdditiveManufacturingType narrows it.
#[test]
fn a_subtype_overrides_by_browse_name() {
    let machine = place(ns::ADDITIVE_MANUFACTURING, "AdditiveManufacturingType");
    let identification = member(&machine, "Identification");
    assert_eq!(
        identification.type_definition,
        Some(&type_id(
            ns::ADDITIVE_MANUFACTURING,
            "MachineIdentificationAMType"
        ))
    );
    assert_eq!(
        identification.declaration.browse_name.namespace_index,
        ns::DI
    );
    assert_eq!(identification.rule, ModellingRule::Mandatory);
    assert_eq!(
        *identification.reference_type,
        NodeId::from(ReferenceTypeId::HasAddIn)
    );
    let named = CATALOGUE.members(&machine);
    let count = named
        .iter()
        .filter(|member| member.declaration.browse_name.name.as_ref() == "Identification")
        .count();
    assert_eq!(count, 1);
}

/// `Monitoring` gets members from AdditiveManufacturingType, MachineToolType and MonitoringType.
#[test]
fn all_declarations_of_a_place_add_members() {
    let machine = place(ns::ADDITIVE_MANUFACTURING, "AdditiveManufacturingType");
    let monitoring = below(&member(&machine, "Monitoring"));
    for (name, rule) in [
        ("Process", ModellingRule::Optional),
        ("MachineTool", ModellingRule::Mandatory),
        ("Stacklight", ModellingRule::Optional),
        ("<MonitoredElement>", ModellingRule::OptionalPlaceholder),
    ] {
        assert_eq!(member(&monitoring, name).rule, rule, "{name}");
    }
    let machine_tool = below(&member(&monitoring, "MachineTool"));
    let mode = member(&machine_tool, "OperationMode");
    assert_eq!(mode.rule, ModellingRule::Mandatory);
    assert_eq!(
        member(&machine_tool, "IsWarmUp").rule,
        ModellingRule::Optional
    );
}

#[test]
fn interfaces_declare_members_too() {
    let identification = place(ns::ADDITIVE_MANUFACTURING, "MachineIdentificationAMType");
    let interfaces: Vec<_> = CATALOGUE
        .interfaces(&identification)
        .into_iter()
        .map(|node| node.browse_name.name.to_string())
        .collect();
    assert!(
        interfaces.contains(&"ITagNameplateType".to_owned()),
        "{interfaces:?}"
    );
    let interface = CATALOGUE.find_type(ns::DI, "IDeviceHealthType").unwrap();
    let mut folder = place(ns::UA, "FolderType");
    assert!(CATALOGUE.members(&folder).is_empty());
    CATALOGUE.implement(&mut folder, &interface.id).unwrap();
    assert_eq!(
        member(&folder, "DeviceHealth").rule,
        ModellingRule::Optional
    );
    assert!(
        CATALOGUE
            .implement(&mut folder, &ObjectTypeId::FolderType.into())
            .is_none()
    );
}

/// States and transitions of a state machine type exist once, with the type, and have no modelling rule.
#[test]
fn states_are_not_members() {
    let states = place(ns::MACHINERY, "MachineryItemState_StateMachineType");
    let names: Vec<_> = CATALOGUE
        .members(&states)
        .into_iter()
        .map(|member| member.declaration.browse_name.name.to_string())
        .collect();
    assert!(names.contains(&"CurrentState".to_owned()));
    assert!(!names.contains(&"Executing".to_owned()), "{names:?}");
}

#[test]
fn entry_points_can_be_described() {
    let machines = CATALOGUE
        .foreign(&NodeId::new(ns::MACHINERY, 1001u32))
        .unwrap();
    assert_eq!(machines.browse_name.name.as_ref(), "Machines");
    assert_eq!(machines.node_class, NodeClass::Object);
    assert_eq!(
        machines.type_definition.node_id,
        NodeId::from(ObjectTypeId::FolderType)
    );
    assert!(CATALOGUE.foreign(&ObjectId::ObjectsFolder.into()).is_some());
    assert!(CATALOGUE.foreign(&ObjectId::Server.into()).is_some());
    let machine_type = CATALOGUE
        .foreign(&type_id(ns::ADDITIVE_MANUFACTURING, "FeedstockType"))
        .unwrap();
    assert!(machine_type.type_definition.is_null());
}
