//! `docs/mapping.md` says what the code does. Its tables are made here; `UPDATE_DOCS=1 cargo test --test mapping`
//! writes them anew.

use std::fmt::Write;

use opcua::types::NodeId;
use umati_bridge::machine::*;
use umati_bridge::umati::BridgeStatus;
use umati_bridge::umati::blocks::state::{Activity, ProgramState, Situation, StateValue, States};
use umati_bridge::umati::blueprint::{BlueprintNode, NodeIndex, NodeKind};
use umati_bridge::umati::catalogue::Catalogue;
use umati_bridge::umati::instance::Instance;
use umati_bridge::umati::nodesets;

use crate::support::*;

const DOC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/mapping.md");
const VENDOR_NODESET: &str = include_str!("../../nodesets/UmatiBridge.NodeSet2.xml");
/// Namespaces by index, as the document abbreviates them.
const PREFIXES: [&str; 14] = [
    "ua", "", "di", "ia", "mach", "irdi", "padim", "pv", "jc", "jobs", "mt", "am", "vnd", "inst",
];

#[test]
fn the_document_publishes_the_tables_of_the_code() {
    let is_update = std::env::var_os("UPDATE_DOCS").is_some();
    let mut doc = std::fs::read_to_string(DOC).unwrap();
    for (section, table) in [
        ("states", state_table()),
        ("machine nodes", machine_table()),
        ("bridge nodes", bridge_table()),
        ("vendor types", vendor_table()),
    ] {
        let (begin, end) = (
            format!("<!-- begin {section} -->\n"),
            format!("<!-- end {section} -->"),
        );
        let start = doc.find(&begin).unwrap_or_else(|| panic!("no {begin}")) + begin.len();
        let length = doc[start..]
            .find(&end)
            .unwrap_or_else(|| panic!("no {end}"));
        if is_update {
            doc.replace_range(start..start + length, &table);
        } else {
            assert_eq!(
                &doc[start..start + length],
                table,
                "docs/mapping.md, {section}: the code says otherwise; UPDATE_DOCS=1 writes it anew"
            );
        }
    }
    if is_update {
        std::fs::write(DOC, doc).unwrap();
    }
}

fn state_table() -> String {
    let mut table = String::from(
        "| situation | MachineryItemState | MachineryOperationMode | OperationMode | ActiveProgram/State | status |\n\
         |---|---|---|---|---|---|\n",
    );
    let mut row =
        |what: &str, situation: Situation, operation: Option<&str>, program: Option<&str>| {
            let states = States::of(situation, ProgramState::Initializing);
            let operation = operation.map_or_else(
                || format!("{} {:?}", states.operation as i32, states.operation),
                str::to_owned,
            );
            let program = program.map_or_else(|| program_cell(situation), str::to_owned);
            let item = state_cell(states.item);
            let mode = state_cell(states.mode);
            // As the specification writes it: Uncertain_InitialValue.
            let status = states.status.to_string();
            let status = status.replace("Uncertain", "Uncertain_");
            writeln!(
                table,
                "| {what} | {item} | {mode} | {operation} | {program} | {status} |"
            )
            .unwrap();
        };
    row("nothing was read yet", Situation::NothingRead, None, None);
    row(
        "OctoPrint is unreachable, or rejects the key",
        Situation::OutOfReach(Activity::Printing),
        Some("the last known"),
        Some("the last known"),
    );
    for activity in Activity::ALL {
        row(words(activity), Situation::Known(activity), None, None);
    }
    table
}

fn state_cell(state: impl StateValue) -> String {
    format!(
        "{} {} ({})",
        state.number(),
        state.text(),
        prefixed(&state.id())
    )
}

/// A state of its own, or that of the last job where the row leaves the program alone.
fn program_cell(situation: Situation) -> String {
    let (one, other) = (
        States::of(situation, ProgramState::Ended).program,
        States::of(situation, ProgramState::Aborted).program,
    );
    if one == other {
        state_cell(one)
    } else {
        "as the last job left it".to_owned()
    }
}

