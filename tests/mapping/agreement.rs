//! Whatever is observed and asked for, in whatever order: all places that tell the state of a job tell the same.

use opcua::types::Variant;
use proptest::prelude::*;
use umati_bridge::machine::*;
use umati_bridge::umati::instance::Instance;
use umati_bridge::umati::isa95::codec;
use umati_bridge::umati::isa95::types::*;

use crate::jobs::{ORDERS, RESPONSES, list, numbers, parameter};
use crate::samples::{self, MES_ORDER, at};
use crate::support::{instance, lose, mapping, report, see, text, value};

const CONTROL: &str = "MachineryBuildingBlocks/JobManagement/JobOrderControl";
const PROGRAM: &str = "Production/ActiveProgram";
const ITEM: &str = "Monitoring/MachineTool/MachineryItemState";

/// What a state machine and the states of an order say, as numbers of the receiver's states.
const RUNNING: u32 = 3;
const INTERRUPTED: u32 = 4;
const ENDED: u32 = 5;
const ABORTED: u32 = 6;

fn number(instance: &Instance, machine: &str) -> u32 {
    match value(instance, &format!("{machine}/CurrentState/Number")) {
        Variant::UInt32(number) => *number,
        other => panic!("{other:?}"),
    }
}

/// Number and text of an order's states, the top level first.
type Told = Vec<(u32, String)>;

/// The state of the only run; `None` for an order that ended without a print.
fn run(response: &JobResponse) -> Option<State> {
    response.start_time?;
    let data = response.job_response_data.as_ref()?;
    let Variant::Array(runs) = &parameter(data, "Runs").value else {
        panic!("no array");
    };
    match &runs.values[..] {
        [Variant::ExtensionObject(run)] => Some(run.inner_as::<RunInfo>().unwrap().state.clone()),
        other => panic!("{other:?}"),
    }
}

/// The orders with their states, after a look at the sub-states and at the responses.
fn orders(instance: &Instance) -> Vec<(String, Told)> {
    let orders: Vec<(String, Told)> = list::<JobOrderAndState>(instance, ORDERS)
        .iter()
        .map(|it| (it.job_order.job_order_id.to_string(), numbers(&it.state)))
        .collect();
    for (id, states) in &orders {
        let sub_states: Vec<&str> = states[1..].iter().map(|(_, text)| text.as_str()).collect();
        let is_right = match states[0].0 {
            INTERRUPTED => matches!(sub_states[..], ["Held" | "Suspended"]),
            ENDED => sub_states == ["Completed"],
            _ => sub_states.is_empty(),
        };
        assert!(is_right, "{id}: {states:?}");
    }
    let responses = list::<JobResponse>(instance, RESPONSES);
    let told: Vec<(String, Told)> = responses
        .iter()
        .map(|it| (it.job_order_id.to_string(), numbers(&it.job_state)))
        .collect();
    let mut begun = orders.clone();
    begun.retain(|(_, states)| states[0].0 >= RUNNING);
    assert_eq!(told, begun, "the responses and the orders that have begun");
    for response in &responses {
        let states = numbers(&response.job_state);
        match run(response) {
            Some(run) => assert_eq!(numbers(&[run]), states[..1]),
            None => assert_eq!(states[0].0, ABORTED, "began without a print"),
        }
    }
    orders
}

