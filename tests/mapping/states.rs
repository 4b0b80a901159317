//! The state table, row by row: what each situation says in four standard states.

use opcua::types::{NodeId, StatusCode, Variant};
use umati_bridge::machine::{Machine, Observation, Outcome, PrinterState};
use umati_bridge::umati::instance::Instance;

use crate::support::*;

const ITEM_STATE: &str = "Monitoring/MachineTool/MachineryItemState/CurrentState";
const MODE: &str = "Monitoring/MachineTool/MachineryOperationMode/CurrentState";
const OPERATION: &str = "Monitoring/MachineTool/OperationMode";
const PROGRAM: &str = "Production/ActiveProgram/State/CurrentState";
/// Namespace indices of Machinery and MachineTool in this server.
const MACHINERY: u16 = 4;
const MACHINE_TOOL: u16 = 10;

/// Text, number and state id, as the specifications number them.
type State = (&'static str, u32, u32);
const NOT_AVAILABLE: State = ("NotAvailable", 0, 5005);
const OUT_OF_SERVICE: State = ("OutOfService", 1, 5004);
const NOT_EXECUTING: State = ("NotExecuting", 2, 5007);
const EXECUTING: State = ("Executing", 3, 5006);
const NONE: State = ("None", 0, 5059);
const SETUP: State = ("Setup", 2, 5061);
const PROCESSING: State = ("Processing", 3, 5060);
const INITIALIZING: State = ("Initializing", 0, 5039);
const RUNNING: State = ("Running", 1, 5041);
const ENDED: State = ("Ended", 2, 5038);
const INTERRUPTED: State = ("Interrupted", 3, 5040);
const ABORTED: State = ("Aborted", 4, 5037);
const AUTOMATIC: i32 = 1;
const SETUP_MODE: i32 = 2;
const OTHER: i32 = 5;

/// Item state, machinery operation mode and operation mode, which go together.
type Doing = (State, State, i32);
const CLOSED: Doing = (NOT_AVAILABLE, NONE, OTHER);
const FAILED: Doing = (OUT_OF_SERVICE, PROCESSING, AUTOMATIC);
const STANDBY: Doing = (NOT_EXECUTING, PROCESSING, AUTOMATIC);
const PRODUCTIVE: Doing = (EXECUTING, PROCESSING, AUTOMATIC);
const TRANSFER: Doing = (NOT_EXECUTING, SETUP, SETUP_MODE);

#[track_caller]
fn assert_state(what: &str, instance: &Instance, path: &str, namespace: u16, expected: State) {
    let (text, number, id) = expected;
    assert_eq!(
        value(instance, path),
        &Variant::from(opcua::types::LocalizedText::new("en", text)),
        "{what}: {path}"
    );
    assert_eq!(
        value(instance, &format!("{path}/Number")),
        &Variant::UInt32(number),
        "{what}: {path}/Number"
    );
    assert_eq!(
        value(instance, &format!("{path}/Id")),
        &Variant::from(NodeId::new(namespace, id)),
        "{what}: {path}/Id"
    );
}

#[track_caller]
fn assert_row(
    what: &str,
    (machine, at): (&Machine, i64),
    (item, mode, operation): Doing,
    program: State,
    expected: StatusCode,
) {
    let instance = instance(machine, at);
    assert_state(what, &instance, ITEM_STATE, MACHINERY, item);
    assert_state(what, &instance, MODE, MACHINE_TOOL, mode);
    assert_state(what, &instance, PROGRAM, MACHINE_TOOL, program);
    let operation = Variant::Int32(operation);
    assert_eq!(
        value(&instance, OPERATION),
        &operation,
        "{what}: {OPERATION}"
    );

    let state_machines = [ITEM_STATE, MODE, PROGRAM].into_iter();
    let states =
        state_machines.flat_map(|s| [s.to_owned(), format!("{s}/Id"), format!("{s}/Number")]);
    let others = [
        OPERATION,
        "Production/ActiveProgram/Name",
        "Production/ActiveProgram/JobIdentifier",
    ];
    for path in states.chain(others.map(str::to_owned)) {
        assert_eq!(status(&instance, &path), expected, "{what}: {path}");
    }
}

/// Printed from 0 s, then `after` at 10 s.
fn printed_then(after: PrinterState) -> Machine {
    let mut machine = machine_in(PrinterState::Printing);
    see(&mut machine, report(after), 10);
    machine
}

fn completed() -> Machine {
    let mut machine = machine_in(PrinterState::Printing);
    let mut done = report(PrinterState::Operational);
    done.progress.completion = Some(100.0);
    see(&mut machine, done, 10);
    assert_eq!(
        machine.job.as_ref().unwrap().end().unwrap().1,
        &Outcome::Completed
    );
    machine
}

fn cancelled() -> Machine {
    let machine = printed_then(PrinterState::Operational);
    assert_eq!(
        machine.job.as_ref().unwrap().end().unwrap().1,
        &Outcome::Cancelled
    );
    machine
}

fn then(mut machine: Machine, after: PrinterState) -> Machine {
    see(&mut machine, report(after), 20);
    machine
}

/// Out of reach since 20 s.
fn lost(mut machine: Machine) -> Machine {
    lose(&mut machine, 20);
    machine
}

fn rejected(mut machine: Machine) -> Machine {
    use umati_bridge::machine::KeyRejection;
    machine.apply(Observation::KeyRejected(KeyRejection::Unknown), t(20));
    machine
}

#[test]
fn while_octoprint_tells_the_state_it_is_good() {
    use PrinterState as S;
    let seen = machine_in;
    for (what, machine, doing, program) in [
        ("closed, no job yet", seen(S::Offline), CLOSED, INITIALIZING),
        ("connecting", seen(S::Connecting), CLOSED, INITIALIZING),
        (
            "closed, completed",
            then(completed(), S::Offline),
            CLOSED,
            ENDED,
        ),
        (
            "closed, cancelled",
            then(cancelled(), S::Offline),
            CLOSED,
            ABORTED,
        ),
        ("error while idle", seen(S::Error), FAILED, INITIALIZING),
        (
            "error while printing",
            printed_then(S::Error),
            FAILED,
            ABORTED,
        ),
        (
            "error, completed",
            then(completed(), S::Error),
            FAILED,
            ENDED,
        ),
        (
            "ready, no job yet",
            seen(S::Operational),
            STANDBY,
            INITIALIZING,
        ),
        ("ready, completed", completed(), STANDBY, ENDED),
        ("ready, cancelled", cancelled(), STANDBY, ABORTED),
        ("paused", printed_then(S::Paused), STANDBY, INTERRUPTED),
        (
            "transfer, no job yet",
            seen(S::Transferring),
            TRANSFER,
            INITIALIZING,
        ),
        (
            "transfer, completed",
            then(completed(), S::Transferring),
            TRANSFER,
            ENDED,
        ),
        (
            "a state of a later OctoPrint",
            seen(S::Unknown),
            CLOSED,
            INITIALIZING,
        ),
        ("starting", seen(S::Starting), PRODUCTIVE, RUNNING),
        ("printing", seen(S::Printing), PRODUCTIVE, RUNNING),
        ("resuming", seen(S::Resuming), PRODUCTIVE, RUNNING),
        ("finishing", seen(S::Finishing), PRODUCTIVE, RUNNING),
        ("pausing", seen(S::Pausing), PRODUCTIVE, RUNNING),
        ("cancelling", seen(S::Cancelling), PRODUCTIVE, RUNNING),
    ] {
        assert_row(what, (&machine, 30), doing, program, StatusCode::Good);
    }
}

#[test]
fn before_the_first_report_the_states_are_initial_values() {
    let mut unreachable = machine();
    lose(&mut unreachable, 0);
    for (what, machine) in [
        ("not read yet", machine()),
        ("never reached", unreachable),
        ("key rejected from the start", rejected(machine())),
    ] {
        let initial = StatusCode::UncertainInitialValue;
        assert_row(what, (&machine, 30), CLOSED, INITIALIZING, initial);
    }
}

#[test]
fn out_of_reach_the_machine_is_not_available_and_the_program_is_the_last_known() {
    use PrinterState as S;
    for (what, machine, operation, program) in [
        (
            "was printing",
            lost(machine_in(S::Printing)),
            AUTOMATIC,
            RUNNING,
        ),
        (
            "was paused",
            lost(printed_then(S::Paused)),
            AUTOMATIC,
            INTERRUPTED,
        ),
        ("had completed", lost(completed()), AUTOMATIC, ENDED),
        (
            "was closed",
            lost(machine_in(S::Offline)),
            OTHER,
            INITIALIZING,
        ),
        (
            "had failed",
            lost(printed_then(S::Error)),
            AUTOMATIC,
            ABORTED,
        ),
        (
            "key revoked",
            rejected(machine_in(S::Printing)),
            AUTOMATIC,
            RUNNING,
        ),
    ] {
        // Within `stale_after` and after it: the states never become null.
        for at in [30, 500] {
            let doing = (NOT_AVAILABLE, NONE, operation);
            let last_usable = StatusCode::UncertainNoCommunicationLastUsableValue;
            assert_row(what, (&machine, at), doing, program, last_usable);
        }
    }
}

#[test]
fn the_two_state_machines_are_one_node_each_below_two_parents() {
    use umati_bridge::umati::blueprint::{NodeIndex, Target};
    let instance = instance(&machine(), 0);
    let blueprint = instance.blueprint();
    let has_add_in = NodeId::new(0, 17604u32);
    let parents = |path: &str| -> Vec<String> {
        let node = blueprint.node(instance.resolve(path).unwrap());
        let mut parents: Vec<String> = node
            .references
            .iter()
            .filter(|r| !r.is_forward && r.reference_type == has_add_in)
            .map(|r| match r.target {
                Target::Local(parent) => blueprint.node(parent).path.to_string(),
                Target::Foreign(_) => panic!("{path} has a foreign parent"),
            })
            .collect();
        parents.sort();
        parents
    };
    for state in ["MachineryItemState", "MachineryOperationMode"] {
        let path = format!("Monitoring/MachineTool/{state}");
        assert_eq!(
            parents(&path),
            ["MachineryBuildingBlocks", "Monitoring/MachineTool"]
        );
        assert_eq!(
            blueprint.find(&format!("MachineryBuildingBlocks/{state}")),
            None::<NodeIndex>
        );
    }
}

#[test]
fn the_program_names_its_file_and_its_job() {
    let name = |m: &Machine| text(&instance(m, 30), "Production/ActiveProgram/Name");
    let job = |m: &Machine| text(&instance(m, 30), "Production/ActiveProgram/JobIdentifier");

    let idle = machine_in(PrinterState::Offline);
    assert_eq!((name(&idle), job(&idle)), (String::new(), String::new()));

    let selected = machine_in(PrinterState::Operational);
    assert_eq!(
        (name(&selected), job(&selected)),
        ("bracket ö.gcode".into(), String::new())
    );

    let printing = machine_in(PrinterState::Printing);
    let id = printing.job.as_ref().unwrap().id.0.clone();
    assert!(
        id.starts_with("octoprint:local/parts/bracket.gcode@"),
        "{id}"
    );
    assert_eq!(
        (name(&printing), job(&printing)),
        ("bracket ö.gcode".into(), id)
    );

    // The last program stays while its file stays selected, and gives way to another file.
    let done = completed();
    let id = done.job.as_ref().unwrap().id.0.clone();
    assert_eq!((name(&done), job(&done)), ("bracket ö.gcode".into(), id));
    let mut other = done;
    let mut next = report(PrinterState::Operational);
    next.file = Some(file("gear"));
    see(&mut other, next, 20);
    assert_eq!(
        (name(&other), job(&other)),
        ("gear ö.gcode".into(), String::new())
    );
    assert_state(
        "another file",
        &instance(&other, 30),
        PROGRAM,
        MACHINE_TOOL,
        INITIALIZING,
    );
}
