//! Orders, responses and files as clients decode them, and when the lists change.

use opcua::types::{ExtensionObject, LocalizedText, StatusCode, Variant};
use proptest::prelude::*;
use umati_bridge::machine::*;
use umati_bridge::umati::instance::Instance;
use umati_bridge::umati::isa95::types::*;
use umati_bridge::umati::isa95::{Encoded, codec};

use crate::samples::{self, MES_ORDER, PRINT, at};
use crate::support::{data, instance, mapping, report, see, source_time, text, value};

const CONTROL: &str = "MachineryBuildingBlocks/JobManagement/JobOrderControl";
const ORDERS: &str = "MachineryBuildingBlocks/JobManagement/JobOrderControl/JobOrderList";
const FILES: &str = "MachineryBuildingBlocks/JobManagement/JobOrderControl/WorkMaster";
const RESPONSES: &str =
    "MachineryBuildingBlocks/JobManagement/JobOrderResults/JobOrderResponseList";

fn entries<'a>(instance: &'a Instance, path: &str) -> Vec<&'a Encoded> {
    let Variant::Array(array) = value(instance, path) else {
        panic!("{path} is no list");
    };
    let entries = array.values.iter().map(|entry| match entry {
        Variant::ExtensionObject(object) => Encoded::of(object).unwrap(),
        other => panic!("{path}: {other:?}"),
    });
    entries.collect()
}

fn list<T: Structure>(instance: &Instance, path: &str) -> Vec<T> {
    let entries = entries(instance, path).into_iter();
    entries.map(|entry| entry.decode().unwrap()).collect()
}

fn parameter<'a>(parameters: &'a [Parameter], id: &str) -> &'a Parameter {
    let found = parameters.iter().find(|p| p.id.as_ref() == id);
    found.unwrap_or_else(|| panic!("no {id} in {parameters:#?}"))
}

fn numbers(states: &[State]) -> Vec<(u32, String)> {
    let state = |state: &State| (state.state_number, state.state_text.text.to_string());
    states.iter().map(state).collect()
}

fn with(orders: Vec<Order>) -> Machine {
    let mut machine = samples::machine();
    machine.book = Book::from_orders(orders);
    machine
}

#[test]
fn an_order_of_the_mes_is_served_as_it_was_sent() {
    let instance = instance(&samples::machine(), 0);
    let orders: Vec<JobOrderAndState> = list(&instance, ORDERS);
    assert_eq!(orders.len(), 2);
    assert_eq!(orders[1].job_order, samples::full_job_order(MES_ORDER));
    assert_eq!(
        numbers(&orders[1].state),
        [(2, "AllowedToStart".to_owned())]
    );
}

#[test]
fn a_print_that_nobody_ordered_gets_the_order_that_a_mes_would_have_sent() {
    let instance = instance(&samples::machine(), 0);
    let order = &list::<JobOrderAndState>(&instance, ORDERS)[0];
    let job = &order.job_order;
    assert_eq!(job.job_order_id.as_ref(), PRINT);
    let masters = job.work_master_id.as_ref().unwrap();
    assert_eq!(masters[0].id.as_ref(), "local/parts/bracket.gcode");
    assert_eq!(job.start_time, Some(at(-3600).into()));
    assert_eq!(job.priority, Some(0));
    let parameters = job.job_order_parameters.as_ref().unwrap();
    let names = vec![LocalizedText::from("bracket ö.gcode")];
    assert_eq!(parameter(parameters, "JobName").value, names.into());
    assert_eq!(parameter(parameters, "RunsPlanned").value, 1_u32.into());
    assert_eq!(
        parameter(parameters, "JobExecutionMode").value,
        2_i32.into()
    );
    assert_eq!(
        numbers(&order.state),
        [(5, "Ended".to_owned()), (1, "Completed".to_owned())]
    );
    let way = order.state[1].browse_path.elements.as_ref().unwrap();
    assert_eq!(way[0].target_name.name.as_ref(), "EndedSubstates");
    assert_eq!(order.state[0].browse_path.elements, None);
}

