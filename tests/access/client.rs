//! A client of the server, and what it is told.

use std::sync::Arc;
use std::time::Duration;

use opcua::client::services::ActivateSession;
use opcua::client::{
    Client as Library, ClientBuilder, IdentityToken, MonitoredItem, Session, SubscriptionCallbacks,
    UARequest,
};
use opcua::types::{
    AttributeId, CallMethodRequest, CallMethodResult, DataValue, EndpointDescription, EventFilter,
    ExtensionObject, MessageSecurityMode, MethodId, MonitoredItemCreateRequest, MonitoringMode,
    MonitoringParameters, NodeId, ObjectId, ObjectTypeId, QualifiedName, ReadValueId,
    SimpleAttributeOperand, StatusCode, TimestampsToReturn, UserTokenPolicy, Variant, WriteValue,
};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use umati_bridge::umati::isa95::types::{JobOrder, WorkMaster};

use super::authority::Pair;
use super::bench::{PASSWORD, PATIENCE, VISITOR, node};

pub const POLICY: &str = "Basic256Sha256";
pub const ASSET_ID: &str = "Identification/AssetId";
pub const CONTROL: &str = "MachineryBuildingBlocks/JobManagement/JobOrderControl";
pub const RESULTS: &str = "MachineryBuildingBlocks/JobManagement/JobOrderResults";

/// A session that is gone with the value.
pub struct Client {
    pub session: Arc<Session>,
    pub library: Library,
    pub endpoint: EndpointDescription,
    running: JoinHandle<StatusCode>,
    _pki: TempDir,
}

pub fn identity(user: &str, password: &str) -> IdentityToken {
    match user {
        VISITOR => IdentityToken::Anonymous,
        user => IdentityToken::new_user_name(user, password),
    }
}

/// A client of the library, with a certificate of its own.
pub fn library(application: &str) -> (Library, TempDir) {
    let pki = tempfile::tempdir().unwrap();
    let builder = builder(application, &pki).create_sample_keypair(true);
    (builder.client().unwrap(), pki)
}

/// A client of the library that says it is this application, and shows this certificate.
pub fn library_with(application: &str, pair: &Pair) -> (Library, TempDir) {
    let pki = tempfile::tempdir().unwrap();
    let builder = showing(pair, builder(application, &pki), &pki);
    (builder.client().unwrap(), pki)
}

fn showing(pair: &Pair, builder: ClientBuilder, pki: &TempDir) -> ClientBuilder {
    let certificate = pki.path().join("certificate.der");
    std::fs::write(&certificate, pair.der()).unwrap();
    builder
        .certificate_path(certificate)
        .private_key_path(&pair.key)
}

fn builder(application: &str, pki: &TempDir) -> ClientBuilder {
    ClientBuilder::new()
        .application_name("test")
        .application_uri(application)
        .pki_dir(pki.path())
        .trust_server_certs(true)
        // Longer than any test, so that no connection ends because its channel is renewed.
        .channel_lifetime(300_000)
        .session_retry_limit(0)
        .recreate_subscriptions(false)
}

/// The encrypted endpoint of a server, to be reached by this URL.
pub async fn encrypted(library: &Library, url: &str) -> EndpointDescription {
    let offered = library.get_server_endpoints_from_url(url).await.unwrap();
    let mut endpoint = offered
        .into_iter()
        .find(|it| it.security_policy_uri.as_ref().ends_with(POLICY))
        .expect("the endpoint");
    endpoint.endpoint_url = url.into();
    endpoint
}

impl Client {
    pub async fn log_in(url: &str, user: &str) -> Self {
        Self::log_in_from(url, "urn:test:client", user).await
    }

    /// As an application with this URI.
    pub async fn log_in_from(url: &str, application: &str, user: &str) -> Self {
        Self::try_in(url, application, identity(user, PASSWORD))
            .await
            .unwrap_or_else(|| panic!("{user} is let in"))
    }

    /// `None` if the server does not let them in.
    pub async fn try_in(url: &str, application: &str, identity: IdentityToken) -> Option<Self> {
        let library = library(application);
        let endpoint = encrypted(&library.0, url).await;
        Self::come_by(library, endpoint, identity).await.ok()
    }

    /// With a right password over a channel that is not encrypted.
    pub async fn try_in_plain(url: &str, user: &str) -> Result<Self, StatusCode> {
        let policy = match user {
            VISITOR => UserTokenPolicy::anonymous(),
            _ => UserTokenPolicy {
                policy_id: "userpass_none".into(),
                token_type: opcua::types::UserTokenType::UserName,
                ..UserTokenPolicy::default()
            },
        };
        let endpoint = (url, "None", MessageSecurityMode::None, policy).into();
        let library = library("urn:test:client");
        Self::come_by(library, endpoint, identity(user, PASSWORD)).await
    }

