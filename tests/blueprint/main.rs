//! Blueprints of the real types: what a plan gives, and what a wrong plan is told.

mod mistakes;

use std::collections::HashSet;
use std::sync::LazyLock;

use opcua::types::{
    Argument, DataTypeId, NodeClass, NodeId, ObjectId, ObjectTypeId, QualifiedName,
    ReferenceTypeId, VariableTypeId, Variant,
};
use umati_bridge::umati::blueprint::{
    Blueprint, BlueprintNode, NodeIndex, NodeKind, Plan, Target, VariableAttributes,
};
use umati_bridge::umati::catalogue::Catalogue;
use umati_bridge::umati::{namespaces as ns, nodesets};

static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::load(&nodesets::imports().unwrap()));

fn machine() -> Plan {
    Plan::new(NodeId::new(ns::ADDITIVE_MANUFACTURING, 1005u32))
}

fn type_id(namespace: u16, name: &str) -> NodeId {
    CATALOGUE.find_type(namespace, name).unwrap().id.clone()
}

fn ours(name: &str) -> QualifiedName {
    QualifiedName::new(ns::INSTANCES, name)
}

fn build(plan: &Plan) -> Blueprint {
    Blueprint::build(&CATALOGUE, plan).unwrap_or_else(|error| panic!("{error}"))
}

fn paths(blueprint: &Blueprint) -> HashSet<&str> {
    blueprint.iter().map(|(_, node)| &*node.path).collect()
}

fn at<'a>(blueprint: &'a Blueprint, path: &str) -> &'a BlueprintNode {
    let index = blueprint
        .find(path)
        .unwrap_or_else(|| panic!("no {path}, only {:?}", paths(blueprint)));
    blueprint.node(index)
}

fn variable<'a>(blueprint: &'a Blueprint, path: &str) -> &'a VariableAttributes {
    match &at(blueprint, path).kind {
        NodeKind::Variable(variable) => variable,
        other => panic!("{path} is {other:?}"),
    }
}

/// Reference types of the forward references from `from` to `to`.
fn references(blueprint: &Blueprint, from: &str, to: &str) -> Vec<NodeId> {
    let to = blueprint.find(to).unwrap();
    at(blueprint, from)
        .references
        .iter()
        .filter(|r| r.is_forward && matches!(r.target, Target::Local(index) if index == to))
        .map(|r| r.reference_type.clone())
        .collect()
}

/// A printer with everything that a plan can ask for.
fn full() -> Plan {
    let mut plan = machine();
    plan.include("Identification/Model")
        .include("Monitoring/MachineTool/MachineryItemState/CurrentState/Number")
        .include("Monitoring/MachineTool/MachineryOperationMode")
        .include("Monitoring/MachineTool/OperationCounters")
        .include("Notification/Messages")
        .event_notifier("Notification/Messages")
        .add(
            "Equipment/Tools",
            ours("Tool0"),
            type_id(ns::MACHINE_TOOL, "ToolType"),
        )
        .add_component(
            "Monitoring/Process",
            ours("Tool0Temperature"),
            type_id(ns::ADDITIVE_MANUFACTURING, "ProcessValueAMType"),
        )
        .include("Monitoring/Process/Tool0Temperature/ProcessValueSetpoint")
        .narrow(
            "Monitoring/Process/Tool0Temperature/AnalogSignal",
            DataTypeId::Double,
            -1,
        );
    for add_in in [
        "MachineryItemState",
        "MachineryOperationMode",
        "OperationCounters",
    ] {
        plan.alias(
            "MachineryBuildingBlocks",
            &format!("Monitoring/MachineTool/{add_in}"),
            ReferenceTypeId::HasAddIn,
        );
    }
    plan
}

/// OPC 40540 and its base specifications make 18 nodes mandatory.
#[test]
fn a_bare_machine_has_exactly_the_mandatory_nodes() {
    let blueprint = build(&machine());
    let mut found: Vec<&str> = blueprint.iter().map(|(_, node)| &*node.path).collect();
    assert_eq!(found.remove(0), "");
    found.sort();
    assert_eq!(
        found,
        [
            "Equipment",
            "Identification",
            "Identification/AMTechnologyIdentifier",
            "Identification/Manufacturer",
            "Identification/ProductInstanceUri",
            "Identification/SerialNumber",
            "Monitoring",
            "Monitoring/MachineTool",
            "Monitoring/MachineTool/OperationMode",
            "Notification",
            "Production",
            "Production/ActiveProgram",
            "Production/ActiveProgram/Name",
            "Production/ActiveProgram/NumberInList",
            "Production/ActiveProgram/State",
            "Production/ActiveProgram/State/CurrentState",
            "Production/ActiveProgram/State/CurrentState/Id",
            "Production/ActiveProgram/State/CurrentState/Number",
        ]
    );
}

