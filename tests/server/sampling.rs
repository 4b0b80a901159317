//! Which of many values arrive: always the newest in the end, never more often than the client asked for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use opcua::client::DataChangeCallback;
use opcua::types::{
    AttributeId, DataChangeFilter, DataChangeTrigger, DeadbandType, ExtensionObject,
    MonitoredItemCreateRequest, MonitoredItemModifyRequest, MonitoringMode, MonitoringParameters,
    NodeId, StatusCode, TimestampsToReturn, Variant,
};
use umati_bridge::umati::reading;

use super::bench::*;

fn with(
    id: &NodeId,
    sampling_interval: f64,
    queue_size: u32,
    filter: ExtensionObject,
) -> MonitoredItemCreateRequest {
    let request = request(id);
    MonitoredItemCreateRequest {
        requested_parameters: MonitoringParameters {
            sampling_interval,
            queue_size,
            filter,
            ..request.requested_parameters
        },
        ..request
    }
}

fn status_value(deadband: Option<f64>) -> ExtensionObject {
    ExtensionObject::from_message(DataChangeFilter {
        trigger: DataChangeTrigger::StatusValue,
        deadband_type: match deadband {
            Some(_) => DeadbandType::Absolute as u32,
            None => DeadbandType::None as u32,
        },
        deadband_value: deadband.unwrap_or_default(),
    })
}