fn words(activity: Activity) -> &'static str {
    match activity {
        Activity::Closed => "printer closed, connecting or detecting",
        Activity::Failed => "error, offline after error",
        Activity::Idle => "operational",
        Activity::Printing => "starting, printing, resuming, finishing",
        Activity::Pausing => "pausing",
        Activity::Paused => "paused",
        Activity::Cancelling => "cancelling",
        Activity::Transferring => "a file is copied to the printer",
        Activity::Unclear => "a state that this version does not know",
    }
}

/// One tool and all optional nodes; further tools and sensors have the same nodes again.
fn machine_table() -> String {
    let mut machine = full_machine();
    machine.sensors.retain(|id, _| *id == SensorId::Tool(0));
    if let Some(profile) = &mut machine.profile {
        profile.extruder_count = Some(1);
        profile.heated_bed = Some(false);
    }
    node_table(&instance(&machine, 0))
}

fn bridge_table() -> String {
    let status = BridgeStatus {
        started: t(0),
        machines: 0,
        machines_online: 0,
        ..BridgeStatus::default()
    };
    node_table(&mapping().bridge_instance(&status, t(0)))
}

fn node_table(instance: &Instance) -> String {
    let catalogue = Catalogue::load(&nodesets::imports().unwrap());
    let type_name = |id: &NodeId| match catalogue.node(id) {
        Some(known) => format!(
            "{}:{}",
            PREFIXES[usize::from(id.namespace)],
            known.browse_name.name
        ),
        None => prefixed(id),
    };
    let blueprint = instance.blueprint();
    let mut rows: Vec<_> = blueprint.iter().collect();
    rows.sort_by_key(|(_, node)| node.path.split('/').map(str::to_owned).collect::<Vec<_>>());
    let mut table = String::from("| node | type | data type |\n|---|---|---|\n");
    for (index, node) in rows
        .into_iter()
        .filter(|(index, _)| *index != NodeIndex::ROOT)
    {
        let depth = node.path.matches('/').count();
        let name = instance.browse_name(index);
        let name = format!(
            "{}:{}",
            PREFIXES[usize::from(name.namespace_index)],
            name.name
        );
        let data_type = match &node.kind {
            NodeKind::Object { .. } | NodeKind::Method { .. } => String::new(),
            NodeKind::Variable(variable) if variable.value_rank >= 1 => {
                format!("{}[]", type_name(&variable.data_type))
            }
            NodeKind::Variable(variable) => type_name(&variable.data_type),
        };
        let indent = "&emsp;".repeat(depth);
        let of = (node.type_definition()).map_or_else(|| method_cell(node), type_name);
        writeln!(table, "| {indent}{name} | {of} | {data_type} |").unwrap();
    }
    table
}

/// Methods have no type.
fn method_cell(node: &BlueprintNode) -> String {
    let needs = if node.needs_control {
        "method, needs control"
    } else {
        "method"
    };
    needs.to_owned()
}

fn prefixed(id: &NodeId) -> String {
    format!("{};{}", PREFIXES[usize::from(id.namespace)], id.identifier)
}

fn vendor_table() -> String {
    let nodeset = roxmltree::Document::parse(VENDOR_NODESET).unwrap();
    let mut table = String::from("| type | NodeId | meaning |\n|---|---|---|\n");
    for node in nodeset
        .root_element()
        .children()
        .filter(|n| n.has_tag_name("UAObjectType"))
    {
        let child = |name: &str| {
            let found = node.children().find(|n| n.tag_name().name() == name);
            found.and_then(|n| n.text()).unwrap()
        };
        let id = node.attribute("NodeId").unwrap().replace("ns=1", "vnd");
        writeln!(
            table,
            "| {} | {id} | {} |",
            child("DisplayName"),
            child("Description")
        )
        .unwrap();
    }
    table
}
