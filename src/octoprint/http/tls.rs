//! TLS as the operator chose it: the system's authorities, one file of authorities, or one pinned certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::pin::PinnedCertificate;
use crate::octoprint::TlsTrust;

/// Why no TLS connection can even be tried.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsSetupError {
    #[error("the CA file {} cannot be read: {why}", file.display())]
    CaFile {
        file: PathBuf,
        why: rustls::pki_types::pem::Error,
    },
    #[error("the CA file {} holds no certificate (expected PEM, -----BEGIN CERTIFICATE-----)", .0.display())]
    NoCertificate(PathBuf),
    #[error("a certificate in the CA file {} cannot be used: {why}", file.display())]
    CaCertificate { file: PathBuf, why: rustls::Error },
    #[error("the system's certificate authorities cannot be used: {0}")]
    SystemRoots(rustls::Error),
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] rustls::Error),
}

/// For connections that never use TLS: trusts nobody, and so costs nothing.
pub(super) fn no_trust() -> Result<ClientConfig, TlsSetupError> {
    Ok(builder(provider())?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

/// For connections to servers that are trusted in this way.
pub(super) fn config(trust: &TlsTrust) -> Result<ClientConfig, TlsSetupError> {
    let provider = provider();
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        TlsTrust::SystemRoots => Arc::new(
            rustls_platform_verifier::Verifier::new(provider.clone())
                .map_err(TlsSetupError::SystemRoots)?,
        ),
        TlsTrust::Fingerprint(sha256) => Arc::new(PinnedCertificate::new(*sha256, &provider)),
        TlsTrust::CaFile(file) => {
            let config = builder(provider)?
                .with_root_certificates(authorities(file)?)
                .with_no_client_auth();
            return Ok(config);
        }
    };
    Ok(builder(provider)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// Named here and not taken from the process, so that no other room has to install one first.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

fn authorities(file: &Path) -> Result<RootCertStore, TlsSetupError> {
    let unreadable = |why| TlsSetupError::CaFile {
        file: file.to_owned(),
        why,
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(unreadable)? {
        roots.add(certificate.map_err(unreadable)?).map_err(|why| {
            TlsSetupError::CaCertificate {
                file: file.to_owned(),
                why,
            }
        })?;
    }
    if roots.is_empty() {
        return Err(TlsSetupError::NoCertificate(file.to_owned()));
    }
    Ok(roots)
}
