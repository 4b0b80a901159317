//! The certificate: made once, kept, and private where it must be.

use std::fs;

use chrono::{TimeDelta, Utc};
use opcua::crypto::CertificateStore;
use umati_bridge::server::{Identity, IdentityError, Settings};

use super::bench::{APPLICATION_URI, settings};

#[test]
fn the_first_start_makes_a_pair_that_later_starts_keep() {
    let state = tempfile::tempdir().unwrap();
    let settings = Settings {
        listen: "0.0.0.0".parse().unwrap(),
        public_hostname: Some("gw.factory".to_owned()),
        ..settings(state.path(), 4840)
    };
    let identity = Identity::load_or_create(&settings).unwrap();
    let certificate = CertificateStore::read_cert(&identity.certificate_path()).unwrap();
    assert_eq!(certificate.key_length().unwrap(), 2048 / 8 * 8);
    certificate
        .is_application_uri_valid(APPLICATION_URI)
        .unwrap();
    let hostname = gethostname::gethostname().to_string_lossy().into_owned();
    for name in ["gw.factory", &hostname, "localhost", "127.0.0.1"] {
        certificate.is_hostname_valid(name).unwrap();
    }
    for interface in if_addrs::get_if_addrs().unwrap() {
        certificate
            .is_hostname_valid(&interface.ip().to_string())
            .unwrap();
    }
    let in_five_years = Utc::now() + TimeDelta::days(5 * 366);
    certificate.is_time_valid(&in_five_years).unwrap();

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode =
            |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&identity.key_path()), 0o600);
        assert_eq!(mode(identity.key_path().parent().unwrap()), 0o700);
    }
    let key = fs::read_to_string(identity.key_path()).unwrap();
    assert!(key.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert!(!key.contains('\r'));

    // Another name does not cost the clients their trust.
    let renamed = Settings {
        public_hostname: Some("new.factory".to_owned()),
        ..settings
    };
    let again = Identity::load_or_create(&renamed).unwrap();
    assert_eq!(fs::read_to_string(again.key_path()).unwrap(), key);
    let kept = CertificateStore::read_cert(&again.certificate_path()).unwrap();
    assert_eq!(kept.to_der().unwrap(), certificate.to_der().unwrap());
}

#[test]
fn a_first_start_that_ended_too_early_is_taken_up_again() {
    let state = tempfile::tempdir().unwrap();
    let settings = settings(state.path(), 4840);
    let identity = Identity::load_or_create(&settings).unwrap();
    let (certificate, key) = (identity.certificate_path(), identity.key_path());
    let made = fs::read(&certificate).unwrap();

    // Between the two renames.
    fs::rename(&certificate, certificate.with_extension("new")).unwrap();
    Identity::load_or_create(&settings).unwrap();
    assert_eq!(fs::read(&certificate).unwrap(), made);

    // Before them: nobody has seen that pair.
    fs::rename(&certificate, certificate.with_extension("new")).unwrap();
    fs::rename(&key, key.with_extension("new")).unwrap();
    Identity::load_or_create(&settings).unwrap();
    assert_ne!(fs::read(&certificate).unwrap(), made);
}

#[test]
fn first_starts_at_the_same_time_agree_on_one_pair() {
    let state = tempfile::tempdir().unwrap();
    let settings = settings(state.path(), 4840);
    let seen: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let start = || {
            let identity = Identity::load_or_create(&settings).unwrap();
            fs::read(identity.certificate_path()).unwrap()
        };
        let starts = [scope.spawn(start), scope.spawn(start), scope.spawn(start)];
        starts.map(|start| start.join().unwrap()).into()
    });
    assert!(seen.iter().all(|certificate| *certificate == seen[0]));
}

#[test]
fn half_a_pair_is_refused_in_words() {
    let state = tempfile::tempdir().unwrap();
    let settings = settings(state.path(), 4840);
    let identity = Identity::load_or_create(&settings).unwrap();
    fs::remove_file(identity.key_path()).unwrap();
    let error = Identity::load_or_create(&settings).unwrap_err();
    assert!(matches!(error, IdentityError::Half { .. }));
    assert_eq!(
        error.to_string(),
        format!(
            "{} is there but {} is not: put it back, or remove both so that a new pair is made",
            identity.certificate_path().display(),
            identity.key_path().display()
        )
    );
}

#[test]
fn a_key_of_another_certificate_is_refused_in_words() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mine = Identity::load_or_create(&settings(one.path(), 4840)).unwrap();
    let foreign = Identity::load_or_create(&settings(other.path(), 4840)).unwrap();
    fs::copy(foreign.key_path(), mine.key_path()).unwrap();
    let error = Identity::load_or_create(&settings(one.path(), 4840)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} and {} do not belong together: put the right ones back, or remove both so that a new pair is made",
            mine.certificate_path().display(),
            mine.key_path().display()
        )
    );
    fs::write(mine.key_path(), "nonsense").unwrap();
    let error = Identity::load_or_create(&settings(one.path(), 4840)).unwrap_err();
    assert!(error.to_string().starts_with("cannot read "), "{error}");
}
