//! What the library keeps of items that are gone is counted, and a server that has too much of it begins anew.

use std::sync::Arc;

use opcua::client::DataChangeCallback;
use opcua::types::{NodeId, TimestampsToReturn};
use umati_bridge::server::Ended;

use super::bench::*;

/// As many as one call may create.
const ITEMS: usize = 10_000;
/// `server::limits::MAX_STALE_ITEMS_ALONE` is ten times as much.
const ROUNDS: usize = 11;
/// Several nodes, so that few items watch the same.
const MACHINES: usize = 50;

fn nodes(count: usize) -> Vec<NodeId> {
    let nodes = (0..MACHINES).map(|machine| node(machine, INT32));
    nodes.cycle().take(count).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_go_with_their_subscription_are_counted_as_stale() {
    let bench = Bench::serve(machines(MACHINES, &plan())).await;
    let client = bench.connect().await;
    let subscription = client.subscribe().await;
    let items = subscription.watch(&nodes(100)).await;
    let burden = bench.publisher.burden();
    assert_eq!(
        (burden.sessions, burden.items, burden.stale_items),
        (1, 100, 0)
    );

    // The library lets go of items that are deleted by themselves, but not of the others.
    let deleted = client
        .session
        .delete_monitored_items(subscription.id, &items[..30]);
    deleted.await.unwrap();
    let burden = bench.publisher.burden();
    assert_eq!((burden.items, burden.stale_items), (70, 0));
    let deleted = client.session.delete_subscription(subscription.id);
    deleted.await.unwrap();
    let burden = bench.publisher.burden();
    assert_eq!((burden.items, burden.stale_items), (0, 70));

    // The same of one that expires without a client.
    let nothing = DataChangeCallback::new(|_, _| {});
    let id = client
        .session
        .create_subscription(PUBLISHING, 3, 1, 0, 0, true, nothing)
        .await
        .unwrap();
    let wanted = nodes(10).iter().map(request).collect();
    let both = TimestampsToReturn::Both;
    let made = client.session.create_monitored_items(id, both, wanted);
    made.await.unwrap();
    drop(client);
    eventually("it has expired", || {
        let burden = bench.publisher.burden();
        (burden.stale_items == 80 && burden.items == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_carries_too_much_begins_anew_once_nobody_is_connected() {
    let bench = Bench::serve(machines(MACHINES, &plan())).await;
    let client = bench.connect().await;
    for _ in 0..ROUNDS {
        let subscription = client.subscribe().await;
        subscription.watch(&nodes(ITEMS)).await;
        let deleted = client.session.delete_subscription(subscription.id);
        deleted.await.unwrap();
    }
    let burden = bench.publisher.burden();
    assert_eq!((burden.items, burden.stale_items), (0, ROUNDS * ITEMS));
    // Whoever is connected is not troubled.
    bench.set(INT32, good(1));
    let subscription = client.subscribe().await;
    subscription.watch(&[node(0, INT32)]).await;
    let log = &subscription.log;
    log.ends_with(
        &node(0, INT32),
        Some(1.into()),
        opcua::types::StatusCode::Good,
    )
    .await;

    client.session.disconnect().await.unwrap();
    let machine = Arc::downgrade(&bench.machines[0]);
    assert_eq!(bench.ended().await, Ended::Overburdened);
    // And all that it was made of is gone with it.
    eventually("the machines are nobody's", || {
        (machine.strong_count() == 0).then_some(())
    })
    .await;
}
