//! Start, several servers over one plant, and an end in time.

use std::time::{Duration, Instant};

use opcua::types::{AttributeId, ServerState, StatusCode, VariableId};
use umati_bridge::server::{Drained, Ended};

use super::bench::*;

/// Above the notice and the deadline of the server together.
const END: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn a_server_ends_in_time_with_a_subscriber_connected() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let subscription = client.subscribe().await;
    let state = VariableId::Server_ServerStatus_State.into();
    bench.set(INT32, good(1));
    subscription.watch(&[node(0, INT32), state]).await;
    let log = subscription.log.clone();
    let state = VariableId::Server_ServerStatus_State.into();
    log.ends_with(
        &state,
        Some((ServerState::Running as i32).into()),
        StatusCode::Good,
    )
    .await;

    let asked = Instant::now();
    assert_eq!(bench.stop().await, Ended::Asked(Drained::InTime));
    assert!(asked.elapsed() < END, "{:?}", asked.elapsed());
    log.ends_with(
        &state,
        Some((ServerState::Shutdown as i32).into()),
        StatusCode::Good,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_clients_ends_at_once() {
    let bench = Bench::start().await;
    let asked = Instant::now();
    assert_eq!(bench.stop().await, Ended::Asked(Drained::InTime));
    // Less than the deadline: nobody was waited for.
    assert!(asked.elapsed() < Duration::from_secs(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_share_the_machines() {
    let one = Bench::start().await;
    let other = Bench::serve(one.machines.clone()).await;
    one.set(INT32, good(7));
    for bench in [&one, &other] {
        let client = bench.connect().await;
        let read = client.read(node(0, INT32), AttributeId::Value).await;
        assert_eq!(read.value, Some(7.into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_build_is_told() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let version = VariableId::Server_ServerStatus_BuildInfo_SoftwareVersion.into();
    let read = client.read(version, AttributeId::Value).await;
    assert_eq!(read.value, Some("1.2.3".into()));
}
