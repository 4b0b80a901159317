//! What honest clients ask for, and how soon they have it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use opcua::client::Session;
use opcua::types::{ReadValueId, TimestampsToReturn};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::bench::client::Client;
use super::bench::times::Times;

/// Each client asks as soon as it has the answer before, for so long.
pub async fn without_pause(clients: &[Client], wanted: &[ReadValueId], time: Duration) -> Times {
    let mut readers = JoinSet::new();
    for client in clients {
        let (session, wanted) = (Arc::clone(client), wanted.to_vec());
        readers.spawn(async move {
            let began = Instant::now();
            let mut times = Vec::new();
            while began.elapsed() < time {
                times.push(read(&session, &wanted).await);
            }
            times
        });
    }
    Times::new(readers.join_all().await.concat())
}

/// One client asks at a fixed rate, whether or not it has the answers before.
pub async fn at_a_rate(
    client: &Client,
    wanted: &[ReadValueId],
    every: Duration,
    time: Duration,
) -> Times {
    let mut readers = JoinSet::new();
    let mut tick = tokio::time::interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let began = Instant::now();
    while began.elapsed() < time {
        tick.tick().await;
        let (session, wanted) = (Arc::clone(client), wanted.to_vec());
        readers.spawn(async move { read(&session, &wanted).await });
    }
    Times::new(readers.join_all().await)
}

async fn read(session: &Session, wanted: &[ReadValueId]) -> Duration {
    let asked = Instant::now();
    let answer = session.read(wanted, TimestampsToReturn::Both, 0.0).await;
    assert_eq!(answer.expect("an answer").len(), wanted.len());
    asked.elapsed()
}
