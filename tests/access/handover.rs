//! A session that goes on as another user loses what that one may not see.

use std::time::Duration;

use opcua::client::UARequest;
use opcua::client::services::CreateSession;
use opcua::types::{
    ApplicationDescription, ApplicationType, AttributeId, MonitoringMode, NodeId, ObjectId,
    StatusCode,
};

use super::bench::*;
use super::client::*;
use super::events::sources;

/// Makes the client go on in a new session, whose token is given: the library tells no token of its own sessions.
async fn known_session(client: &Client, user: &str) -> NodeId {
    let application = ApplicationDescription {
        application_uri: "urn:test:client".into(),
        application_type: ApplicationType::Client,
        ..ApplicationDescription::default()
    };
    let store = client.library.certificate_store().clone();
    let session =
        CreateSession::new_manual(&store, &client.endpoint, 1, PATIENCE, NodeId::null(), 1)
            .client_description(application)
            .endpoint_url(client.endpoint.endpoint_url.clone())
            .session_name("known")
            .client_cert_from_store(&store)
            .session_timeout(60_000.0)
            .send(client.session.channel())
            .await
            .unwrap()
            .authentication_token;
    client.become_user(session.clone(), user).await;
    session
}

/// Since `mark` nothing was told of these nodes but that they are unknown.
fn assert_unknown(subscription: &Subscribed<'_>, mark: usize, lost: [&NodeId; 2]) {
    subscription.look(|log| {
        for (id, attribute, value) in &log.values[mark..] {
            assert!(
                !lost.contains(&id) || value.status == Some(StatusCode::BadNodeIdUnknown),
                "{id}, attribute {attribute}: {value:?}"
            );
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_goes_on_as_another_user_loses_what_they_may_not_see() {
    let bench = Bench::start().await;
    let operator = Client::log_in(&bench.url, OPERATOR).await;
    let client = Client::log_in(&bench.url, MES_1).await;
    let session = known_session(&client, MES_1).await;
    let (lost, kept) = (node("of-1", ASSET_ID), node("of-both", ASSET_ID));
    let name = node("of-1", "");
    let subscription = client.subscribe().await;
    subscription.watch(&lost, AttributeId::Value).await;
    subscription.watch(&kept, AttributeId::Value).await;
    subscription.watch(&name, AttributeId::DisplayName).await;
    for listened in [ObjectId::Server.into(), node("of-1", "")] {
        let created = subscription.create(listening(&listened)).await;
        assert_eq!(created, StatusCode::Good);
    }
    subscription
        .until("all first values", |log| {
            (log.values.len() == 3).then_some(())
        })
        .await;
    operator.store("of-1", "before").await;
    subscription
        .until("the event at Server and at the machine", |log| {
            (sources(log) == ["of-1", "of-1"]).then_some(())
        })
        .await;

    client.become_user(session, MES_2).await;
    subscription
        .until("the last word of the machine that is lost", |log| {
            let last = log.newest(&lost, AttributeId::Value)?;
            (last.status == Some(StatusCode::BadNodeIdUnknown)).then_some(())
        })
        .await;
    let read = client.read(lost.clone(), AttributeId::Value).await;
    assert_eq!(read.status, Some(StatusCode::BadNodeIdUnknown));
    let written = client.write_asset_id("of-both", "no more").await;
    assert_eq!(
        written,
        StatusCode::BadUserAccessDenied,
        "the role is the new user's"
    );

    // What happens to the lost machine is not told any more; what happens to the other one is.
    let mark = subscription.mark();
    for machine in ["of-1", "of-both"] {
        let written = operator.write_asset_id(machine, "changed").await;
        assert_eq!(written, StatusCode::Good);
        operator.store(machine, "after").await;
    }
    subscription
        .until("what happens to the machine that is kept", |log| {
            let newest = log.newest(&kept, AttributeId::Value)?;
            let is_new = newest.value == Some("changed".into());
            (is_new && sources(log).len() > 2).then_some(())
        })
        .await;
    assert_eq!(
        subscription.look(sources),
        ["of-1", "of-1", "of-both"],
        "no event of the lost machine"
    );

    // Not even when all values are asked for again.
    let resend = subscription.mark();
    subscription.resend().await;
    subscription
        .until("the value that is sent again", |log| {
            let again = log.values[resend..].iter().any(|(id, ..)| *id == kept);
            again.then_some(())
        })
        .await;
    assert_unknown(&subscription, mark, [&lost, &name]);
}

/// An item that was off when the user changed was not told that its node is unknown.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_was_off_meanwhile_does_not_tell_its_old_value() {
    let bench = Bench::start().await;
    let client = Client::log_in(&bench.url, MES_1).await;
    let session = known_session(&client, MES_1).await;
    let (lost, kept) = (node("of-1", ASSET_ID), node("of-both", ASSET_ID));
    let name = node("of-1", "");
    let subscription = client.subscribe().await;
    let items = [
        subscription.item(watching(&lost, AttributeId::Value)).await,
        subscription
            .item(watching(&name, AttributeId::DisplayName))
            .await,
    ];
    subscription.watch(&kept, AttributeId::Value).await;
    subscription
        .until("all first values", |log| {
            (log.values.len() == 3).then_some(())
        })
        .await;
    subscription.switch(&items, MonitoringMode::Disabled).await;
    client.become_user(session, MES_2).await;
    let mark = subscription.mark();
    subscription.switch(&items, MonitoringMode::Reporting).await;
    subscription.resend().await;
    subscription
        .until("the values that are sent again", |log| {
            let again = log.values[mark..].iter().any(|(id, ..)| *id == kept);
            again.then_some(())
        })
        .await;
    assert_unknown(&subscription, mark, [&lost, &name]);
}

/// The library asks whose a session's subscriptions were at first; whoever has taken over the session since must not
/// lose them to that one.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_second_user_of_a_session_watches_is_not_told_to_the_first() {
    let bench = Bench::start().await;
    let first = Client::log_in(&bench.url, MES_1).await;
    let second = Client::log_in(&bench.url, MES_1).await;
    let session = known_session(&second, MES_1).await;
    let subscription = second.subscribe().await;
    subscription
        .watch(&node("of-both", ASSET_ID), AttributeId::Value)
        .await;
    second.become_user(session, OPERATOR).await;
    let foreign = watching(&node("of-2", ASSET_ID), AttributeId::Value);
    for (request, expected) in [
        (foreign.clone(), StatusCode::BadUserAccessDenied),
        (
            listening(&node("of-2", "")),
            StatusCode::BadUserAccessDenied,
        ),
        (listening(&ObjectId::Server.into()), StatusCode::Good),
        (listening(&node("of-both", "")), StatusCode::Good),
    ] {
        assert_eq!(subscription.create(request).await, expected);
    }
    // An event of each machine; the last one ends what there is to hear.
    for machine in ["of-2", "of-both"] {
        second.store(machine, "an order").await;
    }
    subscription
        .until("the events of of-both", |log| {
            (sources(log).len() >= 2).then_some(())
        })
        .await;
    assert_eq!(subscription.look(sources), ["of-both", "of-both"]);
    // So there is nothing to be had that the first one may not know of.
    let transferred = first
        .session
        .transfer_subscriptions(&[subscription.id], true)
        .await
        .unwrap();
    assert_eq!(transferred[0].status_code, StatusCode::Good);

    // With its subscriptions gone, the session is the second user's alone; the library lets go of them in its time.
    let alone = async {
        loop {
            let own = second.subscribe().await;
            if own.create(foreign.clone()).await.is_good() {
                return;
            }
            second.session.delete_subscription(own.id).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let alone = tokio::time::timeout(PATIENCE, alone).await;
    alone.expect("the second user may watch what they may see");
}