/// Makes sure that whatever was still on its way has arrived: a change of another item has, twice.
async fn settle(bench: &Bench, log: &Log) {
    for text in ["settling", "settled"] {
        bench.set(STRING, good(text));
        log.ends_with(&node(0, STRING), Some(text.into()), StatusCode::Good)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_flaps_ends_where_it_really_is() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let subscription = client.subscribe().await;
    let id = node(0, INT32);
    for sampling in [0.0, 250.0, -1.0] {
        bench.set(INT32, good(0));
        let created = subscription
            .create(vec![with(&id, sampling, 1, ExtensionObject::null())])
            .await;
        subscription.watch(&[node(0, STRING)]).await;
        for round in 1..=20 {
            for value in [round, -1, round] {
                bench.set(INT32, good(value));
            }
        }
        let log = &subscription.log;
        log.ends_with(&id, Some(20.into()), StatusCode::Good).await;
        settle(&bench, log).await;
        log.ends_with(&id, Some(20.into()), StatusCode::Good).await;
        let last = log.all(&id).pop().unwrap();
        assert_eq!(last.value, Some(20.into()), "sampling {sampling}");
        client
            .session
            .delete_monitored_items(subscription.id, &[created[0].id])
            .await
            .unwrap();
    }
}

/// OPC 10000-4 §5.13.1.5: a queue of one "always contains the newest Notification".
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_of_one_holds_the_newest_value_when_it_is_published() {
    const INTERVAL: Duration = Duration::from_millis(600);
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let ages = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&ages);
    let subscription = client
        .session
        .create_subscription(
            INTERVAL,
            600,
            20,
            0,
            0,
            true,
            DataChangeCallback::new(move |value, _| {
                let taken = value.source_timestamp.unwrap().as_chrono();
                noted.lock().unwrap().push(now() - taken);
            }),
        )
        .await
        .unwrap();
    bench.set(INT32, good(0));
    client
        .session
        .create_monitored_items(
            subscription,
            TimestampsToReturn::Both,
            vec![request(&node(0, INT32))],
        )
        .await
        .unwrap();
    let mut pace = tokio::time::interval(INTERVAL / 30);
    for value in 1.. {
        pace.tick().await;
        bench.set(INT32, good(value));
        if ages.lock().unwrap().len() > 5 {
            break;
        }
    }
    // The first two were handed over before it was known when the queue is published. Of the others one that a busy
    // computer did not hold up is enough: what was put in its queue after the last publication would be older.
    let youngest = ages.lock().unwrap()[2..].iter().min().copied();
    assert!(
        youngest.is_some_and(|age| age < chrono::TimeDelta::from_std(INTERVAL / 2).unwrap()),
        "{youngest:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_sampling_skips_values_but_not_the_last() {
    const SAMPLING: f64 = 300.0;
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let subscription = client.subscribe().await;
    let id = node(0, INT32);
    bench.set(INT32, good(-1));
    subscription
        .create(vec![with(&id, SAMPLING, 100, ExtensionObject::null())])
        .await;
    let started = tokio::time::Instant::now();
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    for value in 0..100 {
        pace.tick().await;
        bench.set(INT32, good(value));
    }
    let log = &subscription.log;
    log.ends_with(&id, Some(99.into()), StatusCode::Good).await;
    let told = log.all(&id);
    let samples = started.elapsed().as_secs_f64() * 1000.0 / SAMPLING;
    assert!(
        told.len() as f64 <= samples + 2.0,
        "{} values in {samples} samples",
        told.len()
    );
    let times: Vec<_> = told.iter().filter_map(|v| v.source_timestamp).collect();
    assert!(times.is_sorted());
}

#[tokio::test(flavor = "multi_thread")]
async fn values_with_one_source_timestamp_or_an_older_one_all_arrive() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let subscription = client.subscribe().await;
    let id = node(0, INT32);
    let taken = now();
    bench.set(INT32, reading::good(0, taken));
    subscription.watch(std::slice::from_ref(&id)).await;
    let log = &subscription.log;
    for (value, age) in [(1, 0), (2, 3600), (3, 7200), (4, 0)] {
        let source = taken - chrono::TimeDelta::seconds(age);
        bench.set(INT32, reading::good(value, source));
        log.ends_with(&id, Some(value.into()), StatusCode::Good)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_queue_gets_every_value_in_order() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let subscription = client.subscribe().await;
    let id = node(0, INT32);
    bench.set(INT32, good(0));
    subscription
        .create(vec![with(&id, 10.0, 1000, ExtensionObject::null())])
        .await;
    // Slower than the sampling, faster than the publishing.
    let mut pace = tokio::time::interval(Duration::from_millis(30));
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for value in 1..=20 {
        pace.tick().await;
        bench.set(INT32, good(value));
    }
    let log = &subscription.log;
    log.ends_with(&id, Some(20.into()), StatusCode::Good).await;
    let told: Vec<_> = log.all(&id).into_iter().filter_map(|v| v.value).collect();
    let all: Vec<Variant> = (0..=20).map(Variant::from).collect();
    assert_eq!(told, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn sampling_by_publishing_interval_has_no_frozen_timestamps() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let subscription = client.subscribe().await;
    let id = node(0, DOUBLE);
    bench.set(DOUBLE, good(0.0));
    subscription
        .create(vec![with(&id, -1.0, 1, ExtensionObject::null())])
        .await;
    let log = &subscription.log;
    let first = log.until("the first value", |log| log.all(&id).pop()).await;
    for value in [1.0, 2.0] {
        bench.set(DOUBLE, good(value));
        log.ends_with(&id, Some(value.into()), StatusCode::Good)
            .await;
        let last = log.all(&id).pop().unwrap();
        assert_ne!(last.source_timestamp, first.source_timestamp);
        assert!(last.server_timestamp > first.server_timestamp);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_are_honoured() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let subscription = client.subscribe().await;
    let id = node(0, DOUBLE);
    bench.set(DOUBLE, good(20.0));
    let created = subscription
        .create(vec![
            with(&id, 0.0, 1, status_value(Some(1.0))),
            with(&node(0, STRING), 0.0, 1, status_value(None)),
        ])
        .await;
    assert!(created.iter().all(|item| item.status == StatusCode::Good));
    let log = &subscription.log;
    let last_usable = StatusCode::UncertainLastUsableValue;
    log.ends_with(&id, Some(20.0.into()), StatusCode::Good)
        .await;
    bench.set(DOUBLE, good(20.5));
    bench.set(DOUBLE, good(20.7));
    settle(&bench, log).await;
    assert_eq!(log.all(&id).len(), 1, "within the deadband");
    bench.set(DOUBLE, good(22.0));
    log.ends_with(&id, Some(22.0.into()), StatusCode::Good)
        .await;
    // With a filter the library looks at the status: the value stays exact.
    bench.set(DOUBLE, uncertain(last_usable, 22.0));
    log.ends_with(&id, Some(22.0.into()), last_usable).await;
    bench.set(STRING, uncertain(last_usable, "settled"));
    log.ends_with(&node(0, STRING), Some("settled".into()), last_usable)
        .await;
    let told = log.all(&node(0, STRING));
    assert!(
        told.iter()
            .all(|v| v.value != Some(Variant::Empty) || v.status().is_bad())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_is_taken_away_is_noticed() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let subscription = client.subscribe().await;
    let id = node(0, INT32);
    bench.set(INT32, good(5));
    let created = subscription
        .create(vec![with(&id, 0.0, 1, status_value(None))])
        .await;
    let log = &subscription.log;
    log.ends_with(&id, Some(5.into()), StatusCode::Good).await;
    let change = |filter| MonitoredItemModifyRequest {
        monitored_item_id: created[0].id,
        requested_parameters: MonitoringParameters {
            filter,
            ..created[0].parameters.clone()
        },
    };
    let last_usable = StatusCode::UncertainLastUsableValue;
    for filter in [ExtensionObject::null(), status_value(None)] {
        let modified = client
            .session
            .modify_monitored_items(subscription.id, TimestampsToReturn::Both, &[change(filter)])
            .await
            .unwrap();
        assert_eq!(modified[0].status_code, StatusCode::Good);
        bench.set(INT32, uncertain(last_usable, 5));
        log.ends_with(&id, Some(5.into()), last_usable).await;
        bench.set(INT32, good(5));
        log.ends_with(&id, Some(5.into()), StatusCode::Good).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_is_switched_on_tells_what_is_true_now() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let subscription = client.subscribe().await;
    let id = node(0, INT32);
    bench.set(INT32, good(1));
    let item = subscription.watch(std::slice::from_ref(&id)).await;
    subscription.watch(&[node(0, STRING)]).await;
    let log = &subscription.log;
    log.ends_with(&id, Some(1.into()), StatusCode::Good).await;
    let switch = async |mode| {
        let done = client
            .session
            .set_monitoring_mode(subscription.id, mode, &item)
            .await
            .unwrap();
        assert_eq!(done, [StatusCode::Good]);
    };

    switch(MonitoringMode::Disabled).await;
    bench.set(INT32, good(2));
    settle(&bench, log).await;
    assert_eq!(log.all(&id).len(), 1, "switched off");
    switch(MonitoringMode::Reporting).await;
    log.ends_with(&id, Some(2.into()), StatusCode::Good).await;

    // Also when nothing has changed meanwhile.
    switch(MonitoringMode::Disabled).await;
    let before = log.all(&id).len();
    switch(MonitoringMode::Reporting).await;
    log.until("the value is reported again", |log| {
        (log.all(&id).len() > before).then_some(())
    })
    .await;
    log.ends_with(&id, Some(2.into()), StatusCode::Good).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_range_gets_its_part_and_the_right_status() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let subscription = client.subscribe().await;
    let id = node(0, ARRAY);
    bench.set(ARRAY, good(vec![1.0, 2.0, 3.0]));
    let mut wanted = request(&id);
    wanted.item_to_monitor.index_range = opcua::types::NumericRange::Index(1);
    subscription.create(vec![wanted]).await;
    let log = &subscription.log;
    let part = |value: f64| Some(Variant::from(vec![value]));
    log.ends_with(&id, part(2.0), StatusCode::Good).await;
    for status in [StatusCode::BadNoCommunication, StatusCode::BadOutOfService] {
        bench.set(ARRAY, bad(status));
        log.ends_with(&id, None, status).await;
    }
    bench.set(ARRAY, good(vec![1.0, 4.0]));
    log.ends_with(&id, part(4.0), StatusCode::Good).await;
    let last_usable = StatusCode::UncertainLastUsableValue;
    bench.set(ARRAY, uncertain(last_usable, vec![1.0, 4.0]));
    log.ends_with(&id, part(4.0), last_usable).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_attributes_and_events_are_admitted_as_specified() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let subscription = client.subscribe().await;
    let item = |path: &str, attribute: AttributeId, filter: ExtensionObject| {
        let mut request = with(&node(0, path), 0.0, 10, filter);
        request.item_to_monitor.attribute_id = attribute as u32;
        request
    };
    let events = || ExtensionObject::from_message(super::model_change::any_event());
    let none = ExtensionObject::null;
    bench.set(STRING, good("a"));
    for (request, expected) in [
        (item("", AttributeId::DisplayName, none()), StatusCode::Good),
        (
            item("", AttributeId::EventNotifier, events()),
            StatusCode::Good,
        ),
        (
            item("", AttributeId::EventNotifier, none()),
            StatusCode::BadFilterNotAllowed,
        ),
        (
            item(DOUBLE, AttributeId::EventNotifier, events()),
            StatusCode::BadAttributeIdInvalid,
        ),
        (
            item("Identification", AttributeId::EventNotifier, events()),
            StatusCode::BadAttributeIdInvalid,
        ),
        (
            item("", AttributeId::Value, none()),
            StatusCode::BadAttributeIdInvalid,
        ),
        (
            item(DOUBLE, AttributeId::Value, events()),
            StatusCode::BadFilterNotAllowed,
        ),
        (
            item(STRING, AttributeId::Value, status_value(Some(1.0))),
            StatusCode::BadFilterNotAllowed,
        ),
        (
            item("", AttributeId::DisplayName, status_value(None)),
            StatusCode::BadFilterNotAllowed,
        ),
    ] {
        let what = format!("{:?}", request.item_to_monitor);
        let created = subscription.create(vec![request]).await;
        assert_eq!(created[0].status, expected, "{what}");
    }
    subscription
        .log
        .until("the display name", |log| {
            log.all(&node(0, ""))
                .iter()
                .filter_map(|v| v.value.as_ref())
                .any(|v| matches!(v, Variant::LocalizedText(text) if text.text.as_ref() == "Machine 0"))
                .then_some(())
        })
        .await;
}
