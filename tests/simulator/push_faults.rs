//! What can go wrong with the push interface, as a client meets it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use umati_bridge::octoprint::simulator::{
    API_KEY, AfterSelect, Command, Endpoint, Fault, Handle, Prank, PushFault, STATUS_KEY,
};

use crate::socket::{Refused, Socket, handshake, kind, name, open, session};
use crate::stage::Stage;

fn print(printer: &Handle) {
    let path = "demo-ring.gcode".to_owned();
    let then = AfterSelect::Print;
    printer.command(Command::Select { path, then }).unwrap();
}

/// Waits until a printer has so many sockets.
async fn until_sockets(printer: &Handle, wanted: usize) {
    for _ in 0..2_000 {
        if printer.sockets() == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} sockets, not {wanted}", printer.sockets());
}

#[tokio::test(flavor = "multi_thread")]
async fn upgrades_that_a_proxy_refuses() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    let refusals = [
        (Fault::Status(400), 400),
        (Fault::Status(404), 404),
        (Fault::Status(502), 502),
        (Fault::Html, 200),
        (Fault::Forbidden, 403),
    ];
    for (fault, status) in refusals {
        printer.inject_at(Endpoint::Push, fault);
        let refused = open(handshake(&stage, 1)).err();
        assert_eq!(refused, Some(Refused::With(status)));
        assert_eq!(stage.get(1, "api/job").await.status, 200);
    }
    for broken in [Fault::Close, Fault::Garbage, Fault::Truncate] {
        printer.inject_at(Endpoint::Push, broken);
        assert_eq!(open(handshake(&stage, 1)).err(), Some(Refused::Broken));
    }
    printer.heal();
    Socket::listening(&stage, STATUS_KEY, 1).await;
    printer.inject_at(Endpoint::Push, Fault::Slow(Duration::from_millis(5)));
    Socket::stranger(&stage, 1);
    assert_eq!(printer.answers(Endpoint::Push, 101), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_whose_session_is_stale() {
    let stage = Stage::manual().await;
    stage.printer(1).inject_push(PushFault::StaleSession);
    let mut socket = Socket::stranger(&stage, 1);
    socket.authenticate(&session(&stage, STATUS_KEY, 1).await);
    assert_eq!(kind(&socket.next()), "reauthRequired");
    stage.printer(1).heal();
    Socket::listening(&stage, STATUS_KEY, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_and_a_server_that_hangs() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    let mut socket = Socket::listening(&stage, STATUS_KEY, 1).await;
    let silences: [fn(&Handle); 2] = [
        |printer| printer.inject_push(PushFault::Silence),
        |printer| printer.inject(Fault::Hang),
    ];
    for silence in silences {
        silence(&printer);
        print(&printer);
        stage.wait(10.0);
        printer.heal();
        let late = socket.settle();
        assert!(
            late.iter()
                .any(|event| event["event"]["type"] == "PrintStarted"),
            "{late:?}"
        );
        printer.command(Command::Cancel).unwrap();
        stage.wait(5.0);
        socket.settle();
    }
    printer.inject_push(PushFault::Silence);
    drop(socket);
    until_sockets(&printer, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_socket_says_nothing_not_even_to_a_ping() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    let mut socket = Socket::listening(&stage, STATUS_KEY, 1).await;
    printer.inject_push(PushFault::Silence);
    print(&printer);
    stage.wait(10.0);
    socket.ping();
    socket.close();
    assert_eq!(socket.bytes(), b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    let cuts: [fn(&Handle); 4] = [
        Handle::cut,
        Handle::restart_server,
        |printer| printer.inject(Fault::Close),
        |printer| printer.play(Prank::HalfFrame),
    ];
    for cut in cuts {
        let mut sockets = [
            Socket::stranger(&stage, 1),
            Socket::listening(&stage, STATUS_KEY, 1).await,
        ];
        let mut other = Socket::listening(&stage, STATUS_KEY, 2).await;
        cut(&printer);
        for socket in &mut sockets {
            assert_eq!(socket.outlive(), 0);
        }
        until_sockets(&printer, 0).await;
        stage.wait(1.0);
        other.current();
        printer.heal();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_frame_reaches_the_client() {
    let stage = Stage::manual().await;
    let mut socket = Socket::stranger(&stage, 1);
    stage.printer(1).play(Prank::HalfFrame);
    let rest = socket.bytes();
    assert!(
        rest.len() > 2_000 && rest[0] == 0x81,
        "{} bytes",
        rest.len()
    );
    let announced = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
    assert!(announced > rest.len(), "{announced} announced");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_in_the_middle() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    let mut socket = Socket::listening(&stage, STATUS_KEY, 1).await;
    printer.play(Prank::Reauthenticate);
    assert_eq!(kind(&socket.next()), "reauthRequired");
    print(&printer);
    stage.wait(5.0);
    assert_eq!(socket.settle(), Vec::<Value>::new());
    socket.authenticate(&session(&stage, STATUS_KEY, 1).await);
    assert_eq!(socket.next()["history"]["state"]["text"], "Printing");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_strange_kinds() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    let mut socket = Socket::listening(&stage, STATUS_KEY, 1).await;
    printer.play(Prank::Text("{\"current\": NaN".to_owned()));
    printer.play(Prank::Binary(vec![0, 159, 146]));
    assert_eq!(socket.text(), "{\"current\": NaN");
    assert_eq!(socket.raw().unwrap(), Message::binary(vec![0, 159, 146]));
    let mut later = Socket::stranger(&stage, 1);
    assert_eq!(later.settle(), Vec::<Value>::new(), "only who was there");
}

#[tokio::test(flavor = "multi_thread")]
async fn floods() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    let mut socket = Socket::listening(&stage, STATUS_KEY, 1).await;
    printer.play(Prank::Events(3_000));
    printer.play(Prank::Currents(1_000));
    let said = socket.settle();
    let count = |wanted: &str| {
        said.iter()
            .filter(|message| kind(message) == wanted)
            .count()
    };
    assert_eq!((count("event"), count("current")), (3_000, 1_000));
    // A client that does not read holds nobody up, and can be cut.
    printer.play(Prank::Events(10_000_000));
    stage.wait(1.0);
    Socket::listening(&stage, STATUS_KEY, 1).await;
    printer.cut();
    until_sockets(&printer, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_log() {
    let stage = Stage::manual().await;
    stage.printer(1).inject_push(PushFault::LongLog(64_000));
    let mut socket = Socket::stranger(&stage, 1);
    socket.authenticate(&session(&stage, STATUS_KEY, 1).await);
    let history = socket.next();
    assert!(history.to_string().len() > 64_000);
    assert!(history["history"]["logs"].as_array().unwrap().len() > 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    let mut socket = Socket::listening(&stage, STATUS_KEY, 1).await;
    let mut look = || {
        stage.wait(2.0);
        let current = socket.current();
        let sample = current["temps"][0]["time"].as_f64().unwrap();
        [current["serverTime"].as_f64().unwrap(), sample]
    };
    let [before, _] = look();
    printer.inject_push(PushFault::Ahead(Duration::from_secs(7_200)));
    let [server, sample] = look();
    assert_eq!((server - before).round(), 7_202.0);
    assert!((0.0..3.0).contains(&(server - sample)));
    printer.inject_push(PushFault::Behind(Duration::from_secs(36_000)));
    let [server, sample] = look();
    assert_eq!((server - before).round(), 4.0 - 28_800.0);
    assert!((0.0..3.0).contains(&(server - sample)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_lies() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    let mut socket = Socket::listening(&stage, STATUS_KEY, 1).await;
    printer.inject_push(PushFault::Lie);
    print(&printer);
    stage.wait(10.0);
    let said = socket.settle();
    assert_eq!(said.len(), 1, "no events: {said:?}");
    assert_eq!(said[0]["current"]["state"]["text"], "Operational");
    assert_eq!(said[0]["current"]["job"]["file"]["name"], Value::Null);
    assert_eq!(stage.state(1).await, "Printing");
    printer.heal();
    stage.wait(1.0);
    assert_eq!(socket.current()["state"]["text"], "Printing");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_never_come() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    let mut socket = Socket::listening(&stage, API_KEY, 1).await;
    printer.inject_push(PushFault::Swallow("PrintFailed"));
    printer.inject_push(PushFault::Swallow("PrinterStateChanged"));
    print(&printer);
    stage.wait(5.0);
    printer.command(Command::Cancel).unwrap();
    stage.wait(5.0);
    let events = socket.events();
    let names: Vec<_> = events.iter().map(name).collect();
    assert_eq!(
        json!(names),
        json!([
            "FileSelected",
            "PrintStarted",
            "ChartMarked",
            "PrintCancelling",
            "PrintCancelled",
            "ChartMarked",
            "MetadataStatisticsUpdated"
        ])
    );
}
