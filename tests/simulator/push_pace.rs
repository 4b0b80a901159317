//! How often the push interface speaks, to whom, and what a client can change about it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use umati_bridge::octoprint::simulator::{
    API_KEY, AfterSelect, Command, Endpoint, NO_PERMISSION_KEY, PrinterError, STATUS_KEY,
};

use crate::socket::{Refused, Socket, handshake, kind, name, open, session};
use crate::stage::Stage;

/// Unix times of the samples in a `current`.
fn times(current: &Value) -> Vec<i64> {
    let temps = current["temps"].as_array().unwrap();
    temps
        .iter()
        .map(|sample| sample["time"].as_i64().unwrap())
        .collect()
}

fn select_and(then: AfterSelect) -> Command {
    Command::Select {
        path: "demo-ring.gcode".to_owned(),
        then,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_printer_is_told_of_twice_a_second_with_new_samples_only() {
    let stage = Stage::manual().await;
    let mut socket = Socket::listening(&stage, STATUS_KEY, 1).await;
    let mut samples = Vec::new();
    for _ in 0..40 {
        stage.wait(0.5);
        samples.extend(times(&socket.current()));
    }
    assert_eq!(samples.len(), 10, "one in two seconds: {samples:?}");
    assert!(
        samples.windows(2).all(|pair| pair[1] - pair[0] == 2),
        "{samples:?}"
    );
    stage.wait(6.0);
    assert_eq!(times(&socket.current()).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttle_stretches_currents_but_not_events() {
    let stage = Stage::manual().await;
    let mut socket = Socket::listening(&stage, STATUS_KEY, 1).await;
    for ignored in [json!({ "throttle": 0 }), json!({ "throttle": "many" })] {
        socket.send(&ignored);
    }
    socket.settle();
    stage.wait(0.5);
    socket.current();
    socket.send(&json!({ "throttle": 8 }));
    socket.settle();
    for _ in 0..7 {
        stage.wait(0.5);
        assert_eq!(socket.settle(), Vec::<Value>::new());
    }
    stage
        .printer(1)
        .command(select_and(AfterSelect::Wait))
        .unwrap();
    let said = socket.settle();
    assert_eq!((said.len(), name(&said[0])), (1, "FileSelected"));
    stage.wait(0.5);
    assert_eq!(socket.current()["job"]["file"]["name"], "demo-ring.gcode");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_by_a_current_within_the_rate() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    let mut socket = Socket::listening(&stage, STATUS_KEY, 1).await;
    printer.command(Command::Disconnect).unwrap();
    socket.settle();
    stage.wait(0.5);
    let current = socket.current();
    assert_eq!(current["state"]["text"], "Offline");
    let blank = current["temps"].as_array().unwrap().last().unwrap();
    assert_eq!(
        blank.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["time"]
    );
    stage.wait(100_000.0);
    assert_eq!(socket.settle(), Vec::<Value>::new(), "nothing to tell");
    printer.command(Command::Connect).unwrap();
    let said = socket.settle();
    let kinds: BTreeSet<_> = said.iter().map(kind).collect();
    assert_eq!(
        kinds,
        BTreeSet::from(["current", "event"]),
        "at once after a long silence"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_height_is_told_while_it_prints() {
    let stage = Stage::manual().await;
    let mut socket = Socket::listening(&stage, STATUS_KEY, 1).await;
    stage
        .printer(1)
        .command(select_and(AfterSelect::Print))
        .unwrap();
    stage.wait(20.0);
    let height = socket.current()["currentZ"].as_f64().unwrap();
    assert!(height > 0.2 && (height * 5.0).fract() == 0.0, "{height} mm");
    stage.wait(60.0);
    let current = socket.current();
    assert_eq!(
        (&current["currentZ"], &current["busyFiles"]),
        (&Value::Null, &json!([]))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_decides_what_is_told() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    let mut socket = Socket::listening(&stage, API_KEY, 1).await;
    stage.wait(2.0);
    let current = socket.current();
    assert!(!current["logs"].as_array().unwrap().is_empty());
    assert!(!current["messages"].as_array().unwrap().is_empty());
    let quiet = json!({ "subscribe": {
        "state": { "logs": false, "messages": false },
        "plugins": false,
        "events": ["Disconnected", "PrintStarted"],
    } });
    socket.send(&quiet);
    socket.settle();
    printer.command(select_and(AfterSelect::Print)).unwrap();
    printer.command(Command::Disconnect).unwrap();
    stage.wait(2.0);
    let said = socket.settle();
    let kinds: Vec<_> = said.iter().map(kind).collect();
    assert_eq!(kinds, ["event", "event", "current"]);
    assert_eq!(
        (name(&said[0]), name(&said[1])),
        ("PrintStarted", "Disconnected")
    );
    assert_eq!(said[2]["current"].get("logs"), None);
    socket.send(&json!({ "subscribe": { "state": false, "events": false } }));
    socket.settle();
    printer.command(Command::Connect).unwrap();
    stage.wait(10.0);
    assert_eq!(socket.settle(), Vec::<Value>::new());
    let mut history = Socket::stranger(&stage, 1);
    history.send(&quiet);
    history.authenticate(&session(&stage, API_KEY, 1).await);
    let logs = history.next()["history"]["logs"].as_array().unwrap().len();
    assert_eq!(logs, 300, "whatever was subscribed to");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_good_session_is_told_anything() {
    let stage = Stage::manual().await;
    let stale = json!({ "reauthRequired": { "reason": "stale" } });
    let mut socket = Socket::stranger(&stage, 1);
    let of_another = session(&stage, STATUS_KEY, 2).await;
    for wrong in ["monitor:nonsense", "nobody:nonsense", &of_another] {
        socket.authenticate(wrong);
        assert_eq!(socket.next(), stale);
    }
    for malformed in [
        "",
        "no json",
        "{\"auth\":\"monitor\"}",
        "{\"auth\":1}",
        "[]",
        "{\"x\":1}",
    ] {
        socket.send_text(malformed.to_owned());
    }
    socket.authenticate(&session(&stage, NO_PERMISSION_KEY, 1).await);
    stage.wait(10.0);
    assert_eq!(socket.settle(), Vec::<Value>::new());
    let good = session(&stage, STATUS_KEY, 1).await;
    let (_, secret) = good.split_once(':').unwrap();
    socket.authenticate(&format!("admin:{secret}"));
    assert_eq!(socket.next(), stale, "the session is another user's");
    socket.authenticate(&good);
    assert_eq!(kind(&socket.next()), "history");
    // Like a real one, the server asks for no key any more.
    stage.printer(1).revoke_keys();
    stage.wait(5.0);
    socket.settle();
    stage.wait(5.0);
    socket.current();
    socket.authenticate("monitor:nonsense");
    assert_eq!(socket.settle().last(), Some(&stale));
    stage.wait(5.0);
    assert_eq!(socket.settle(), Vec::<Value>::new(), "a stranger again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_ends_sockets_and_sessions_without_a_word() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    let session = session(&stage, STATUS_KEY, 1).await;
    let mut socket = Socket::listening(&stage, STATUS_KEY, 1).await;
    let mut other = Socket::listening(&stage, STATUS_KEY, 2).await;
    printer.command(select_and(AfterSelect::Print)).unwrap();
    socket.settle();
    printer.restart_server();
    assert_eq!(socket.outlive(), 0);
    let mut again = Socket::stranger(&stage, 1);
    again.authenticate(&session);
    assert_eq!(kind(&again.next()), "reauthRequired");
    stage.wait(1.0);
    other.current();
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_are_refused_as_octoprint_refuses_them() {
    let stage = Stage::manual().await;
    let plain = stage.get(1, "sockjs/websocket").await;
    assert_eq!(
        (plain.status, plain.text.as_str()),
        (400, "Can \"Upgrade\" only to \"WebSocket\".")
    );
    let with_origin = |origin: &str| {
        let mut request = handshake(&stage, 1);
        request
            .headers_mut()
            .insert("origin", origin.parse().unwrap());
        open(request)
    };
    let foreign = with_origin("http://elsewhere.example").err();
    assert_eq!(foreign, Some(Refused::With(403)));
    let own = stage.url(1, "");
    assert!(with_origin(own.split("/printer").next().unwrap()).is_ok());
    let mut keyed = handshake(&stage, 1);
    keyed
        .headers_mut()
        .insert("x-api-key", API_KEY.parse().unwrap());
    let mut socket = open(keyed).ok().unwrap();
    assert_eq!(kind(&socket.next()), "connected");
    stage.wait(10.0);
    assert_eq!(socket.settle(), Vec::<Value>::new(), "a key is no session");
    let printer = stage.printer(1);
    assert_eq!(
        [101, 400, 403].map(|status| printer.answers(Endpoint::Push, status)),
        [2, 1, 1]
    );
    assert_eq!(stage.get(9, "sockjs/websocket").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_of_one_printer_are_told_the_same() {
    let stage = Stage::manual().await;
    let mut first = Socket::listening(&stage, STATUS_KEY, 1).await;
    let mut second = Socket::listening(&stage, STATUS_KEY, 1).await;
    let mut other = Socket::listening(&stage, STATUS_KEY, 2).await;
    stage
        .printer(1)
        .fail(PrinterError::firmware("MINTEMP triggered!"));
    stage.wait(1.0);
    // A look over HTTP takes nothing away from those who listen.
    stage.state(1).await;
    let told = first.events();
    assert_eq!(told, second.events());
    assert_eq!(told.len(), 6);
    assert_eq!(other.events(), Vec::<Value>::new());
    drop(first);
    stage.printer(1).command(Command::Connect).unwrap();
    assert_eq!(name(&second.events()[0]), "Connecting");
}
