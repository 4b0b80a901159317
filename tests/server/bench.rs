//! A server with small machines of every data type, and a client that logs what it is told.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, RwLock};
use std::time::Duration;

use chrono::Utc;
use opcua::client::{ClientBuilder, DataChangeCallback, IdentityToken, MonitoredItem, Session};
use opcua::types::{
    AttributeId, DataTypeId, DataValue, EndpointDescription, ExtensionObject, MessageSecurityMode,
    MonitoredItemCreateRequest, MonitoringMode, MonitoringParameters, NodeId, QualifiedName,
    ReadValueId, ReferenceTypeId, StatusCode, TimestampsToReturn, UserTokenPolicy, VariableTypeId,
    Variant,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use umati_bridge::machine::Timestamp;
use umati_bridge::server::{
    Ended, Identity, Plant, Publisher, Served, Server, ServerError, Settings, SharedInstance,
    TypeImport, Users,
};
use umati_bridge::umati::blueprint::{Blueprint, Plan};
use umati_bridge::umati::catalogue::Catalogue;
use umati_bridge::umati::instance::{Delta, Instance};
use umati_bridge::umati::reading::{self, Reading};
use umati_bridge::umati::{namespaces as ns, nodesets};

/// Generous: it only bounds how long a failing test takes.
pub const PATIENCE: Duration = Duration::from_secs(30);
pub const PUBLISHING: Duration = Duration::from_millis(100);
pub const APPLICATION_URI: &str = "urn:test:umati-bridge";

static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::load(&nodesets::imports().unwrap()));

/// Key generation takes seconds in a debug build: the servers of this file share one identity.
static STATE: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

/// A variable of every data type that matters, on the root of each machine.
pub const DOUBLE: &str = "Double";
pub const INT32: &str = "Int32";
pub const BOOLEAN: &str = "Boolean";
pub const STRING: &str = "String";
pub const NODE_ID: &str = "NodeId";
pub const LOCALIZED_TEXT: &str = "LocalizedText";
pub const ARRAY: &str = "Array";

pub fn plan() -> Plan {
    let mut plan = Plan::new(NodeId::new(ns::ADDITIVE_MANUFACTURING, 1005u32));
    plan.event_notifier("");
    for (name, data_type, rank) in [
        (DOUBLE, DataTypeId::Double, -1),
        (INT32, DataTypeId::Int32, -1),
        (BOOLEAN, DataTypeId::Boolean, -1),
        (STRING, DataTypeId::String, -1),
        (NODE_ID, DataTypeId::NodeId, -1),
        (LOCALIZED_TEXT, DataTypeId::LocalizedText, -1),
        (ARRAY, DataTypeId::Double, 1),
    ] {
        add_variable(&mut plan, name, data_type, rank);
    }
    plan
}

pub fn add_variable(plan: &mut Plan, name: &str, data_type: DataTypeId, rank: i32) {
    plan.add_variable(
        "",
        QualifiedName::new(ns::INSTANCES, name),
        ReferenceTypeId::HasComponent,
        VariableTypeId::BaseDataVariableType,
        data_type,
        rank,
    );
}

pub fn blueprint(plan: &Plan) -> Arc<Blueprint> {
    Arc::new(Blueprint::build(&CATALOGUE, plan).unwrap())
}

/// So many machines `m0`, `m1`, … of one blueprint.
pub fn machines(count: usize, plan: &Plan) -> Vec<SharedInstance> {
    let blueprint = blueprint(plan);
    (0..count)
        .map(|n| {
            let instance =
                Instance::new(&format!("m{n}"), &format!("Machine {n}"), blueprint.clone());
            Arc::new(RwLock::new(instance))
        })
        .collect()
}

pub fn types() -> Vec<TypeImport> {
    nodesets::imports()
        .unwrap()
        .into_iter()
        .map(|nodeset| Box::new(nodeset) as TypeImport)
        .collect()
}

pub fn settings(state_dir: &Path, port: u16) -> Settings {
    Settings {
        listen: "127.0.0.1".parse().unwrap(),
        port,
        public_hostname: None,
        application_uri: APPLICATION_URI.to_owned(),
        state_dir: state_dir.to_owned(),
        allow_anonymous: false,
        users: Users::default(),
        version: "1.2.3".to_owned(),
    }
}

/// A running server and the machines behind it.
pub struct Bench {
    pub url: String,
    pub machines: Vec<SharedInstance>,
    pub publisher: Publisher,
    shutdown: CancellationToken,
    running: JoinHandle<Result<Ended, ServerError>>,
}

impl Bench {
    pub async fn start() -> Self {
        Self::serve(machines(1, &plan())).await
    }

    pub async fn serve(machines: Vec<SharedInstance>) -> Self {
        let served = machines.into_iter().map(Served::from).collect();
        Self::serve_to(served, |_| {}).await
    }