/// The receiver, the program, the machine and the lists never contradict each other.
pub fn assert_states_agree(instance: &Instance) {
    let receiver = number(instance, CONTROL);
    let program = number(instance, &format!("{PROGRAM}/State"));
    let item = number(instance, ITEM);
    let agreed: &[u32] = match program {
        0 => &[1, 2],
        1 => &[RUNNING],
        2 => &[ENDED],
        3 => &[INTERRUPTED],
        _ => &[ABORTED],
    };
    assert!(agreed.contains(&receiver), "{program} and {receiver}");
    if item == 3 {
        assert_eq!(receiver, RUNNING, "executes and is not running");
    }

    let orders = orders(instance);
    let active: Vec<&(String, Told)> = orders
        .iter()
        .filter(|(_, states)| matches!(states[0].0, RUNNING | INTERRUPTED))
        .collect();
    let identifier = text(instance, &format!("{PROGRAM}/JobIdentifier"));
    match receiver {
        RUNNING | INTERRUPTED => {
            let [(id, states)] = active[..] else {
                panic!("{receiver} and {orders:?}");
            };
            assert_eq!(states[0].0, receiver, "the order that is active");
            assert_eq!(*id, identifier, "the order that is active");
            let current = text(instance, &format!("{CONTROL}/CurrentState"));
            assert_eq!(states[0].1, current);
        }
        _ => assert!(active.is_empty(), "{receiver} and {active:?}"),
    }
    if !identifier.is_empty() {
        let order = orders.iter().find(|(id, _)| *id == identifier);
        let (_, states) = order.unwrap_or_else(|| panic!("no {identifier} in {orders:?}"));
        assert_eq!(states[0].0, receiver, "{identifier} is {states:?}");
    }
    if receiver <= 2 {
        let may_start = orders.iter().any(|(_, states)| states[0].0 == 2);
        assert_eq!(receiver == 2, may_start, "an order that may start");
    }
}

/// What happens to a machine.
#[derive(Debug, Clone)]
enum Step {
    See(PrinterState),
    /// The print was read to the end.
    SeeDone,
    Lose,
    Ask(Wish),
}

/// What a MES asks for, about its own order or the one that is active.
#[derive(Debug, Clone, Copy)]
enum Wish {
    Store,
    StoreAndStart,
    Start,
    RevokeStart,
    Pause,
    Resume,
    Abort,
    Cancel,
    Clear,
}

fn ask(machine: &mut Machine, wish: Wish, second: i64) {
    let active = machine.book.active().map(|order| order.id.clone());
    let own = OrderId(MES_ORDER.to_owned());
    let either = active.unwrap_or_else(|| own.clone());
    let new = NewOrder {
        id: own.clone(),
        file: FileRef {
            origin: "local".to_owned(),
            path: "parts/bracket.gcode".to_owned(),
        },
        document: codec::encode(&samples::full_job_order(MES_ORDER))
            .unwrap()
            .into(),
        priority: 0,
    };
    let request = match wish {
        Wish::Store => OrderRequest::Store(new),
        Wish::StoreAndStart => OrderRequest::StoreAndStart(new),
        Wish::Start => OrderRequest::Start(own),
        Wish::RevokeStart => OrderRequest::RevokeStart(own),
        Wish::Pause => OrderRequest::Pause(either),
        Wish::Resume => OrderRequest::Resume(either),
        Wish::Abort => OrderRequest::Abort(either),
        Wish::Cancel => OrderRequest::Cancel(own),
        Wish::Clear => OrderRequest::Clear(own),
    };
    let request = Request::Order {
        request,
        comment: None,
    };
    // Most are refused; what matters is what is told afterwards.
    let _ = machine.request(&request, at(second));
}

fn any_step() -> impl Strategy<Value = Step> {
    use PrinterState as S;
    let state = prop::sample::select(vec![
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
    ]);
    let wish = prop::sample::select(vec![
        Wish::Store,
        Wish::StoreAndStart,
        Wish::Start,
        Wish::RevokeStart,
        Wish::Pause,
        Wish::Resume,
        Wish::Abort,
        Wish::Cancel,
        Wish::Clear,
    ]);
    prop_oneof![
        8 => state.prop_map(Step::See),
        1 => Just(Step::SeeDone),
        1 => Just(Step::Lose),
        4 => wish.prop_map(Step::Ask),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn states_agree_whatever_is_observed_and_asked_for(
        steps in prop::collection::vec(any_step(), 1..30),
    ) {
        let mut machine = crate::support::machine();
        machine.nameplate.control = true;
        let mut seen = instance(&machine, 0);
        assert_states_agree(&seen);
        for (second, step) in (1..).zip(steps) {
            match step {
                Step::See(state) => see(&mut machine, report(state), second),
                Step::SeeDone => {
                    let mut done = report(PrinterState::Operational);
                    done.progress.completion = Some(100.0);
                    see(&mut machine, done, second);
                }
                Step::Lose => lose(&mut machine, second),
                Step::Ask(wish) => ask(&mut machine, wish, second),
            }
            mapping().refresh(&mut seen, &machine, at(second));
            assert_states_agree(&seen);
        }
    }
}
