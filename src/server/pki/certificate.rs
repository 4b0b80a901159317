//! A certificate, read: what it says, and nothing about whether that may be believed.

use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use opcua::crypto::X509;
use sha2::{Digest, Sha256};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::time::Time;

use super::der;
use super::signature::Signed;
use super::text::{hex, printable, printed};

/// The largest certificate that is looked at, in bytes of DER.
pub(super) const MOST_BYTES: usize = 32 * 1024;
const LONGEST_URI: usize = 1024;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
/// What is checked here, or says nothing against a use: basicConstraints, keyUsage, extKeyUsage, subjectAltName, key
/// identifiers, certificatePolicies (none is asked for).
const UNDERSTOOD: [&str; 7] = [
    "2.5.29.19",
    "2.5.29.15",
    "2.5.29.37",
    "2.5.29.17",
    "2.5.29.35",
    "2.5.29.14",
    "2.5.29.32",
];

/// What a certificate says of itself.
#[derive(Debug)]
pub struct Certificate {
    /// SHA-256 of the DER form.
    pub thumbprint: [u8; 32],
    /// Subject in RFC 4514 form, fit for a terminal, at most 256 characters.
    pub subject: String,
    /// Who says to have signed it, in the same form.
    pub issuer: String,
    /// In hexadecimal digits.
    pub serial_number: String,
    /// The URI of the application (OPC 10000-6 §6.2.2).
    pub application_uri: Option<String>,
    /// Host names and addresses.
    pub names: Vec<String>,
    pub not_before: DateTime<Utc>,
    pub not_after: DateTime<Utc>,
    pub key_kind: KeyKind,
    /// Whether it says that its key may sign certificates.
    pub is_ca: bool,
    pub(super) der: Vec<u8>,
    pub(super) subject_der: Vec<u8>,
    pub(super) issuer_der: Vec<u8>,
    pub(super) serial: Vec<u8>,
    /// Content of the AlgorithmIdentifier.
    pub(super) key_algorithm: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) signed: Signed,
    /// How many certificate authorities may stand below this one.
    pub(super) path_length: Option<u8>,
    pub(super) usage: Option<KeyUsage>,
    pub(super) extended_usage: Option<Vec<ObjectIdentifier>>,
    pub(super) subject_key_id: Option<Vec<u8>>,
    pub(super) authority_key_id: Option<Vec<u8>>,
    /// An extension that must be understood and is not.
    pub(super) not_understood: Option<ObjectIdentifier>,
    pub(super) constrains_names: bool,
    /// Asked for only where certificates of users are looked up.
    sha1: OnceLock<Option<[u8; 20]>>,
}

/// The public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// With the length of the modulus in bits.
    Rsa(usize),
    /// No policy of OPC UA that is served here can use it.
    Other,
}

impl Certificate {
    /// Reads exactly one certificate.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_der(der: &[u8]) -> Result<Self, String> {
        if der.len() > MOST_BYTES {
            return Err(format!("a certificate has at most {MOST_BYTES} bytes"));
        }
        read(der).map_err(|reason| format!("not a certificate: {}", printed(&reason)))
    }

    /// SHA-1 of the DER form, which OPC UA itself calls the thumbprint.
    pub fn sha1(&self) -> Option<[u8; 20]> {
        *self.sha1.get_or_init(|| {
            let library = X509::from_der(&self.der).ok()?;
            library.thumbprint().value().try_into().ok()
        })
    }

    /// The thumbprint in hexadecimal digits; also the name of its file.
    pub fn thumbprint_hex(&self) -> String {
        hex(&self.thumbprint)
    }

    pub(super) fn is_self_issued(&self) -> bool {
        self.subject_der == self.issuer_der
    }
}

