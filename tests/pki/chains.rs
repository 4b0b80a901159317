//! Who vouches for a certificate, and what a certificate must be to be accepted.

use std::fs;

use opcua::types::StatusCode as S;
use umati_bridge::server::Trust;

use super::authority::{AUTHORITY, CLIENT, URI, Workshop, chain, key, openssl, status};

#[test]
fn an_unknown_client_is_kept_for_the_operator_and_let_in_once_it_is_trusted() {
    let shop = Workshop::new();
    let client = shop.client("mes");
    let trust = shop.trust();
    let refused = trust.judge_application(&client.der()).unwrap_err();
    assert_eq!(refused.status, S::BadCertificateUntrusted);
    assert!(
        refused.reason.contains("umati-bridge trust accept "),
        "{refused}"
    );
    let kept = shop.files("rejected");
    assert_eq!(kept.len(), 1);
    assert_eq!(
        status(trust.judge_application(&client.der())),
        S::BadCertificateUntrusted
    );
    assert_eq!(shop.files("rejected"), kept, "kept once");

    fs::create_dir_all(shop.pki().join("trusted")).unwrap();
    let (from, to) = (shop.pki().join("rejected"), shop.pki().join("trusted"));
    fs::rename(
        from.join(&kept[0]),
        to.join("as the library names it [00ff].der"),
    )
    .unwrap();
    let known = trust.judge_application(&client.der()).unwrap();
    assert_eq!(known.application_uri.as_deref(), Some(URI));
    assert_eq!(known.subject, "CN=mes,O=Factory");
    let name: String = known
        .thumbprint
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(kept[0], format!("{name}.der"));

    fs::remove_dir_all(&to).unwrap();
    assert_eq!(
        status(trust.judge_application(&client.der())),
        S::BadCertificateUntrusted
    );
}

#[test]
fn an_open_server_takes_in_strangers_and_keeps_nothing_of_them() {
    let shop = Workshop::new();
    let trust = Trust::new(&shop.pki(), true);
    assert_eq!(
        status(trust.judge_application(&shop.client("mes").der())),
        S::Good
    );
    let signed = shop.client_of(&shop.root(), "signed");
    assert_eq!(status(trust.judge_application(&signed.der())), S::Good);
    assert!(shop.files("rejected").is_empty());
    let old = shop.self_signed("old", &key(0), CLIENT, -1);
    assert_eq!(
        status(trust.judge_application(&old.der())),
        S::BadCertificateTimeInvalid
    );
    assert_eq!(
        status(trust.judge_application(b"nonsense")),
        S::BadCertificateInvalid
    );
}

#[test]
fn an_authority_vouches_directly_and_over_others() {
    let shop = Workshop::new();
    let root = shop.root();
    let middle = shop.signed("middle", &key(2), AUTHORITY, 30, Some(&root));
    let leaf = shop.client_of(&middle, "leaf");
    let direct = shop.client_of(&root, "direct");
    let trust = shop.trust();
    assert_eq!(
        status(trust.judge_application(&leaf.der())),
        S::BadCertificateChainIncomplete
    );
    assert_eq!(
        status(trust.judge_application(&chain(&[&leaf, &middle, &root]))),
        S::BadCertificateUntrusted,
        "what a client sends is not trusted"
    );

    shop.put("issuers", &root);
    shop.put_crl(&root, &[], 1);
    shop.put_crl(&middle, &[], 1);
    assert_eq!(status(trust.judge_application(&direct.der())), S::Good);
    assert_eq!(
        status(trust.judge_application(&leaf.der())),
        S::BadCertificateChainIncomplete
    );
    assert_eq!(
        status(trust.judge_application(&chain(&[&leaf, &middle]))),
        S::Good
    );
    assert_eq!(
        status(trust.judge_application(&chain(&[&leaf, &root, &middle]))),
        S::Good
    );
    shop.put("issuers", &middle);
    assert_eq!(status(trust.judge_application(&leaf.der())), S::Good);

    // An authority can be trusted without the one above it.
    fs::remove_file(shop.pki().join("issuers/root.der")).unwrap();
    assert_eq!(status(trust.judge_application(&leaf.der())), S::Good);
    assert_eq!(
        status(trust.judge_application(&direct.der())),
        S::BadCertificateChainIncomplete
    );
}

