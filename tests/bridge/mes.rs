//! The MES of these tests: it subscribes to browse paths with default settings and waits for what it is told.

use std::collections::HashMap;
use std::sync::Arc;

use opcua::client::{ClientBuilder, IdentityToken, MonitoredItem, Session, SubscriptionCallbacks};
use opcua::crypto::SecurityPolicy;
use opcua::types::{
    AttributeId, BrowseDescription, BrowseDirection, BrowseResultMask, CallMethodRequest,
    CallMethodResult, DataValue, DateTime, EventFilter, ExtensionObject, MessageSecurityMode,
    MonitoredItemCreateRequest, MonitoringMode, MonitoringParameters, NodeId, ObjectId,
    ObjectTypeId, QualifiedName, ReadValueId, ReferenceTypeId, SimpleAttributeOperand, StatusCode,
    TimestampsToReturn, UserTokenPolicy, Variant, WriteValue,
};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::common::PATIENCE;
use crate::machine::Machine;
use crate::paths::BRIDGE;

/// Short, so that a test sees each of the states that follow one another within a second.
const PUBLISHING_INTERVAL: std::time::Duration = std::time::Duration::from_millis(50);

/// Machinery's `Machines` folder, OPC 40001-1.
const MACHINES: (u16, u32) = (4, 1001);

/// A connected client with one subscription. Clones share both.
#[derive(Clone)]
pub struct Mes {
    session: Arc<Session>,
    connection: AbortHandle,
    subscription: u32,
    log: Arc<watch::Sender<Log>>,
}

/// Everything that was notified, in order.
#[derive(Debug, Default)]
struct Log {
    paths: HashMap<NodeId, String>,
    seen: Vec<Seen>,
    events: Vec<Vec<Variant>>,
}

/// One value as a client sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub path: String,
    pub value: Variant,
    pub status: StatusCode,
    pub source: Option<DateTime>,
}

impl Seen {
    fn new(path: &str, value: DataValue) -> Self {
        Self {
            path: path.to_owned(),
            value: value.value.unwrap_or_default(),
            status: value.status.unwrap_or(StatusCode::Good),
            source: value.source_timestamp,
        }
    }

    pub fn is_good(&self) -> bool {
        self.status == StatusCode::Good
    }

    pub fn is_good_number(&self, number: f64) -> bool {
        self.is_good() && self.number() == Some(number)
    }

    pub fn number(&self) -> Option<f64> {
        match self.value {
            Variant::Double(number) => Some(number),
            Variant::UInt32(number) => Some(number.into()),
            Variant::Int32(number) => Some(number.into()),
            _ => None,
        }
    }

    pub fn text(&self) -> &str {
        match &self.value {
            Variant::String(text) => text.as_ref(),
            other => panic!("{} is no text: {other:?}", self.path),
        }
    }
}

impl Mes {
    /// Connects without a name and without encryption, and makes a subscription.
    pub async fn connect(endpoint: &str) -> Self {
        let (policy, mode) = (SecurityPolicy::None, MessageSecurityMode::None);
        Self::log_in(endpoint, policy, mode, IdentityToken::Anonymous).await
    }

    /// Connects with a user name, over an encrypted channel.
    pub async fn connect_as(endpoint: &str, user: &str, password: &str) -> Self {
        let mode = MessageSecurityMode::SignAndEncrypt;
        let identity = IdentityToken::new_user_name(user, password);
        Self::log_in(endpoint, SecurityPolicy::Basic256Sha256, mode, identity).await
    }

    async fn log_in(
        endpoint: &str,
        policy: SecurityPolicy,
        mode: MessageSecurityMode,
        identity: IdentityToken,
    ) -> Self {
        let pki = TempDir::new().expect("a folder for the certificate");
        let mut client = ClientBuilder::new()
            .application_name("MES")
            .application_uri("urn:mes")
            .pki_dir(pki.path())
            .create_sample_keypair(mode != MessageSecurityMode::None)
            .trust_server_certs(true)
            .session_retry_limit(0)
            // A list of jobs may be long.
            .max_message_size(16 << 20)
            .max_chunk_count(300)
            .max_array_length(100_000)
            .client()
            .expect("a client");
        let security = (
            endpoint,
            policy.to_str(),
            mode,
            UserTokenPolicy::anonymous(),
        );
        let (session, event_loop) = client
            .connect_to_matching_endpoint(security, identity)
            .await
            .expect("an endpoint");
        let connection = event_loop.spawn().abort_handle();
        assert!(session.wait_for_connection().await, "no connection");

        let log = Arc::new(watch::Sender::new(Log::default()));
        let (values, events) = (Arc::clone(&log), Arc::clone(&log));
        let subscription = session
            .create_subscription(
                PUBLISHING_INTERVAL,
                600,
                30,
                0,
                0,
                true,
                SubscriptionCallbacks::new(
                    |_| {},
                    move |value, item: &MonitoredItem| {
                        values.send_modify(|log| {
                            // The server library greets also event items with a value, which is null.
                            if let Some(path) = log.paths.get(&item.item_to_monitor().node_id) {
                                let seen = Seen::new(path, value);
                                log.seen.push(seen);
                            }
                        });
                    },
                    move |fields, _: &MonitoredItem| {
                        events.send_modify(|log| log.events.push(fields.unwrap_or_default()));
                    },
                ),
            )
            .await
            .expect("a subscription");
        Self {
            session,
            connection,
            subscription,
            log,
        }
    }