#[test]
fn a_response_tells_what_became_of_a_print() {
    let instance = instance(&samples::machine(), 0);
    let responses: Vec<JobResponse> = list(&instance, RESPONSES);
    let [response] = &responses[..] else {
        panic!("an order that waits has no response: {responses:#?}");
    };
    assert_eq!(response.job_order_id.as_ref(), PRINT);
    assert_eq!(response.start_time, Some(at(-3600).into()));
    assert_eq!(response.end_time, Some(at(-60).into()));
    // Pinned: a MES knows a response by it for ever.
    assert_eq!(response.job_response_id.as_ref(), RESPONSE_ID);

    let data = response.job_response_data.as_ref().unwrap();
    assert_eq!(parameter(data, "JobResult").value, 1_i32.into());
    assert_eq!(parameter(data, "ProducedQuantity").value, 1.0.into());
    let time = parameter(data, "ActualProductionTime");
    assert_eq!(time.value, 3_000_000.0.into());
    assert_eq!(time.engineering_units.as_ref().unwrap().unit_id, 4_403_766);
    let Variant::Array(runs) = &parameter(data, "Runs").value else {
        panic!("no array");
    };
    let Variant::ExtensionObject(run) = &runs.values[0] else {
        panic!("no structure");
    };
    let run: &RunInfo = run.inner_as().unwrap();
    assert_eq!(run.identifier.as_ref(), format!("{RESPONSE_ID}#1"));
    assert_eq!(run.state.state_number, 5);
    assert_eq!((run.current_layer, run.remaining_time), (None, None));

    let materials = response.material_actuals.as_ref().unwrap();
    assert_eq!(materials[0].quantity.as_ref().unwrap().as_ref(), "1234.5");
    let unit = materials[0].engineering_units.as_ref().unwrap();
    assert_eq!(unit.unit_id, 5_066_068, "millimetres");
    let uses: Vec<_> = materials.iter().map(|m| m.material_use.clone()).collect();
    assert_eq!(
        uses,
        [
            Some("Material consumed".into()),
            Some("Material produced".into())
        ]
    );
}

const RESPONSE_ID: &str = "3b89780e-e02d-860b-9ef4-b9bdc90357bd";

#[test]
fn the_result_says_how_it_ended_and_why() {
    let ended = |outcome| {
        let phase = JobPhase::Ended {
            at: at(-60),
            outcome,
        };
        samples::printed("a", phase)
    };
    let failed = Outcome::Failed {
        reason: "MINTEMP".into(),
    };
    let unseen = Outcome::Unknown {
        why: "nobody saw".into(),
    };
    for (order, result, reason, produced) in [
        (ended(Outcome::Completed), 1, None, 1.0),
        (ended(Outcome::Cancelled), 2, None, 0.0),
        (ended(failed), 2, Some("MINTEMP"), 0.0),
        (ended(unseen), 0, Some("nobody saw"), 0.0),
        (samples::printed("a", JobPhase::Running), 0, None, 0.0),
    ] {
        let mut commented = order.clone();
        commented.reason = Some("the MES said so".into());
        for (order, reason) in [(order, reason), (commented, Some("the MES said so"))] {
            let instance = instance(&with(vec![order]), 0);
            let response = &list::<JobResponse>(&instance, RESPONSES)[0];
            let data = response.job_response_data.as_ref().unwrap();
            assert_eq!(parameter(data, "JobResult").value, result.into());
            assert_eq!(parameter(data, "ProducedQuantity").value, produced.into());
            let told = data
                .iter()
                .find(|p| p.id.as_ref() == "ReasonForStateChange");
            let expected = reason.map(|text| Variant::from(LocalizedText::from(text)));
            assert_eq!(told.map(|p| p.value.clone()), expected);
        }
    }
}

#[test]
fn the_name_and_mode_of_a_response_are_those_of_the_order() {
    let mut order = samples::ordered(&samples::full_job_order(MES_ORDER));
    order.state = OrderState::Aborted;
    let instance = instance(&with(vec![order]), 0);
    let response = &list::<JobResponse>(&instance, RESPONSES)[0];
    let data = response.job_response_data.as_ref().unwrap();
    assert_eq!(parameter(data, "JobExecutionMode").value, 1_i32.into());
    let sent = samples::full_job_order(MES_ORDER);
    let sent = sent.job_order_parameters.unwrap();
    assert_eq!(
        parameter(data, "JobName").value,
        parameter(&sent, "JobName").value
    );
    // It never ran: it has no start, and its end is when it was given up.
    assert_eq!(
        (response.start_time, response.end_time),
        (None, Some(at(-60).into()))
    );
}

#[test]
fn sub_states_tell_who_paused() {
    for (interruption, expected) in [
        (Interruption::Held, (1, "Held")),
        (Interruption::Suspended, (2, "Suspended")),
    ] {
        let mut order = samples::printed("a", JobPhase::Paused(at(-60)));
        order.state = OrderState::Interrupted(interruption);
        let instance = instance(&with(vec![order]), 0);
        let states = &list::<JobResponse>(&instance, RESPONSES)[0].job_state;
        let told = numbers(states);
        assert_eq!(told[0], (4, "Interrupted".to_owned()));
        assert_eq!(told[1], (expected.0, expected.1.to_owned()));
    }
}

