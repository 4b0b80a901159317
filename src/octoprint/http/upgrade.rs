//! A connection that goes on as a WebSocket (RFC 6455 §4.1), over the same clients and so under the same trust.
//!
//! No key is sent: OctoPrint does not look at it here, and it would be one more place where it travels. No `Origin`
//! either: OctoPrint refuses those that are not its own (facts: octoprint.md §2.4).

use reqwest::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use reqwest::{StatusCode, Upgraded};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use url::Url;

use super::{Connections, HttpClients, Transport, failure};
use crate::machine::Unreachable;
use crate::octoprint::TlsTrust;

/// Why a connection does not become a WebSocket.
#[derive(Debug)]
pub(in crate::octoprint) enum NotUpgraded {
    Unreachable(Unreachable),
    /// There is an answer, and it is not the upgrade: a proxy that does not pass it on, or another server.
    Refused(StatusCode),
}

impl HttpClients {
    /// Asks `url` to go on as a WebSocket. A redirect is not followed.
    pub(in crate::octoprint) async fn upgrade(
        &self,
        url: Url,
        trust: &TlsTrust,
    ) -> Result<Upgraded, NotUpgraded> {
        let deadline = self.limits().request;
        match tokio::time::timeout(deadline, self.shake_hands(url, trust)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(NotUpgraded::Unreachable(failure::timeout(deadline))),
        }
    }

    async fn shake_hands(&self, url: Url, trust: &TlsTrust) -> Result<Upgraded, NotUpgraded> {
        let unreachable =
            |error| NotUpgraded::Unreachable(failure::unreachable(error, self.limits()));
        let client = self
            .client(Transport::to(&url, trust), Connections::Single)
            .map_err(NotUpgraded::Unreachable)?;
        let key = generate_key();
        let response = client
            .get(url)
            .header(CONNECTION, HeaderValue::from_static("Upgrade"))
            .header(UPGRADE, HeaderValue::from_static("websocket"))
            .header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
            .header(SEC_WEBSOCKET_KEY, &key)
            .send()
            .await
            .map_err(unreachable)?;
        let accepts = response
            .headers()
            .get(SEC_WEBSOCKET_ACCEPT)
            .is_some_and(|accept| {
                accept.as_bytes() == derive_accept_key(key.as_bytes()).as_bytes()
            });
        if response.status() != StatusCode::SWITCHING_PROTOCOLS || !accepts {
            return Err(NotUpgraded::Refused(response.status()));
        }
        response.upgrade().await.map_err(unreachable)
    }
}
