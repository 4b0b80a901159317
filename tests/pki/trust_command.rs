//! `umati-bridge trust`, as an operator types it.

use std::fs;
use std::path::Path;
use std::process::Command;

use opcua::types::StatusCode as S;

use super::authority::{AUTHORITY, CLIENT, Pair, Workshop, key, status, text};

/// The exit code and what is on stdout and on stderr.
pub(crate) type Told = (Option<i32>, String, String);

pub(crate) fn umati_bridge(folder: &Path, arguments: &[&str]) -> Told {
    let output = Command::new(env!("CARGO_BIN_EXE_umati-bridge"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A config file whose state folder is `state`.
pub(crate) fn configure(shop: &Workshop) {
    let config = r#"{ "state_dir": "state", "machines": [ { "type": "OCTOPRINT", "url": "http://127.0.0.1:5000",
        "api_key": "0123456789ABCDEF", "mes_id": 1 } ] }"#;
    fs::write(shop.path("config.json"), config).unwrap();
}

fn trust(shop: &Workshop, arguments: &[&str]) -> Told {
    umati_bridge(&shop.path(""), &[&["trust"], arguments].concat())
}

/// What is told when all is well.
fn done(shop: &Workshop, arguments: &[&str]) -> String {
    let (code, out, err) = trust(shop, arguments);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments:?}");
    out
}

fn refused(shop: &Workshop, arguments: &[&str]) -> String {
    let (code, out, err) = trust(shop, arguments);
    assert_eq!((code, out.as_str()), (Some(69), ""), "{arguments:?}: {err}");
    err
}

fn thumbprint(pair: &Pair) -> String {
    let certificate = umati_bridge::server::Certificate::from_der(&pair.der()).unwrap();
    certificate.thumbprint_hex()
}

#[test]
fn a_refused_client_is_listed_shown_accepted_rejected_and_revoked() {
    let shop = Workshop::new();
    configure(&shop);
    let client = shop.client("mes");
    let server = shop.trust();
    let judged = || status(server.judge_application(&client.der()));
    assert_eq!(judged(), S::BadCertificateUntrusted);
    let print = thumbprint(&client);

    let listed = done(&shop, &["list"]);
    let line = listed.lines().nth(1).unwrap();
    assert!(
        line.starts_with(&format!("rejected  {print}  2024-01-01..")),
        "{listed}"
    );
    assert!(
        line.ends_with("  urn:mes.factory:client  CN=mes,O=Factory"),
        "{listed}"
    );

    let shown = done(&shop, &["show", &print[..4]]);
    for wanted in [
        "subject          CN=mes,O=Factory",
        "application URI  urn:mes.factory:client",
        "names            mes.factory",
        "key              RSA, 2048 bits",
        &format!("SHA-256          {print}"),
        "as client        refused: the certificate is not known here",
    ] {
        assert!(shown.contains(wanted), "{wanted}: {shown}");
    }

    let told = done(&shop, &["accept", &print[..8].to_uppercase()]);
    assert_eq!(told, format!("trusted: {print} CN=mes,O=Factory\n"));
    assert_eq!(judged(), S::Good);
    assert_eq!(shop.files("trusted"), [format!("{print}.der")]);
    assert!(shop.files("rejected").is_empty());
    assert!(done(&shop, &["show", &print]).contains("as client        accepted"));

    let told = done(&shop, &["reject", &print[..8]]);
    assert!(told.starts_with(&format!(
        "rejected: {print} CN=mes,O=Factory\nnote: a client that is connected"
    )));
    assert_eq!(judged(), S::BadCertificateUntrusted);
    let told = refused(&shop, &["reject", &print[..8]]);
    assert_eq!(
        told,
        format!("error: {print} is rejected only, so there is nothing to reject\n")
    );

    done(&shop, &["accept", &print[..8]]);
    done(&shop, &["revoke", &print[..8]]);
    assert_eq!(judged(), S::BadCertificateRevoked);
    assert!(shop.files("trusted").is_empty());
    assert!(done(&shop, &["list"]).contains(&format!("revoked   {print}")));
    done(&shop, &["accept", &print[..8]]);
    assert_eq!(judged(), S::Good);
    assert!(shop.files("revoked").is_empty());
}