#[test]
fn names_carry_the_namespace_of_the_specification_that_declares_them() {
    let blueprint = build(&full());
    for (path, namespace) in [
        ("Identification", ns::DI),
        (
            "Identification/AMTechnologyIdentifier",
            ns::ADDITIVE_MANUFACTURING,
        ),
        ("Identification/Manufacturer", ns::DI),
        ("Equipment", ns::MACHINE_TOOL),
        ("Monitoring/Process", ns::MACHINERY),
        ("Monitoring/Process/Tool0Temperature", ns::INSTANCES),
        (
            "Monitoring/Process/Tool0Temperature/AnalogSignal",
            ns::PADIM,
        ),
        (
            "Monitoring/Process/Tool0Temperature/AnalogSignal/EURange",
            ns::UA,
        ),
        ("Production/ActiveProgram/NumberInList", ns::UA),
        ("Production/ActiveProgram/State/CurrentState/Id", ns::UA),
    ] {
        let name = &at(&blueprint, path).browse_name;
        assert_eq!(name.namespace_index, namespace, "{path}");
    }
}

#[test]
fn attributes_come_from_the_declaration_and_variables_are_read_only() {
    let blueprint = build(&full());
    let manufacturer = variable(&blueprint, "Identification/Manufacturer");
    assert_eq!(manufacturer.data_type, DataTypeId::LocalizedText);
    assert_eq!(manufacturer.type_definition, VariableTypeId::PropertyType);
    assert_eq!(manufacturer.value_rank, -1);
    let description = &at(&blueprint, "Identification/Manufacturer").description;
    assert!(
        description
            .text
            .as_ref()
            .contains("name of the manufacturer")
    );
    let state = variable(&blueprint, "Production/ActiveProgram/State/CurrentState");
    assert_eq!(
        state.type_definition,
        VariableTypeId::FiniteStateVariableType
    );
    for (_, node) in blueprint.iter() {
        if let NodeKind::Variable(variable) = &node.kind {
            assert_eq!(variable.access_level, 1, "{}", node.path);
            assert_eq!(variable.minimum_sampling_interval, 0.0, "{}", node.path);
        }
    }
}

#[test]
fn references_are_complete_on_both_sides() {
    let blueprint = build(&full());
    for (index, node) in blueprint.iter() {
        let mut parents = 0;
        let mut types = Vec::new();
        for reference in &node.references {
            assert_ne!(reference.reference_type, ReferenceTypeId::HasModellingRule);
            match &reference.target {
                Target::Local(target) => {
                    let back = blueprint.node(*target).references.iter().any(|r| {
                        r.is_forward != reference.is_forward
                            && r.reference_type == reference.reference_type
                            && matches!(r.target, Target::Local(source) if source == index)
                    });
                    assert!(back, "{} has no way back", node.path);
                    parents += usize::from(!reference.is_forward);
                }
                Target::Foreign(foreign) => {
                    if reference.reference_type == ReferenceTypeId::HasTypeDefinition {
                        types.push(foreign.node_id.clone());
                    }
                }
            }
        }
        let own: Vec<_> = node.type_definition().cloned().into_iter().collect();
        assert_eq!(types, own, "{}", node.path);
        assert_eq!(parents > 0, index != NodeIndex::ROOT, "{}", node.path);
        assert_eq!(blueprint.find(&node.path), Some(index));
    }
    assert_eq!(
        references(&blueprint, "", "Identification"),
        [ReferenceTypeId::HasAddIn]
    );
    assert_eq!(
        references(&blueprint, "Identification", "Identification/Model"),
        [ReferenceTypeId::HasProperty]
    );
    let interfaces = at(&blueprint, "Identification")
        .references
        .iter()
        .filter(|r| r.reference_type == ReferenceTypeId::HasInterface);
    assert!(interfaces.count() > 0);
}

#[test]
fn an_include_brings_the_steps_on_its_way_and_what_is_mandatory_below() {
    let bare = build(&machine());
    let mut plan = machine();
    plan.include("Monitoring/MachineTool/MachineryItemState/CurrentState/Number");
    let blueprint = build(&plan);
    let mut added: Vec<_> = paths(&blueprint)
        .difference(&paths(&bare))
        .copied()
        .collect();
    added.sort();
    let state = "Monitoring/MachineTool/MachineryItemState";
    assert_eq!(
        added,
        [
            state.to_owned(),
            format!("{state}/CurrentState"),
            format!("{state}/CurrentState/Id"),
            format!("{state}/CurrentState/Number"),
        ]
    );
}

