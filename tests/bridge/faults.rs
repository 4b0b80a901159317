//! What can go wrong between the bridge and an OctoPrint: it shows in the right facts, passes by itself, and the
//! other machines notice nothing.

use opcua::types::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;
use umati_bridge::config::DataSource;
use umati_bridge::octoprint::simulator::{Endpoint, Fault, Handle};

use crate::machine::Machine;
use crate::paths::{
    BED, DIAGNOSIS, ITEM_STATE, KEY_VALID, PRINTER_CONNECTED, PROGRAM, SERVER_REACHABLE, SETPOINT,
    TOOL, UPDATED, item, program,
};
use crate::plant::{Bridge, OctoPrints, block_on};

/// A fault and what an operator reads of it.
struct Case {
    fault: Fault,
    diagnosis: &'static str,
    facts: Facts,
}

/// Which of the facts can still be known.
#[derive(Clone, Copy)]
enum Facts {
    /// OctoPrint is out of reach; what it told last is still usable.
    OutOfReach,
    /// Whatever answers there is no OctoPrint: the configuration is wrong.
    NotOctoPrint,
}

fn cases() -> Vec<Case> {
    use Facts::{NotOctoPrint, OutOfReach};
    let case = |fault, facts, diagnosis| Case {
        fault,
        diagnosis,
        facts,
    };
    let other_host = "http://192.0.2.1/".to_owned();
    vec![
        case(Fault::Hang, OutOfReach, "no complete answer within 5s"),
        case(
            Fault::Close,
            OutOfReach,
            "connection closed before message completed",
        ),
        case(
            Fault::Truncate,
            OutOfReach,
            "end of file before message length reached",
        ),
        case(Fault::Garbage, OutOfReach, "invalid HTTP version parsed"),
        case(
            Fault::Status(500),
            OutOfReach,
            "it answers 500 Internal Server Error",
        ),
        case(Fault::Status(502), OutOfReach, "it answers 502 Bad Gateway"),
        case(
            Fault::Status(429),
            OutOfReach,
            "it answers 429 Too Many Requests",
        ),
        case(
            Fault::Status(404),
            NotOctoPrint,
            "it answers 404 Not Found; is the path of the URL right?",
        ),
        case(
            Fault::Html,
            NotOctoPrint,
            "it answers with an HTML page (a login page, or another server?)",
        ),
        case(
            Fault::Body("{".into()),
            NotOctoPrint,
            "the answer is not valid JSON",
        ),
        case(
            Fault::Body("null".into()),
            NotOctoPrint,
            "the answer has none of the fields state, job, progress",
        ),
        case(Fault::Huge(3 << 20), OutOfReach, "more than 2097152 bytes"),
        case(
            Fault::Redirect(other_host),
            OutOfReach,
            "the server redirects to http://192.0.2.1: the key is not sent to another server",
        ),
    ]
}

const WATCHED: [&str; 8] = [
    TOOL,
    ITEM_STATE,
    PROGRAM,
    SERVER_REACHABLE,
    KEY_VALID,
    PRINTER_CONNECTED,
    DIAGNOSIS,
    UPDATED,
];

#[test]
fn each_fault_shows_in_the_facts_and_passes_and_the_others_keep_their_cadence() {
    block_on(async {
        let cases = cases();
        let count = cases.len();
        // The last printer is the witness.
        let octoprints = OctoPrints::start(count + 1).await;
        let bridge = Bridge::start(octoprints.machines(count + 1)).await;
        let mes = bridge.mes().await;
        let witness = mes.machine(&octoprints.machine(count + 1).name);
        witness.watch(&WATCHED).await;
        until_healthy(&witness).await;

        let mut running = JoinSet::new();
        for (index, case) in cases.into_iter().enumerate() {
            let printer = octoprints.printer(index + 1);
            let machine = mes.machine(&octoprints.machine(index + 1).name);
            running.spawn(suffer_and_recover(case, printer, machine, witness.clone()));
        }
        running.join_all().await;

        witness.assert_always_reachable();
    });
}

