//! What the front door refuses of a client that has logged in; `tests/attacks` has what strangers send.

use opcua::types::{AttributeId, NodeId, ReadValueId, TimestampsToReturn};
use umati_bridge::server::MAX_REQUEST_SIZE;
use umati_bridge::umati::namespaces as ns;

use super::bench::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_too_large_ends_its_connection_and_no_other() {
    let bench = Bench::start().await;
    bench.set(INT32, good(7));
    let other = bench.connect().await;
    let client = bench.connect().await;
    let name = "x".repeat(1000);
    let id = NodeId::new(ns::INSTANCES, name);
    let ids = vec![ReadValueId::new(id, AttributeId::Value); MAX_REQUEST_SIZE / 1000 + 1];
    let answer = client.session.read(&ids, TimestampsToReturn::Both, 0.0);
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    assert!(answer.expect("an end").is_err());
    let read = other.read(node(0, INT32), AttributeId::Value).await;
    assert_eq!(read.value, Some(7.into()));
}
