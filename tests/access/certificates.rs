//! Users who prove who they are with an X509 certificate.

use std::collections::BTreeSet;

use opcua::client::IdentityToken;
use opcua::crypto::X509;
use opcua::types::StatusCode;
use serde_json::json;

use super::authority::{CLIENT, Pair, Workshop, key, text};
use super::client::Client;
use super::matrix::names_of_machines;
use super::site::{Site, as_user, as_user_with_key, instance, operator, thumbprint};

/// What a certificate of a user may be used for.
const USER: &str = "keyUsage=digitalSignature\n";

async fn sees(client: &Client) -> BTreeSet<String> {
    names_of_machines(client).await
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

/// As the audit log names who shows this certificate.
fn claimed(user: &Pair) -> String {
    let certificate = X509::from_der(&user.der()).unwrap();
    format!("certificate {}", certificate.thumbprint().as_hex_string())
}

/// They are not let in, and the log says why.
async fn is_refused(site: &Site, application: &Pair, user: &Pair, reason: &str) {
    let refused = site.enter(application, as_user(user)).await.err();
    assert_eq!(
        refused,
        Some(StatusCode::BadIdentityTokenRejected),
        "{}: {reason}",
        user.name
    );
    site.told(&["login refused", &claimed(user), reason]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_the_right_certificate_gets_in_and_sees_what_is_theirs() {
    let shop = Workshop::new();
    let (ada, anna) = (
        shop.self_signed("Ada", &key(2), USER, 30),
        shop.self_signed("Anna", &key(3), USER, 30),
    );
    let (old, gone) = (
        shop.self_signed("Old", &key(2), USER, -1),
        shop.self_signed("Gone", &key(2), USER, 30),
    );
    let (stranger, known) = (
        shop.self_signed("Stranger", &key(2), USER, 30),
        shop.self_signed("Known", &key(2), USER, 30),
    );
    let application = shop.client("MES");
    let mes = json!([instance(1, &ada), instance(2, &gone)]);
    let site = Site::open(shop, mes, json!([operator(&anna), operator(&old)]));
    site.accept(&application);
    is_refused(
        &site,
        &application,
        &ada,
        "no user certificate with the SHA-1",
    )
    .await;
    for user in [&ada, &anna, &old, &gone, &known] {
        site.accept_user(user);
    }

    let client = site.enter(&application, as_user(&ada)).await.unwrap();
    assert_eq!(sees(&client).await, names(["of-1", "of-both"]));
    site.told(&["login: who=\"mes:1\"", "result=Good"]);
    let client = site.enter(&application, as_user(&anna)).await.unwrap();
    assert_eq!(sees(&client).await, names(["of-1", "of-2", "of-both"]));
    site.told(&["login: who=\"operator:Anna\"", "result=Good"]);

    is_refused(&site, &application, &old, "is valid from").await;
    is_refused(
        &site,
        &application,
        &stranger,
        "no user certificate with the SHA-1",
    )
    .await;
    is_refused(&site, &application, &known, "no user has this certificate").await;
    // The certificate is no secret; its key is.
    let stolen = as_user_with_key(&ada, &key(1));
    let refused = site.enter(&application, stolen).await.err();
    assert_eq!(refused, Some(StatusCode::BadSecurityChecksFailed));
    let refused = site.enter(&application, IdentityToken::Anonymous).await;
    assert!(refused.is_err());

    let client = site.enter(&application, as_user(&gone)).await.unwrap();
    assert_eq!(sees(&client).await, names(["of-2", "of-both"]));
    let other = site.enter(&application, as_user(&ada)).await.unwrap();
    site.trust(&["revoke", &thumbprint(&gone)]);
    // Who is logged in is judged again and again.
    client.ends().await;
    site.told(&["login ended: who=\"mes:2\"", "is revoked by the operator"]);
    is_refused(&site, &application, &gone, "is revoked by the operator").await;
    // Nobody else is.
    assert_eq!(sees(&other).await, names(["of-1", "of-both"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_an_authority_is_let_in_until_its_list_says_otherwise() {
    let shop = Workshop::new();
    let root = shop.root();
    let user = shop.signed("Ada", &key(2), CLIENT, 30, Some(&root));
    let other = shop.signed("Eva", &key(3), CLIENT, 30, Some(&root));
    let application = shop.client("MES");
    let site = Site::open(shop, json!([instance(1, &user)]), json!([operator(&other)]));
    site.accept(&application);
    site.accept_user(&user);
    site.accept_user(&other);
    site.trust(&["accept", text(&root.certificate), "--issuer"]);
    is_refused(&site, &application, &user, "nobody knows whether").await;
    site.revoke_by(&root, &[]);
    let client = site.enter(&application, as_user(&user)).await.unwrap();
    assert_eq!(sees(&client).await, names(["of-1", "of-both"]));
    site.revoke_by(&root, &[&user]);
    is_refused(
        &site,
        &application,
        &user,
        "is revoked by CN=root,O=Factory",
    )
    .await;
    assert!(site.enter(&application, as_user(&other)).await.is_ok());
}
