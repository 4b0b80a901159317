//! What `check --online` says, word by word.

use serde_json::json;
use tokio::net::TcpListener;
use umati_bridge::octoprint::{Diagnosis, HttpClients, Purpose, Source, diagnose};

use crate::feed::{limits, source};
use crate::payloads::{except, offline};
use crate::stub::{Reply, Request, Stub};

async fn diagnosis(url: &str) -> Diagnosis {
    diagnose(source("test", url), &HttpClients::new(limits())).await
}

async fn words(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> String {
    let stub = Stub::start(handler).await;
    diagnosis(&stub.url()).await.to_string()
}

#[tokio::test]
async fn a_healthy_server() {
    let monitor = json!({"name": "monitor", "permissions": ["STATUS"]});
    let handler = except("/api/currentuser", move || Reply::json(200, &monitor));
    assert_eq!(
        words(handler).await,
        "reachable: OctoPrint 1.11.8, printer state \"Printing\""
    );
}

#[tokio::test]
async fn a_key_that_may_too_much() {
    let expected = "reachable: OctoPrint 1.11.8, printer state \"Offline\"; the key has more rights than it needs \
                    (STATUS): ADMIN";
    assert_eq!(words(offline).await, expected);
}

#[tokio::test]
async fn what_control_needs_is_told_if_control_is_wanted() {
    let words = async |permissions: &[&str]| {
        let user = json!({"name": "mes", "permissions": permissions});
        let handler = except("/api/currentuser", move || Reply::json(200, &user));
        let stub = Stub::start(handler).await;
        let source = Source {
            purpose: Purpose::Control,
            ..source("test", &stub.url())
        };
        diagnose(source, &HttpClients::new(limits()))
            .await
            .to_string()
    };
    let reachable = "reachable: OctoPrint 1.11.8, printer state \"Printing\"";
    for (permissions, more) in [
        (vec!["STATUS", "FILES_LIST", "FILES_SELECT", "PRINT"], ""),
        (
            vec!["ADMIN"],
            "; the key has more rights than it needs (STATUS, PRINT, FILES_SELECT): ADMIN",
        ),
        (
            vec!["STATUS"],
            "; control is wanted, but the key lacks PRINT, FILES_SELECT",
        ),
        (
            vec!["STATUS", "PRINT", "CONTROL"],
            "; control is wanted, but the key lacks FILES_SELECT; the key has more rights than it needs \
             (STATUS, PRINT, FILES_SELECT): CONTROL",
        ),
    ] {
        assert_eq!(words(&permissions).await, format!("{reachable}{more}"));
    }
}

#[tokio::test]
async fn a_server_without_the_slow_facts() {
    let handler = |request: &Request| match request.path() {
        "/api/job" => Reply::json(200, &json!({"state": "Operational"})),
        _ => Reply::html(404, ""),
    };
    let expected =
        "reachable: a server that does not tell its version, printer state \"Operational\"";
    assert_eq!(words(handler).await, expected);
}

#[tokio::test]
async fn nobody_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let told = diagnosis(&url).await.to_string();
    assert!(
        told.starts_with("unreachable: no connection: Connection refused"),
        "{told}"
    );
}

#[tokio::test]
async fn not_an_octoprint() {
    let expected = "not an OctoPrint: it answers 404 Not Found; is the path of the URL right?";
    assert_eq!(words(|_| Reply::html(404, "")).await, expected);
}

#[tokio::test]
async fn a_wrong_key() {
    let handler = |request: &Request| match request.path() {
        "/api/currentuser" => Reply::json(200, &json!({"name": null, "permissions": []})),
        _ => Reply::json(403, &json!({"error": "no"})),
    };
    let expected = "key rejected: OctoPrint does not know the key (mistyped, or revoked): create a new one in its \
                    settings";
    assert_eq!(words(handler).await, expected);
}

#[tokio::test]
async fn a_weak_key() {
    let handler = |request: &Request| match request.path() {
        "/api/currentuser" => Reply::json(200, &json!({"name": "noperm", "permissions": []})),
        _ => Reply::json(403, &json!({"error": "no"})),
    };
    let expected = "key lacks STATUS: the key of user \"noperm\" lacks the STATUS permission: grant it in OctoPrint's \
                    access control";
    assert_eq!(words(handler).await, expected);
}

#[tokio::test]
async fn a_proxy_with_its_own_login() {
    let expected = "key rejected: rejected with HTTP status 401; the server does not say why (a proxy with its own \
                    login?)";
    assert_eq!(words(|_| Reply::html(401, "<html>")).await, expected);
}
