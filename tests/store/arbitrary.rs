//! Whatever an order holds, it comes back as it was.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use tempfile::TempDir;
use umati_bridge::machine::{
    Checkpoint, Filament, FileRef, Interruption, Job, JobFile, JobId, JobPhase, JobStart, Order,
    OrderId, OrderOrigin, OrderState, Outcome, Progress, Timestamp, ToolFilament,
};

use super::{changed, load, no_tags, open};

fn any_time() -> impl Strategy<Value = Timestamp> {
    (0..4_000_000_000i64, 0..1_000_000_000u32)
        .prop_map(|(seconds, nanos)| Timestamp::from_timestamp(seconds, nanos).expect("a time"))
}

fn any_duration() -> impl Strategy<Value = Duration> {
    (0..1_000_000_000u64).prop_map(Duration::from_millis)
}

fn any_phase() -> impl Strategy<Value = JobPhase> {
    let outcome = prop_oneof![
        Just(Outcome::Completed),
        Just(Outcome::Cancelled),
        any::<String>().prop_map(|reason| Outcome::Failed { reason }),
        any::<String>().prop_map(|why| Outcome::Unknown { why: why.into() }),
    ];
    prop_oneof![
        Just(JobPhase::Running),
        any_time().prop_map(JobPhase::Paused),
        (any_time(), outcome).prop_map(|(at, outcome)| JobPhase::Ended { at, outcome }),
    ]
}

fn any_file() -> impl Strategy<Value = JobFile> {
    (
        any::<[String; 4]>(),
        any::<Option<u64>>(),
        option::of(any_time()),
    )
        .prop_map(|([origin, path, name, display], size, date)| JobFile {
            origin,
            path,
            name,
            display,
            size,
            date,
        })
}

fn any_job() -> impl Strategy<Value = Job> {
    let progress = (
        option::of(0.0..100.0f64),
        any::<Option<u64>>(),
        option::of(any_duration()),
        option::of(any_duration()),
    );
    (
        any::<String>(),
        option::of(any_file()),
        (any_time(), any::<bool>()),
        any_phase(),
        progress,
    )
        .prop_map(|(id, file, (start, seen), phase, progress)| Job {
            id: JobId(id),
            file,
            start: if seen {
                JobStart::Seen(start)
            } else {
                JobStart::Reckoned(start)
            },
            phase,
            progress: Progress {
                completion: progress.0,
                file_position: progress.1,
                print_time: progress.2,
                print_time_left: progress.3,
                // How it was estimated means nothing once the print is over.
                print_time_left_origin: None,
            },
        })
}

fn any_order() -> impl Strategy<Value = Order> {
    let state = prop_oneof![
        Just(OrderState::NotAllowedToStart),
        Just(OrderState::AllowedToStart),
        Just(OrderState::Running),
        Just(OrderState::Interrupted(Interruption::Held)),
        Just(OrderState::Interrupted(Interruption::Suspended)),
        Just(OrderState::Ended),
        Just(OrderState::Aborted),
    ];
    let filament =
        (option::of(0.0..1e6f64), option::of(0.0..1e6f64)).prop_map(|(length, weight)| Filament {
            length,
            volume: None,
            weight,
        });
    (
        ("[^\\x00]{1,40}", any::<bool>(), any::<i16>()),
        option::of(any::<[String; 2]>()),
        option::of(vec(any::<u8>(), 0..200)),
        state,
        (any_time(), any_time(), any::<Option<String>>()),
        option::of(any_job()),
        btree_map("tool[0-9]", filament, 0..3).prop_map(ToolFilament::from_iter),
    )
        .prop_map(
            |(
                (id, mes, priority),
                file,
                document,
                state,
                (created, since, reason),
                job,
                filament,
            )| {
                Order {
                    id: OrderId(id),
                    origin: if mes {
                        OrderOrigin::Mes
                    } else {
                        OrderOrigin::Internal
                    },
                    file: file.map(|[origin, path]| FileRef { origin, path }),
                    document: document.map(Arc::from),
                    priority,
                    state,
                    created_at: created,
                    state_since: since,
                    asked_at: Some(since),
                    reason,
                    job,
                    filament,
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_order_comes_back_as_it_was(orders in vec(any_order(), 1..8)) {
        let by_id: BTreeMap<OrderId, Order> =
            orders.into_iter().map(|order| (order.id.clone(), order)).collect();
        let folder = TempDir::new().expect("a folder");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let store = open(folder.path());
        let changes = changed(by_id.values().cloned());
        runtime
            .block_on(store.commit("a", &changes, &no_tags(), Checkpoint::default()))
            .expect("stored");
        let loaded = load(&store, "a").orders;
        let loaded: BTreeMap<OrderId, Order> =
            loaded.into_iter().map(|order| (order.id.clone(), order)).collect();
        prop_assert_eq!(loaded, by_id);
    }
}
