//! Keys that are wrong, weak, revoked or too strong.

use serde_json::{Value, json};
use umati_bridge::machine::{KeyRejection, Observation};

use crate::feed::{Feed, eventually};
use crate::payloads::{except, printing};
use crate::stub::{Reply, Request, Stub};

const FORBIDDEN: &str = "You don't have the permission to access the requested resource. It is either read-protected \
                         or not readable by the server.";

/// Rejects everything as 1.11 does, and tells who we are.
fn rejecting(user: Value) -> impl Fn(&Request) -> Reply + Send + Sync {
    move |request| match request.path() {
        "/api/currentuser" => Reply::json(200, &user),
        _ => Reply::json(403, &json!({"error": FORBIDDEN})),
    }
}

async fn rejection(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> KeyRejection {
    let stub = Stub::start(handler).await;
    let mut feed = Feed::of(&stub.url());
    let why = feed.rejected().await;
    stub.answer(printing);
    feed.report().await;
    why
}

#[tokio::test]
async fn an_unknown_key_is_told_from_a_weak_one() {
    let guest = json!({"groups": ["guests"], "name": null, "permissions": []});
    assert_eq!(rejection(rejecting(guest)).await, KeyRejection::Unknown);
    let weak = json!({"groups": [], "name": "noperm", "permissions": ["CONNECTION"]});
    assert_eq!(
        rejection(rejecting(weak)).await,
        KeyRejection::LacksStatus {
            user: "noperm".to_owned()
        }
    );
    let strange = json!({"name": "monitor", "permissions": ["STATUS"]});
    assert_eq!(
        rejection(rejecting(strange)).await,
        KeyRejection::Unexplained { status: 403 }
    );
}

#[tokio::test]
async fn versions_that_say_it_are_believed() {
    let json = |_: &Request| Reply::json(403, &json!({"error": "Invalid API key"}));
    assert_eq!(rejection(json).await, KeyRejection::Unknown);
    let text = |_: &Request| Reply::html(401, "Invalid API key");
    assert_eq!(rejection(text).await, KeyRejection::Unknown);
    let only_for_the_user = |request: &Request| match request.path() {
        "/api/currentuser" => Reply::json(403, &json!({"error": "Invalid API key"})),
        _ => Reply::html(403, "<h1>Forbidden</h1>"),
    };
    assert_eq!(rejection(only_for_the_user).await, KeyRejection::Unknown);
}

#[tokio::test]
async fn a_rejection_without_a_reason_is_told_with_its_status() {
    let proxy = |_: &Request| Reply::html(401, "<h1>Authorization Required</h1>");
    assert_eq!(
        rejection(proxy).await,
        KeyRejection::Unexplained { status: 401 }
    );
    let old = |request: &Request| match request.path() {
        "/api/currentuser" => Reply::html(404, "Not found"),
        _ => Reply::html(403, "<h1>Forbidden</h1>"),
    };
    assert_eq!(
        rejection(old).await,
        KeyRejection::Unexplained { status: 403 }
    );
}

#[tokio::test]
async fn a_key_revoked_mid_run_is_noticed_and_its_return_too() {
    let stub = Stub::start(printing).await;
    let mut feed = Feed::of(&stub.url());
    feed.report().await;
    stub.answer(rejecting(json!({"name": null})));
    assert_eq!(feed.rejected().await, KeyRejection::Unknown);
    // Nothing of the printer is asked meanwhile.
    let before = stub.count("/api/printer");
    feed.rejected().await;
    assert_eq!(stub.count("/api/printer"), before);
    stub.answer(printing);
    feed.report().await;
}

/// A key with STATUS only may not read the profile: each try would be a line in OctoPrint's log, so there is none.
#[tokio::test]
async fn a_status_key_does_not_ask_for_the_profile() {
    let monitor = json!({"groups": [], "name": "monitor", "permissions": ["STATUS"]});
    let stub = Stub::start(except("/api/currentuser", move || {
        Reply::json(200, &monitor)
    }))
    .await;
    let mut feed = Feed::of(&stub.url());
    for _ in 0..3 {
        feed.report().await;
    }
    assert_eq!(stub.count("/api/currentuser"), 1);
    assert_eq!(stub.count("/api/printerprofiles"), 0);
}

/// Where the server does not tell whose key it is, the profile is tried once, and its refusal is nothing to tell.
#[tokio::test]
async fn a_refused_profile_is_not_a_rejected_key() {
    for status in [403, 404] {
        let stub = Stub::start(move |request| match request.path() {
            "/api/currentuser" => Reply::html(404, "Not found"),
            "/api/printerprofiles" => Reply::html(status, "no"),
            _ => printing(request),
        })
        .await;
        let mut feed = Feed::of(&stub.url());
        eventually("the profile is tried", || {
            stub.count("/api/printerprofiles") == 1
        })
        .await;
        let mut reports = 0;
        while reports < 5 {
            match feed.next().await {
                Observation::Report(_) => reports += 1,
                Observation::Software(_) | Observation::Files(_) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(stub.count("/api/printerprofiles"), 1);
    }
}
