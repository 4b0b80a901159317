//! Many printers behind one address: who may ask which, and what is not there.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use umati_bridge::octoprint::simulator::{Endpoint, NO_PERMISSION_KEY, STATUS_KEY, Settings};

use crate::stage::Stage;

#[tokio::test]
async fn keys_decide_who_may_what() {
    let stage = Stage::manual().await;
    let forbidden = json!({ "error": "You don't have the permission to access the requested resource. It is either read-protected or not readable by the server." });
    for key in [Some("wrong"), Some(NO_PERMISSION_KEY), None] {
        let answer = stage.get_as(key, 1, "api/job").await;
        assert_eq!((answer.status, answer.json()), (403, forbidden.clone()));
        assert_eq!(answer.text.len(), 140, "as recorded");
    }
    let guest = stage.get_as(Some("wrong"), 1, "api/currentuser").await;
    assert_eq!((guest.status, guest.text.len()), (200, 72), "as recorded");
    assert_eq!(guest.json()["name"], Value::Null);
    let powerless = stage
        .get_as(Some(NO_PERMISSION_KEY), 1, "api/currentuser")
        .await;
    assert_eq!(
        powerless.json(),
        json!({ "groups": [], "name": "noperm", "permissions": [] })
    );

    assert_eq!(
        stage.get_as(Some(STATUS_KEY), 1, "api/job").await.status,
        200
    );
    assert_eq!(
        stage
            .get_as(Some(STATUS_KEY), 1, "api/printerprofiles")
            .await
            .status,
        403
    );
    assert_eq!(
        stage.get_as(None, 1, "api/job?apikey=demo").await.status,
        200
    );
    assert_eq!(
        stage
            .get_as(Some("wrong"), 1, "api/job?apikey=demo")
            .await
            .status,
        403
    );
    let bearer = stage
        .client
        .get(stage.url(1, "api/job"))
        .bearer_auth("demo")
        .send();
    assert_eq!(bearer.await.unwrap().status(), 200);

    let printer = stage.printer(1);
    printer.revoke_keys();
    assert_eq!(stage.get(1, "api/job").await.status, 403);
    assert_eq!(
        stage.get(1, "api/currentuser").await.json()["name"],
        Value::Null
    );
    assert_eq!(
        stage.get(2, "api/job").await.status,
        200,
        "the others are not concerned"
    );
    printer.restore_keys();
    assert_eq!(stage.get(1, "api/job").await.status, 200);
}

#[tokio::test]
async fn whatever_is_not_there_is_404() {
    let stage = Stage::manual().await;
    for (number, path) in [(1, "api/nosuch"), (1, "api/job/"), (99, "api/job")] {
        let answer = stage.get(number, path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            answer.json()["error"]
                .as_str()
                .unwrap()
                .starts_with("The requested URL")
        );
    }
    let page = stage.get_as(None, 1, "").await;
    assert_eq!(
        (page.status, page.content_type.as_str()),
        (200, "text/html; charset=utf-8")
    );
}

#[tokio::test]
async fn a_thousand_printers_are_asked_once_each() {
    let settings = Settings {
        printers: 1_000,
        ..Settings::default()
    };
    let stage = Stage::with(&settings).await;
    stage.wait(3_600.0);
    let mut states = BTreeSet::new();
    for number in 1..=1_000 {
        states.insert(stage.state(number).await);
        assert_eq!(stage.printer(number).requests(Endpoint::Job), 1);
    }
    for state in ["Operational", "Printing", "Paused"] {
        assert!(states.contains(state), "no printer is {state}: {states:?}");
    }
}