#[test]
fn files_are_work_masters_under_the_ids_that_orders_name() {
    let instance = instance(&samples::machine(), 0);
    let files: Vec<WorkMaster> = list(&instance, FILES);
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].id.as_ref(), "local/parts/bracket.gcode");
    let parameters = files[0].parameters.as_ref().unwrap();
    let told: Vec<_> = parameters
        .iter()
        .map(|p| {
            let unit = p.engineering_units.as_ref().unwrap();
            (p.id.to_string(), p.value.clone(), unit.unit_id)
        })
        .collect();
    let measure = |id: &str, value: f64, unit| (id.to_owned(), Variant::from(value), unit);
    assert_eq!(
        told,
        [
            measure("EstimatedPrintTime", 1_200_000.0, 4_403_766),
            measure("Tool0FilamentLength", 1234.5, 5_066_068),
            measure("Tool0FilamentVolume", 2.5, 4_410_705),
            measure("Width", 10.0, 5_066_068),
            measure("Depth", 20.0, 5_066_068),
            measure("Height", 30.5, 5_066_068),
        ]
    );
}

#[test]
fn a_machine_without_jobs_has_empty_lists() {
    let instance = instance(&crate::support::machine(), 0);
    for path in [ORDERS, FILES, RESPONSES] {
        assert!(entries(&instance, path).is_empty());
        assert_eq!(data(&instance, path).status, Some(StatusCode::Good));
    }
}

#[test]
fn a_document_that_a_store_spoiled_does_not_spoil_the_list() {
    let mut order = samples::ordered(&samples::full_job_order(MES_ORDER));
    order.document = Some([1, 2, 3].as_slice().into());
    let instance = instance(&with(vec![order]), 0);
    let order = &list::<JobOrderAndState>(&instance, ORDERS)[0].job_order;
    assert_eq!(order.job_order_id.as_ref(), MES_ORDER);
    let masters = order.work_master_id.as_ref().unwrap();
    assert_eq!(masters[0].id.as_ref(), "local/parts/bracket.gcode");
}

#[test]
fn a_list_changes_only_with_its_entries() {
    let mut machine = samples::machine();
    let mut instance = instance(&machine, 0);
    for second in 1..5 {
        mapping().refresh(&mut instance, &machine, at(second));
    }
    for path in [ORDERS, FILES, RESPONSES] {
        assert_eq!(source_time(&instance, path), at(0), "{path}");
    }
    let before: Vec<Encoded> = entries(&instance, RESPONSES).into_iter().cloned().collect();
    let mut orders: Vec<Order> = machine.book.orders().cloned().collect();
    orders.push(samples::completed("another"));
    machine.book = Book::from_orders(orders);
    mapping().refresh(&mut instance, &machine, at(9));
    assert_eq!(source_time(&instance, RESPONSES), at(9));
    assert_eq!(source_time(&instance, FILES), at(0));
    assert_eq!(entries(&instance, RESPONSES).len(), 2);
    assert_eq!(entries(&instance, RESPONSES)[0], &before[0]);
}

#[test]
fn progress_alone_changes_the_responses_every_ten_seconds_at_most() {
    let mut machine = with(vec![samples::printed(PRINT, JobPhase::Running)]);
    let mut instance = instance(&machine, 0);
    let remaining = |instance: &Instance| {
        let response = list::<JobResponse>(instance, RESPONSES).remove(0);
        let data = response.job_response_data.unwrap();
        let Variant::Array(runs) = &parameter(&data, "Runs").value else {
            panic!("no array");
        };
        match &runs.values[0] {
            Variant::ExtensionObject(run) => run.inner_as::<RunInfo>().unwrap().remaining_time,
            other => panic!("{other:?}"),
        }
    };
    let mut changes = 0;
    for second in 1..=35 {
        let mut order = samples::printed(PRINT, JobPhase::Running);
        let left = std::time::Duration::from_secs(900 - second);
        order.job.as_mut().unwrap().progress.print_time_left = Some(left);
        machine.book = Book::from_orders(vec![order]);
        let delta = mapping().refresh(&mut instance, &machine, at(second as i64));
        let index = instance.resolve(RESPONSES).unwrap();
        changes += usize::from(delta.values.contains(&index));
    }
    assert_eq!(changes, 3);
    assert_eq!(remaining(&instance), Some(870_000.0), "as of 30 s");

    machine.book = Book::from_orders(vec![samples::completed(PRINT)]);
    mapping().refresh(&mut instance, &machine, at(36));
    assert_eq!(remaining(&instance), None, "the end is told at once");
}

