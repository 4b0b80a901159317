//! The security header of OPN, which stands in clear (OPC 10000-6 §6.7.2.3): under which policy, with which
//! certificate.

use opcua::crypto::SecurityPolicy;
use opcua::types::StatusCode;

/// A URI of a policy is shorter.
const MAX_POLICY: usize = 255;
/// A chain of five certificates, each as large as they get.
const MAX_CHAIN: usize = 32 * 1024;
/// SHA-1 has 20 bytes.
const MAX_THUMBPRINT: usize = 64;

/// What an OPN says before it is decrypted.
#[derive(Debug, PartialEq)]
pub(super) struct Opening<'a> {
    pub policy: SecurityPolicy,
    /// DER, the leaf first; empty without security.
    pub chain: &'a [u8],
    /// The thumbprint of the receiver's certificate, and what it encrypts for the receiver.
    rest: &'a [u8],
}

impl<'a> Opening<'a> {
    /// Reads what follows the header of the chunk: SecureChannelId, SecurityPolicyUri, SenderCertificate.
    ///
    /// # Errors
    /// The status for the client.
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, StatusCode> {
        let after_channel = body.get(4..).ok_or(StatusCode::BadDecodingError)?;
        let (policy, rest) = bytes(after_channel, MAX_POLICY)?;
        let (chain, rest) = bytes(rest, MAX_CHAIN)?;
        let policy = std::str::from_utf8(policy).map_err(|_| StatusCode::BadDecodingError)?;
        Ok(Self {
            policy: SecurityPolicy::from_uri(policy),
            chain,
            rest,
        })
    }

    /// The SequenceNumber; stands in clear without security only.
    pub(super) fn sequence(&self) -> Option<u32> {
        let sequence = self.clear()?.first_chunk()?;
        Some(u32::from_le_bytes(*sequence))
    }

    /// What is asked or answered, after SequenceNumber and RequestId; stands in clear without security only.
    pub(super) fn message(&self) -> Option<&'a [u8]> {
        self.clear()?.get(8..)
    }

    fn clear(&self) -> Option<&'a [u8]> {
        let (_thumbprint, rest) = bytes(self.rest, MAX_THUMBPRINT).ok()?;
        Some(rest)
    }
}

/// A ByteString or String and what follows it; null is empty.
fn bytes(from: &[u8], longest: usize) -> Result<(&[u8], &[u8]), StatusCode> {
    let (length, rest) = from
        .split_first_chunk::<4>()
        .ok_or(StatusCode::BadDecodingError)?;
    let length = match i32::from_le_bytes(*length) {
        -1 => 0,
        length => usize::try_from(length).map_err(|_| StatusCode::BadDecodingError)?,
    };
    if length > longest {
        return Err(StatusCode::BadEncodingLimitsExceeded);
    }
    rest.split_at_checked(length)
        .ok_or(StatusCode::BadDecodingError)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn opening(policy: &str, certificate: &[u8]) -> Vec<u8> {
        let mut body = 0_u32.to_le_bytes().to_vec();
        for part in [policy.as_bytes(), certificate] {
            body.extend_from_slice(&(part.len() as i32).to_le_bytes());
            body.extend_from_slice(part);
        }
        body.extend_from_slice(&(-1_i32).to_le_bytes());
        body
    }

    #[test]
    fn policy_and_certificate_are_read() {
        let body = opening(SecurityPolicy::Basic256Sha256.to_uri(), b"der");
        let parsed = Opening::parse(&body).unwrap();
        assert_eq!(parsed.policy, SecurityPolicy::Basic256Sha256);
        assert_eq!(parsed.chain, b"der");
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        let mut body = opening("x", b"y");
        body[4..8].copy_from_slice(&i32::MAX.to_le_bytes());
        assert_eq!(
            Opening::parse(&body),
            Err(StatusCode::BadEncodingLimitsExceeded)
        );
        body[4..8].copy_from_slice(&(-2_i32).to_le_bytes());
        assert_eq!(Opening::parse(&body), Err(StatusCode::BadDecodingError));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Opening::parse(&body);
        }
    }
}