#[test]
fn a_name_alone_vouches_for_nobody() {
    let shop = Workshop::new();
    let root = shop.root();
    let elsewhere = Workshop::new();
    let impostor = elsewhere.self_signed("root", &key(2), AUTHORITY, 30);
    shop.put("issuers", &root);
    shop.put_crl(&root, &[], 1);
    // With the identifier of the impostor's key, and with none at all: then only the signature tells.
    let bare = format!("{CLIENT}authorityKeyIdentifier=none\n");
    for (name, extensions) in [("leaf", CLIENT), ("bare", &bare)] {
        let leaf = shop.signed(name, &key(0), extensions, 30, Some(&impostor));
        assert_eq!(
            status(shop.trust().judge_application(&leaf.der())),
            S::BadCertificateChainIncomplete,
            "{name}"
        );
    }

    let mut tampered = shop.client("tampered").der();
    let last = tampered.len() - 1;
    tampered[last] ^= 1;
    assert_eq!(
        status(shop.trust().judge_application(&tampered)),
        S::BadCertificateInvalid
    );
}

#[test]
fn what_is_out_of_date_is_refused() {
    let shop = Workshop::new();
    let trust = shop.trust();
    let old = shop.self_signed("old", &key(0), CLIENT, -1);
    assert_eq!(
        status(trust.judge_application(&old.der())),
        S::BadCertificateUntrusted
    );
    shop.put("trusted", &old);
    let refused = trust.judge_application(&old.der()).unwrap_err();
    assert_eq!(refused.status, S::BadCertificateTimeInvalid);
    assert!(
        refused
            .reason
            .starts_with("CN=old,O=Factory is valid from 2024-01-01 00:00:00 UTC to ")
    );

    let root = shop.self_signed("root", &key(1), AUTHORITY, -1);
    shop.put("issuers", &root);
    shop.put_crl(&root, &[], 1);
    let leaf = shop.client_of(&root, "leaf");
    assert_eq!(
        status(trust.judge_application(&leaf.der())),
        S::BadCertificateIssuerTimeInvalid
    );
    // The authority was renewed with the same key: one of its certificates is enough.
    let renewed = shop.signed_as(
        "renewed",
        "/O=Factory/CN=root",
        &key(1),
        AUTHORITY,
        30,
        None,
    );
    shop.put("issuers", &renewed);
    assert_eq!(status(trust.judge_application(&leaf.der())), S::Good);
}

#[test]
fn a_certificate_must_be_made_for_what_it_is_used_for() {
    let shop = Workshop::new();
    let root = shop.root();
    shop.put("issuers", &root);
    shop.put_crl(&root, &[], 1);
    let trust = shop.trust();
    let judged = |name: &str, extensions: &str| {
        let leaf = shop.signed(name, &key(0), extensions, 30, Some(&root));
        status(trust.judge_application(&leaf.der()))
    };
    assert_eq!(judged("good", CLIENT), S::Good);
    for (name, from, to, expected) in [
        (
            "web",
            "extendedKeyUsage=clientAuth",
            "extendedKeyUsage=serverAuth",
            S::BadCertificateUseNotAllowed,
        ),
        (
            "mute",
            "digitalSignature,",
            "",
            S::BadCertificateUseNotAllowed,
        ),
        ("ca", "CA:FALSE", "CA:TRUE", S::BadCertificateUseNotAllowed),
        (
            "odd",
            "basicConstraints",
            "1.2.3.4.5=critical,DER:0500\nbasicConstraints",
            S::BadCertificateUseNotAllowed,
        ),
        (
            "nameless",
            "URI:urn:mes.factory:client,",
            "",
            S::BadCertificateUriInvalid,
        ),
        (
            "any",
            "extendedKeyUsage=clientAuth",
            "extendedKeyUsage=anyExtendedKeyUsage",
            S::Good,
        ),
    ] {
        assert!(CLIENT.contains(from), "{name}");
        assert_eq!(judged(name, &CLIENT.replace(from, to)), expected, "{name}");
    }
}

