//! What an authority, or the operator, has taken back.

use std::fs;

use opcua::types::StatusCode as S;

use super::authority::{AUTHORITY, Workshop, chain, key, status};

#[test]
fn without_a_revocation_list_nobody_is_let_in_by_an_authority() {
    let shop = Workshop::new();
    let root = shop.root();
    let middle = shop.signed("middle", &key(2), AUTHORITY, 30, Some(&root));
    let (leaf, direct) = (
        shop.client_of(&middle, "leaf"),
        shop.client_of(&root, "direct"),
    );
    shop.put("issuers", &root);
    let trust = shop.trust();
    let refused = trust.judge_application(&direct.der()).unwrap_err();
    assert_eq!(refused.status, S::BadCertificateRevocationUnknown);
    assert_eq!(
        refused.reason,
        "nobody knows whether CN=direct,O=Factory is revoked: there is no current revocation list of CN=root,O=Factory \
         in `crl`; `umati-bridge trust accept --issuer FILE` takes one"
    );
    shop.put_crl(&middle, &[], 1);
    let refused = trust
        .judge_application(&chain(&[&leaf, &middle]))
        .unwrap_err();
    assert_eq!(refused.status, S::BadCertificateIssuerRevocationUnknown);
    assert!(
        refused.reason.contains("CN=middle,O=Factory is revoked"),
        "{refused}"
    );
    shop.put_crl(&root, &[], 1);
    assert_eq!(
        status(trust.judge_application(&chain(&[&leaf, &middle]))),
        S::Good
    );
    assert!(shop.files("rejected").is_empty(), "none of them is unknown");

    shop.put_crl(&root, &[], -1);
    let refused = trust.judge_application(&direct.der()).unwrap_err();
    assert_eq!(refused.status, S::BadCertificateRevocationUnknown);
    assert!(
        refused.reason.contains("(the next one was due on "),
        "{refused}"
    );
}

#[test]
fn what_an_authority_revokes_is_refused_even_if_it_is_trusted_by_itself() {
    let shop = Workshop::new();
    let root = shop.root();
    let middle = shop.signed("middle", &key(2), AUTHORITY, 30, Some(&root));
    let (leaf, direct) = (
        shop.client_of(&middle, "leaf"),
        shop.client_of(&root, "direct"),
    );
    let other = shop.client_of(&root, "other");
    shop.put("issuers", &root);
    shop.put_crl(&middle, &[], 1);
    shop.put_crl(&root, &[&direct], 1);
    let trust = shop.trust();
    assert_eq!(
        status(trust.judge_application(&direct.der())),
        S::BadCertificateRevoked
    );
    assert_eq!(status(trust.judge_application(&other.der())), S::Good);
    shop.put("trusted", &direct);
    assert_eq!(
        status(trust.judge_application(&direct.der())),
        S::BadCertificateRevoked
    );
    // Also by a list that is out of date.
    shop.put_crl(&root, &[&direct], -1);
    assert_eq!(
        status(trust.judge_application(&direct.der())),
        S::BadCertificateRevoked
    );
    shop.put_crl(&root, &[&middle], 1);
    let judged = trust.judge_application(&chain(&[&leaf, &middle]));
    assert_eq!(status(judged), S::BadCertificateIssuerRevoked);
}

#[test]
fn a_list_counts_only_with_the_key_of_its_authority() {
    let shop = Workshop::new();
    let root = shop.root();
    let direct = shop.client_of(&root, "direct");
    shop.put("issuers", &root);
    let other = Workshop::new();
    let impostor = other.self_signed("root", &key(2), AUTHORITY, 30);
    fs::create_dir_all(shop.pki().join("crl")).unwrap();
    fs::copy(
        other.crl(&impostor, &[], 1),
        shop.pki().join("crl/forged.pem"),
    )
    .unwrap();
    let trust = shop.trust();
    assert_eq!(
        status(trust.judge_application(&direct.der())),
        S::BadCertificateRevocationUnknown
    );
    // An authority that may not sign lists.
    let shop = Workshop::new();
    let root = shop.self_signed(
        "root",
        &key(1),
        "basicConstraints=CA:TRUE\nkeyUsage=keyCertSign",
        30,
    );
    shop.put("issuers", &root);
    shop.put_crl(&root, &[], 1);
    let direct = shop.client_of(&root, "direct");
    let judged = shop.trust().judge_application(&direct.der());
    assert_eq!(status(judged), S::BadCertificateRevocationUnknown);
}

#[test]
fn what_the_operator_revokes_no_authority_and_no_openness_lets_in() {
    let shop = Workshop::new();
    let root = shop.root();
    let middle = shop.signed("middle", &key(2), AUTHORITY, 30, Some(&root));
    let (leaf, direct) = (
        shop.client_of(&middle, "leaf"),
        shop.client_of(&root, "direct"),
    );
    shop.put("issuers", &root);
    shop.put_crl(&root, &[], 1);
    shop.put_crl(&middle, &[], 1);
    shop.put("trusted", &direct);
    shop.put("revoked", &direct);
    let trust = shop.trust();
    assert_eq!(
        status(trust.judge_application(&direct.der())),
        S::BadCertificateRevoked
    );
    let open = umati_bridge::server::Trust::new(&shop.pki(), true);
    assert_eq!(
        status(open.judge_application(&direct.der())),
        S::BadCertificateRevoked
    );
    assert_eq!(
        status(trust.judge_application(&chain(&[&leaf, &middle]))),
        S::Good
    );
    shop.put("revoked", &middle);
    let judged = trust.judge_application(&chain(&[&leaf, &middle]));
    assert_eq!(status(judged), S::BadCertificateIssuerRevoked);
}
