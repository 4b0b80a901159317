//! The store: what it gives back, what a kill leaves, and what it says of files that it cannot use.

mod arbitrary;
mod crash;
mod trouble;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use umati_bridge::machine::{
    Changes, Checkpoint, Counters, FileRef, Firmware, Job, JobId, JobPhase, JobStart, Order,
    OrderId, OrderOrigin, OrderState, Outcome, Progress, Running, Saved, Tag, Timestamp,
    WrittenTag,
};
use umati_bridge::store::{FILE_NAME, Store, StoreError};

fn at(second: i64) -> Timestamp {
    Timestamp::from_timestamp(1_790_000_000 + second, 123_456_700).expect("a time")
}

/// A print that was completed.
fn order(n: i64) -> Order {
    let id = format!("octoprint:local/a.gcode@{n}");
    Order {
        id: OrderId(id.clone()),
        origin: OrderOrigin::Internal,
        file: Some(FileRef {
            origin: "local".to_owned(),
            path: "a.gcode".to_owned(),
        }),
        document: None,
        priority: 0,
        state: OrderState::Ended,
        created_at: at(n),
        state_since: at(n + 1),
        asked_at: Some(at(n)),
        reason: None,
        job: Some(Job {
            id: JobId(id),
            file: None,
            start: JobStart::Seen(at(n)),
            phase: JobPhase::Ended {
                at: at(n + 1),
                outcome: Outcome::Unknown {
                    why: Cow::Borrowed("nobody saw"),
                },
            },
            progress: Progress::default(),
        }),
        filament: Default::default(),
    }
}

fn changed(orders: impl IntoIterator<Item = Order>) -> Changes {
    Changes {
        changed: orders.into_iter().collect(),
        ..Changes::default()
    }
}

fn no_tags() -> BTreeMap<Tag, WrittenTag> {
    BTreeMap::new()
}

fn open(folder: &Path) -> Store {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        match Store::open(&folder.join(FILE_NAME)) {
            // Another test starts a process: between its fork and its exec it holds every lock of this one.
            Err(StoreError::InUse { .. }) if std::time::Instant::now() < deadline => {
                std::thread::yield_now();
            }
            opened => return opened.expect("opened"),
        }
    }
}

/// What is known of one machine.
fn load(store: &Store, machine: &str) -> Saved {
    load_at(store, machine, at(0))
}

fn load_at(store: &Store, machine: &str, now: Timestamp) -> Saved {
    let mut found = store
        .load(&[machine], now, Timestamp::UNIX_EPOCH)
        .expect("loaded");
    found.remove(machine).expect("asked for")
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let folder = TempDir::new().expect("a folder");
    let tags = BTreeMap::from([(
        Tag::Location,
        WrittenTag {
            text: "hall 2".to_owned(),
            instead_of: Some("hall 1".to_owned()),
        },
    )]);
    let checkpoint = Checkpoint {
        counters: Counters {
            power_on: Duration::from_millis(1_500),
            operation: Duration::from_millis(700),
            cycles: 3,
            parts: 2,
        },
        running: Some(Running {
            order: OrderId("o".to_owned()),
            completion: Some(12.5),
            print_time: Some(Duration::from_secs(9)),
            cancelling: true,
            seen_at: at(7),
        }),
        firmware: Some(Firmware {
            name: "Marlin 2.1".to_owned(),
            machine_type: None,
            uuid: Some("cede2a2f".to_owned()),
        }),
    };
    let changes = Changes {
        tags: true,
        ..changed([order(1), order(2)])
    };
    let store = open(folder.path());
    store
        .commit("a", &changes, &tags, checkpoint.clone())
        .await
        .expect("stored");
    store.close().await;
    drop(store);
    assert_eq!(
        load(&open(folder.path()), "a"),
        Saved {
            orders: vec![order(1), order(2)],
            checkpoint,
            tags,
        }
    );
    assert_eq!(load(&open(folder.path()), "b"), Saved::default());
}

#[tokio::test]
async fn a_removed_order_is_gone_and_a_changed_one_is_the_newest() {
    let folder = TempDir::new().expect("a folder");
    let store = open(folder.path());
    let commit = async |changes: Changes| {
        store
            .commit("a", &changes, &no_tags(), Checkpoint::default())
            .await
            .expect("stored");
    };
    commit(changed([order(1), order(2)])).await;
    let newer = Order {
        reason: Some("cancelled".to_owned()),
        ..order(2)
    };
    commit(Changes {
        removed: vec![order(1).id],
        ..changed([newer.clone()])
    })
    .await;
    assert_eq!(load(&store, "a").orders, [newer]);
}

#[tokio::test]
async fn a_checkpoint_is_kept_when_the_store_is_closed() {
    let folder = TempDir::new().expect("a folder");
    let store = open(folder.path());
    let checkpoint = |cycles| Checkpoint {
        counters: Counters {
            cycles,
            ..Counters::default()
        },
        running: None,
        firmware: None,
    };
    store.checkpoint("a", checkpoint(1));
    store.checkpoint("a", checkpoint(2));
    store.close().await;
    drop(store);
    assert_eq!(load(&open(folder.path()), "a").checkpoint, checkpoint(2));
}

#[tokio::test]
async fn machines_that_are_configured_no_more_are_forgotten_after_a_while() {
    let folder = TempDir::new().expect("a folder");
    let store = open(folder.path());
    for (machine, seen) in [("old", 0), ("new", 100)] {
        let changes = changed([order(1)]);
        store
            .commit(machine, &changes, &no_tags(), Checkpoint::default())
            .await
            .expect("stored");
        load_at(&store, machine, at(seen));
    }
    let loaded = store.load(&["new"], at(100), at(50)).expect("loaded");
    assert_eq!(loaded["new"].orders.len(), 1);
    assert_eq!(load_at(&store, "old", at(100)).orders, []);
}

#[tokio::test]
async fn ten_thousand_jobs_do_not_make_the_file_grow_when_old_ones_go() {
    let folder = TempDir::new().expect("a folder");
    let store = open(folder.path());
    let path = folder.path().join(FILE_NAME);
    let size = || std::fs::metadata(&path).expect("the file").len();
    let mut after_a_thousand = 0;
    // Many at once, so that the test does not wait for the disk ten thousand times.
    for n in (0..10_000).step_by(100) {
        let changes = Changes {
            removed: (n - 150..n - 50).map(|old| order(old).id).collect(),
            ..changed((n..n + 100).map(order))
        };
        store
            .commit("a", &changes, &no_tags(), Checkpoint::default())
            .await
            .expect("stored");
        if n == 1_000 {
            after_a_thousand = size();
        }
    }
    assert_eq!(load(&store, "a").orders.len(), 150);
    assert!(
        size() <= 2 * after_a_thousand,
        "{} from {after_a_thousand}",
        size()
    );
}