    /// As this client of the library, by this endpoint. The status says why the server does not let them in.
    pub async fn come_by(
        (mut library, pki): (Library, TempDir),
        endpoint: EndpointDescription,
        identity: IdentityToken,
    ) -> Result<Self, StatusCode> {
        let (session, event_loop) = library
            .connect_to_endpoint_directly(endpoint.clone(), identity)
            .unwrap();
        let mut running = event_loop.spawn();
        let connected = tokio::time::timeout(PATIENCE, async {
            tokio::select! {
                true = session.wait_for_connection() => Ok(()),
                // It does not try again.
                ended = &mut running => Err(ended.unwrap()),
            }
        });
        connected.await.expect("an answer").map(|()| Self {
            session,
            library,
            endpoint,
            running,
            _pki: pki,
        })
    }

    /// Waits until the server has ended the connection.
    pub async fn ends(mut self) {
        let ended = tokio::time::timeout(PATIENCE, &mut self.running).await;
        ended.expect("an end").unwrap();
    }

    pub async fn read(&self, id: NodeId, attribute: AttributeId) -> DataValue {
        self.try_read(id, attribute).await.unwrap()
    }

    /// The status says why there is no answer.
    pub async fn try_read(
        &self,
        id: NodeId,
        attribute: AttributeId,
    ) -> Result<DataValue, StatusCode> {
        let wanted = [ReadValueId::new(id, attribute)];
        let answer = self
            .session
            .read(&wanted, TimestampsToReturn::Neither, 0.0)
            .await;
        answer
            .map(|mut values| values.remove(0))
            .map_err(|error| error.status())
    }

    pub async fn write_asset_id(&self, machine: &str, text: &str) -> StatusCode {
        let write = WriteValue {
            node_id: node(machine, ASSET_ID),
            attribute_id: AttributeId::Value as u32,
            value: DataValue::value_only(text),
            ..WriteValue::default()
        };
        self.session.write(&[write]).await.unwrap()[0]
    }

    pub async fn call(
        &self,
        object_id: NodeId,
        method_id: NodeId,
        arguments: Vec<Variant>,
    ) -> CallMethodResult {
        let request = CallMethodRequest {
            object_id,
            method_id,
            input_arguments: Some(arguments),
        };
        self.session.call_one(request).await.unwrap()
    }

    /// Stores a job order at a machine.
    pub async fn store(&self, machine: &str, order: &str) -> CallMethodResult {
        let method = node(machine, &format!("{CONTROL}/Store"));
        self.call(node(machine, CONTROL), method, stored(order))
            .await
    }

    /// Goes on in the same session as another user.
    pub async fn become_user(&self, session: NodeId, user: &str) {
        let key = self.library.certificate_store().read().read_own_pkey();
        ActivateSession::new_manual(self.endpoint.clone(), 1, PATIENCE, session, 1)
            .private_key(key.unwrap())
            .identity_token(identity(user, PASSWORD))
            .send(self.session.channel())
            .await
            .unwrap();
    }

    /// A subscription that logs what it is told.
    pub async fn subscribe(&self) -> Subscribed<'_> {
        let log = Arc::new(watch::Sender::new(Log::default()));
        let (values, events) = (log.clone(), log.clone());
        let callbacks = SubscriptionCallbacks::new(
            |_| {},
            move |value: DataValue, item: &MonitoredItem| {
                let wanted = item.item_to_monitor();
                // The server library greets also event items with a value.
                if wanted.attribute_id != AttributeId::EventNotifier as u32 {
                    let told = (wanted.node_id.clone(), wanted.attribute_id, value);
                    values.send_modify(|log| log.values.push(told));
                }
            },
            move |fields, _: &MonitoredItem| {
                events.send_modify(|log| log.events.extend(fields));
            },
        );
        let publishing = Duration::from_millis(50);
        let id = self
            .session
            .create_subscription(publishing, 600, 30, 0, 0, true, callbacks)
            .await
            .unwrap();
        Subscribed {
            client: self,
            id,
            log,
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// The arguments of Store.
pub fn stored(order: &str) -> Vec<Variant> {
    let file = WorkMaster {
        id: "local/bracket.gcode".into(),
        ..WorkMaster::default()
    };
    let order = JobOrder {
        job_order_id: order.into(),
        work_master_id: Some(vec![file].into()),
        ..JobOrder::default()
    };
    vec![ExtensionObject::new(order).into(), Variant::Empty]
}

/// What a subscription was told, in order.
#[derive(Debug, Default)]
pub struct Log {
    /// Node, attribute, what was told.
    pub values: Vec<(NodeId, u32, DataValue)>,
    pub events: Vec<Vec<Variant>>,
}

impl Log {
    /// The newest that was told of an attribute.
    pub fn newest(&self, id: &NodeId, attribute: AttributeId) -> Option<&DataValue> {
        let mut values = self.values.iter().rev();
        let told = values.find(|(node, of, _)| node == id && *of == attribute as u32);
        told.map(|(.., value)| value)
    }
}

pub struct Subscribed<'a> {
    client: &'a Client,
    pub id: u32,
    log: Arc<watch::Sender<Log>>,
}

impl Subscribed<'_> {
    pub async fn create(&self, request: MonitoredItemCreateRequest) -> StatusCode {
        self.try_item(request).await.0
    }

