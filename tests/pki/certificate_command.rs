//! `umati-bridge certificate`, as an operator types it, and what a renewal leaves behind.

use std::fs;

use umati_bridge::server::{Certificate, Identity, IdentityError, Settings};

use super::authority::Workshop;
use super::trust_command::{configure, umati_bridge};

fn settings(shop: &Workshop) -> Settings {
    Settings {
        listen: "127.0.0.1".parse().unwrap(),
        port: 4840,
        public_hostname: None,
        application_uri: "urn:test:umati-bridge".to_owned(),
        state_dir: shop.path("state"),
        allow_anonymous: false,
        users: Default::default(),
        version: "0".to_owned(),
    }
}

#[test]
fn a_new_certificate_takes_the_place_of_the_old_one_which_is_kept() {
    let shop = Workshop::new();
    configure(&shop);
    let told = umati_bridge(&shop.path(""), &["certificate", "show"]);
    assert_eq!(told.0, Some(69));
    assert!(told.2.contains("there is no certificate yet"), "{}", told.2);

    let (code, first, err) = umati_bridge(&shop.path(""), &["certificate", "new"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(
        first.contains("note: it is served from the next start on"),
        "{first}"
    );
    let uri = fs::read_to_string(shop.path("state/application-uri.txt")).unwrap();
    let identity = Identity::at(&shop.path("state"));
    let (certificate, key) = (identity.certificate_path(), identity.key_path());
    let old = (fs::read(&certificate).unwrap(), fs::read(&key).unwrap());
    let print = Certificate::from_der(&old.0).unwrap().thumbprint_hex();
    for wanted in [
        &format!("application URI  {}", uri.trim()),
        &format!("SHA-256          {print}"),
        "SHA-1            ",
        "127.0.0.1, localhost",
        &format!(
            "file             {}",
            certificate.display().to_string().trim_start_matches('.')
        ),
    ] {
        assert!(first.contains(wanted.trim_end()), "{wanted}: {first}");
    }
    let (code, shown, _) = umati_bridge(
        &shop.path(""),
        &["certificate", "show", "--config", "config.json"],
    );
    assert_eq!(code, Some(0));
    assert!(first.starts_with(&shown), "{shown}");

    let (code, second, err) = umati_bridge(&shop.path(""), &["certificate", "new"]);
    assert_eq!(code, Some(0), "{err}");
    assert_ne!(fs::read(&certificate).unwrap(), old.0);
    assert!(second.contains(&format!("{print}.der")), "{second}");
    let kept = shop.pki().join("own/old");
    assert_eq!(fs::read(kept.join(format!("{print}.der"))).unwrap(), old.0);
    assert_eq!(fs::read(kept.join(format!("{print}.pem"))).unwrap(), old.1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode =
            |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&kept), 0o700);
        assert_eq!(mode(&kept.join(format!("{print}.pem"))), 0o600);
        assert_eq!(mode(&key), 0o600);
    }
    // The next start takes it.
    let uri = uri.trim().to_owned();
    Identity::load_or_create(&Settings {
        application_uri: uri,
        ..settings(&shop)
    })
    .unwrap();
}

#[test]
fn a_renewal_that_ended_too_early_is_taken_up_again() {
    let shop = Workshop::new();
    let settings = settings(&shop);
    let first = Identity::load_or_create(&settings).unwrap();
    let old = fs::read(first.certificate_path()).unwrap();
    let (renewed, kept) = Identity::renew(&settings).unwrap();
    assert_eq!(fs::read(kept.unwrap()).unwrap(), old);
    let certificate = renewed.certificate_path();
    let new = fs::read(&certificate).unwrap();

    // The key is in its place already, the certificate not yet.
    fs::write(certificate.with_extension("new"), &new).unwrap();
    fs::write(&certificate, &old).unwrap();
    Identity::load_or_create(&settings).unwrap();
    assert_eq!(fs::read(&certificate).unwrap(), new);

    // Neither is.
    fs::write(certificate.with_extension("new"), &old).unwrap();
    Identity::load_or_create(&settings).unwrap();
    assert_eq!(fs::read(&certificate).unwrap(), new);
}

#[test]
fn a_renewal_heals_a_pair_that_does_not_work() {
    let shop = Workshop::new();
    let settings = settings(&shop);
    let identity = Identity::load_or_create(&settings).unwrap();
    fs::remove_file(identity.key_path()).unwrap();
    let refused = Identity::load_or_create(&settings).unwrap_err();
    assert!(matches!(refused, IdentityError::Half { .. }));
    let (renewed, kept) = Identity::renew(&settings).unwrap();
    assert!(kept.is_some());
    assert_eq!(
        renewed.certificate().unwrap().application_uri.as_deref(),
        Some("urn:test:umati-bridge")
    );
    Identity::load_or_create(&settings).unwrap();
}