    /// Each machine to its audience, with settings that `change` may change.
    pub async fn serve_to(served: Vec<Served>, change: impl FnOnce(&mut Settings)) -> Self {
        let machines: Vec<_> = served.iter().map(|it| it.instance.clone()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut settings = settings(STATE.path(), port);
        change(&mut settings);
        let (server, publisher) = {
            // Two tests must not make the identity at once.
            static MAKING: Mutex<()> = Mutex::new(());
            let _making = MAKING.lock().unwrap();
            let identity = Identity::load_or_create(&settings).unwrap();
            let plant = Plant::new(served);
            Server::build(&settings, &identity, plant, types()).unwrap()
        };
        let shutdown = CancellationToken::new();
        let running = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { server.run(&listener, shutdown).await }
        });
        Self {
            url: format!("opc.tcp://127.0.0.1:{port}"),
            machines,
            publisher,
            shutdown,
            running,
        }
    }

    /// Stores a reading and tells the clients.
    pub fn set(&self, path: &str, reading: Reading) {
        self.set_on(0, path, reading);
    }

    pub fn set_on(&self, machine: usize, path: &str, reading: Reading) {
        let mut delta = Delta::default();
        let id = {
            let mut instance = self.machines[machine].write().unwrap();
            let stored = instance.set(path, reading).unwrap();
            delta.note(stored);
            instance.id().to_owned()
        };
        self.publisher.publish(&id, &delta);
    }

    pub async fn connect(&self) -> Client {
        Client::connect(&self.url, "None", MessageSecurityMode::None).await
    }

    /// Waits until so many items are alive on the server.
    pub async fn watched(&self, count: usize) {
        eventually("the number of live items", || {
            (self.publisher.watched() == count).then_some(())
        })
        .await;
    }

    pub async fn stop(self) -> Ended {
        self.shutdown.cancel();
        self.ended().await
    }

    /// Waits until it has ended, by itself or not.
    pub async fn ended(self) -> Ended {
        let ended = tokio::time::timeout(PATIENCE, self.running).await;
        ended.expect("it ends").unwrap().unwrap()
    }
}

/// A session that is gone with the value.
pub struct Client {
    pub session: Arc<Session>,
    events: JoinHandle<StatusCode>,
    _pki: TempDir,
}

impl Client {
    pub async fn connect(url: &str, policy: &str, mode: MessageSecurityMode) -> Self {
        Self::log_in(url, policy, mode, IdentityToken::Anonymous)
            .await
            .unwrap_or_else(|| panic!("{policy} {mode:?}"))
    }

    /// `None` if the server does not let them in.
    pub async fn log_in(
        url: &str,
        policy: &str,
        mode: MessageSecurityMode,
        identity: IdentityToken,
    ) -> Option<Self> {
        let pki = tempfile::tempdir().unwrap();
        let mut client = ClientBuilder::new()
            .application_name("test")
            .application_uri("urn:test:client")
            .pki_dir(pki.path())
            .create_sample_keypair(mode != MessageSecurityMode::None)
            .trust_server_certs(true)
            .session_retry_limit(0)
            .max_message_size(64 * 1024 * 1024)
            .max_array_length(1_000_000)
            .max_chunk_count(1024)
            .recreate_subscriptions(false)
            .client()
            .unwrap();
        let endpoint: EndpointDescription =
            (url, policy, mode, UserTokenPolicy::anonymous()).into();
        let (session, event_loop) = client
            .connect_to_matching_endpoint(endpoint, identity)
            .await
            .ok()?;
        let mut events = event_loop.spawn();
        let connected = tokio::time::timeout(PATIENCE, async {
            tokio::select! {
                connected = session.wait_for_connection() => connected,
                // It does not try again.
                _ = &mut events => false,
            }
        });
        connected.await.expect("an answer").then(|| Self {
            session,
            events,
            _pki: pki,
        })
    }

    pub async fn read(&self, id: NodeId, attribute: AttributeId) -> DataValue {
        self.read_many(&[(id, attribute)]).await.remove(0)
    }

    pub async fn read_many(&self, what: &[(NodeId, AttributeId)]) -> Vec<DataValue> {
        let wanted: Vec<ReadValueId> = what
            .iter()
            .map(|(id, attribute)| ReadValueId::new(id.clone(), *attribute))
            .collect();
        self.session
            .read(&wanted, TimestampsToReturn::Both, 0.0)
            .await
            .unwrap()
    }

    /// A subscription that logs what it is told.
    pub async fn subscribe(&self) -> Subscribed<'_> {
        let log = Log::default();
        let told = log.clone();
        let id = self
            .session
            .create_subscription(
                PUBLISHING,
                600,
                20,
                0,
                0,
                true,
                DataChangeCallback::new(move |value, item| told.note(item, value)),
            )
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
        self.events.abort();
    }
}

