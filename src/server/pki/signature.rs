//! Who signed what. The algorithms are those of `rustls-webpki`: RSA from 2048 bits with SHA-2, ECDSA and Ed25519. SHA-1
//! is not among them.

use super::certificate::Certificate;

/// What somebody has signed, cut out of a certificate or a revocation list.
#[derive(Debug)]
pub(super) struct Signed {
    /// As it came.
    pub message: Vec<u8>,
    /// Content of the AlgorithmIdentifier.
    pub algorithm: Vec<u8>,
    pub signature: Vec<u8>,
}

impl Signed {
    /// Whether the algorithm is one that still proves something.
    pub(super) fn is_strong(&self) -> bool {
        webpki::ALL_VERIFICATION_ALGS
            .iter()
            .any(|known| known.signature_alg_id().as_ref() == self.algorithm)
    }

    /// Whether the key in `signer` has signed it. Says nothing of whether it may.
    pub(super) fn is_by(&self, signer: &Certificate) -> bool {
        webpki::ALL_VERIFICATION_ALGS
            .iter()
            .filter(|known| {
                known.signature_alg_id().as_ref() == self.algorithm
                    && known.public_key_alg_id().as_ref() == signer.key_algorithm
            })
            .any(|known| {
                known
                    .verify_signature(&signer.key, &self.message, &self.signature)
                    .is_ok()
            })
    }
}