#[test]
fn placeholders_become_instances_with_the_names_of_the_plan() {
    let blueprint = build(&full());
    let tool = at(&blueprint, "Equipment/Tools/Tool0");
    assert_eq!(
        tool.type_definition(),
        Some(&type_id(ns::MACHINE_TOOL, "ToolType"))
    );
    assert_eq!(tool.display_name.text.as_ref(), "Tool0");
    assert_eq!(
        references(&blueprint, "Equipment/Tools", "Equipment/Tools/Tool0"),
        [ReferenceTypeId::HasComponent]
    );
    let locked = variable(&blueprint, "Equipment/Tools/Tool0/Locked");
    assert_eq!(locked.data_type, DataTypeId::Boolean);
    at(&blueprint, "Equipment/Tools/Tool0/Locked/ReasonForLocking");
    assert!(!paths(&blueprint).iter().any(|path| path.contains('<')));
}

/// FeedstockListType and its use in EquipmentAMType name the placeholder differently: one spool is both.
#[test]
fn one_instance_stands_for_all_placeholders_that_it_fits() {
    let mut plan = machine();
    plan.add(
        "Equipment/Feedstock",
        ours("Spool0"),
        type_id(ns::ADDITIVE_MANUFACTURING, "FeedstockType"),
    );
    let blueprint = build(&plan);
    at(&blueprint, "Equipment/Feedstock/Spool0/Identifier");
    assert!(blueprint.find("Equipment/Feedstock/Feedstock").is_none());
}

#[test]
fn an_alias_is_one_node_with_two_parents() {
    let blueprint = build(&full());
    let state = "Monitoring/MachineTool/MachineryItemState";
    for parent in ["MachineryBuildingBlocks", "Monitoring/MachineTool"] {
        assert_eq!(
            references(&blueprint, parent, state),
            [ReferenceTypeId::HasAddIn],
            "{parent}"
        );
    }
    assert!(
        blueprint
            .find("MachineryBuildingBlocks/MachineryItemState")
            .is_none()
    );
}

#[test]
fn vendor_nodes_stand_beside_the_declared_ones() {
    let mut plan = machine();
    plan.add_in(
        "",
        QualifiedName::new(ns::VENDOR, "OctoPrint"),
        ReferenceTypeId::HasAddIn,
        ObjectTypeId::BaseObjectType,
    )
    .add_variable(
        "OctoPrint",
        QualifiedName::new(ns::VENDOR, "Jobs"),
        ReferenceTypeId::HasComponent,
        VariableTypeId::BaseDataVariableType,
        DataTypeId::String,
        1,
    )
    .sampling("OctoPrint/Jobs", 500)
    .access("OctoPrint/Jobs", 3);
    let blueprint = build(&plan);
    assert_eq!(
        references(&blueprint, "", "OctoPrint"),
        [ReferenceTypeId::HasAddIn]
    );
    let jobs = variable(&blueprint, "OctoPrint/Jobs");
    assert_eq!(jobs.data_type, DataTypeId::String);
    assert_eq!(jobs.value_rank, 1);
    assert_eq!(jobs.access_level, 3);
    assert_eq!(jobs.minimum_sampling_interval, 500.0);
}

#[test]
fn an_object_can_have_an_interface_beyond_its_type() {
    let health = type_id(ns::DI, "IDeviceHealthType");
    let mut plan = machine();
    plan.implement("Monitoring/Health", health.clone())
        .include("Monitoring/Health/DeviceHealth");
    let blueprint = build(&plan);
    let name = &at(&blueprint, "Monitoring/Health/DeviceHealth").browse_name;
    assert_eq!(name.namespace_index, ns::DI);
    let folder = at(&blueprint, "Monitoring/Health");
    assert!(folder.references.iter().any(|reference| {
        reference.reference_type == ReferenceTypeId::HasInterface
            && matches!(&reference.target, Target::Foreign(foreign) if foreign.node_id == health)
    }));
}

#[test]
fn data_type_and_rank_can_be_narrowed() {
    let bare = {
        let mut plan = full();
        plan.include("Monitoring/Process/Tool0Temperature/Severity");
        build(&plan)
    };
    let signal = variable(&bare, "Monitoring/Process/Tool0Temperature/AnalogSignal");
    assert_eq!(signal.data_type, DataTypeId::Double);
    assert_eq!(signal.value_rank, -1);
    let setpoint = variable(
        &bare,
        "Monitoring/Process/Tool0Temperature/ProcessValueSetpoint",
    );
    assert_eq!(setpoint.data_type, DataTypeId::Number);
    assert_eq!(setpoint.value_rank, -2);
}

