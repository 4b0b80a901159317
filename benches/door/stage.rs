//! A bridge with simulated printers, and clients that come to it.

use std::path::PathBuf;

use opcua::client::{ClientBuilder, IdentityToken};
use opcua::crypto::SecurityPolicy;
use opcua::types::{MessageSecurityMode, NodeId, ReadValueId};
use serde_json::{Value, json};
use umati_bridge::octoprint::simulator::{API_KEY, printer_name};
use umati_bridge::password::Hash;
use umati_bridge::umati::namespaces::INSTANCES;

use super::authority::{Pair, URI, Workshop, text};
use super::bench::client::Client;
use super::bench::printers::Printers;
use super::bench::process;
use super::common::bridge::Bridge;
use super::common::inner_port;

pub const PRINTERS: usize = 20;
const OPERATOR: &str = "anna";
const PASSWORD: &str = "open sesame";

/// How a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    Plain,
    Encrypted,
}

impl Channel {
    pub fn name(self) -> &'static str {
        self.security().0.to_str()
    }

    fn security(self) -> (SecurityPolicy, MessageSecurityMode) {
        match self {
            Self::Plain => (SecurityPolicy::None, MessageSecurityMode::None),
            Self::Encrypted => (
                SecurityPolicy::Basic256Sha256,
                MessageSecurityMode::SignAndEncrypt,
            ),
        }
    }
}

/// Where honest clients and attackers come from, and go to, where the server listens on the network.
pub const NETWORK: [&str; 2] = ["192.0.2.1", "192.0.2.2"];

/// All that is ended with the value.
pub struct Stage {
    bridge: Bridge,
    url: String,
    /// Address and port for attackers.
    pub attacked: String,
    pub printers: Printers,
    /// The application that clients are of.
    application: Pair,
    identity: fn() -> IdentityToken,
    workshop: Workshop,
}

impl Stage {
    /// Everybody on this computer may read, with any certificate or none.
    pub async fn open() -> Self {
        let identity = || IdentityToken::Anonymous;
        Self::set("127.0.0.1", ["127.0.0.1"; 2], json!([]), identity).await
    }

    /// One operator, and one application that is trusted, in a network.
    pub async fn closed() -> Self {
        let hash = Hash::of(PASSWORD).expect("a hash");
        let operator =
            json!({ "name": OPERATOR, "user": OPERATOR, "password_hash": hash.expose() });
        let identity = || IdentityToken::new_user_name(OPERATOR, PASSWORD);
        let stage = Self::set("0.0.0.0", NETWORK, json!([operator]), identity).await;
        let certificate = text(&stage.application.certificate);
        stage.bridge.operator(&["trust", "accept", certificate]);
        stage
    }

    async fn set(
        listen: &str,
        [honest, attacker]: [&str; 2],
        operators: Value,
        identity: fn() -> IdentityToken,
    ) -> Self {
        let printers = Printers::start(PRINTERS, 1.0).await;
        let machines: Vec<Value> = (1..=PRINTERS)
            .map(|number| {
                let name = printer_name(number);
                json!({
                    "type": "OCTOPRINT", "url": format!("{}/{name}/", printers.base),
                    "custom_name": name, "api_key": API_KEY, "mes_id": [1],
                })
            })
            .collect();
        let config = json!({ "listen": listen, "machines": machines, "operators": operators });
        let bridge = tokio::task::spawn_blocking(move || Bridge::run(config));
        let bridge = bridge.await.expect("a bridge");
        let (_, port) = bridge.endpoint().rsplit_once(':').expect("a port");
        let workshop = Workshop::new();
        Self {
            url: format!("opc.tcp://{honest}:{port}"),
            attacked: format!("{attacker}:{port}"),
            bridge,
            printers,
            application: workshop.client("honest"),
            identity,
            workshop,
        }
    }

    /// Where the front door listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the library listens, behind it.
    pub fn inner(&self) -> String {
        inner_port::inner(self.bridge.id(), self.url())
    }

    /// A certificate for an attacker, in a file that stays as long as this: that of the application, else one that
    /// nobody knows.
    pub fn certificate(&self, is_stolen: bool) -> PathBuf {
        let certificate = if is_stolen {
            self.application.der()
        } else {
            self.workshop.client("foreign").der()
        };
        let file = self.bridge.home().join("shown.der");
        std::fs::write(&file, certificate).expect("a file");
        file
    }

    /// What the bridge has used of a processor so far, in seconds.
    pub fn processor_time(&self) -> f64 {
        process::ticks(self.bridge.id()) as f64 / 100.0
    }

    /// A client that is logged in, and has come by this address.
    pub async fn client(&self, channel: Channel, by: &str) -> Client {
        let folder = tempfile::tempdir().expect("a folder");
        let certificate = folder.path().join("certificate.der");
        std::fs::write(&certificate, self.application.der()).expect("a certificate");
        let mut client = ClientBuilder::new()
            .application_name("bench")
            .application_uri(URI)
            .pki_dir(folder.path())
            .certificate_path(&certificate)
            .private_key_path(&self.application.key)
            .trust_server_certs(true)
            .session_retry_limit(0)
            .client()
            .expect("client");
        let endpoints = client.get_server_endpoints_from_url(self.url()).await;
        let (policy, mode) = channel.security();
        let mut endpoint = endpoints
            .expect("endpoints")
            .into_iter()
            .find(|it| {
                it.security_mode == mode && it.security_policy_uri.as_ref() == policy.to_uri()
            })
            .expect("the endpoint");
        endpoint.endpoint_url = by.into();
        let (session, event_loop) = client
            .connect_to_endpoint_directly(endpoint, (self.identity)())
            .expect("a session");
        Client::start(session, event_loop).await
    }
}

/// So many values, of all printers by turns.
pub fn values(count: usize) -> Vec<ReadValueId> {
    let printers = (1..=PRINTERS).cycle();
    let paths = printers.map(|number| format!("{}/OctoPrint/StateText", printer_name(number)));
    let nodes = paths.map(|path| ReadValueId::from(NodeId::new(INSTANCES, path.as_str())));
    nodes.take(count).collect()
}
