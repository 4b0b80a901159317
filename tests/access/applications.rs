//! Certificates of applications, tried at the port: what the operator decides counts without a restart.

use opcua::client::IdentityToken;
use opcua::types::{AttributeId, NodeId, StatusCode, UserTokenPolicy, UserTokenType, VariableId};
use serde_json::json;

use super::authority::{Pair, URI, Workshop, key, text};
use super::bench::{OPERATOR, VISITOR, node};
use super::client::{Client, library_with};
use super::matrix::names_of_machines;
use super::site::{Site, as_user, instance, thumbprint};

const USER: &str = "keyUsage=digitalSignature\n";

/// A site, its only user, who controls the machines of instance 1, and the user's certificate.
fn site(shop: Workshop) -> (Site, Pair) {
    let user = shop.self_signed("Ada", &key(2), USER, 30);
    let site = Site::open(shop, json!([instance(1, &user)]), json!([]));
    site.accept_user(&user);
    (site, user)
}

async fn is_served(client: &Client) -> bool {
    let time: NodeId = VariableId::Server_ServerStatus_CurrentTime.into();
    let read = client.try_read(time, AttributeId::Value).await;
    read.is_ok_and(|value| value.status.is_none_or(|status| status.is_good()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_application_is_let_in_once_accepted_and_kept_out_once_revoked() {
    let shop = Workshop::new();
    let application = shop.client("MES");
    let (site, user) = site(shop);
    let refused = site.enter(&application, as_user(&user)).await.err();
    assert_eq!(refused, Some(StatusCode::BadCertificateUntrusted));
    let print = thumbprint(&application);
    let listed = site.trust(&["list"]);
    assert!(listed.contains(&format!("rejected  {print}")), "{listed}");

    site.trust(&["accept", &print[..8]]);
    let client = site.enter(&application, as_user(&user)).await.unwrap();
    assert!(is_served(&client).await);
    site.trust(&["revoke", &print[..8]]);
    let refused = site.enter(&application, as_user(&user)).await.err();
    assert_eq!(refused, Some(StatusCode::BadCertificateRevoked));
    // A connection that is open is judged again and again.
    client.ends().await;
    site.told(&["is revoked by the operator"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_of_an_authority_is_let_in_until_its_list_says_otherwise() {
    let shop = Workshop::new();
    let root = shop.root();
    let (application, other) = (shop.client_of(&root, "MES"), shop.client_of(&root, "Other"));
    let (site, user) = site(shop);
    site.trust(&["accept", text(&root.certificate), "--issuer"]);
    let refused = site.enter(&application, as_user(&user)).await.err();
    assert_eq!(refused, Some(StatusCode::BadCertificateRevocationUnknown));
    site.revoke_by(&root, &[]);
    assert!(site.enter(&application, as_user(&user)).await.is_ok());
    site.revoke_by(&root, &[&application]);
    let refused = site.enter(&application, as_user(&user)).await.err();
    assert_eq!(refused, Some(StatusCode::BadCertificateRevoked));
    assert!(site.enter(&other, as_user(&user)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_of_the_server_is_served_from_the_next_start() {
    let shop = Workshop::new();
    let application = shop.client("MES");
    let (site, user) = site(shop);
    site.accept(&application);
    let before = site.endpoint().await.server_certificate;
    site.renew();
    assert_eq!(site.endpoint().await.server_certificate, before);
    assert!(site.enter(&application, as_user(&user)).await.is_ok());
    let site = site.restart();
    assert_ne!(site.endpoint().await.server_certificate, before);
    let client = site.enter(&application, as_user(&user)).await.unwrap();
    assert_eq!(names_of_machines(&client).await.len(), 2);
}

/// CreateSession tells one ApplicationUri, the certificate of the channel another.
#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_not_the_one_of_its_certificate_sees_nothing_and_is_cut() {
    let shop = Workshop::new();
    let application = shop.client("MES");
    let (site, user) = site(shop);
    site.accept(&application);
    let library = library_with("urn:somebody:else", &application);
    let entered = Client::come_by(library, site.endpoint().await, as_user(&user)).await;
    if let Ok(client) = entered {
        // It may hear of its login before it is cut, and of nothing else.
        let name = node("of-1", "");
        let read = client.try_read(name, AttributeId::DisplayName).await;
        let nothing = StatusCode::BadNodeIdUnknown;
        assert!(read.is_err() || read.is_ok_and(|value| value.status == Some(nothing)));
        client.ends().await;
    }
    site.told(&[
        "login refused: who=\"mes:1\"",
        "application=\"urn:somebody:else\"",
        "result=BadCertificateUriInvalid",
    ]);
    assert!(site.enter(&application, as_user(&user)).await.is_ok());
}

/// The application is trusted: what keeps them out is that they do not say who they are.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_login_is_not_let_in() {
    let shop = Workshop::new();
    let application = shop.client("MES");
    let (site, user) = site(shop);
    site.accept(&application);
    let mut endpoint = site.endpoint().await;
    let policies = endpoint.user_identity_tokens.iter().flatten();
    let kinds: Vec<_> = policies.map(|policy| policy.token_type).collect();
    assert_eq!(kinds, [UserTokenType::Certificate]);
    // A client that comes without a name all the same.
    endpoint.user_identity_tokens = Some(vec![UserTokenPolicy::anonymous()]);
    let library = library_with(URI, &application);
    let anonymous = Client::come_by(library, endpoint, IdentityToken::Anonymous).await;
    assert_eq!(anonymous.err(), Some(StatusCode::BadIdentityTokenRejected));
    // There is no endpoint without encryption, only discovery.
    for user in [VISITOR, OPERATOR] {
        let plain = Client::try_in_plain(site.url(), user).await;
        let refused = Some(StatusCode::BadSecurityPolicyRejected);
        assert_eq!(plain.err(), refused, "{user:?}");
    }
    assert!(site.enter(&application, as_user(&user)).await.is_ok());
}