    /// Ends the connection without a word, as a pulled cable does.
    pub fn cut(&self) {
        self.connection.abort();
    }

    /// What this client sees of a machine, by the machine's name.
    pub fn machine(&self, name: &str) -> Machine {
        Machine {
            mes: self.clone(),
            name: name.to_owned(),
        }
    }

    /// Calls a method of an object: the result of the call, and the first output argument.
    pub async fn call(
        &self,
        object: NodeId,
        method: NodeId,
        arguments: Vec<Variant>,
    ) -> (CallMethodResult, Variant) {
        let request = CallMethodRequest {
            object_id: object,
            method_id: method,
            input_arguments: Some(arguments),
        };
        let result = self.session.call_one(request).await.expect("an answer");
        let mut outputs = result.output_arguments.iter().flatten();
        let first = outputs.next().cloned().unwrap_or_default();
        (result, first)
    }

    /// Subscribes to the variables at `paths`: each below `Machines` or `Objects`, names parted by `/`.
    pub async fn watch(&self, paths: &[String]) {
        let mut items = Vec::new();
        for path in paths {
            let node = self.node(path).await;
            self.log.send_modify(|log| {
                log.paths.insert(node.clone(), path.clone());
            });
            items.push(MonitoredItemCreateRequest::from(node));
        }
        self.monitor(items).await;
    }

    /// Subscribes to all events of the server's `Server` object, as a client does that wants to know of new nodes.
    pub async fn watch_model_changes(&self) {
        let fields = [
            (ObjectTypeId::BaseEventType, "EventType"),
            (ObjectTypeId::GeneralModelChangeEventType, "Changes"),
        ];
        self.watch_events(ObjectId::Server.into(), &fields).await;
    }

    /// Subscribes to all events of a node, with the smallest queue. Fields: names parted by `/`, and the type.
    pub async fn watch_events(&self, node: NodeId, fields: &[(ObjectTypeId, &str)]) {
        let field = |&(of, name): &(ObjectTypeId, &str)| SimpleAttributeOperand {
            type_definition_id: of.into(),
            browse_path: Some(name.split('/').map(|n| QualifiedName::new(0, n)).collect()),
            attribute_id: AttributeId::Value as u32,
            index_range: Default::default(),
        };
        let filter = EventFilter {
            select_clauses: Some(fields.iter().map(field).collect()),
            where_clause: Default::default(),
        };
        let item = MonitoredItemCreateRequest::new(
            ReadValueId {
                node_id: node,
                attribute_id: AttributeId::EventNotifier as u32,
                ..ReadValueId::default()
            },
            MonitoringMode::Reporting,
            MonitoringParameters {
                filter: ExtensionObject::from_message(filter),
                queue_size: 0,
                ..MonitoringParameters::default()
            },
        );
        self.monitor(vec![item]).await;
    }

    /// The events so far, in order.
    pub fn events(&self) -> Vec<Vec<Variant>> {
        self.log.borrow().events.clone()
    }

    /// Waits for so many events.
    pub async fn until_events(&self, count: usize) {
        self.wait(
            &format!("{count} events"),
            |log| (log.events.len() >= count).then_some(()),
            |log| format!("{:#?}", log.events),
        )
        .await;
    }

    async fn monitor(&self, items: Vec<MonitoredItemCreateRequest>) {
        let created = self
            .session
            .create_monitored_items(self.subscription, TimestampsToReturn::Both, items)
            .await
            .expect("monitored items");
        for item in created {
            assert_eq!(item.result.status_code, StatusCode::Good);
        }
    }

    /// Writes the value of a variable.
    pub async fn write(&self, node_id: NodeId, value: &str) -> StatusCode {
        let write = WriteValue {
            node_id,
            attribute_id: AttributeId::Value as u32,
            value: DataValue::value_only(value),
            ..WriteValue::default()
        };
        self.session.write(&[write]).await.expect("an answer")[0]
    }

    /// Reads the variable at `path` now.
    pub async fn read(&self, path: &str) -> Seen {
        let node = self.node(path).await;
        let values = self.read_nodes(&[node]).await;
        Seen::new(path, values.into_iter().next().expect("one value"))
    }

    /// Reads the values of these variables, all in one request.
    pub async fn read_all(&self, nodes: &[NodeId]) -> Vec<Variant> {
        let values = self.read_nodes(nodes).await.into_iter();
        values.map(|it| it.value.unwrap_or_default()).collect()
    }