#[test]
fn files_are_taken_in_for_what_they_are_said_to_be() {
    let shop = Workshop::new();
    configure(&shop);
    let root = shop.root();
    let client = shop.client_of(&root, "mes");
    let server = shop.trust();
    let judged = || status(server.judge_application(&client.der()));

    let told = refused(&shop, &["accept", text(&client.certificate), "--issuer"]);
    assert!(
        told.contains("CN=mes,O=Factory is not the certificate of an authority"),
        "{told}"
    );
    let told = done(&shop, &["accept", "--issuer", text(&root.certificate)]);
    assert!(
        told.contains("note: what it signs is refused until there is a current revocation list")
    );
    assert_eq!(judged(), S::BadCertificateRevocationUnknown);
    let list = shop.crl(&root, &[], 1);
    let told = done(&shop, &["accept", "--issuer", text(&list)]);
    assert_eq!(told, "crl: CN=root,O=Factory (0 revoked)\n");
    assert_eq!(judged(), S::Good);
    assert!(done(&shop, &["list"]).contains("\ncrl       -"));
    let told = done(
        &shop,
        &["accept", "--issuer", text(&shop.crl(&root, &[&client], 1))],
    );
    assert_eq!(told, "crl: CN=root,O=Factory (1 revoked)\n");
    assert_eq!(judged(), S::BadCertificateRevoked);
    assert_eq!(shop.files("crl").len(), 1, "one list an authority");

    let foreign = Workshop::new();
    let other = foreign.self_signed("other", &key(2), AUTHORITY, 30);
    let told = done(
        &shop,
        &["accept", "--issuer", text(&foreign.crl(&other, &[], -1))],
    );
    assert!(
        told.contains("no authority that is accepted has signed it"),
        "{told}"
    );
    assert!(told.contains("it is out of date"), "{told}");

    let user = shop.self_signed("Ada", &key(0), "keyUsage=digitalSignature", 30);
    let told = done(&shop, &["accept", text(&user.certificate), "--user"]);
    assert_eq!(
        told,
        format!("user: {} CN=Ada,O=Factory\n", thumbprint(&user))
    );
    let told = done(&shop, &["accept", text(&other.certificate)]);
    assert!(
        told.contains("note: it is refused all the same: the certificate has no application URI")
    );
    assert!(told.contains("note: it is an authority, but"), "{told}");
    let old = shop.self_signed("old", &key(0), CLIENT, -1);
    assert!(done(&shop, &["accept", text(&old.certificate)]).contains("is valid from 2024-01-01"));
    assert!(done(&shop, &["list"]).contains(" over "));

    fs::write(shop.path("notes"), "nonsense").unwrap();
    let told = refused(&shop, &["accept", "notes"]);
    assert!(
        told.starts_with("error: notes: not a certificate: "),
        "{told}"
    );
    assert!(refused(&shop, &["accept", "notes", "--issuer"]).contains("; not a revocation list: "));
    let both = [&root, &client].map(|pair| fs::read_to_string(&pair.certificate).unwrap());
    fs::write(shop.path("both.pem"), both.concat()).unwrap();
    assert!(refused(&shop, &["accept", "both.pem"]).contains("it holds 2 certificates"));
    let (code, _, told) = trust(&shop, &["accept", "--user", "--issuer", "both.pem"]);
    assert_eq!(code, Some(2), "{told}");
}

#[test]
fn a_client_of_an_authority_is_revoked_by_its_thumbprint() {
    let shop = Workshop::new();
    configure(&shop);
    let root = shop.root();
    let client = shop.client_of(&root, "mes");
    shop.put("issuers", &root);
    shop.put_crl(&root, &[], 1);
    let judged = || status(shop.trust().judge_application(&client.der()));
    assert_eq!(judged(), S::Good);
    let print = thumbprint(&client);
    assert!(
        refused(&shop, &["revoke", &print[..10]])
            .contains("no certificate has a thumbprint that begins with")
    );
    let told = done(&shop, &["revoke", &print]);
    assert!(told.starts_with(&format!("revoked: {print}\n")), "{told}");
    assert_eq!(judged(), S::BadCertificateRevoked);
    assert!(done(&shop, &["list"]).contains("(not here)"));
    assert!(done(&shop, &["show", &print[..10]]).contains("it is refused by its thumbprint"));
    done(&shop, &["accept", &print[..10]]);
    assert_eq!(judged(), S::Good);

    done(&shop, &["accept", text(&client.certificate)]);
    let told = done(&shop, &["reject", &print[..10]]);
    assert!(
        told.contains("note: it is let in all the same, because an authority vouches for it"),
        "{told}"
    );
}

#[test]
fn a_thumbprint_that_is_not_one_is_told() {
    let shop = Workshop::new();
    configure(&shop);
    let names = ["00ff00ff", "00ff00aa"].map(|digits| format!("{digits}{}", "0".repeat(56)));
    for name in &names {
        fs::create_dir_all(shop.pki().join("revoked")).unwrap();
        fs::write(
            shop.pki().join("revoked").join(format!("{name}.revoked")),
            "",
        )
        .unwrap();
    }
    let told = refused(&shop, &["show", "00ff"]);
    assert_eq!(
        told,
        format!(
            "error: 00ff is ambiguous, write more of it: {}, {}\n",
            names[1], names[0]
        )
    );
    assert!(done(&shop, &["show", "00:FF:00:FF"]).contains(&names[0]));
    assert!(
        refused(&shop, &["show", "00f"])
            .starts_with("error: 00f is not a thumbprint: write at least 4")
    );
    assert!(refused(&shop, &["show", "../x"]).starts_with("error: ../x is not a thumbprint"));
    assert!(refused(&shop, &["revoke", "../x"]).starts_with("error: ../x is not a thumbprint"));
    assert!(refused(&shop, &["accept", "no-such-file.der"]).contains("there is no such file"));
    assert!(
        refused(&shop, &["show", "abcd"])
            .contains("begins with abcd; `umati-bridge trust list` shows all")
    );
}

#[test]
fn without_a_config_file_nothing_is_touched() {
    let shop = Workshop::new();
    for arguments in [
        &["trust", "list"][..],
        &["trust", "list", "--config", "no.json"],
        &["certificate", "show"],
    ] {
        let (code, out, err) = umati_bridge(&shop.path(""), arguments);
        assert_eq!((code, out.as_str()), (Some(78), ""), "{err}");
        assert!(err.contains(".json"), "{err}");
    }
    assert!(!shop.path("state").exists());
    configure(&shop);
    let told = done(&shop, &["list"]);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(!shop.path("state").exists(), "to look changes nothing");
}
