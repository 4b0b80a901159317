//! What was published and not acknowledged can be had again, and moves with its subscription.

use opcua::client::UARequest;
use opcua::client::services::{
    CreateMonitoredItems, CreateSubscription, Publish, Republish, TransferSubscriptions,
};
use opcua::types::{
    DataChangeNotification, MessageSecurityMode, NotificationMessage, StatusCode, Variant,
};
use tokio::time::interval;

use super::bench::*;

const QUEUE: u32 = 10;

/// By hand, as the client library publishes by itself.
async fn subscribe(client: &Client) -> u32 {
    let made = CreateSubscription::new(&client.session)
        .publishing_interval(PUBLISHING)
        .max_lifetime_count(600)
        .max_keep_alive_count(20)
        .publishing_enabled(true)
        .send(client.session.channel())
        .await
        .unwrap();
    let mut item = request(&node(0, INT32));
    item.requested_parameters.queue_size = QUEUE;
    let items = CreateMonitoredItems::new(made.subscription_id, &client.session)
        .item(item)
        .send(client.session.channel())
        .await
        .unwrap();
    assert_eq!(items.results[0].result.status_code, StatusCode::Good);
    made.subscription_id
}

/// The next message that is no keep-alive, after this one was acknowledged.
async fn publish(client: &Client, acknowledge: Option<(u32, u32)>) -> NotificationMessage {
    let mut acknowledge = acknowledge;
    let receiving = async {
        loop {
            let mut publish = Publish::new(&client.session);
            if let Some((subscription, message)) = acknowledge.take() {
                publish = publish.ack(subscription, message);
            }
            let answer = publish.send(client.session.channel()).await.unwrap();
            for result in answer.results.into_iter().flatten() {
                assert_eq!(result, StatusCode::Good, "the acknowledgement");
            }
            if answer.notification_message.notification_data.is_some() {
                return answer.notification_message;
            }
        }
    };
    tokio::time::timeout(PATIENCE, receiving)
        .await
        .expect("a message")
}

async fn republish(
    client: &Client,
    subscription: u32,
    message: u32,
) -> Result<NotificationMessage, StatusCode> {
    Republish::new(subscription, message, &client.session)
        .send(client.session.channel())
        .await
        .map(|answer| answer.notification_message)
        .map_err(|error| error.status())
}

fn values(message: &NotificationMessage) -> Vec<Variant> {
    let data = message.notification_data.iter().flatten();
    data.filter_map(|data| data.inner_as::<DataChangeNotification>())
        .flat_map(|changes| changes.monitored_items.iter().flatten())
        .map(|item| item.value.value.clone().unwrap_or_default())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_can_be_had_again_until_it_is_acknowledged() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    bench.set(INT32, good(1));
    let subscription = subscribe(&client).await;
    let first = publish(&client, None).await;
    assert_eq!(values(&first), [1.into()]);
    let number = first.sequence_number;
    for _ in 0..2 {
        assert_eq!(
            republish(&client, subscription, number).await,
            Ok(first.clone())
        );
    }

    bench.set(INT32, good(2));
    let second = publish(&client, Some((subscription, number))).await;
    assert_eq!(values(&second), [2.into()]);
    let again = republish(&client, subscription, number).await;
    assert_eq!(again, Err(StatusCode::BadMessageNotAvailable));
    let never = republish(&client, subscription, second.sequence_number + 1).await;
    assert_eq!(never, Err(StatusCode::BadMessageNotAvailable));
    let elsewhere = republish(&client, subscription + 1, number).await;
    assert_eq!(elsewhere, Err(StatusCode::BadSubscriptionIdInvalid));
    let number = second.sequence_number;
    assert_eq!(republish(&client, subscription, number).await, Ok(second));
}

#[tokio::test(flavor = "multi_thread")]
async fn queue_and_messages_move_with_a_subscription() {
    let bench = Bench::start().await;
    let encrypted = MessageSecurityMode::SignAndEncrypt;
    let first = Client::connect(&bench.url, "Basic256Sha256", encrypted).await;
    let second = Client::connect(&bench.url, "Basic256Sha256", encrypted).await;
    bench.set(INT32, good(0));
    let subscription = subscribe(&first).await;
    let told = publish(&first, None).await;

    // Nobody publishes now, and what changes waits in the queue.
    let mut pace = interval(PUBLISHING);
    for value in 1..=3 {
        pace.tick().await;
        bench.set(INT32, good(value));
    }
    let moved = TransferSubscriptions::new(&second.session)
        .subscription(subscription)
        .send(second.session.channel())
        .await
        .unwrap();
    let moved = moved.results.unwrap().remove(0);
    assert_eq!(moved.status_code, StatusCode::Good);
    let number = told.sequence_number;
    assert_eq!(moved.available_sequence_numbers, Some(vec![number]));
    let lost = republish(&first, subscription, number).await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(republish(&second, subscription, number).await, Ok(told));

    let mut waited = Vec::new();
    let mut acknowledge = Some((subscription, number));
    while waited.len() < 3 {
        let message = publish(&second, acknowledge).await;
        acknowledge = Some((subscription, message.sequence_number));
        waited.extend(values(&message));
    }
    assert_eq!(waited, [1.into(), 2.into(), 3.into()]);
    let again = republish(&second, subscription, number).await;
    assert_eq!(again, Err(StatusCode::BadMessageNotAvailable));

    // It goes on, and its messages can be had again where it is now.
    bench.set(INT32, good(4));
    let message = publish(&second, acknowledge).await;
    assert_eq!(values(&message), [4.into()]);
    let number = message.sequence_number;
    assert_eq!(republish(&second, subscription, number).await, Ok(message));
}
