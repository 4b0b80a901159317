//! A session that goes on as another user loses what that one may not see.

use opcua::client::UARequest;
use opcua::client::services::CreateSession;
use opcua::types::{
    ApplicationDescription, ApplicationType, AttributeId, MethodId, NodeId, ObjectId, StatusCode,
    Variant,
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
    let answer = client
        .call(
            ObjectId::Server.into(),
            MethodId::Server_ResendData.into(),
            vec![Variant::UInt32(subscription.id)],
        )
        .await;
    assert_eq!(answer.status_code, StatusCode::Good);
    subscription
        .until("the value that is sent again", |log| {
            let again = log.values[resend..].iter().any(|(id, ..)| *id == kept);
            again.then_some(())
        })
        .await;
    subscription.look(|log| {
        for (id, attribute, value) in &log.values[mark..] {
            let of_lost = *id == lost || *id == name;
            assert!(
                !of_lost || value.status == Some(StatusCode::BadNodeIdUnknown),
                "{id}, attribute {attribute}: {value:?}"
            );
        }
    });
}
