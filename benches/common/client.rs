//! OPC UA clients of the bridge.

use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::Utc;
use opcua::client::{ClientBuilder, DataChangeCallback, IdentityToken, Session};
use opcua::crypto::SecurityPolicy;
use opcua::types::{
    MessageSecurityMode, MonitoredItemCreateRequest, NodeId, StatusCode, TimestampsToReturn,
    UserTokenPolicy,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use umati_bridge::umati::namespaces::INSTANCES;

use super::times::Times;

pub const PUBLISHING_INTERVAL: Duration = Duration::from_millis(100);

/// A session that ends with its owner.
pub struct Client {
    session: Arc<Session>,
    event_loop: JoinHandle<StatusCode>,
}

impl Deref for Client {
    type Target = Arc<Session>;

    fn deref(&self) -> &Arc<Session> {
        &self.session
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.event_loop.abort();
    }
}

impl Client {
    /// Without a name and without encryption.
    pub async fn anonymous(endpoint: &str) -> Self {
        let mode = MessageSecurityMode::None;
        Self::connect(
            endpoint,
            SecurityPolicy::None,
            mode,
            IdentityToken::Anonymous,
        )
        .await
    }

    /// With a user name, over an encrypted channel.
    pub async fn user(endpoint: &str, user: &str, password: &str) -> Self {
        let mode = MessageSecurityMode::SignAndEncrypt;
        let identity = IdentityToken::new_user_name(user, password);
        Self::connect(endpoint, SecurityPolicy::Basic256Sha256, mode, identity).await
    }

    async fn connect(
        endpoint: &str,
        policy: SecurityPolicy,
        mode: MessageSecurityMode,
        identity: IdentityToken,
    ) -> Self {
        let pki = TempDir::new().expect("a folder for the certificate");
        let mut client = ClientBuilder::new()
            .application_name("bench")
            .application_uri("urn:bench")
            .pki_dir(pki.path())
            .create_sample_keypair(mode != MessageSecurityMode::None)
            .trust_server_certs(true)
            .session_retry_limit(3)
            .client()
            .expect("client");
        let security = (
            endpoint,
            policy.to_str(),
            mode,
            UserTokenPolicy::anonymous(),
        );
        let (session, event_loop) = client
            .connect_to_matching_endpoint(security, identity)
            .await
            .expect("endpoint");
        let event_loop = event_loop.spawn();
        assert!(session.wait_for_connection().await, "connected");
        Self {
            session,
            event_loop,
        }
    }

    /// Subscribes to values whose source timestamp is the time of receipt.
    pub async fn watch(&self, paths: impl IntoIterator<Item = String>) -> Watch {
        let delays = Arc::new(Mutex::new(Vec::new()));
        let collected = Arc::clone(&delays);
        let began = Utc::now();
        let told = move |value: opcua::types::DataValue, _: &opcua::client::MonitoredItem| {
            let Some(changed) = value.source_timestamp else {
                return;
            };
            let changed = changed.as_chrono();
            if changed > began
                && let Ok(delay) = (Utc::now() - changed).to_std()
                && let Ok(mut delays) = collected.lock()
            {
                delays.push(delay);
            }
        };
        let subscription = self
            .create_subscription(
                PUBLISHING_INTERVAL,
                100,
                20,
                0,
                0,
                true,
                DataChangeCallback::new(told),
            )
            .await
            .expect("subscription");
        let items: Vec<MonitoredItemCreateRequest> = paths
            .into_iter()
            .map(|path| NodeId::new(INSTANCES, path).into())
            .collect();
        let created = self
            .create_monitored_items(subscription, TimestampsToReturn::Both, items)
            .await
            .expect("items");
        for item in created {
            assert!(item.result.status_code.is_good(), "{item:?}");
        }
        Watch(delays)
    }
}

/// How long each change took from the receipt of the answer that changed to the callback of the client.
pub struct Watch(Arc<Mutex<Vec<Duration>>>);

impl Watch {
    /// Those that were told since this was asked last.
    pub fn take(&self) -> Times {
        Times::new(std::mem::take(&mut *self.0.lock().expect("collector")))
    }
}
