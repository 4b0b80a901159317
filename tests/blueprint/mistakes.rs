//! Every mistake of a plan is refused with a message that names path and type.

use opcua::types::{DataTypeId, NodeId, ObjectTypeId, ReferenceTypeId};
use umati_bridge::umati::blueprint::{Blueprint, Plan};
use umati_bridge::umati::namespaces as ns;

use super::{CATALOGUE, full, machine, ours, type_id};

fn refusal(plan: &Plan) -> String {
    match Blueprint::build(&CATALOGUE, plan) {
        Ok(_) => panic!("should be refused"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_mistake_in_a_plan_is_named_with_path_and_type() {
    let tool = || type_id(ns::MACHINE_TOOL, "ToolType");
    let spool = || type_id(ns::ADDITIVE_MANUFACTURING, "FeedstockType");
    let unknown = NodeId::new(ns::VENDOR, 4711u32);
    let name = "Identification/SerialNumber";
    let cases: Vec<(Plan, &str)> = vec![
        (
            machine().include("Equipment/Tolls").clone(),
            r#""Equipment": the type EquipmentAMType has no member "Tolls"; it has Feedstock, Tools"#,
        ),
        (
            machine().include("Production/Tools/Tool0").clone(),
            r#""Production": the type ProductionType has no member "Tools"; it has ActiveProgram, "#,
        ),
        (
            machine().include("Equipment/Feedstock").clone(),
            r#""Equipment/Feedstock": the type FeedstockListType needs at least one FeedstockType"#,
        ),
        (
            machine().add("Equipment/Tools", ours("S"), spool()).clone(),
            r#""Equipment/Tools": the type ToolListType has no placeholder for a FeedstockType (named "S")"#,
        ),
        (
            machine()
                .add("Equipment/Tools", ours("T"), tool())
                .add("Equipment/Tools", ours("T"), tool())
                .clone(),
            r#""Equipment/Tools/T" is there twice"#,
        ),
        (
            full()
                .include("MachineryBuildingBlocks/MachineryItemState")
                .clone(),
            r#""MachineryBuildingBlocks/MachineryItemState" is there twice"#,
        ),
        (
            machine()
                .alias("Equipment", "Equipment", ReferenceTypeId::HasComponent)
                .alias("", "Equipment", ReferenceTypeId::HasComponent)
                .clone(),
            r#""Equipment" is there twice"#,
        ),
        (
            machine()
                .add("Equipment/Tools", ours("a/b"), tool())
                .clone(),
            r#""Equipment/Tools": the name "a/b" is empty or has a '/'"#,
        ),
        (
            machine()
                .add_component("", ours("X"), unknown.clone())
                .clone(),
            r#""X": ns=12;i=4711 is not a known type"#,
        ),
        (
            machine()
                .add_component("", ours("X"), type_id(ns::MACHINE_TOOL, "PrognosisType"))
                .clone(),
            r#""X": the type PrognosisType is abstract and needs a concrete subtype"#,
        ),
        (
            machine()
                .add_component("", ours("X"), DataTypeId::Double)
                .clone(),
            r#""X": i=11 is not a known object or variable type"#,
        ),
        (
            machine()
                .add_in("", ours("X"), ReferenceTypeId::HasInterface, tool())
                .clone(),
            r#""X": i=17603 is not a hierarchical reference type"#,
        ),
        (
            machine()
                .implement("Monitoring/Health", ObjectTypeId::FolderType)
                .clone(),
            r#""Monitoring/Health": i=61 is not an interface type"#,
        ),
        (
            machine().narrow(name, DataTypeId::Double, -1).clone(),
            r#""Identification/SerialNumber": Double is not a subtype of String"#,
        ),
        (
            machine().narrow(name, DataTypeId::String, 1).clone(),
            r#""Identification/SerialNumber": value rank 1 is not within -1"#,
        ),
        (
            machine().event_notifier(name).clone(),
            r#""Identification/SerialNumber": an EventNotifier belongs to an object"#,
        ),
        (
            machine().access("Equipment", 3).clone(),
            r#""Equipment": an AccessLevel belongs to a variable"#,
        ),
        (
            machine().sampling("Nowhere", 3).clone(),
            r#""Nowhere": there is no such node"#,
        ),
        (
            machine()
                .anchor(unknown, ReferenceTypeId::Organizes)
                .clone(),
            "the anchor ns=12;i=4711 is not a known folder",
        ),
    ];
    for (plan, message) in cases {
        let said = refusal(&plan);
        assert!(said.starts_with(message), "{said}\ninstead of\n{message}");
    }
}