fn read(der: &[u8]) -> Result<Certificate, x509_cert::der::Error> {
    let read = x509_cert::Certificate::from_der(der)?;
    let tbs = &read.tbs_certificate;
    let broken = || x509_cert::der::ErrorKind::Failed.into();
    let (message, algorithm) = der::signed(der).ok_or_else(broken)?;
    if tbs.signature != read.signature_algorithm {
        return Err(broken());
    }
    let signature = read.signature.as_bytes().ok_or_else(broken)?;
    let key_info = &tbs.subject_public_key_info;
    let key = key_info.subject_public_key.as_bytes().ok_or_else(broken)?;
    let key_algorithm = key_info.algorithm.to_der()?;
    let (key_algorithm, _) = der::first(&key_algorithm).ok_or_else(broken)?;
    let extensions = tbs.extensions.as_deref().unwrap_or(&[]);
    let constraints = tbs.get::<BasicConstraints>()?.map(|(_, it)| it);
    let names = Names::of(tbs.get::<SubjectAltName>()?.map(|(_, it)| it));
    let key_ids = (
        tbs.get::<SubjectKeyIdentifier>()?.map(|(_, it)| it),
        tbs.get::<AuthorityKeyIdentifier>()?.map(|(_, it)| it),
    );
    Ok(Certificate {
        thumbprint: Sha256::digest(der).into(),
        subject: printed(&tbs.subject),
        issuer: printed(&tbs.issuer),
        serial_number: hex(tbs.serial_number.as_bytes()),
        application_uri: names.uri,
        names: names.hosts,
        not_before: utc(tbs.validity.not_before),
        not_after: utc(tbs.validity.not_after),
        key_kind: if key_info.algorithm.oid == RSA {
            KeyKind::Rsa(modulus_bits(key).ok_or_else(broken)?)
        } else {
            KeyKind::Other
        },
        is_ca: constraints.as_ref().is_some_and(|it| it.ca),
        der: der.to_vec(),
        subject_der: tbs.subject.to_der()?,
        issuer_der: tbs.issuer.to_der()?,
        serial: tbs.serial_number.as_bytes().to_vec(),
        key_algorithm: key_algorithm.content.to_vec(),
        key: key.to_vec(),
        signed: Signed {
            message: message.to_vec(),
            algorithm: algorithm.to_vec(),
            signature: signature.to_vec(),
        },
        path_length: constraints.and_then(|it| it.path_len_constraint),
        usage: tbs.get::<KeyUsage>()?.map(|(_, it)| it),
        extended_usage: tbs.get::<ExtendedKeyUsage>()?.map(|(_, it)| it.0),
        subject_key_id: key_ids.0.map(|it| it.0.into_bytes()),
        authority_key_id: key_ids
            .1
            .and_then(|it| it.key_identifier)
            .map(|it| it.into_bytes()),
        not_understood: extensions
            .iter()
            .find(|it| {
                let id = it.extn_id.to_string();
                it.critical && it.extn_id != NAME_CONSTRAINTS && !UNDERSTOOD.contains(&id.as_str())
            })
            .map(|it| it.extn_id),
        constrains_names: extensions.iter().any(|it| it.extn_id == NAME_CONSTRAINTS),
        sha1: OnceLock::new(),
    })
}

pub(super) fn utc(time: Time) -> DateTime<Utc> {
    time.to_system_time().into()
}

/// RSAPublicKey (RFC 8017 §A.1.1): the modulus comes first.
fn modulus_bits(key: &[u8]) -> Option<usize> {
    let (sequence, _) = der::first(key)?;
    let (modulus, _) = der::first(sequence.content)?;
    let bytes = modulus.content;
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    let leading = bytes.get(zeros)?.leading_zeros() as usize;
    Some((bytes.len() - zeros) * 8 - leading)
}

#[derive(Default)]
struct Names {
    uri: Option<String>,
    hosts: Vec<String>,
}

impl Names {
    fn of(alternatives: Option<SubjectAltName>) -> Self {
        let mut names = Self::default();
        for name in alternatives.map(|it| it.0).unwrap_or_default() {
            match name {
                GeneralName::UniformResourceIdentifier(uri) if names.uri.is_none() => {
                    names.uri = is_uri(uri.as_str()).then(|| uri.to_string());
                }
                GeneralName::DnsName(host) => names.hosts.push(printable(host.as_str())),
                GeneralName::IpAddress(address) => names.hosts.extend(ip(address.as_bytes())),
                _ => {}
            }
        }
        names
    }
}

/// As much as is needed to put it into a log line and to compare it with what a client says. A URI has no spaces, but
/// clients are known that make theirs of a name that has some.
fn is_uri(text: &str) -> bool {
    let is_printable = |c: char| c.is_ascii_graphic() || c == ' ';
    !text.is_empty() && text.len() <= LONGEST_URI && text.chars().all(is_printable)
}

fn ip(octets: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(octets).map(|it| std::net::IpAddr::from(it).to_string());
    let sixteen = || <[u8; 16]>::try_from(octets).map(|it| std::net::IpAddr::from(it).to_string());
    four.or_else(|_| sixteen()).ok()
}
