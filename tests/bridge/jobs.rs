//! A print in the eyes of an MES: it starts, pauses, goes on, and ends exactly once, whatever happens to the printer.

use opcua::types::StatusCode;
use umati_bridge::config::DataSource;
use umati_bridge::octoprint::simulator::{
    AfterSelect, Command, Endpoint, Fault, Handle, PauseAction, PrinterError,
};

use crate::machine::{Machine, text};
use crate::paths::{
    ERROR_TEXT, ITEM_STATE, JOB, PRINTER_CONNECTED, PROGRAM, PROGRESS, SERVER_REACHABLE, SETPOINT,
    STATE_TEXT, TOOL, UPDATED, item, program,
};
use crate::plant::{Bridge, OctoPrints, block_on};

const WATCHED: [&str; 10] = [
    PROGRAM,
    JOB,
    ITEM_STATE,
    PROGRESS,
    STATE_TEXT,
    SERVER_REACHABLE,
    PRINTER_CONNECTED,
    ERROR_TEXT,
    TOOL,
    UPDATED,
];

/// On every printer.
const FILE: &str = "Halterung_links.gcode";

#[test]
fn every_print_ends_once_and_says_how_when_octoprint_tells() {
    every_print_ends_once_and_says_how(DataSource::Auto);
}

#[test]
fn every_print_ends_once_and_says_how_when_octoprint_is_asked() {
    every_print_ends_once_and_says_how(DataSource::Poll);
}

fn every_print_ends_once_and_says_how(source: DataSource) {
    block_on(async {
        let octoprints = OctoPrints::start(5).await;
        let bridge = Bridge::start(octoprints.machines_by(source, 5)).await;
        let mes = bridge.mes().await;
        let play = |number: usize| {
            let name = octoprints.machine(number).name;
            (octoprints.printer(number), mes.machine(&name))
        };
        tokio::join!(
            paused_and_finished(play(1)),
            cancelled(play(2)),
            forgotten_in_a_restart(play(3)),
            unplugged(play(4)),
            failed(play(5)),
        );
    });
}

async fn paused_and_finished((printer, machine): (Handle, Machine)) {
    start_watching(&machine).await;
    let first = print(&printer, &machine).await;
    printer.command(Command::Pause(PauseAction::Pause)).unwrap();
    machine.until_number(PROGRAM, program::INTERRUPTED).await;
    machine.until_number(ITEM_STATE, item::NOT_EXECUTING).await;
    printer
        .command(Command::Pause(PauseAction::Resume))
        .unwrap();
    machine.until_number(PROGRAM, program::RUNNING).await;
    machine.until_number(ITEM_STATE, item::EXECUTING).await;
    printer.skip_to_end();
    machine.until_number(PROGRAM, program::ENDED).await;
    machine.until_number(ITEM_STATE, item::NOT_EXECUTING).await;
    machine
        .until(PROGRESS, "is 100 %", |seen| seen.is_good_number(100.0))
        .await;
    assert_eq!(jobs(&machine), [first.as_str()]);

    // The same file again is another job.
    printer.command(Command::Start).unwrap();
    machine.until_number(PROGRAM, program::RUNNING).await;
    printer.skip_to_end();
    machine.until_number(PROGRAM, program::ENDED).await;
    let jobs = jobs(&machine);
    assert_eq!((jobs.len(), &jobs[0]), (2, &first), "{jobs:?}");
    use program::{ENDED, INITIALIZING, INTERRUPTED, RUNNING};
    assert_eq!(
        programs(&machine),
        [
            INITIALIZING,
            RUNNING,
            INTERRUPTED,
            RUNNING,
            ENDED,
            RUNNING,
            ENDED
        ]
    );
}

async fn cancelled((printer, machine): (Handle, Machine)) {
    start_watching(&machine).await;
    print(&printer, &machine).await;
    printer.command(Command::Cancel).unwrap();
    machine.until_number(PROGRAM, program::ABORTED).await;
    machine.until_number(ITEM_STATE, item::NOT_EXECUTING).await;
    assert_ended_once(&machine).await;
}

/// OctoPrint comes back, and knows nothing of the print.
async fn forgotten_in_a_restart((printer, machine): (Handle, Machine)) {
    start_watching(&machine).await;
    print(&printer, &machine).await;
    printer.inject(Fault::Close);
    let usable = StatusCode::UncertainNoCommunicationLastUsableValue;
    machine.until_is(PROGRAM, program::RUNNING, usable).await;
    printer.restart_server();
    printer.heal();
    machine.until_number(PROGRAM, program::ABORTED).await;
    machine.until_number(ITEM_STATE, item::NOT_EXECUTING).await;
    assert_ended_once(&machine).await;
}

