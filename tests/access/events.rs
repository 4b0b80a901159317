//! Events of a machine reach those who may know of it, wherever they listen, each once.

use opcua::types::{ObjectId, StatusCode, Variant};

use super::bench::*;
use super::client::*;
use super::shop::{MACHINES, with_chamber};

/// Whom the listener hears at `Server`.
const HEARD: [(&str, &[&str]); 4] = [
    (MES_1, &["of-1", "of-both"]),
    (MES_2, &["of-2", "of-both"]),
    (OPERATOR, &["of-1", "of-2", "of-staff", "of-both"]),
    (VISITOR, &["of-1", "of-2", "of-staff", "of-both"]),
];

/// The machines that events were told of.
pub fn sources(log: &Log) -> Vec<String> {
    let name = |fields: &Vec<Variant>| match &fields[0] {
        Variant::String(name) => name.to_string(),
        other => panic!("{other:?}"),
    };
    log.events.iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_order_is_told_at_server_to_those_who_may_know_of_its_machine() {
    let bench = Bench::start().await;
    let mut clients = Vec::new();
    for (user, heard) in HEARD {
        clients.push((user, heard, Client::log_in(&bench.url, user).await));
    }
    let mut listeners = Vec::new();
    for (user, heard, client) in &clients {
        let subscription = client.subscribe().await;
        let created = subscription
            .create(listening(&ObjectId::Server.into()))
            .await;
        assert_eq!(created, StatusCode::Good);
        listeners.push((user, heard, subscription));
    }
    let operator = &clients[2].2;
    for (machine, _) in MACHINES {
        let stored = operator.store(machine, "an order").await;
        assert_eq!(stored.status_code, StatusCode::Good);
        assert_eq!(stored.output_arguments, Some(vec![Variant::UInt64(1)]));
    }
    // All that there is to hear comes in order, so the last of all machines, which everybody hears, ends it.
    for (user, heard, subscription) in listeners {
        let told = subscription
            .until(&format!("{user:?} hears of-both"), |log| {
                let sources = sources(log);
                (sources.last()? == "of-both").then_some(sources)
            })
            .await;
        assert_eq!(told, heard.to_vec(), "{user:?}");
    }
}

/// All machines at once, so that a queue of one cannot take them all.
#[tokio::test(flavor = "multi_thread")]
async fn new_nodes_are_told_to_those_who_may_know_of_the_machine_even_with_the_smallest_queue() {
    let bench = Bench::start().await;
    let mut clients = Vec::new();
    for (user, heard) in HEARD {
        clients.push((user, heard, Client::log_in(&bench.url, user).await));
    }
    let mut listeners = Vec::new();
    for (user, heard, client) in &clients {
        let subscription = client.subscribe().await;
        let mut request = listening(&ObjectId::Server.into());
        // What clients get that ask for none.
        request.requested_parameters.queue_size = 0;
        assert_eq!(subscription.create(request).await, StatusCode::Good);
        listeners.push((user, heard, subscription));
    }
    for eye in &bench.eyes {
        eye.send(with_chamber()).await.unwrap();
    }
    for (user, heard, subscription) in listeners {
        let mut expected: Vec<String> = heard
            .iter()
            .map(|machine| format!("{machine} has new nodes"))
            .collect();
        expected.sort();
        subscription
            .until(&format!("{user:?}: {expected:?}"), |log| {
                (messages(log) == expected).then_some(())
            })
            .await;
    }
}

/// The messages of the events, sorted: the machines are at work at the same time.
fn messages(log: &Log) -> Vec<String> {
    let message = |fields: &Vec<Variant>| match &fields[1] {
        Variant::LocalizedText(text) => text.text.to_string(),
        other => panic!("{other:?}"),
    };
    let mut messages: Vec<String> = log.events.iter().map(message).collect();
    messages.sort();
    messages
}
