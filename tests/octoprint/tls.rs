//! https behind a proxy with a certificate of its own: trusted by authority file or fingerprint, else refused.

use std::io::Write;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use umati_bridge::machine::{Unreachable, UnreachableCause};
use umati_bridge::octoprint::{Source, TlsTrust};

use crate::feed::{Feed, limits, source};
use crate::payloads::printing;
use crate::stub::{Reply, Stub};

/// A certificate with its private key.
struct Identity {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Identity {
    fn self_signed(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self {
            certificate: params.self_signed(&key).unwrap().der().clone(),
            key,
        }
    }

    fn issued_by(authority: &CertifiedIssuer<'_, KeyPair>, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self {
            certificate: params.signed_by(&key, authority).unwrap().der().clone(),
            key,
        }
    }

    fn pin(&self) -> TlsTrust {
        TlsTrust::Fingerprint(Sha256::digest(&self.certificate).into())
    }

    async fn serve(&self) -> (Stub, String) {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stub = Stub::on(
            listener,
            Some(TlsAcceptor::from(Arc::new(config))),
            printing,
        );
        let url = format!("https://127.0.0.1:{}/", stub.address.port());
        (stub, url)
    }
}

fn params() -> CertificateParams {
    CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap()
}

fn expired() -> CertificateParams {
    let mut params = params();
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
    params
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn file(content: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}

fn feed(url: &str, tls: TlsTrust) -> Feed {
    Feed::with(
        Source {
            tls,
            ..source("test", url)
        },
        limits(),
    )
}

async fn refused(url: &str, tls: TlsTrust) -> Unreachable {
    let why = feed(url, tls).unreachable().await;
    assert_eq!(why.cause, UnreachableCause::Tls, "{why:?}");
    why
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused_and_nothing_is_sent() {
    let (stub, url) = Identity::self_signed(params()).serve().await;
    refused(&url, TlsTrust::SystemRoots).await;
    assert_eq!(stub.requests().len(), 0);
}

#[tokio::test]
async fn a_pinned_certificate_is_trusted_whatever_it_says() {
    let other_name = CertificateParams::new(vec!["octopi.local".to_owned()]).unwrap();
    for params in [params(), expired(), other_name] {
        let identity = Identity::self_signed(params);
        let (stub, url) = identity.serve().await;
        let mut feed = feed(&url, identity.pin());
        feed.report().await;
        feed.report().await;
        // The list of files, a long answer, has a connection of its own.
        let requests = stub.requests();
        let mut rounds =
            (requests.iter()).filter(|request| !request.path().starts_with("/api/files"));
        assert!(rounds.all(|request| request.connection == 0));
    }
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_is_refused_with_its_fingerprint() {
    let identity = Identity::self_signed(params());
    let (stub, url) = identity.serve().await;
    let why = refused(&url, TlsTrust::Fingerprint([7; 32])).await;
    let TlsTrust::Fingerprint(shown) = identity.pin() else {
        panic!("a pin is a fingerprint")
    };
    let shown: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(
        why.detail
            .contains(&format!("SHA-256 fingerprint {shown}, not the pinned one")),
        "{why:?}"
    );
    assert_eq!(stub.requests().len(), 0);
}

#[tokio::test]
async fn a_certificate_of_the_named_authority_is_trusted() {
    let (authority, stranger) = (authority(), authority());
    let (_stub, url) = Identity::issued_by(&authority, params()).serve().await;
    let ca = file(&authority.pem());
    feed(&url, TlsTrust::CaFile(ca.path().to_owned()))
        .report()
        .await;
    let other = file(&stranger.pem());
    refused(&url, TlsTrust::CaFile(other.path().to_owned())).await;
}

#[tokio::test]
async fn an_expired_certificate_and_one_for_another_name_are_refused_in_words() {
    let authority = authority();
    let ca = file(&authority.pem());
    let trust = TlsTrust::CaFile(ca.path().to_owned());
    let (_stub, url) = Identity::issued_by(&authority, expired()).serve().await;
    let why = refused(&url, trust.clone()).await;
    assert!(why.detail.contains("expired"), "{why:?}");
    let other_name = CertificateParams::new(vec!["octopi.local".to_owned()]).unwrap();
    let (_stub, url) = Identity::issued_by(&authority, other_name).serve().await;
    let why = refused(&url, trust).await;
    assert!(why.detail.contains("not valid for name"), "{why:?}");
}

#[tokio::test]
async fn a_useless_authority_file_is_told_and_may_come_later() {
    let authority = authority();
    let (_stub, url) = Identity::issued_by(&authority, params()).serve().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let mut feed = feed(&url, TlsTrust::CaFile(path.clone()));
    let why = feed.unreachable().await;
    assert_eq!(why.cause, UnreachableCause::Tls);
    assert!(
        why.detail
            .starts_with(&format!("the CA file {} cannot be read: ", path.display())),
        "{why:?}"
    );
    std::fs::write(&path, "no certificate").unwrap();
    let empty = format!(
        "the CA file {} holds no certificate (expected PEM, -----BEGIN CERTIFICATE-----)",
        path.display()
    );
    feed.first(|observation| match observation {
        umati_bridge::machine::Observation::Unreachable(why) => (why.detail == empty).then_some(()),
        _ => None,
    })
    .await;
    std::fs::write(&path, authority.pem()).unwrap();
    feed.report().await;
}

#[tokio::test]
async fn https_to_a_server_that_speaks_plain_http_is_told_as_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_u8().await.unwrap();
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .unwrap();
        }
    });
    refused(&url, TlsTrust::Fingerprint([0; 32])).await;
    server.abort();
}

/// The proxy of OctoPi sends http callers to https: followed on the same host, with the trust that stands for it.
#[tokio::test]
async fn http_may_lead_to_https_on_the_same_host() {
    let identity = Identity::self_signed(params());
    let (_secure, url) = identity.serve().await;
    let plain = Stub::start(move |request| {
        let target = request.target.trim_start_matches('/');
        Reply::redirect(301, &format!("{url}{target}"))
    })
    .await;
    feed(&plain.url(), identity.pin()).report().await;
}
