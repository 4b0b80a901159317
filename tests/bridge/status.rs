//! A change of the status alone reaches a client that subscribed with default settings: no filter, a queue of one.

use std::time::Duration;

use opcua::types::{StatusCode, Variant};
use umati_bridge::octoprint::simulator::Fault;

use crate::machine::Machine;
use crate::mes::Seen;
use crate::paths::{ITEM_STATE, OPERATION_MODE, PROGRAM, READY, TOOL, UPDATED, item};
use crate::plant::{Bridge, OctoPrints, block_on};

/// A number that stands still, the number of a state, an enumeration, a truth value.
const STANDING: [&str; 4] = [TOOL, PROGRAM, OPERATION_MODE, READY];

const USABLE: StatusCode = StatusCode::UncertainNoCommunicationLastUsableValue;

#[test]
fn out_of_reach_and_back_is_told_once_each_way() {
    block_on(async {
        let octoprints = OctoPrints::start(1).await;
        octoprints
            .printer(1)
            .set_sensor("tool0", Some(25.25), Some(0.0));
        let bridge = Bridge::start(octoprints.machines(1)).await;
        let machine = bridge.mes().await.machine(&octoprints.machine(1).name);
        let values = until_all_good(&machine).await;

        for _ in 0..2 {
            let mark = machine.mes.mark();
            octoprints.printer(1).inject(Fault::Close);
            for path in STANDING {
                machine.until_status(path, USABLE).await;
            }
            for (path, before) in STANDING.iter().zip(&values) {
                let read = machine.read(path).await;
                assert_eq!((&read.value, read.status), (&before.value, USABLE));
            }
            octoprints.printer(1).heal();
            for path in STANDING {
                machine.until_status(path, StatusCode::Good).await;
            }
            machine.until_polled(5).await;
            for (path, before) in STANDING.iter().zip(&values) {
                let told = told(&machine, mark, path);
                assert_eq!(told.len(), 2, "{path}: {told:?}");
                assert!(is_about(&told[0].0, &before.value), "{path}: {told:?}");
                assert_eq!(told[0].1, USABLE, "{path}");
                assert_eq!(told[1], (before.value.clone(), StatusCode::Good), "{path}");
            }
        }
    });
}

#[test]
fn values_that_are_stale_for_long_are_lost_and_states_are_not() {
    block_on(async {
        let octoprints = OctoPrints::start(2).await;
        octoprints
            .printer(1)
            .set_sensor("tool0", Some(0.0), Some(0.0));
        let bridge = Bridge::start_with(octoprints.machines(2), Duration::from_secs(1)).await;
        let mes = bridge.mes().await;
        let machine = mes.machine(&octoprints.machine(1).name);
        let witness = mes.machine(&octoprints.machine(2).name);
        let values = until_all_good(&machine).await;
        until_all_good(&witness).await;

        let mark = mes.mark();
        octoprints.printer(1).inject(Fault::Status(503));
        let gone = StatusCode::BadNoCommunication;
        machine.until_nothing(TOOL, gone).await;
        machine.until_nothing(READY, gone).await;
        machine
            .until_is(ITEM_STATE, item::NOT_AVAILABLE, USABLE)
            .await;
        for (path, before) in STANDING.iter().zip(&values).skip(1).take(2) {
            machine.until_is(path, before.value.clone(), USABLE).await;
        }
        for path in [TOOL, READY] {
            let read = machine.read(path).await;
            assert_eq!((read.value, read.status), (Variant::Empty, gone), "{path}");
        }

        octoprints.printer(1).heal();
        for (path, before) in STANDING.iter().zip(&values) {
            machine
                .until_is(path, before.value.clone(), StatusCode::Good)
                .await;
        }
        let told = machine.history(mark, TOOL);
        let statuses: Vec<_> = told.into_iter().map(|(_, status)| status).collect();
        assert_eq!(statuses, [USABLE, gone, StatusCode::Good]);
        for path in STANDING {
            assert!(
                witness.history(mark, path).is_empty(),
                "{path}: nothing changed there"
            );
        }
    });
}

async fn until_all_good(machine: &Machine) -> Vec<Seen> {
    machine.watch(&STANDING).await;
    machine.watch(&[UPDATED, ITEM_STATE]).await;
    let mut values = Vec::new();
    for path in STANDING {
        values.push(machine.until_status(path, StatusCode::Good).await);
    }
    values
}

/// What was told since `mark`, but for the nulls that may stand between two statuses of one value: without a filter
/// the client would not be told of the second.
fn told(machine: &Machine, mark: usize, path: &str) -> Vec<(Variant, StatusCode)> {
    let mut told = machine.history(mark, path);
    told.retain(|(value, _)| *value != Variant::Empty);
    told
}

/// Equal, but for the last bit of a floating-point number.
fn is_about(a: &Variant, b: &Variant) -> bool {
    match (a, b) {
        (Variant::Double(a), Variant::Double(b)) => (a - b).abs() < 1e-9,
        _ => a == b,
    }
}