async fn unplugged((printer, machine): (Handle, Machine)) {
    start_watching(&machine).await;
    print(&printer, &machine).await;
    printer.unplug();
    machine.until_number(PROGRAM, program::ABORTED).await;
    machine.until_number(ITEM_STATE, item::NOT_AVAILABLE).await;
    machine
        .until_is(PRINTER_CONNECTED, false, StatusCode::Good)
        .await;
    machine
        .until_is(STATE_TEXT, text("Offline"), StatusCode::Good)
        .await;
    machine
        .until_nothing(TOOL, StatusCode::BadOutOfService)
        .await;
    assert_eq!(
        machine.read(SETPOINT).await.status,
        StatusCode::BadOutOfService
    );
    assert!(
        machine.read(SERVER_REACHABLE).await.is_good(),
        "OctoPrint itself lives"
    );
    assert_ended_once(&machine).await;

    let asked = printer.requests(Endpoint::Printer);
    machine.until_polled(10).await;
    assert_eq!(
        printer.requests(Endpoint::Printer),
        asked,
        "asked of a printer that is off"
    );

    printer.command(Command::Connect).unwrap();
    machine.until_number(ITEM_STATE, item::NOT_EXECUTING).await;
    machine
        .until_is(PRINTER_CONNECTED, true, StatusCode::Good)
        .await;
    machine.until_status(TOOL, StatusCode::Good).await;
    assert_eq!(machine.read(SETPOINT).await.status, StatusCode::Good);
}

async fn failed((printer, machine): (Handle, Machine)) {
    const WHY: &str = "Thermal Runaway, system stopped! Heater_ID: 0";
    start_watching(&machine).await;
    print(&printer, &machine).await;
    printer.fail(PrinterError::firmware(WHY));
    machine.until_number(PROGRAM, program::ABORTED).await;
    machine.until_number(ITEM_STATE, item::OUT_OF_SERVICE).await;
    machine
        .until_is(ERROR_TEXT, text(WHY), StatusCode::Good)
        .await;
    machine
        .until_is(STATE_TEXT, text("Offline after error"), StatusCode::Good)
        .await;
    machine
        .until_nothing(TOOL, StatusCode::BadDeviceFailure)
        .await;
    assert_ended_once(&machine).await;

    printer.command(Command::Connect).unwrap();
    machine.until_number(ITEM_STATE, item::NOT_EXECUTING).await;
    machine.until_status(TOOL, StatusCode::Good).await;
    let error = machine.read(ERROR_TEXT).await;
    assert_eq!(
        (error.text(), error.is_good()),
        (WHY, true),
        "it stays to be read"
    );
}

async fn start_watching(machine: &Machine) {
    machine.watch(&WATCHED).await;
    machine.until_number(PROGRAM, program::INITIALIZING).await;
    machine.until_number(ITEM_STATE, item::NOT_EXECUTING).await;
    machine.until_status(TOOL, StatusCode::Good).await;
}

/// Starts a print and tells the identity of its job.
async fn print(printer: &Handle, machine: &Machine) -> String {
    let path = FILE.to_owned();
    let then = AfterSelect::Print;
    printer.command(Command::Select { path, then }).unwrap();
    machine.until_number(PROGRAM, program::RUNNING).await;
    machine.until_number(ITEM_STATE, item::EXECUTING).await;
    // OctoPrint takes no pause before.
    machine
        .until_is(STATE_TEXT, text("Printing"), StatusCode::Good)
        .await;
    let start = format!("octoprint:local/{FILE}@");
    let job = machine
        .until(JOB, &format!("starts with {start:?}"), |seen| {
            seen.is_good() && seen.text().starts_with(&start)
        })
        .await;
    job.text().to_owned()
}

/// The program was started once and ended once, and nothing changes any more.
async fn assert_ended_once(machine: &Machine) {
    machine.until_polled(3).await;
    use program::{ABORTED, INITIALIZING, RUNNING};
    assert_eq!(programs(machine), [INITIALIZING, RUNNING, ABORTED]);
    assert_eq!(jobs(machine).len(), 1);
}

/// The states of the program, each change once.
fn programs(machine: &Machine) -> Vec<u32> {
    let history = machine.mes.history(0, &machine.path(PROGRAM));
    let numbers = history.iter().filter_map(|seen| seen.number());
    let mut states: Vec<_> = numbers.map(|number| number as u32).collect();
    states.dedup();
    states
}

/// The identities of the jobs that the machine named, each once.
fn jobs(machine: &Machine) -> Vec<String> {
    let history = machine.mes.history(0, &machine.path(JOB));
    let named = history
        .iter()
        .filter(|seen| seen.is_good() && !seen.text().is_empty());
    let mut jobs: Vec<_> = named.map(|seen| seen.text().to_owned()).collect();
    jobs.dedup();
    jobs
}
