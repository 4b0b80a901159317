//! Certificates that nobody trusts, or that are no certificates; and one that is trusted, shown by somebody who has
//! not its key.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use opcua::types::StatusCode;

use super::authority::{AUTHORITY, CLIENT, key};
use super::raw::{Answer, BASIC256SHA256, Raw, hello, opening};
use super::siege::Siege;

/// What an OPN has after its header, to be decrypted: as long as a key of 2048 bits wants it.
const CIPHER: [u8; 256] = [0x5a; 256];

fn opened_with(address: &str, certificate: &[u8], content: &[u8]) -> Option<StatusCode> {
    let mut raw = Raw::connect(address);
    raw.send(&hello());
    assert!(matches!(raw.answer(), Answer::Chunk(..)));
    raw.send(&opening(BASIC256SHA256, certificate, content));
    raw.end()
}

/// Over some connections at once, as fast as they can.
fn flood(
    attack: &str,
    certificates: &[Vec<u8>],
    refused: impl Fn(StatusCode) -> bool + Sync,
    siege: Siege,
) {
    const THREADS: usize = 8;
    const EACH: usize = 25;
    let (address, refused, began) = (siege.address(), &refused, Instant::now());
    std::thread::scope(|threads| {
        for thread in 0..THREADS {
            threads.spawn(move || {
                for n in 0..EACH {
                    let certificate = &certificates[(thread + n) % certificates.len()];
                    let status = opened_with(address, certificate, &CIPHER);
                    assert!(status.is_none_or(refused), "{status:?}");
                }
            });
        }
    });
    println!(
        "{attack}: {} OPN in {:.1?}",
        THREADS * EACH,
        began.elapsed()
    );
    siege.lift(attack);
}

#[test]
fn foreign_certificates() {
    let siege = Siege::closed();
    let certificates: Vec<_> = (0..10)
        .map(|n| siege.workshop.client(&format!("stranger{n}")).der())
        .collect();
    let refused = |status| status == StatusCode::BadCertificateUntrusted;
    flood(
        "OPN with foreign certificates",
        &certificates,
        refused,
        siege,
    );
}

/// The certificate of a client that is trusted is no secret; its key is.
#[test]
fn a_trusted_certificate_without_its_key() {
    let siege = Siege::closed();
    let trusted = siege.trusted.as_ref().unwrap().der();
    let refused = |status: StatusCode| status.is_bad();
    flood("OPN with a stolen certificate", &[trusted], refused, siege);
}

#[test]
fn contents_that_cannot_be_decrypted() {
    let siege = Siege::closed();
    let trusted = siege.trusted.as_ref().unwrap().der();
    for length in [0, 1, 16, 255, 257, 512, 4_096, 30_000] {
        let status = opened_with(siege.address(), &trusted, &vec![0xa5; length]);
        assert!(status.is_none_or(|status| status.is_bad()), "{length}");
    }
    siege.lift("contents that cannot be decrypted");
}

#[test]
fn chains_that_point_at_themselves() {
    let siege = Siege::closed();
    let shop = &siege.workshop;
    let own = shop.client("own").der();
    // Each of two says that the other has issued it.
    let root = shop.root();
    let other = shop.signed_as(
        "other",
        "/O=Factory/CN=root",
        &key(1),
        AUTHORITY,
        30,
        Some(&root),
    );
    let leaf = shop.signed("leaf", &key(0), CLIENT, 30, Some(&other));
    let ring = [leaf.der(), other.der(), root.der(), other.der(), root.der()];
    let cut = own[..own.len() - 1].to_vec();
    for chain in [
        own.repeat(2),
        own.repeat(20),
        ring.concat(),
        [cut, own.clone()].concat(),
    ] {
        for _ in 0..10 {
            let status = opened_with(siege.address(), &chain, &CIPHER);
            assert!(status.is_some_and(|status| status.is_bad()), "{status:?}");
        }
    }
    siege.lift("chains that point at themselves");
}

#[test]
fn certificates_of_every_size() {
    let siege = Siege::closed();
    for (size, refused) in [
        (1, StatusCode::BadCertificateInvalid),
        (30_000, StatusCode::BadCertificateInvalid),
        (40_000, StatusCode::BadEncodingLimitsExceeded),
        (100_000, StatusCode::BadTcpMessageTooLarge),
        (10 << 20, StatusCode::BadTcpMessageTooLarge),
    ] {
        // Of a SEQUENCE that never ends.
        let certificate: Vec<u8> = [0x30, 0x83].into_iter().cycle().take(size).collect();
        let status = opened_with(siege.address(), &certificate, &CIPHER);
        assert_eq!(status, Some(refused), "{size} bytes");
    }
    siege.lift("certificates of 10 MB");
}

/// Names that would lead out of the folders, or end a line of the log.
#[test]
fn absurd_names() {
    let siege = Siege::closed();
    let home = siege.bridge().home().to_owned();
    let before = outside(&home);
    for (n, name) in [
        r"..\/..\/..\/..\/escaped",
        r"\/tmp\/escaped",
        "nul\u{1}\u{1b}[31m",
        "two\nlines INFO forged",
        "CON",
        ".",
        "..",
    ]
    .into_iter()
    .enumerate()
    {
        let subject = format!("/O=Factory/CN={name}");
        let pair =
            siege
                .workshop
                .signed_as(&format!("absurd{n}"), &subject, &key(0), CLIENT, 30, None);
        let status = opened_with(siege.address(), &pair.der(), &CIPHER);
        assert_eq!(
            status,
            Some(StatusCode::BadCertificateUntrusted),
            "{name:?}"
        );
    }
    assert_eq!(outside(&home), before, "files outside of the trust list");
    let rejected = files(&home.join("state/pki/rejected"));
    assert_eq!(rejected.len(), 7);
    for file in rejected {
        let name = file.file_stem().unwrap().to_str().unwrap();
        assert!(
            name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{name}"
        );
    }
    let log = siege.bridge().log();
    assert!(
        !log.lines()
            .any(|line| line.starts_with("lines INFO forged")),
        "{log}"
    );
    assert!(!log.contains('\u{1b}'), "{log}");
    siege.lift("absurd names");
}

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|it| it.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                [path].into()
            }
        })
        .collect()
}

/// The files of the home of a bridge that are not of its trust list.
fn outside(home: &Path) -> BTreeSet<PathBuf> {
    let pki = home.join("state/pki");
    files(home)
        .into_iter()
        .filter(|path| !path.starts_with(&pki))
        .collect()
}
