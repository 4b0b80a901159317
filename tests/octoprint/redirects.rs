//! Redirects: followed on the same server, a bounded number of times, and never with the key to another one.

use tokio::net::TcpListener;
use umati_bridge::machine::UnreachableCause;

use crate::feed::{Feed, KEY};
use crate::payloads::printing;
use crate::stub::{Reply, Stub};

#[tokio::test]
async fn a_redirect_on_the_same_server_is_followed_with_the_key() {
    let stub = Stub::start(|request| match request.target.strip_prefix("/moved") {
        Some(target) => printing(&crate::stub::Request {
            target: target.to_owned(),
            ..request.clone()
        }),
        None => Reply::redirect(308, &format!("/moved{}", request.target)),
    })
    .await;
    Feed::of(&stub.url()).report().await;
    let moved = stub
        .requests()
        .into_iter()
        .filter(|request| request.target.starts_with("/moved"));
    assert!(
        moved
            .into_iter()
            .all(|request| request.header("x-api-key") == Some(KEY))
    );
}

#[tokio::test]
async fn a_redirect_to_a_login_page_is_told_as_such() {
    let stub = Stub::start(|request| match request.path() {
        "/login/" => Reply::html(200, "<html>Login</html>"),
        _ => Reply::redirect(302, "/login/?redirect=%2F"),
    })
    .await;
    let why = Feed::of(&stub.url()).unreachable().await;
    assert_eq!(why.cause, UnreachableCause::NotOctoPrint);
}

#[tokio::test]
async fn a_loop_of_redirects_ends() {
    let stub = Stub::start(|request| Reply::redirect(302, &request.target)).await;
    let mut feed = Feed::of(&stub.url());
    let why = feed.unreachable().await;
    assert_eq!(why.cause, UnreachableCause::Redirected);
    assert_eq!(
        why.detail,
        "the server redirects more than 5 times in a row"
    );
    stub.answer(printing);
    feed.report().await;
}

#[tokio::test]
async fn the_key_is_sent_to_no_other_server() {
    let other = Stub::start(printing).await;
    let port = other.address.port();
    for elsewhere in [
        format!("http://127.0.0.1:{port}/api/job"),
        format!("//localhost:{port}/api/job"),
    ] {
        for status in [301, 302, 303, 307, 308] {
            let to = elsewhere.clone();
            let stub = Stub::start(move |_| Reply::redirect(status, &to)).await;
            let mut feed = Feed::of(&stub.url());
            let why = feed.unreachable().await;
            assert_eq!(why.cause, UnreachableCause::Redirected);
            assert!(
                why.detail.contains("the key is not sent to another server"),
                "{why:?}"
            );
            assert!(why.detail.contains(&port.to_string()), "{why:?}");
            stub.answer(printing);
            feed.report().await;
        }
    }
    assert_eq!(other.requests().len(), 0);
}

/// The same port of another address, so that nothing but the host tells them apart.
#[tokio::test]
async fn the_key_is_sent_to_no_other_host_on_the_same_port() {
    let (other, listener) = loop {
        let other = TcpListener::bind("[::1]:0").await.unwrap();
        let port = other.local_addr().unwrap().port();
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await {
            break (Stub::on(other, None, printing), listener);
        }
    };
    let to = format!("{}api/job", other.url());
    let stub = Stub::on(listener, None, move |_| Reply::redirect(307, &to));
    let why = Feed::of(&stub.url()).unreachable().await;
    assert_eq!(why.cause, UnreachableCause::Redirected);
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_not_followed() {
    for location in ["http://[broken/", ""] {
        let head = format!("Location: {location}\r\nContent-Length: 0\r\n");
        let stub = Stub::start(move |_| match head.contains("broken") {
            true => Reply::head(301, &head),
            false => Reply::head(301, "Content-Length: 0\r\n"),
        })
        .await;
        let why = Feed::of(&stub.url()).unreachable().await;
        assert_eq!(
            why.detail,
            "the server redirects to an address that cannot be read"
        );
    }
}
