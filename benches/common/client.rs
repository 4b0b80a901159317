//! OPC UA clients of the bridge.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::Utc;
use opcua::client::transport::TcpConnector;
use opcua::client::{
    ClientBuilder, DataChangeCallback, IdentityToken, MonitoredItem, Session, SessionEventLoop,
};
use opcua::crypto::SecurityPolicy;
use opcua::types::{
    DataValue, MessageSecurityMode, MonitoredItemCreateRequest, NodeId, StatusCode,
    TimestampsToReturn, UserTokenPolicy,
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
        Self::start(session, event_loop).await
    }

    /// Connects.
    pub async fn start(session: Arc<Session>, event_loop: SessionEventLoop<TcpConnector>) -> Self {
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
        let told = move |_, value: DataValue| {
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
        let paths: Vec<_> = paths.into_iter().collect();
        self.subscribe(PUBLISHING_INTERVAL, &paths, told).await;
        Watch(delays)
    }

    /// Subscribes to values; `told` gets each with its place among `paths`.
    pub async fn subscribe(
        &self,
        interval: Duration,
        paths: &[String],
        mut told: impl FnMut(usize, DataValue) + Send + Sync + 'static,
    ) {
        let nodes = paths
            .iter()
            .map(|path| NodeId::new(INSTANCES, path.as_str()));
        let places: HashMap<_, _> = nodes.clone().zip(0..).collect();
        let told = move |value: DataValue, item: &MonitoredItem| {
            told(places[&item.item_to_monitor().node_id], value);
        };
        let callback = DataChangeCallback::new(told);
        let subscription = self
            .create_subscription(interval, 100, 20, 0, 0, true, callback)
            .await
            .expect("subscription");
        let items: Vec<MonitoredItemCreateRequest> = nodes.map(Into::into).collect();
        for items in items.chunks(200) {
            let created = self
                .create_monitored_items(subscription, TimestampsToReturn::Both, items.to_vec())
                .await
                .expect("items");
            for item in created {
                assert!(item.result.status_code.is_good(), "{item:?}");
            }
        }
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
