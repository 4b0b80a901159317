//! What can be said of one certificate alone, whoever vouches for it.

use chrono::{DateTime, Utc};
use x509_cert::der::asn1::ObjectIdentifier;

use super::certificate::{Certificate, KeyKind};
use super::problem::{Problem, Whose};

/// What the policies Basic256Sha256, Aes128Sha256RsaOaep and Aes256Sha256RsaPss allow, in bits (OPC 10000-7).
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

const CLIENT_AUTHENTICATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
const ANY_EXTENDED_USE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// A certificate that says that it has signed itself has done so.
pub(super) fn own_signature(certificate: &Certificate) -> Result<(), Problem> {
    if certificate.is_self_issued()
        && is_signed_with_own_key(certificate)
        && !certificate.signed.is_by(certificate)
    {
        return Err(Problem::Signature);
    }
    Ok(())
}

/// Two authorities may have one name: with another key behind it, the certificate is not its own issuer.
fn is_signed_with_own_key(certificate: &Certificate) -> bool {
    match (&certificate.authority_key_id, &certificate.subject_key_id) {
        (Some(authority), Some(subject)) => authority == subject,
        _ => true,
    }
}

/// The key fits the security policies, and the certificate is not signed with SHA-1.
pub(super) fn policy(certificate: &Certificate) -> Result<(), Problem> {
    match certificate.key_kind {
        KeyKind::Rsa(bits) if RSA_BITS.contains(&bits) => {}
        KeyKind::Rsa(bits) => {
            let (least, most) = (RSA_BITS.start(), RSA_BITS.end());
            return Err(Problem::Policy(format!(
                "its key has {bits} bits, from {least} to {most} are allowed"
            )));
        }
        KeyKind::Other => return Err(Problem::Policy("its key is not an RSA key".to_owned())),
    }
    if !certificate.signed.is_strong() {
        let why = "it is signed with an algorithm that is not accepted any more, such as SHA-1";
        return Err(Problem::Policy(why.to_owned()));
    }
    Ok(())
}

pub(super) fn time(
    certificate: &Certificate,
    whose: Whose,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    if (certificate.not_before..=certificate.not_after).contains(&now) {
        return Ok(());
    }
    Err(Problem::Time {
        whose,
        subject: certificate.subject.clone(),
        from: certificate.not_before,
        to: certificate.not_after,
    })
}

/// What application and user certificates have in common: they sign.
pub(super) fn leaf_use(leaf: &Certificate) -> Result<(), Problem> {
    if let Some(extension) = leaf.not_understood {
        return Err(not_for_leaf(leaf, not_understood(extension)));
    }
    if leaf.usage.is_some_and(|usage| !usage.digital_signature()) {
        let why = "its keyUsage does not allow digitalSignature";
        return Err(not_for_leaf(leaf, why.to_owned()));
    }
    Ok(())
}

/// An authority signs certificates for other purposes, too; a certificate that was accepted by itself was accepted for
/// this one, so nothing of this is asked of it.
pub(super) fn leaf_use_by_authority(leaf: &Certificate) -> Result<(), Problem> {
    if leaf.is_ca {
        let why = "it is itself the certificate of an authority";
        return Err(not_for_leaf(leaf, why.to_owned()));
    }
    let allowed = [CLIENT_AUTHENTICATION, ANY_EXTENDED_USE];
    if let Some(uses) = &leaf.extended_usage
        && !uses.iter().any(|it| allowed.contains(it))
    {
        let why = "its extendedKeyUsage does not allow clientAuth";
        return Err(not_for_leaf(leaf, why.to_owned()));
    }
    Ok(())
}

/// An authority with `below` others between itself and the leaf.
pub(super) fn authority_use(authority: &Certificate, below: usize) -> Result<(), Problem> {
    let why = if !authority.is_ca {
        "its basicConstraints do not say that it is an authority".to_owned()
    } else if authority.usage.is_some_and(|usage| !usage.key_cert_sign()) {
        "its keyUsage does not allow keyCertSign".to_owned()
    } else if authority
        .path_length
        .is_some_and(|most| below > usize::from(most))
    {
        format!("{below} other authorities stand below it, more than its pathLenConstraint allows")
    } else if authority.constrains_names {
        "it limits the names that it may sign, which is not supported".to_owned()
    } else if let Some(extension) = authority.not_understood {
        not_understood(extension)
    } else {
        return Ok(());
    };
    Err(Problem::Use {
        whose: Whose::Issuer,
        subject: authority.subject.clone(),
        why,
    })
}

fn not_understood(extension: ObjectIdentifier) -> String {
    format!("it has the critical extension {extension}, which is not supported")
}

fn not_for_leaf(leaf: &Certificate, why: String) -> Problem {
    Problem::Use {
        whose: Whose::Leaf,
        subject: leaf.subject.clone(),
        why,
    }
}
