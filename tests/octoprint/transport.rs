//! Servers that cannot be reached at all, and what a request looks like when they can.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use umati_bridge::machine::{Observation, UnreachableCause};
use umati_bridge::octoprint::{HttpClients, Limits};

use crate::feed::{Feed, KEY, eventually, limits, source};
use crate::payloads::{offline, printing, situation};
use crate::stub::{Reply, Stub};

/// A port that is taken but not listened on, so that nobody else gets it.
fn silent_port() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[tokio::test]
async fn a_refused_connection_is_told_and_tried_again() {
    let (socket, address) = silent_port();
    let mut feed = Feed::of(&format!("http://{address}/"));
    let why = feed.unreachable().await;
    assert_eq!(why.cause, UnreachableCause::Refused);
    assert!(why.detail.contains("refused"), "{why:?}");
    let _stub = Stub::on(socket.listen(16).unwrap(), None, printing);
    feed.report().await;
}

#[tokio::test]
async fn a_server_that_dies_is_noticed() {
    let stub = Stub::start(printing).await;
    let mut feed = Feed::of(&stub.url());
    feed.report().await;
    drop(stub);
    assert_eq!(feed.unreachable().await.cause, UnreachableCause::Refused);
}

/// A label of more than 63 letters is refused by the resolver itself, so nothing leaves the machine.
#[tokio::test]
async fn an_unknown_host_name_is_told() {
    let mut feed = Feed::of(&format!("http://{}.invalid/", "a".repeat(64)));
    for _ in 0..2 {
        assert_eq!(
            feed.unreachable().await.cause,
            UnreachableCause::NameUnknown
        );
    }
}

/// A full backlog drops what comes, as a firewall or a dead route would.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_black_hole_meets_the_connect_deadline() {
    let (socket, address) = silent_port();
    let listener = socket.listen(1).unwrap();
    let mut filling = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        filling.push(stream.unwrap());
    }
    let limits = Limits {
        connect: Duration::from_millis(100),
        ..limits()
    };
    let mut feed = Feed::with(source("test", &format!("http://{address}/")), limits);
    let why = feed.unreachable().await;
    assert_eq!(
        (why.cause, why.detail.as_str()),
        (UnreachableCause::Timeout, "no connection within 100ms")
    );
    let _stub = Stub::on(listener, None, printing);
    feed.report().await;
}

#[tokio::test]
async fn requests_carry_key_and_language_and_nothing_that_browsers_send() {
    let stub = Stub::start(printing).await;
    let mut feed = Feed::of(&stub.url());
    feed.report().await;
    feed.report().await;
    for request in stub.requests() {
        assert_eq!(request.header("x-api-key"), Some(KEY));
        assert_eq!(request.header("accept-language"), Some("en"));
        assert!(
            request
                .header("user-agent")
                .unwrap()
                .starts_with("umati-bridge/")
        );
        for absent in [
            "origin",
            "referer",
            "cookie",
            "authorization",
            "x-octoprint-api-version",
        ] {
            assert_eq!(request.header(absent), None, "{absent}");
        }
    }
}

/// Versions up to 1.5 answer 500 to a request that does not say which language it speaks.
#[tokio::test]
async fn old_servers_that_need_a_language_are_read() {
    let stub = Stub::start(|request| match request.header("accept-language") {
        Some(_) => situation("1.4.2", "printing", request),
        None => Reply::html(500, "Internal Server Error"),
    })
    .await;
    Feed::of(&stub.url()).report().await;
}

#[tokio::test]
async fn one_connection_serves_all_rounds() {
    let stub = Stub::start(printing).await;
    let mut feed = Feed::of(&stub.url());
    for _ in 0..5 {
        feed.report().await;
    }
    // The list of files, a long answer, has one of its own.
    let requests = stub.requests();
    let mut rounds = (requests.iter()).filter(|request| !request.path().starts_with("/api/files"));
    assert!(rounds.all(|request| request.connection == 0));
}

/// An idle connection that the server gives up while we send on it is no failure of the server.
#[tokio::test]
async fn a_stale_connection_is_replaced_without_a_word() {
    let stub = Stub::start(|request| {
        let used = request.connection.is_multiple_of(2) && request.path() == "/api/printer";
        if used {
            Reply::raw(b"").then_close()
        } else {
            printing(request)
        }
    })
    .await;
    let mut feed = Feed::of(&stub.url());
    let mut reports = 0;
    while reports < 3 {
        match feed.next().await {
            Observation::Report(_) => reports += 1,
            Observation::Unreachable(why) => panic!("{why:?}"),
            _ => {}
        }
    }
    assert!(stub.requests().iter().any(|request| request.connection > 0));
}

#[tokio::test]
async fn a_base_path_is_kept_with_and_without_its_slash() {
    for base in ["octoprint", "octoprint/", "deep/er/"] {
        let stub = Stub::start(offline).await;
        stub.answer(|_| Reply::html(404, ""));
        let mut feed = Feed::of(&format!("{}{base}", stub.url()));
        feed.unreachable().await;
        let expected = format!("/{}/api/job", base.trim_end_matches('/'));
        assert_eq!(stub.requests()[0].target, expected);
    }
}

#[tokio::test]
async fn an_ipv6_literal_is_an_address() {
    let listener = TcpListener::bind("[::1]:0").await.unwrap();
    let stub = Stub::on(listener, None, printing);
    assert!(stub.url().starts_with("http://[::1]:"));
    Feed::of(&stub.url()).report().await;
}

/// 54 of 56 printers hang, for an hour if they may: the others keep their cadence.
#[tokio::test]
async fn dead_printers_do_not_slow_the_others() {
    let stub = Stub::start(printing).await;
    let dead = Stub::start(|_| Reply::raw(b"").then_hang()).await;
    let patient = Limits {
        request: Duration::from_secs(3600),
        ..limits()
    };
    let clients = HttpClients::new(patient);
    let mut feeds: Vec<_> = (0..54)
        .map(|_| Feed::sharing(&clients, source("test", &dead.url())))
        .collect();
    let mut alive = [
        Feed::sharing(&clients, source("test", &stub.url())),
        Feed::sharing(&clients, source("test", &stub.url())),
    ];
    eventually("all dead ones are asked", || dead.count("/api/job") == 54).await;
    for feed in &mut alive {
        for _ in 0..20 {
            feed.report().await;
        }
    }
    assert!(feeds.iter_mut().all(|feed| feed.observed.is_empty()));
}

/// The login of a proxy stands in the URL, beside the key; neither is told when it fails.
#[tokio::test]
async fn a_proxy_with_basic_authentication_gets_its_login() {
    let stub = Stub::start(printing).await;
    let url = stub.url().replace("http://", "http://user:secret@");
    let mut feed = Feed::of(&url);
    feed.report().await;
    let request = &stub.requests()[0];
    assert_eq!(
        request.header("authorization"),
        Some("Basic dXNlcjpzZWNyZXQ=")
    );
    assert_eq!(request.header("x-api-key"), Some(KEY));
    drop(stub);
    assert!(!feed.unreachable().await.detail.contains("secret"));
}