pub struct Subscribed<'a> {
    client: &'a Client,
    pub id: u32,
    pub log: Log,
}

impl Subscribed<'_> {
    /// Watches nodes as clients do by default: queue of one, no filter. Returns the ids of the items.
    pub async fn watch(&self, ids: &[NodeId]) -> Vec<u32> {
        let created = self.create(ids.iter().map(request).collect()).await;
        created
            .into_iter()
            .map(|item| {
                assert_eq!(item.status, StatusCode::Good);
                item.id
            })
            .collect()
    }

    pub async fn create(&self, requests: Vec<MonitoredItemCreateRequest>) -> Vec<Created> {
        self.client
            .session
            .create_monitored_items(self.id, TimestampsToReturn::Both, requests)
            .await
            .unwrap()
            .into_iter()
            .map(|created| Created {
                status: created.result.status_code,
                id: created.result.monitored_item_id,
                parameters: created.requested_parameters,
            })
            .collect()
    }
}

/// What became of a request for an item.
pub struct Created {
    pub status: StatusCode,
    pub id: u32,
    /// With the handle that the client library has given it.
    pub parameters: MonitoringParameters,
}

/// A monitored item as clients ask for it by default.
pub fn request(id: &NodeId) -> MonitoredItemCreateRequest {
    MonitoredItemCreateRequest {
        item_to_monitor: ReadValueId::new(id.clone(), AttributeId::Value),
        monitoring_mode: MonitoringMode::Reporting,
        requested_parameters: MonitoringParameters {
            // The client library sets its own.
            client_handle: 0,
            sampling_interval: 0.0,
            filter: ExtensionObject::null(),
            queue_size: 1,
            discard_oldest: true,
        },
    }
}

/// What a client was told, by node and in order.
#[derive(Clone, Default)]
pub struct Log(Arc<Shared>);

#[derive(Default)]
struct Shared {
    told: Mutex<HashMap<NodeId, Vec<DataValue>>>,
    noted: Notify,
}

impl Log {
    fn note(&self, item: &MonitoredItem, value: DataValue) {
        let mut log = self.0.told.lock().unwrap();
        let node = item.item_to_monitor().node_id.clone();
        log.entry(node).or_default().push(value);
        self.0.noted.notify_waiters();
    }

    pub fn all(&self, node: &NodeId) -> Vec<DataValue> {
        let log = self.0.told.lock().unwrap();
        log.get(node).cloned().unwrap_or_default()
    }

    /// How many nodes were told something.
    pub fn items(&self) -> usize {
        self.0.told.lock().unwrap().len()
    }

    /// Waits until the log fulfils a condition.
    pub async fn until<R>(&self, what: &str, condition: impl Fn(&Self) -> Option<R>) -> R {
        let waiting = async {
            loop {
                let noted = self.0.noted.notified();
                tokio::pin!(noted);
                noted.as_mut().enable();
                if let Some(result) = condition(self) {
                    return result;
                }
                noted.await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("{what}; told: {:#?}", self.0.told.lock().unwrap()))
    }

    /// Waits until the last that was told of a node is exactly this.
    pub async fn ends_with(&self, node: &NodeId, value: Option<Variant>, status: StatusCode) {
        let what = format!("{node} ends with {value:?} {status}");
        self.until(&what, |log| {
            let last = log.all(node).pop()?;
            (last.status() == status && same(&last.value, &value)).then_some(())
        })
        .await;
    }
}

/// Null arrives as no value or as an empty one.
fn same(told: &Option<Variant>, expected: &Option<Variant>) -> bool {
    match (told, expected) {
        (None | Some(Variant::Empty), None | Some(Variant::Empty)) => true,
        (told, expected) => told == expected,
    }
}

/// Waits for a condition that nobody announces.
pub async fn eventually<R>(what: &str, mut condition: impl FnMut() -> Option<R>) -> R {
    let mut look = tokio::time::interval(Duration::from_millis(5));
    let waiting = async {
        loop {
            look.tick().await;
            if let Some(result) = condition() {
                return result;
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}

pub fn node(machine: usize, path: &str) -> NodeId {
    let name = if path.is_empty() {
        format!("m{machine}")
    } else {
        format!("m{machine}/{path}")
    };
    NodeId::new(ns::INSTANCES, name)
}

pub fn now() -> Timestamp {
    Utc::now()
}

pub fn good(value: impl Into<Variant>) -> Reading {
    reading::good(value, now())
}

pub fn uncertain(status: StatusCode, value: impl Into<Variant>) -> Reading {
    reading::uncertain(status, value, now())
}

pub fn bad(status: StatusCode) -> Reading {
    reading::bad(status, now())
}