#[test]
fn event_notifier_is_set_where_planned() {
    let blueprint = build(&full());
    let bits = |path| match at(&blueprint, path).kind {
        NodeKind::Object { event_notifier, .. } => event_notifier,
        NodeKind::Variable(_) | NodeKind::Method { .. } => panic!(),
    };
    assert_eq!(bits("Notification/Messages"), 1);
    assert_eq!(bits("Equipment"), 0);
}

#[test]
fn the_root_stands_below_machines_or_where_it_is_anchored() {
    let anchor = |plan: &Plan| {
        let blueprint = build(plan);
        let mut inverse = at(&blueprint, "")
            .references
            .iter()
            .filter(|r| !r.is_forward);
        let reference = inverse.next().unwrap();
        assert!(inverse.next().is_none());
        let Target::Foreign(folder) = &reference.target else {
            panic!();
        };
        (folder.node_id.clone(), reference.reference_type.clone())
    };
    assert_eq!(
        anchor(&machine()),
        (
            NodeId::new(ns::MACHINERY, 1001u32),
            ReferenceTypeId::Organizes.into()
        )
    );
    let mut plan = Plan::new(ObjectTypeId::BaseObjectType);
    plan.anchor(ObjectId::ObjectsFolder, ReferenceTypeId::HasComponent);
    assert_eq!(
        anchor(&plan),
        (
            ObjectId::ObjectsFolder.into(),
            ReferenceTypeId::HasComponent.into()
        )
    );
}

#[test]
fn equal_plans_are_equal_keys() {
    let plans: HashSet<Plan> = [full(), full(), machine()].into();
    assert_eq!(plans.len(), 2);
}

const RECEIVER: &str = "MachineryBuildingBlocks/JobManagement/JobOrderControl";

#[test]
fn a_method_comes_with_its_arguments_and_without_a_type() {
    let blueprint = build(machine().include(&format!("{RECEIVER}/Store")));
    let method = at(&blueprint, &format!("{RECEIVER}/Store"));
    assert_eq!(method.class(), NodeClass::Method);
    assert_eq!(method.type_definition(), None);
    assert!(
        !method
            .references
            .iter()
            .any(|reference| { reference.reference_type == ReferenceTypeId::HasTypeDefinition })
    );
    let held = references(&blueprint, RECEIVER, &format!("{RECEIVER}/Store"));
    assert_eq!(held, [NodeId::from(ReferenceTypeId::HasComponent)]);

    let inputs = variable(&blueprint, &format!("{RECEIVER}/Store/InputArguments"));
    assert_eq!(inputs.data_type, NodeId::from(DataTypeId::Argument));
    let constant = inputs.constant.as_deref().unwrap();
    let Some(Variant::Array(array)) = &constant.value else {
        panic!("{:?}", inputs.constant);
    };
    let arguments: Vec<_> = (array.values.iter())
        .map(|argument| match argument {
            Variant::ExtensionObject(object) => object.inner_as::<Argument>().unwrap(),
            other => panic!("{other:?}"),
        })
        .map(|argument| (argument.name.to_string(), argument.data_type.clone()))
        .collect();
    let job_order = type_id(ns::JOB_CONTROL, "ISA95JobOrderDataType");
    assert_eq!(
        arguments,
        [
            ("JobOrder".to_owned(), job_order),
            ("Comment".to_owned(), DataTypeId::LocalizedText.into()),
        ]
    );
}

#[test]
fn mandatory_methods_come_by_themselves_and_optional_ones_do_not() {
    let blueprint = build(machine().include("MachineryBuildingBlocks/JobManagement"));
    let methods: Vec<_> = (blueprint.iter())
        .filter(|(_, node)| node.class() == NodeClass::Method)
        .map(|(_, node)| node.browse_name.name.to_string())
        .collect();
    assert_eq!(
        methods,
        [
            "RequestJobResponseByJobOrderID",
            "RequestJobResponseByJobOrderState"
        ]
    );
}

#[test]
fn what_needs_control_is_marked_with_all_below_it() {
    let blueprint = build(
        machine()
            .include(&format!("{RECEIVER}/StoreAndStart"))
            .include_control(&format!("{RECEIVER}/Store")),
    );
    let marked: Vec<_> = (blueprint.iter())
        .filter(|(_, node)| node.needs_control)
        .map(|(_, node)| node.path.strip_prefix(RECEIVER).unwrap())
        .collect();
    assert_eq!(
        marked,
        ["/Store", "/Store/InputArguments", "/Store/OutputArguments"]
    );
}
