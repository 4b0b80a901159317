//! The end in the midst of an attack: within its time, told first, with exit code 0.

use std::time::{Duration, Instant};

use opcua::types::{
    ObjectId, ReadRequest, ReadValueId, ServerState, TimestampsToReturn, VariableId, Variant,
};

use super::raw::{Raw, encoded, hello, request};
use super::siege::Siege;

/// The notice, the deadline of the server and the drain of the machines, and as much again for a busy machine.
const END: Duration = Duration::from_secs(30);

#[test]
fn the_end_under_full_load() {
    let siege = Siege::open();
    let address = siege.address().to_owned();
    let watcher = siege.newcomer();
    // Silence, channels, and one that takes nothing of what it asks for.
    let silent: Vec<_> = (0..50).map(|_| Raw::connect(&address)).collect();
    let idle: Vec<_> = (0..50).map(|_| Raw::open(&address)).collect();
    let mut greedy = Raw::log_in(&address);
    let asked = ReadRequest {
        request_header: greedy.header(),
        timestamps_to_return: TimestampsToReturn::Both,
        nodes_to_read: Some(vec![
            ReadValueId::new_value(
                VariableId::Server_ServerStatus_BuildInfo.into()
            );
            5_000
        ]),
        ..ReadRequest::default()
    };
    let asked = request(
        ObjectId::ReadRequest_Encoding_DefaultBinary,
        &encoded(&asked),
    );
    greedy.send_until_full(&asked, 100);

    let watched = watcher.runtime.spawn(watch(watcher.session.clone()));
    let bridge = siege.into_bridge();
    let (status, took) = std::thread::scope(|threads| {
        let flood = threads.spawn(|| {
            // Until nobody listens any more.
            while let Ok(mut stream) = std::net::TcpStream::connect(&address) {
                let _ = std::io::Write::write_all(&mut stream, &hello());
            }
        });
        let asked = Instant::now();
        let status = bridge.terminate();
        flood.join().unwrap();
        (status, asked.elapsed())
    });
    println!("ended within {took:.1?} of the signal");
    assert!(status.success(), "{status}");
    assert!(took < END, "{took:?}");
    let last = watcher.runtime.block_on(watched).unwrap();
    let (state, seconds) = last.expect("something was read");
    assert_eq!(state, Some(Variant::from(ServerState::Shutdown as i32)));
    assert!(
        matches!(seconds, Some(Variant::UInt32(1..=10))),
        "{seconds:?}"
    );
    drop((silent, idle, greedy));
}

type State = (Option<Variant>, Option<Variant>);

/// Reads state and countdown until it is not answered any more, and gives the last.
async fn watch(session: std::sync::Arc<opcua::client::Session>) -> Option<State> {
    let wanted = [
        VariableId::Server_ServerStatus_State,
        VariableId::Server_ServerStatus_SecondsTillShutdown,
    ]
    .map(|id| ReadValueId::new_value(id.into()));
    let mut last = None;
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    loop {
        tick.tick().await;
        let answer = session.read(&wanted, TimestampsToReturn::Both, 0.0);
        match tokio::time::timeout(END, answer).await {
            Ok(Ok(mut read)) => {
                let seconds = read.remove(1).value;
                last = Some((read.remove(0).value, seconds));
            }
            _ => return last,
        }
    }
}
