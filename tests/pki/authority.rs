//! A workshop for certificates: openssl as a certificate authority, and a folder of its own for each test.
#![allow(
    dead_code,
    reason = "each test crate that includes this module uses a part of it"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use opcua::types::StatusCode;
use tempfile::TempDir;
use umati_bridge::server::{ClientCertificate, Refused, Trust};

/// The URI in certificates of applications.
pub(crate) const URI: &str = "urn:mes.factory:client";

/// What application certificates are allowed to do (OPC 10000-6 §6.2.2).
pub(crate) const CLIENT: &str = "basicConstraints=CA:FALSE\n\
    keyUsage=critical,digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment\n\
    extendedKeyUsage=clientAuth\nsubjectAltName=URI:urn:mes.factory:client,DNS:mes.factory\n";

pub(crate) const AUTHORITY: &str =
    "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";

/// The folder of one test: openssl's files, and the folders of the trust list.
pub(crate) struct Workshop {
    folder: TempDir,
}

/// A certificate and its key.
#[derive(Clone)]
pub(crate) struct Pair {
    pub name: String,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Pair {
    pub(crate) fn der(&self) -> Vec<u8> {
        let pem = fs::read(&self.certificate).unwrap();
        der_of(&pem)
    }
}

/// From PEM, by openssl.
pub(crate) fn der_of(pem: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("pem"), folder.path().join("der"));
    fs::write(&from, pem).unwrap();
    openssl(
        folder.path(),
        &[
            "x509",
            "-outform",
            "DER",
            "-in",
            text(&from),
            "-out",
            text(&to),
        ],
    );
    fs::read(&to).unwrap()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl")
        .current_dir(folder)
        .args(arguments)
        .output();
    let output = output.expect("openssl is installed");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {told}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Keys take long to make, and which of them a certificate has rarely matters: number 0 is for clients.
pub(crate) fn key(number: usize) -> PathBuf {
    static KEYS: OnceLock<(TempDir, Vec<PathBuf>)> = OnceLock::new();
    let (_, keys) = KEYS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let keys = (0..4).map(|number| {
            let path = folder.path().join(format!("{number}.key"));
            openssl(folder.path(), &["genrsa", "-out", text(&path), "2048"]);
            path
        });
        let keys = keys.collect();
        (folder, keys)
    });
    keys[number].clone()
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("index.txt"), "").unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn pki(&self) -> PathBuf {
        self.path("state/pki")
    }

    /// A closed server's.
    pub(crate) fn trust(&self) -> Trust {
        Trust::new(&self.pki(), false)
    }

    /// Puts a file into a folder of the trust list, under a name that says nothing.
    pub(crate) fn put(&self, folder: &str, pair: &Pair) -> PathBuf {
        let path = self.pki().join(folder).join(format!("{}.der", pair.name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, pair.der()).unwrap();
        path
    }

    pub(crate) fn files(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.pki().join(folder)) else {
            return Vec::new();
        };
        let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    /// Signs itself.
    pub(crate) fn self_signed(&self, name: &str, key: &Path, extensions: &str, days: i64) -> Pair {
        self.signed(name, key, extensions, days, None)
    }

    pub(crate) fn client(&self, name: &str) -> Pair {
        self.self_signed(name, &key(0), CLIENT, 30)
    }

    pub(crate) fn client_of(&self, authority: &Pair, name: &str) -> Pair {
        self.signed(name, &key(0), CLIENT, 30, Some(authority))
    }

    pub(crate) fn root(&self) -> Pair {
        self.self_signed("root", &key(1), AUTHORITY, 30)
    }

    /// Valid from a year ago until in `days` days, which may be over.
    pub(crate) fn signed(
        &self,
        name: &str,
        key: &Path,
        extensions: &str,
        days: i64,
        by: Option<&Pair>,
    ) -> Pair {
        let subject = format!("/O=Factory/CN={name}");
        self.signed_as(name, &subject, key, extensions, days, by)
    }

    pub(crate) fn signed_as(
        &self,
        name: &str,
        subject: &str,
        key: &Path,
        extensions: &str,
        days: i64,
        by: Option<&Pair>,
    ) -> Pair {
        let certificate = self.path(&format!("{name}.pem"));
        let request = self.path(&format!("{name}.csr"));
        let config = self.config(extensions);
        let days = chrono::Utc::now() + chrono::TimeDelta::days(days);
        let end = days.format("%Y%m%d%H%M%SZ").to_string();
        let (config, request, out) = (text(&config), text(&request), text(&certificate));
        openssl(
            self.folder.path(),
            &[
                "req",
                "-new",
                "-utf8",
                "-config",
                config,
                "-key",
                text(key),
                "-subj",
                subject,
                "-out",
                request,
            ],
        );
        let mut arguments = vec![
            "ca",
            "-batch",
            "-notext",
            "-config",
            config,
            "-in",
            request,
            "-out",
            out,
            "-startdate",
            "20240101000000Z",
            "-enddate",
            &end,
            "-extensions",
            "wanted",
        ];
        match by {
            Some(by) => {
                arguments.extend(["-cert", text(&by.certificate), "-keyfile", text(&by.key)])
            }
            None => arguments.extend(["-selfsign", "-keyfile", text(key)]),
        }
        openssl(self.folder.path(), &arguments);
        Pair {
            name: name.to_owned(),
            certificate,
            key: key.to_owned(),
        }
    }

    fn config(&self, extensions: &str) -> PathBuf {
        let path = self.path("openssl.cnf");
        let config = "[req]\ndistinguished_name=name\nprompt=no\n[name]\nCN=x\n[ca]\ndefault_ca=ours\n[ours]\n\
             database=index.txt\nnew_certs_dir=.\ndefault_md=sha256\npolicy=any\nunique_subject=no\n\
             email_in_dn=no\nrand_serial=yes\ncrl_extensions=list\npreserve=yes\n[any]\nO=optional\nCN=optional\n\
             [list]\nauthorityKeyIdentifier=keyid\n[wanted]\n";
        fs::write(&path, format!("{config}{extensions}\n")).unwrap();
        path
    }

    /// Puts the revocation list of an authority into the folder `crl`; `revoked` are on it. Due again in `hours`.
    pub(crate) fn put_crl(&self, authority: &Pair, revoked: &[&Pair], hours: i64) -> PathBuf {
        let path = self
            .pki()
            .join("crl")
            .join(format!("{}.crl", authority.name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(self.crl(authority, revoked, hours), &path).unwrap();
        path
    }

    /// In PEM.
    pub(crate) fn crl(&self, authority: &Pair, revoked: &[&Pair], hours: i64) -> PathBuf {
        let config = self.config("");
        let index = self.path("index.txt");
        fs::write(&index, "").unwrap();
        let signer = [
            "-cert",
            text(&authority.certificate),
            "-keyfile",
            text(&authority.key),
        ];
        for pair in revoked {
            let mut arguments = vec![
                "ca",
                "-config",
                text(&config),
                "-revoke",
                text(&pair.certificate),
            ];
            arguments.extend(signer);
            openssl(self.folder.path(), &arguments);
        }
        let path = self.path(&format!("{}.crl.pem", authority.name));
        let time = |hours| {
            let time = chrono::Utc::now() + chrono::TimeDelta::hours(hours);
            time.format("%Y%m%d%H%M%SZ").to_string()
        };
        let (last, next) = (time(-48), time(hours));
        let mut arguments = vec![
            "ca",
            "-gencrl",
            "-config",
            text(&config),
            "-out",
            text(&path),
            "-crl_lastupdate",
            &last,
            "-crl_nextupdate",
            &next,
        ];
        arguments.extend(signer);
        openssl(self.folder.path(), &arguments);
        fs::write(&index, "").unwrap();
        path
    }
}

/// A leaf with what is sent with it.
pub(crate) fn chain(pairs: &[&Pair]) -> Vec<u8> {
    pairs.iter().flat_map(|pair| pair.der()).collect()
}

pub(crate) fn status(judged: Result<ClientCertificate, Refused>) -> StatusCode {
    judged.map_or_else(|refused| refused.status, |_| StatusCode::Good)
}
