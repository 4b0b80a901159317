//! Every change of status reaches a subscription with default settings, for every data type.

use opcua::types::{LocalizedText, NodeId, StatusCode, Variant};

use super::bench::*;

const LAST_USABLE: StatusCode = StatusCode::UncertainNoCommunicationLastUsableValue;

/// Each step waits for its last notification, so the next one meets a settled item.
async fn walk_through_all_statuses(path: &str, value: Variant) {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let subscription = client.subscribe().await;
    let id = node(0, path);
    bench.set(path, good(value.clone()));
    subscription.watch(std::slice::from_ref(&id)).await;
    let log = &subscription.log;
    log.ends_with(&id, Some(value.clone()), StatusCode::Good)
        .await;

    // Uncertain with the same value, then Uncertain for another reason.
    for status in [LAST_USABLE, StatusCode::UncertainLastUsableValue] {
        bench.set(path, uncertain(status, value.clone()));
        log.until(&format!("{path} {status}"), |log| {
            let last = log.all(&id).pop()?;
            (last.status() == status && near(&last.value, &value)).then_some(())
        })
        .await;
    }
    for status in [StatusCode::BadNoCommunication, StatusCode::BadOutOfService] {
        bench.set(path, bad(status));
        log.ends_with(&id, None, status).await;
    }
    bench.set(path, uncertain(LAST_USABLE, value.clone()));
    log.until("Uncertain after Bad", |log| {
        let last = log.all(&id).pop()?;
        (last.status() == LAST_USABLE && near(&last.value, &value)).then_some(())
    })
    .await;
    // Exactly Good, exactly the value, and no overflow bit on the way.
    bench.set(path, good(value.clone()));
    log.ends_with(&id, Some(value), StatusCode::Good).await;
    for told in log.all(&id) {
        assert!(!told.status().overflow(), "{told:?}");
        let null = matches!(told.value, None | Some(Variant::Empty));
        assert!(!null || told.status().is_bad(), "Good null: {told:?}");
    }
}

fn near(told: &Option<Variant>, expected: &Variant) -> bool {
    match (told, expected) {
        (Some(Variant::Double(told)), Variant::Double(expected)) => {
            (told - expected).abs() <= f64::EPSILON * expected.abs().max(1.0)
        }
        (told, expected) => told.as_ref() == Some(expected),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn status_changes_of_a_double() {
    walk_through_all_statuses(DOUBLE, 215.3.into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_changes_of_a_double_that_is_zero() {
    walk_through_all_statuses(DOUBLE, 0.0.into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_changes_of_an_integer() {
    walk_through_all_statuses(INT32, 3.into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_changes_of_a_boolean() {
    walk_through_all_statuses(BOOLEAN, true.into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_changes_of_a_string() {
    walk_through_all_statuses(STRING, "benchy.gcode".into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_changes_of_a_node_id() {
    walk_through_all_statuses(NODE_ID, NodeId::new(4, 5004u32).into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_changes_of_a_localized_text() {
    walk_through_all_statuses(LOCALIZED_TEXT, LocalizedText::new("en", "Executing").into()).await;
}