/// The sockets are gone, and come back: an OctoPrint that is restarted, a Raspberry Pi without power.
#[test]
fn a_refused_connection_is_out_of_reach_until_the_server_is_back() {
    block_on(async {
        let mut dead = OctoPrints::start(1).await;
        let alive = OctoPrints::start(2).await;
        let bridge = Bridge::start(vec![dead.machine(1), alive.machine(2)]).await;
        let mes = bridge.mes().await;
        let machine = mes.machine(&dead.machine(1).name);
        let witness = mes.machine(&alive.machine(2).name);
        for machine in [&machine, &witness] {
            machine.watch(&WATCHED).await;
            until_healthy(machine).await;
        }

        dead.stop().await;
        machine
            .until_is(SERVER_REACHABLE, false, StatusCode::Good)
            .await;
        let nothing = StatusCode::BadNoCommunication;
        machine.until_nothing(KEY_VALID, nothing).await;
        let usable = StatusCode::UncertainNoCommunicationLastUsableValue;
        machine.until_is(PRINTER_CONNECTED, true, usable).await;
        machine.until_status(TOOL, usable).await;
        machine.until_status(PROGRAM, usable).await;
        witness.until_polled(5).await;

        dead.start_again().await;
        until_healthy(&machine).await;
        witness.assert_always_reachable();
    });
}

/// Each field is read for itself: a wrong type costs that field and not the poll.
#[test]
fn wrong_types_cost_fields_and_not_the_machine() {
    block_on(async {
        let octoprints = OctoPrints::start(1).await;
        let bridge = Bridge::start(octoprints.machines_by(DataSource::Poll, 1)).await;
        let machine = bridge.mes().await.machine(&octoprints.machine(1).name);
        machine.watch(&WATCHED).await;
        until_healthy(&machine).await;

        let printer = octoprints.printer(1);
        let wrong = Fault::Replace("/temperature/tool0/actual", json!("hot"));
        printer.inject_at(Endpoint::Printer, wrong);
        machine.until_nothing(TOOL, StatusCode::BadNoData).await;
        for still_good in [ITEM_STATE, BED, SETPOINT] {
            assert!(machine.read(still_good).await.is_good(), "{still_good}");
        }
        printer.heal();
        machine.until_status(TOOL, StatusCode::Good).await;

        // Nothing can be read of it but that an OctoPrint answers.
        printer.inject(Fault::WrongTypes);
        machine.until_number(ITEM_STATE, item::NOT_AVAILABLE).await;
        machine.until_nothing(TOOL, StatusCode::BadNoData).await;
        machine.until_polled(5).await;
        machine.assert_always_reachable();

        printer.heal();
        until_healthy(&machine).await;
    });
}

async fn suffer_and_recover(case: Case, printer: Handle, machine: Machine, witness: Machine) {
    machine.watch(&WATCHED).await;
    until_healthy(&machine).await;
    let before = machine.until(TOOL, "is Good", |seen| seen.is_good()).await;

    let mark = machine.mes.mark();
    printer.inject(case.fault.clone());
    let diagnosis = format!("OctoPrint is unreachable: {}", case.diagnosis);
    machine
        .until(DIAGNOSIS, &format!("starts with {diagnosis:?}"), |seen| {
            seen.is_good() && seen.text().starts_with(&diagnosis)
        })
        .await;
    machine
        .until_is(SERVER_REACHABLE, false, StatusCode::Good)
        .await;
    let usable = StatusCode::UncertainNoCommunicationLastUsableValue;
    match case.facts {
        Facts::OutOfReach => {
            machine
                .until_nothing(KEY_VALID, StatusCode::BadNoCommunication)
                .await;
            machine.until_is(PRINTER_CONNECTED, true, usable).await;
        }
        Facts::NotOctoPrint => {
            let wrong = StatusCode::BadConfigurationError;
            machine.until_nothing(KEY_VALID, wrong).await;
            machine.until_nothing(PRINTER_CONNECTED, wrong).await;
        }
    }
    machine.until_about(TOOL, &before, usable).await;
    machine
        .until_is(ITEM_STATE, item::NOT_AVAILABLE, usable)
        .await;
    machine
        .until_is(PROGRAM, program::INITIALIZING, usable)
        .await;

    let polls = witness.polls(mark);
    if case.fault == Fault::Hang {
        // Its deadline is 50 polls of the others.
        assert!(polls > 20, "the witness was read {polls} times only");
    }
    witness.until_polled(5).await;

    printer.heal();
    until_healthy(&machine).await;
}

async fn until_healthy(machine: &Machine) {
    machine
        .until_is(SERVER_REACHABLE, true, StatusCode::Good)
        .await;
    machine.until_is(KEY_VALID, true, StatusCode::Good).await;
    machine
        .until_is(PRINTER_CONNECTED, true, StatusCode::Good)
        .await;
    machine
        .until(DIAGNOSIS, "is empty", |seen| seen.text().is_empty())
        .await;
    machine.until_status(TOOL, StatusCode::Good).await;
    machine.until_number(ITEM_STATE, item::NOT_EXECUTING).await;
    machine
        .until_is(PROGRAM, program::INITIALIZING, StatusCode::Good)
        .await;
}
