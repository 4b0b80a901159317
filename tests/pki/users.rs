//! Certificates of users, of which the server learns no more than a SHA-1 thumbprint.

use opcua::crypto::X509;
use opcua::types::StatusCode as S;

use super::authority::{CLIENT, Pair, Workshop, key};

fn sha1(pair: &Pair) -> Vec<u8> {
    let library = X509::from_der(&pair.der()).unwrap();
    library.thumbprint().value().to_vec()
}

#[test]
fn a_user_must_be_known_here() {
    let shop = Workshop::new();
    let extensions = "keyUsage=digitalSignature\n";
    let user = shop.self_signed("Ada", &key(0), extensions, 30);
    let trust = shop.trust();
    let refused = trust.judge_user(&sha1(&user)).unwrap_err();
    assert_eq!(refused.status, S::BadIdentityTokenRejected);
    assert!(
        refused
            .reason
            .contains("no user certificate with the SHA-1 thumbprint ")
    );
    assert!(shop.files("rejected").is_empty());
    let path = shop.put("users", &user);
    let known = trust.judge_user(&sha1(&user)).unwrap();
    assert_eq!(
        (known.subject.as_str(), known.application_uri),
        ("CN=Ada,O=Factory", None)
    );
    // Who is a user is not a client thereby.
    assert!(trust.judge_application(&user.der()).is_err());
    std::fs::remove_file(path).unwrap();
    assert!(trust.judge_user(&sha1(&user)).is_err());
    shop.put("trusted", &user);
    assert!(trust.judge_user(&sha1(&user)).is_ok());
    shop.put("revoked", &user);
    let refused = trust.judge_user(&sha1(&user)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "CN=Ada,O=Factory is revoked by the operator"
    );
    for nonsense in [&[][..], &[0; 19], &[0; 64]] {
        assert!(trust.judge_user(nonsense).is_err());
    }
}

#[test]
fn an_authority_can_take_back_a_user() {
    let shop = Workshop::new();
    let root = shop.root();
    let user = shop.client_of(&root, "Ada");
    let old = shop.signed("Old", &key(0), CLIENT, -1, Some(&root));
    for pair in [&user, &old] {
        shop.put("users", pair);
    }
    let trust = shop.trust();
    assert!(
        trust.judge_user(&sha1(&user)).is_ok(),
        "accepted by itself, the authority is not known"
    );
    let refused = trust.judge_user(&sha1(&old)).unwrap_err();
    assert_eq!(refused.status, S::BadIdentityTokenRejected);
    assert!(refused.reason.contains("is valid from"), "{refused}");

    shop.put("issuers", &root);
    let refused = trust.judge_user(&sha1(&user)).unwrap_err();
    assert!(
        refused
            .reason
            .starts_with("nobody knows whether CN=Ada,O=Factory is revoked")
    );
    shop.put_crl(&root, &[], 1);
    assert!(trust.judge_user(&sha1(&user)).is_ok());
    shop.put_crl(&root, &[&user], 1);
    let refused = trust.judge_user(&sha1(&user)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "CN=Ada,O=Factory is revoked by CN=root,O=Factory"
    );
}
