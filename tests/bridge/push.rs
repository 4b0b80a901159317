//! What a MES sees of OctoPrint telling by itself: prints that no asking would find, whether it does and why not, and
//! that asking takes over where it does not.

use std::time::Duration;

use chrono::Utc;
use opcua::types::{NodeId, ObjectId, ObjectTypeId, StatusCode, Variant};
use serde_json::{Value, json};
use umati_bridge::config::MachineConfig;
use umati_bridge::octoprint::simulator::{
    AfterSelect, Command, Endpoint, Fault, Handle, PauseAction, printer_name,
};
use umati_bridge::umati::namespaces as ns;

use crate::common::bridge::Bridge as Program;
use crate::machine::{Machine, text};
use crate::mes::Mes;
use crate::paths::{DATA_SOURCE, DATA_SOURCE_REASON, PROGRAM, RESPONSES, UPDATED, program};
use crate::plant::{Bridge, OctoPrints, block_on, eventually, written};
use crate::told::{Job, SUCCESSFUL, UNSUCCESSFUL, jobs};

/// So long that nothing is seen by asking.
const NEVER: Duration = Duration::from_secs(3_600);
const FILES: [&str; 2] = ["Halterung_links.gcode", "demo-ring.gcode"];

/// One printer that is asked once an hour while it tells.
async fn stage() -> (OctoPrints, Handle, Bridge, Machine) {
    let octoprints = OctoPrints::start(1).await;
    let printer = octoprints.printer(1);
    let bridge = Bridge::start(vec![MachineConfig {
        heartbeat_interval: NEVER,
        ..octoprints.machine(1)
    }])
    .await;
    let machine = bridge.mes().await.machine(&printer_name(1));
    let watched = [PROGRAM, DATA_SOURCE, DATA_SOURCE_REASON, UPDATED];
    machine.watch(&watched).await;
    until_read_by(&machine, "push").await;
    (octoprints, printer, bridge, machine)
}

async fn until_read_by(machine: &Machine, source: &str) {
    let source = text(source);
    machine
        .until_is(DATA_SOURCE, source, StatusCode::Good)
        .await;
}

async fn until_reason(machine: &Machine, why: &str) {
    let why = text(why);
    machine
        .until_is(DATA_SOURCE_REASON, why, StatusCode::Good)
        .await;
}

fn begin(printer: &Handle, file: &str) {
    let path = file.to_owned();
    let then = AfterSelect::Print;
    printer.command(Command::Select { path, then }).unwrap();
}

async fn told_jobs(machine: &Machine) -> Vec<Job> {
    jobs(&machine.read(RESPONSES).await.value)
}

#[test]
fn a_print_of_a_second_between_two_polls_is_a_whole_job_told_once() {
    block_on(async {
        let (_octoprints, printer, bridge, machine) = stage().await;
        let root = NodeId::new(ns::INSTANCES, printer_name(1));
        let fields = [(ObjectTypeId::BaseEventType, "Message")];
        let mut listeners = Vec::new();
        for node in [root, ObjectId::Server.into()] {
            let listener = bridge.mes().await;
            listener.watch_events(node, &fields).await;
            listeners.push(listener);
        }
        let asked = printer.requests(Endpoint::Job);
        let mut spans = Vec::new();
        for file in FILES {
            let began = Utc::now();
            begin(&printer, file);
            machine.until_number(PROGRAM, program::RUNNING).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            printer.skip_to_end();
            machine.until_number(PROGRAM, program::ENDED).await;
            spans.push((began, Utc::now()));
        }
        let asked = printer.requests(Endpoint::Job) - asked;
        // What was under way when it began to tell.
        assert!(asked <= 1, "asked {asked} times");

        let jobs = told_jobs(&machine).await;
        assert_eq!(jobs.len(), 2, "{jobs:#?}");
        for ((job, file), (began, over)) in jobs.iter().zip(FILES).zip(spans) {
            assert!(job.id.starts_with(&format!("octoprint:local/{file}@")));
            assert_eq!(job.result, SUCCESSFUL, "{job:?}");
            let end = job.end.expect("it is over");
            assert!(
                began <= job.start && job.start < end && end <= over,
                "{job:?}"
            );
        }
        let expected: Vec<_> = jobs.iter().flat_map(|job| events_of(&job.id)).collect();
        for listener in listeners {
            listener.until_events(expected.len()).await;
            assert_eq!(messages(&listener), expected);
        }
    });
}

