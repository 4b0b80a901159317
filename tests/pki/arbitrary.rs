//! Whatever a stranger sends: an answer, and no panic.

use std::sync::OnceLock;

use proptest::prelude::*;
use umati_bridge::server::Certificate;

use super::authority::{Workshop, chain};

/// A true chain, to be damaged.
fn sample() -> &'static [u8] {
    static SAMPLE: OnceLock<Vec<u8>> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let shop = Workshop::new();
        let root = shop.root();
        chain(&[&shop.client_of(&root, "leaf"), &root])
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let shop = tempfile::tempdir().unwrap();
        let trust = umati_bridge::server::Trust::new(shop.path(), false);
        prop_assert!(trust.judge_application(&bytes).is_err());
        prop_assert!(trust.judge_user(&bytes).is_err());
    }

    #[test]
    fn damaged_chains_are_refused(
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<proptest::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = sample().to_vec();
        for (index, value) in damage {
            *index.get_mut(&mut bytes) = value;
        }
        if is_cut {
            bytes.truncate(cut.index(sample().len()));
        }
        let shop = tempfile::tempdir().unwrap();
        let trust = umati_bridge::server::Trust::new(shop.path(), false);
        prop_assert!(trust.judge_application(&bytes).is_err());
        if let Ok(certificate) = Certificate::from_der(&bytes) {
            prop_assert!(certificate.sha1().is_some());
        }
    }
}