#[test]
fn an_updated_document_is_told() {
    let mut machine = samples::machine();
    let mut instance = instance(&machine, 0);
    let mut order = samples::full_job_order(MES_ORDER);
    order.description = None;
    machine.book = Book::from_orders(vec![samples::ordered(&order)]);
    mapping().refresh(&mut instance, &machine, at(1));
    assert_eq!(
        list::<JobOrderAndState>(&instance, ORDERS)[0].job_order,
        order
    );
}

/// What 1,000 machines with 50 jobs each may take: see docs/benchmarks.md.
#[test]
fn a_kept_response_takes_about_a_kilobyte() {
    let orders: Vec<Order> = (0..50)
        .map(|n| samples::completed(&format!("{PRINT}#{n}")))
        .collect();
    let instance = instance(&with(orders), 0);
    let bytes = |path| {
        entries(&instance, path)
            .iter()
            .map(|e| e.len())
            .sum::<usize>()
            / 50
    };
    let (order, response) = (bytes(ORDERS), bytes(RESPONSES));
    println!("{order} bytes an order, {response} bytes a response");
    assert!(order < 600, "{order}");
    assert!(response < 1200, "{response}");
}

#[test]
fn copies_of_a_list_share_its_bytes() {
    let instance = instance(&samples::machine(), 0);
    let list = value(&instance, ORDERS);
    let copy = list.clone();
    assert_eq!(&copy, list);
    let Variant::Array(array) = copy else {
        panic!("no array");
    };
    let Variant::ExtensionObject(object) = &array.values[1] else {
        panic!("no structure");
    };
    let body = codec::encode(Encoded::of(object).unwrap()).unwrap();
    assert!(codec::decode::<JobOrderAndState>(&body).is_some());
    let raw = ExtensionObject::new(opcua::types::ByteStringBody::new(
        body.into(),
        opcua::types::NodeId::new(8, 5032_u32),
    ));
    let decoded: JobOrderAndState = codec::from_extension_object(&raw).unwrap();
    assert_eq!(decoded.job_order, samples::full_job_order(MES_ORDER));
}

#[test]
fn the_program_names_the_order_of_its_job() {
    let mut machine = crate::support::machine();
    see(&mut machine, report(PrinterState::Operational), 0);
    see(&mut machine, report(PrinterState::Printing), 1);
    let job = machine.job.clone().unwrap();
    let identifier = "Production/ActiveProgram/JobIdentifier";
    assert_eq!(text(&instance(&machine, 1), identifier), job.id.0);
    let mut order = samples::ordered(&samples::full_job_order(MES_ORDER));
    order.state = OrderState::Running;
    order.job = Some(job);
    machine.book = Book::from_orders(vec![order]);
    assert_eq!(text(&instance(&machine, 1), identifier), MES_ORDER);
}

fn number(instance: &Instance, machine: &str) -> u32 {
    match value(instance, &format!("{machine}/CurrentState/Number")) {
        Variant::UInt32(number) => *number,
        other => panic!("{other:?}"),
    }
}

/// The receiver, the program and the machine never contradict each other.
pub fn assert_states_agree(instance: &Instance) {
    let receiver = number(instance, CONTROL);
    let program = number(instance, "Production/ActiveProgram/State");
    let item = number(instance, "Monitoring/MachineTool/MachineryItemState");
    let agreed: &[u32] = match program {
        0 => &[1, 2],
        1 => &[3],
        2 => &[5],
        3 => &[4],
        _ => &[6],
    };
    assert!(agreed.contains(&receiver), "{program} and {receiver}");
    if item == 3 {
        assert_eq!(receiver, 3, "executes and is not running");
    }
}

fn any_state() -> impl Strategy<Value = PrinterState> {
    use PrinterState as S;
    prop::sample::select(vec![
        S::Offline,
        S::Connecting,
        S::Operational,
        S::Starting,
        S::Printing,
        S::Pausing,
        S::Paused,
        S::Resuming,
        S::Cancelling,
        S::Finishing,
        S::Transferring,
        S::Error,
        S::Unknown,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn states_agree_whatever_is_observed(
        states in prop::collection::vec(prop::option::weighted(0.9, any_state()), 1..30),
        waiting in prop::bool::ANY,
    ) {
        let mut machine = crate::support::machine();
        if waiting {
            let order = samples::ordered(&samples::full_job_order(MES_ORDER));
            machine.book = Book::from_orders(vec![order]);
        }
        let mut seen = instance(&machine, 0);
        assert_states_agree(&seen);
        for (second, state) in (1..).zip(states) {
            match state {
                Some(state) => see(&mut machine, report(state), second),
                None => crate::support::lose(&mut machine, second),
            }
            mapping().refresh(&mut seen, &machine, at(second));
            assert_states_agree(&seen);
        }
    }
}