/// What is told of a print that is not disturbed.
fn events_of(id: &str) -> [String; 4] {
    let machine = printer_name(1);
    [
        format!("{id} is running"),
        format!("{machine}: NotExecuting → Executing"),
        format!("{id} has ended"),
        format!("{machine}: Executing → NotExecuting"),
    ]
}

fn messages(listener: &Mes) -> Vec<String> {
    let events = listener.events().into_iter();
    let message = |event: Vec<Variant>| match &event[0] {
        Variant::LocalizedText(text) => text.text.to_string(),
        other => panic!("{other:?}"),
    };
    events.map(message).collect()
}

#[test]
fn without_push_everything_that_asking_can_see_is_told() {
    block_on(async {
        let (_octoprints, printer, _bridge, machine) = stage().await;
        begin(&printer, FILES[0]);
        machine.until_number(PROGRAM, program::RUNNING).await;
        let begun = told_jobs(&machine).await;

        let asked = printer.requests(Endpoint::Job);
        printer.inject_at(Endpoint::Push, Fault::Status(502));
        printer.cut();
        until_read_by(&machine, "poll").await;
        // A heartbeat would come in an hour.
        eventually("it is asked at the full rate", || {
            printer.requests(Endpoint::Job) >= asked + 5
        })
        .await;
        printer.command(Command::Pause(PauseAction::Pause)).unwrap();
        machine.until_number(PROGRAM, program::INTERRUPTED).await;
        let resume = Command::Pause(PauseAction::Resume);
        printer.command(resume).unwrap();
        machine.until_number(PROGRAM, program::RUNNING).await;
        printer.skip_to_end();
        machine.until_number(PROGRAM, program::ENDED).await;
        begin(&printer, FILES[1]);
        machine.until_number(PROGRAM, program::RUNNING).await;
        printer.command(Command::Cancel).unwrap();
        machine.until_number(PROGRAM, program::ABORTED).await;

        let jobs = told_jobs(&machine).await;
        let [first, second] = &jobs[..] else {
            panic!("{jobs:#?}");
        };
        assert_eq!((&first.id, first.start), (&begun[0].id, begun[0].start));
        assert_eq!((first.result, second.result), (SUCCESSFUL, UNSUCCESSFUL));
        assert!(first.end <= Some(second.start) && second.end.is_some());

        printer.heal();
        until_read_by(&machine, "push").await;
        let asked = printer.requests(Endpoint::Job);
        machine.until_polled(3).await;
        let asked = printer.requests(Endpoint::Job) - asked;
        assert!(asked <= 1, "asked {asked} times although it tells");
    });
}

#[test]
fn which_way_octoprint_is_read_and_why_not_by_push_is_told_and_logged() {
    const REFUSED: &str = "the connection is not upgraded to a WebSocket (HTTP status 404); does a proxy pass the upgrade on?";
    block_on(async {
        let octoprints = OctoPrints::start(2).await;
        let machines: Vec<Value> = [(1, "auto"), (2, "poll")]
            .map(|(number, source)| {
                let mut machine = written(&octoprints.machine(number));
                machine["source"] = source.into();
                machine
            })
            .into();
        let printer = octoprints.printer(1);
        printer.inject_at(Endpoint::Push, Fault::Status(404));
        let program = Program::run(json!({ "machines": machines }));
        let mes = Mes::connect(program.endpoint()).await;
        let [tells, is_asked] = [1, 2].map(|number| mes.machine(&printer_name(number)));
        for machine in [&tells, &is_asked] {
            machine
                .watch(&[DATA_SOURCE, DATA_SOURCE_REASON, UPDATED])
                .await;
        }
        until_reason(&tells, REFUSED).await;
        until_read_by(&tells, "poll").await;
        printer.heal();
        until_read_by(&tells, "push").await;
        until_reason(&tells, "").await;
        printer.cut();
        let tells = "OctoPrint tells by itself what happens: machine=printer-0001";
        let said = |line: &str| program.log().matches(line).count();
        eventually("it tells again", || said(tells) == 2).await;
        let why =
            "OctoPrint does not tell by itself what happens and is asked: machine=printer-0001, ";
        assert_eq!(said(why), 2, "{}", program.log());
        for reason in [REFUSED, "the connection was closed"] {
            assert_eq!(said(&format!("{why}{reason}")), 1, "{}", program.log());
        }
        // Whoever is to be asked is asked, and needs no reason.
        is_asked.until_polled(3).await;
        until_read_by(&is_asked, "poll").await;
        until_reason(&is_asked, "").await;
        assert_eq!(octoprints.printer(2).requests(Endpoint::Login), 0);
    });
}