#[test]
fn only_an_authority_signs_and_only_as_deep_as_it_may() {
    let shop = Workshop::new();
    let root = shop.self_signed(
        "root",
        &key(1),
        "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign,cRLSign",
        30,
    );
    shop.put("issuers", &root);
    shop.put_crl(&root, &[], 1);
    let trust = shop.trust();
    assert_eq!(
        status(trust.judge_application(&shop.client_of(&root, "direct").der())),
        S::Good
    );
    let middle = shop.signed("middle", &key(2), AUTHORITY, 30, Some(&root));
    let leaf = shop.client_of(&middle, "leaf");
    let refused = trust
        .judge_application(&chain(&[&leaf, &middle]))
        .unwrap_err();
    assert_eq!(refused.status, S::BadCertificateIssuerUseNotAllowed);
    assert!(refused.reason.contains("pathLenConstraint"), "{refused}");

    let client = shop.client_of(&root, "client");
    let below = shop.client_of(&client, "below");
    let refused = trust
        .judge_application(&chain(&[&below, &client]))
        .unwrap_err();
    assert_eq!(refused.status, S::BadCertificateIssuerUseNotAllowed);
    assert!(refused.reason.contains("CN=client,O=Factory"), "{refused}");
    for (name, extensions) in [
        (
            "mute",
            "basicConstraints=critical,CA:TRUE\nkeyUsage=cRLSign",
        ),
        (
            "narrow",
            "basicConstraints=critical,CA:TRUE\nnameConstraints=critical,permitted;DNS:a",
        ),
    ] {
        let shop = Workshop::new();
        let root = shop.self_signed(name, &key(1), extensions, 30);
        shop.put("issuers", &root);
        shop.put_crl(&root, &[], 1);
        let leaf = shop.client_of(&root, "leaf");
        let judged = shop.trust().judge_application(&leaf.der());
        assert_eq!(
            status(judged),
            S::BadCertificateIssuerUseNotAllowed,
            "{name}"
        );
    }
}

#[test]
fn weak_keys_are_refused() {
    let shop = Workshop::new();
    let trust = shop.trust();
    for (name, make) in [
        ("short", &["genrsa", "-out", "short.key", "1024"][..]),
        (
            "curve",
            &[
                "ecparam",
                "-genkey",
                "-name",
                "prime256v1",
                "-noout",
                "-out",
                "curve.key",
            ],
        ),
    ] {
        openssl(&shop.path(""), make);
        let pair = shop.self_signed(name, &shop.path(&format!("{name}.key")), CLIENT, 30);
        shop.put("trusted", &pair);
        let judged = trust.judge_application(&pair.der());
        assert_eq!(status(judged), S::BadCertificatePolicyCheckFailed, "{name}");
    }
    assert!(shop.files("rejected").is_empty());
}

#[test]
fn authorities_that_sign_each_other_end_nowhere() {
    let shop = Workshop::new();
    let one = shop.self_signed("one", &key(1), AUTHORITY, 30);
    let other = shop.signed("other", &key(2), AUTHORITY, 30, Some(&one));
    let round = shop.signed_as(
        "round",
        "/O=Factory/CN=one",
        &key(1),
        AUTHORITY,
        30,
        Some(&other),
    );
    let leaf = shop.client_of(&one, "leaf");
    let sent = chain(&[&leaf, &round, &other]);
    assert_eq!(
        status(shop.trust().judge_application(&sent)),
        S::BadCertificateChainIncomplete
    );
    // With one of them in `issuers` the way is found, and found again.
    shop.put("issuers", &other);
    shop.put("issuers", &round);
    for authority in [&one, &other] {
        shop.put_crl(authority, &[], 1);
    }
    assert_eq!(status(shop.trust().judge_application(&leaf.der())), S::Good);

    // Many certificates of one authority that has the same name as its issuer.
    for number in 0..30 {
        let name = format!("again{number}");
        let again = shop.signed_as(
            &name,
            "/O=Factory/CN=one",
            &key(1),
            AUTHORITY,
            30,
            Some(&one),
        );
        shop.put("issuers", &again);
    }
    let refused = shop.trust().judge_application(&sent).unwrap_err();
    assert_eq!(refused.status, S::BadCertificateInvalid);
    assert!(
        refused.reason.contains("more than 64 signatures"),
        "{refused}"
    );
}

#[test]
fn a_chain_has_an_end() {
    let shop = Workshop::new();
    let client = shop.client("mes");
    shop.put("trusted", &client);
    let trust = shop.trust();
    assert_eq!(
        status(trust.judge_application(&chain(&[&client; 5]))),
        S::Good
    );
    assert_eq!(
        status(trust.judge_application(&chain(&[&client; 6]))),
        S::BadCertificateInvalid
    );
    assert_eq!(
        status(trust.judge_application(&[])),
        S::BadCertificateInvalid
    );
    let with_more = [&client.der()[..], b"more"].concat();
    assert_eq!(
        status(trust.judge_application(&with_more)),
        S::BadCertificateInvalid
    );
    let long = shop.self_signed(
        "long",
        &key(0),
        &format!("{CLIENT}nsComment={}", "x".repeat(40_000)),
        30,
    );
    assert_eq!(
        status(trust.judge_application(&long.der())),
        S::BadCertificateInvalid
    );
}
