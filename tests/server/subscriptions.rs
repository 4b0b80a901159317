//! Many items, and subscriptions that move and go.

use std::sync::Arc;
use std::time::Duration;

use opcua::client::services::{Publish, TransferSubscriptions};
use opcua::client::{DataChangeCallback, UARequest};
use opcua::types::{
    DataChangeNotification, MessageSecurityMode, NodeId, StatusCode, SubscriptionAcknowledgement,
    Variant,
};

use super::bench::*;

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_items_in_one_subscription() {
    const MACHINES: usize = 400;
    let paths = [DOUBLE, INT32, BOOLEAN, STRING, LOCALIZED_TEXT];
    let bench = Bench::serve(machines(MACHINES, &plan())).await;
    let client = bench.connect().await;
    let subscription = client.subscribe().await;
    let ids: Vec<NodeId> = (0..MACHINES)
        .flat_map(|n| paths.iter().map(move |path| node(n, path)))
        .collect();
    assert_eq!(ids.len(), 2_000);
    subscription.watch(&ids).await;
    let log = &subscription.log;
    log.until("a first value of each", |log| {
        (log.items() == ids.len()).then_some(())
    })
    .await;
    assert_eq!(bench.publisher.watched(), ids.len());
    for round in 1..=3 {
        for n in 0..MACHINES {
            bench.set_on(n, INT32, good(round));
            bench.set_on(n, DOUBLE, good(f64::from(round)));
        }
    }
    for n in 0..MACHINES {
        log.ends_with(&node(n, INT32), Some(3.into()), StatusCode::Good)
            .await;
        log.ends_with(&node(n, DOUBLE), Some(3.0.into()), StatusCode::Good)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_are_deleted_are_forgotten() {
    let bench = Bench::serve(machines(2, &plan())).await;
    let client = bench.connect().await;
    let subscription = client.subscribe().await;
    let items = subscription
        .watch(&[node(0, DOUBLE), node(0, INT32), node(1, INT32)])
        .await;
    assert_eq!(bench.publisher.watched(), 3);
    client
        .session
        .delete_monitored_items(subscription.id, &items[..1])
        .await
        .unwrap();
    assert_eq!(bench.publisher.watched(), 2);
    client
        .session
        .delete_subscription(subscription.id)
        .await
        .unwrap();
    assert_eq!(bench.publisher.watched(), 0);

    // The same by closing the session.
    client.subscribe().await.watch(&[node(0, INT32)]).await;
    assert_eq!(bench.publisher.watched(), 1);
    client.session.disconnect().await.unwrap();
    bench.watched(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_of_a_client_that_vanished_are_forgotten() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    // Expires after three publishing intervals without a client.
    let id = client
        .session
        .create_subscription(
            PUBLISHING,
            3,
            1,
            0,
            0,
            true,
            DataChangeCallback::new(|_, _| {}),
        )
        .await
        .unwrap();
    client
        .session
        .create_monitored_items(
            id,
            opcua::types::TimestampsToReturn::Both,
            vec![request(&node(0, INT32))],
        )
        .await
        .unwrap();
    assert_eq!(bench.publisher.watched(), 1);
    drop(client);
    bench.watched(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_sessions_leave_behind_is_freed() {
    let bench = Bench::start().await;
    let short_lived = async || {
        let client = bench.connect().await;
        let nothing = DataChangeCallback::new(|_, _| {});
        let id = client
            .session
            .create_subscription(PUBLISHING, 3, 1, 0, 0, true, nothing)
            .await
            .unwrap();
        let wanted = vec![request(&node(0, INT32))];
        let both = opcua::types::TimestampsToReturn::Both;
        client
            .session
            .create_monitored_items(id, both, wanted)
            .await
            .unwrap();
        client
    };
    // More than are freed if only every sweep freed one.
    const ENDED: usize = 30;
    for _ in 0..ENDED {
        let client = short_lived().await;
        client
            .session
            .disconnect_without_delete_subscriptions()
            .await
            .unwrap();
    }
    // One that is still there keeps what it has, although it went away without a word.
    drop(short_lived().await);
    bench.watched(0).await;
    assert_eq!(bench.publisher.burden().sessions, ENDED + 1);
    // One that ends in order leaves the empty collection that takes the place of the others.
    let orderly = short_lived().await;
    orderly.session.disconnect().await.unwrap();
    // The one that is still there.
    eventually("the ended sessions are gone", || {
        (bench.publisher.burden().sessions == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transferred_subscription_goes_on_in_its_new_session() {
    let bench = Bench::start().await;
    let policy = "Basic256Sha256";
    let mode = MessageSecurityMode::SignAndEncrypt;
    let first = Client::connect(&bench.url, policy, mode).await;
    let second = Client::connect(&bench.url, policy, mode).await;
    bench.set(INT32, good(1));
    let subscription = first.subscribe().await;
    subscription.watch(&[node(0, INT32)]).await;
    let log = &subscription.log;
    log.ends_with(&node(0, INT32), Some(1.into()), StatusCode::Good)
        .await;

    // By hand: the client library would begin to publish for a subscription that it does not know.
    let moved = TransferSubscriptions::new(&second.session)
        .subscription_ids(vec![subscription.id])
        .send(second.session.channel())
        .await
        .unwrap();
    assert_eq!(moved.results.unwrap()[0].status_code, StatusCode::Good);
    bench.set(INT32, good(2));
    let told = publish_until(&second, 2.into()).await;
    assert_eq!(told.0, subscription.id);
    // A status alone, through the detour, in the new session too.
    let last_usable = StatusCode::UncertainLastUsableValue;
    bench.set(INT32, uncertain(last_usable, 2));
    let told = publish_until(&second, 2.into()).await;
    assert_eq!(told.1, last_usable);
    assert_eq!(
        log.all(&node(0, INT32)).len(),
        1,
        "the old session is told no more"
    );
}

/// Publishes by hand until a value arrives.
async fn publish_until(client: &Client, expected: Variant) -> (u32, StatusCode) {
    let receiving = async {
        let mut acknowledge = Vec::<SubscriptionAcknowledgement>::new();
        loop {
            let response = Publish::new(&client.session)
                .acks(std::mem::take(&mut acknowledge))
                .send(client.session.channel())
                .await
                .unwrap();
            acknowledge = vec![SubscriptionAcknowledgement {
                subscription_id: response.subscription_id,
                sequence_number: response.notification_message.sequence_number,
            }];
            for data in response
                .notification_message
                .notification_data
                .iter()
                .flatten()
            {
                let Some(changes) = data.inner_as::<DataChangeNotification>() else {
                    continue;
                };
                for item in changes.monitored_items.iter().flatten() {
                    if item.value.value.as_ref() == Some(&expected) {
                        return (response.subscription_id, item.value.status());
                    }
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, receiving)
        .await
        .expect("the moved subscription tells")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_publish_finds_the_truth_when_it_does() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let subscription = client.subscribe().await;
    bench.set(INT32, good(0));
    subscription.watch(&[node(0, INT32)]).await;
    let log = &subscription.log;
    log.ends_with(&node(0, INT32), Some(0.into()), StatusCode::Good)
        .await;
    let switch = async |on| {
        client
            .session
            .set_publishing_mode(&[subscription.id], on)
            .await
            .unwrap();
    };
    switch(false).await;
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    for value in 1..=10 {
        pace.tick().await;
        bench.set(INT32, good(value));
    }
    switch(true).await;
    log.ends_with(&node(0, INT32), Some(10.into()), StatusCode::Good)
        .await;
    assert!(
        log.all(&node(0, INT32))
            .iter()
            .all(|v| !v.status().overflow())
    );
}

/// The library lets go of what a session has emptied in two steps, and loses what is created between them.
#[tokio::test(flavor = "multi_thread")]
async fn who_subscribes_anew_at_once_has_the_subscription() {
    const CLIENTS: usize = 8;
    const ROUNDS: usize = 100;
    let bench = Arc::new(Bench::serve(machines(1, &plan())).await);
    // Each tick looks at all of this, which takes a while.
    let crowd = bench.connect().await;
    for _ in 0..50 {
        let subscription = crowd.subscribe().await;
        subscription.watch(&vec![node(0, INT32); 500]).await;
    }
    let clients = (0..CLIENTS).map(|_| {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move {
            let client = bench.connect().await;
            for _ in 0..ROUNDS {
                let subscription = client.subscribe().await;
                subscription.watch(&[node(0, INT32)]).await;
                let deleted = client.session.delete_subscription(subscription.id).await;
                assert_eq!(deleted.unwrap(), StatusCode::Good);
            }
        })
    });
    for client in futures_util::future::join_all(clients).await {
        client.unwrap();
    }
}