    /// The number of a new item.
    pub async fn item(&self, request: MonitoredItemCreateRequest) -> u32 {
        let (status, item) = self.try_item(request).await;
        assert_eq!(status, StatusCode::Good);
        item
    }

    async fn try_item(&self, request: MonitoredItemCreateRequest) -> (StatusCode, u32) {
        let created = self
            .client
            .session
            .create_monitored_items(self.id, TimestampsToReturn::Neither, vec![request])
            .await;
        let result = &created.unwrap()[0].result;
        (result.status_code, result.monitored_item_id)
    }

    pub async fn switch(&self, items: &[u32], mode: MonitoringMode) {
        let session = &self.client.session;
        let switched = session.set_monitoring_mode(self.id, mode, items).await;
        assert!(switched.unwrap().iter().all(|status| status.is_good()));
    }

    /// Asks for all values again (OPC 10000-5 §9.2).
    pub async fn resend(&self) {
        let (server, method) = (ObjectId::Server, MethodId::Server_ResendData);
        let id = vec![Variant::UInt32(self.id)];
        let answer = self.client.call(server.into(), method.into(), id).await;
        assert_eq!(answer.status_code, StatusCode::Good);
    }

    pub async fn watch(&self, id: &NodeId, attribute: AttributeId) {
        let created = self.create(watching(id, attribute)).await;
        assert_eq!(created, StatusCode::Good, "{id}");
    }

    /// Waits until the log fulfils a condition.
    pub async fn until<T>(&self, what: &str, find: impl Fn(&Log) -> Option<T>) -> T {
        let mut log = self.log.subscribe();
        let waited = tokio::time::timeout(PATIENCE, log.wait_for(|log| find(log).is_some())).await;
        if let Ok(Ok(log)) = &waited
            && let Some(found) = find(log)
        {
            return found;
        }
        drop(waited);
        panic!("never told: {what}; instead {:#?}", self.log.borrow());
    }

    pub fn look<T>(&self, look: impl FnOnce(&Log) -> T) -> T {
        look(&self.log.borrow())
    }

    /// How many values were told until now.
    pub fn mark(&self) -> usize {
        self.log.borrow().values.len()
    }
}

fn item(
    id: &NodeId,
    attribute: AttributeId,
    filter: ExtensionObject,
) -> MonitoredItemCreateRequest {
    MonitoredItemCreateRequest {
        item_to_monitor: ReadValueId::new(id.clone(), attribute),
        monitoring_mode: MonitoringMode::Reporting,
        requested_parameters: MonitoringParameters {
            client_handle: 0,
            sampling_interval: 0.0,
            filter,
            queue_size: 10,
            discard_oldest: true,
        },
    }
}

pub fn watching(id: &NodeId, attribute: AttributeId) -> MonitoredItemCreateRequest {
    item(id, attribute, ExtensionObject::null())
}

/// Every event, with its source and its message.
pub fn listening(id: &NodeId) -> MonitoredItemCreateRequest {
    let field = |name: &str| SimpleAttributeOperand {
        type_definition_id: ObjectTypeId::BaseEventType.into(),
        browse_path: Some(vec![QualifiedName::new(0, name)]),
        attribute_id: AttributeId::Value as u32,
        index_range: Default::default(),
    };
    let filter = EventFilter {
        select_clauses: Some(vec![field("SourceName"), field("Message")]),
        where_clause: Default::default(),
    };
    let filter = ExtensionObject::from_message(filter);
    item(id, AttributeId::EventNotifier, filter)
}
