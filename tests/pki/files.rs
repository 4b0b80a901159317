//! Folders as people and strangers leave them.

use std::fs;
use std::os::unix::fs::symlink;

use opcua::types::StatusCode as S;

use super::authority::{CLIENT, Workshop, key, status};

#[test]
fn what_cannot_be_read_is_left_out_and_the_rest_counts() {
    let shop = Workshop::new();
    let client = shop.client("mes");
    let trusted = shop.pki().join("trusted");
    fs::create_dir_all(trusted.join("folder.der")).unwrap();
    fs::write(trusted.join("empty.der"), "").unwrap();
    fs::write(trusted.join("garbage.pem"), [0xff; 100]).unwrap();
    fs::write(
        trusted.join("half.pem"),
        "-----BEGIN CERTIFICATE-----\nMIIB",
    )
    .unwrap();
    fs::write(trusted.join("large.der"), vec![0x30; 10_000_000]).unwrap();
    fs::write(trusted.join("notes.txt"), "do not forget").unwrap();
    symlink("nowhere", trusted.join("dangling.crt")).unwrap();
    let fifo = trusted.join("pipe.der");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let trust = shop.trust();
    assert_eq!(
        status(trust.judge_application(&client.der())),
        S::BadCertificateUntrusted
    );

    fs::copy(&client.certificate, trusted.join("a client.pem")).unwrap();
    assert_eq!(status(trust.judge_application(&client.der())), S::Good);
    fs::rename(trusted.join("a client.pem"), trusted.join("x.CRT")).unwrap();
    assert_eq!(status(trust.judge_application(&client.der())), S::Good);
    // The same file with other content.
    let other = shop.client("other");
    fs::copy(&other.certificate, trusted.join("x.CRT")).unwrap();
    assert_eq!(
        status(trust.judge_application(&client.der())),
        S::BadCertificateUntrusted
    );
    assert_eq!(status(trust.judge_application(&other.der())), S::Good);
}

#[test]
fn where_a_folder_cannot_be_read_nobody_is_let_in() {
    let shop = Workshop::new();
    let client = shop.client("mes");
    shop.put("trusted", &client);
    fs::write(shop.pki().join("revoked"), "a file where a folder belongs").unwrap();
    let refused = shop.trust().judge_application(&client.der()).unwrap_err();
    assert_eq!(refused.status, S::BadSecurityChecksFailed);
    assert!(
        refused
            .reason
            .starts_with("the trust list cannot be read: "),
        "{refused}"
    );
}

#[test]
fn the_names_of_strangers_stay_out_of_paths_and_terminals() {
    let shop = Workshop::new();
    let subject = "/O=..\\/..\\/..\\/etc/CN=\u{1b}[2J\n\u{202e}\0x".replace('\0', "");
    let stranger = shop.signed_as("stranger", &subject, &key(0), CLIENT, 30, None);
    let trust = shop.trust();
    assert_eq!(
        status(trust.judge_application(&stranger.der())),
        S::BadCertificateUntrusted
    );
    let names = shop.files("rejected");
    assert_eq!(names.len(), 1);
    let stem = names[0].strip_suffix(".der").unwrap();
    assert!(
        stem.len() == 64 && stem.chars().all(|c| c.is_ascii_hexdigit()),
        "{names:?}"
    );
    shop.put("trusted", &stranger);
    let known = trust.judge_application(&stranger.der()).unwrap();
    assert!(
        !known
            .subject
            .chars()
            .any(|c| c.is_control() || c == '\u{202e}'),
        "{}",
        known.subject
    );
    assert!(
        known.subject.contains("O=../../../etc"),
        "{}",
        known.subject
    );
}

#[test]
fn a_flood_of_strangers_writes_little() {
    let shop = Workshop::new();
    let rejected = shop.pki().join("rejected");
    fs::create_dir_all(&rejected).unwrap();
    for number in 0..300 {
        fs::write(rejected.join(format!("old {number}.der")), "old").unwrap();
    }
    let first = shop.client("first").der();
    let trust = shop.trust();
    // Each is another certificate: the signature of the last one is over its own bytes.
    assert!(trust.judge_application(&first).is_err());
    assert_eq!(shop.files("rejected").len(), 200);
    let key =
        rcgen::KeyPair::from_pem(&fs::read_to_string(super::authority::key(0)).unwrap()).unwrap();
    for number in 0..30 {
        let mut names = rcgen::CertificateParams::default();
        names
            .distinguished_name
            .push(rcgen::DnType::CommonName, format!("stranger {number}"));
        let stranger = names.self_signed(&key).unwrap();
        assert!(trust.judge_application(stranger.der()).is_err());
    }
    let names = shop.files("rejected");
    assert_eq!(names.len(), 200);
    assert_eq!(
        names.iter().filter(|it| !it.starts_with("old ")).count(),
        20
    );
}