    async fn read_nodes(&self, nodes: &[NodeId]) -> Vec<DataValue> {
        let nodes: Vec<_> = nodes.iter().cloned().map(ReadValueId::from).collect();
        self.session
            .read(&nodes, TimestampsToReturn::Both, 0.0)
            .await
            .expect("an answer")
    }

    /// The node at `path`; panics with the names that are there instead.
    pub async fn node(&self, path: &str) -> NodeId {
        let mut node: NodeId = match path.split('/').next() {
            Some("Server" | BRIDGE) => ObjectId::ObjectsFolder.into(),
            _ => NodeId::new(MACHINES.0, MACHINES.1),
        };
        for name in path.split('/') {
            let children = self.children(&node).await;
            let child = children.iter().find(|(child, _)| child == name);
            node = match child {
                Some((_, node)) => node.clone(),
                None => panic!("{path}: no {name} among {children:?}"),
            };
        }
        node
    }

    /// The names of the machines that this server shows.
    pub async fn machines(&self) -> Vec<String> {
        let children = self.children(&NodeId::new(MACHINES.0, MACHINES.1)).await;
        children.into_iter().map(|(name, _)| name).collect()
    }

    async fn children(&self, node: &NodeId) -> Vec<(String, NodeId)> {
        let what = BrowseDescription {
            node_id: node.clone(),
            browse_direction: BrowseDirection::Forward,
            reference_type_id: ReferenceTypeId::HierarchicalReferences.into(),
            include_subtypes: true,
            node_class_mask: 0,
            result_mask: BrowseResultMask::BrowseName as u32,
        };
        let results = self.session.browse(&[what], 0, None).await.expect("browse");
        let references = results.into_iter().flat_map(|result| result.references);
        references
            .flatten()
            .map(|r| (r.browse_name.name.to_string(), r.node_id.node_id))
            .collect()
    }

    /// The place in the history where the next notification will stand.
    pub fn mark(&self) -> usize {
        self.log.borrow().seen.len()
    }

    /// What `path` notified since `mark`.
    pub fn history(&self, mark: usize, path: &str) -> Vec<Seen> {
        let log = self.log.borrow();
        let later = log.seen[mark..].iter();
        later.filter(|seen| seen.path == path).cloned().collect()
    }

    /// Waits until the newest value of `path` is as asked.
    pub async fn until(&self, path: &str, what: &str, accept: impl Fn(&Seen) -> bool) -> Seen {
        let newest = |log: &Log| {
            log.seen
                .iter()
                .rev()
                .find(|seen| seen.path == path)
                .cloned()
        };
        self.wait(
            &format!("{path} {what}"),
            |log| newest(log).filter(&accept),
            |log| {
                let all: Vec<_> = log.seen.iter().filter(|seen| seen.path == path).collect();
                format!("{:#?}", &all[all.len().saturating_sub(10)..])
            },
        )
        .await
    }

    /// Waits until the Good numbers of `path` have gone through these one after the other, with whatever else came
    /// before, between and after them.
    pub async fn goes_through(&self, path: &str, numbers: &[u32]) {
        self.wait(
            &format!("{path} goes through {numbers:?}"),
            |log| {
                let mut left = numbers.iter().peekable();
                for seen in log.seen.iter().filter(|seen| seen.path == path) {
                    left.next_if(|&&number| seen.is_good_number(number.into()));
                }
                left.peek().is_none().then_some(())
            },
            |log| {
                let all: Vec<_> = log.seen.iter().filter(|seen| seen.path == path).collect();
                format!("{all:#?}")
            },
        )
        .await;
    }

    /// Waits until `path` notified `count` values since `mark`.
    pub async fn until_changed(&self, mark: usize, path: &str, count: usize) {
        let changes = |log: &Log| log.seen[mark..].iter().filter(|s| s.path == path).count();
        self.wait(
            &format!("{path} changes {count} times"),
            |log| (changes(log) >= count).then_some(()),
            |log| format!("{} times", changes(log)),
        )
        .await;
    }

    /// Waits for an event of this type whose other field is as asked.
    pub async fn until_event(&self, event_type: ObjectTypeId, accept: impl Fn(&Variant) -> bool) {
        let event_type = Variant::from(NodeId::from(event_type));
        self.wait(
            "the event",
            |log| {
                let mut events = log.events.iter();
                events
                    .find(|e| e[0] == event_type && accept(&e[1]))
                    .map(|_| ())
            },
            |log| format!("{:#?}", log.events),
        )
        .await;
    }

    async fn wait<T>(
        &self,
        what: &str,
        find: impl Fn(&Log) -> Option<T>,
        instead: impl Fn(&Log) -> String,
    ) -> T {
        let mut log = self.log.subscribe();
        let waited = tokio::time::timeout(PATIENCE, log.wait_for(|log| find(log).is_some())).await;
        if let Ok(Ok(log)) = &waited
            && let Some(found) = find(log)
        {
            return found;
        }
        drop(waited);
        panic!(
            "never seen: {what}; instead {}",
            instead(&self.log.borrow())
        );
    }
}
