//! A bridge as an operator sets it up: users who come with certificates, an authority, and the commands that decide
//! whom to trust. The machines are there, their OctoPrints are not.

use std::path::Path;

use opcua::client::IdentityToken;
use opcua::types::{EndpointDescription, StatusCode};
use serde_json::{Value, json};
use umati_bridge::server::Certificate;

use super::authority::{Pair, URI, Workshop, text};
use super::client::{Client, encrypted, library, library_with};
use super::common::bridge::Bridge;
use super::common::wait_until;

pub struct Site {
    pub workshop: Workshop,
    bridge: Bridge,
}

/// An entry of `mes` for a certificate.
pub fn instance(id: u32, user: &Pair) -> Value {
    json!({ "id": id, "name": user.name, "role": "control", "certificate": thumbprint(user) })
}

/// An entry of `operators` for a certificate.
pub fn operator(user: &Pair) -> Value {
    json!({ "name": user.name, "certificate": thumbprint(user) })
}

/// SHA-256, as the commands and the config take it.
pub fn thumbprint(pair: &Pair) -> String {
    let certificate = Certificate::from_der(&pair.der()).unwrap();
    certificate.thumbprint_hex()
}

/// Shows this certificate as the user's.
pub fn as_user(user: &Pair) -> IdentityToken {
    as_user_with_key(user, &user.key)
}

pub fn as_user_with_key(user: &Pair, key: &Path) -> IdentityToken {
    IdentityToken::new_x509_path(&user.certificate, key).unwrap()
}

impl Site {
    /// Three machines: of instance 1, of instance 2, of both.
    pub fn open(workshop: Workshop, mes: Value, operators: Value) -> Self {
        let machine = |name: &str, mes: &[u32]| {
            json!({
                "type": "OCTOPRINT", "url": "http://127.0.0.1:1", "api_key": "0123456789ABCDEF",
                "custom_name": name, "mes_id": mes,
            })
        };
        let bridge = Bridge::run(json!({
            "machines": [machine("of-1", &[1]), machine("of-2", &[2]), machine("of-both", &[1, 2])],
            "mes": mes,
            "operators": operators,
        }));
        Self { workshop, bridge }
    }

    /// `umati-bridge trust …`; it has to succeed.
    pub fn trust(&self, arguments: &[&str]) -> String {
        self.bridge.operator(&[&["trust"], arguments].concat())
    }

    pub fn accept(&self, application: &Pair) {
        self.trust(&["accept", text(&application.certificate)]);
    }

    pub fn accept_user(&self, user: &Pair) {
        self.trust(&["accept", text(&user.certificate), "--user"]);
    }

    /// Takes in the authority's revocation list, on which these stand.
    pub fn revoke_by(&self, authority: &Pair, revoked: &[&Pair]) {
        let list = self.workshop.crl(authority, revoked, 1);
        self.trust(&["accept", text(&list), "--issuer"]);
    }

    /// `umati-bridge certificate new`.
    pub fn renew(&self) {
        self.bridge.operator(&["certificate", "new"]);
    }

    pub fn restart(self) -> Self {
        Self {
            bridge: self.bridge.kill_and_run_again(),
            ..self
        }
    }

    /// The address of the server, without a path.
    pub fn url(&self) -> &str {
        self.bridge.endpoint().trim_end_matches('/')
    }

    pub fn process(&self) -> u32 {
        self.bridge.id()
    }

    pub async fn endpoint(&self) -> EndpointDescription {
        let (library, _pki) = library(URI);
        encrypted(&library, self.url()).await
    }

    /// This application for this user. The status says why they are not let in.
    pub async fn enter(
        &self,
        application: &Pair,
        identity: IdentityToken,
    ) -> Result<Client, StatusCode> {
        let library = library_with(URI, application);
        Client::come_by(library, self.endpoint().await, identity).await
    }

    /// Waits for a line of the log with all of these texts.
    pub fn told(&self, texts: &[&str]) -> String {
        wait_until(&format!("a line with {texts:?}"), || {
            let log = self.bridge.log();
            let mut lines = log.lines();
            let line = lines.rfind(|line| texts.iter().all(|text| line.contains(text)));
            line.map(str::to_owned).ok_or(log.clone())
        })
    }
}
