//! What a client can send that was let in: over an encrypted channel, where the front door sees sizes only.

use std::any::Any;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use opcua::client::{DataChangeCallback, Session};
use opcua::core::{RequestMessage, ResponseMessage};
use opcua::types::{
    ActivateSessionRequest, ApplicationDescription, AttributeId, BuiltInDataEncoding, Context,
    CreateSessionRequest, DataValue, DynEncodable, EncodingResult, Error, ExpandedNodeId,
    ExtensionObject, MonitoredItemCreateRequest, NodeId, ObjectId, RequestHeader, StatusCode,
    TimestampsToReturn, UserNameIdentityToken, VariableId, WriteValue, xml::XmlStreamWriter,
};
use tokio::task::JoinSet;

use super::common::PATIENCE;
use super::honest::{Honest, Identity};
use super::nesting::{browse_paths, elements, event_filter, nested, operands};
use super::siege::{APPLICATION, OPERATOR, Siege};

/// A publishing interval in which nothing is published.
const HOUR: Duration = Duration::from_secs(3_600);

fn written(value: DataValue) -> WriteValue {
    WriteValue {
        node_id: VariableId::Server_ServerStatus_CurrentTime.into(),
        attribute_id: AttributeId::Value as u32,
        value,
        ..WriteValue::default()
    }
}

/// It is told that it is wrong, or its connection is ended.
async fn is_refused(session: &Session, value: DataValue) {
    let written = [written(value)];
    let answer = session.write(&written);
    if let Ok(results) = tokio::time::timeout(PATIENCE, answer)
        .await
        .expect("an end")
    {
        assert!(results[0].is_bad(), "{results:?}");
    }
}

/// A structure whose encoded form is already there: the client library takes a time that grows with the square of the
/// levels. Only the binary encoding of its type counts.
#[derive(Debug, Clone, PartialEq)]
struct Encoded(ObjectId, Vec<u8>);

impl DynEncodable for Encoded {
    fn encode_binary(&self, stream: &mut dyn Write, _: &Context<'_>) -> EncodingResult<()> {
        stream.write_all(&self.1).map_err(Error::encoding)
    }

    fn encode_xml(
        &self,
        _: &mut XmlStreamWriter<&mut dyn Write>,
        _: &Context<'_>,
    ) -> EncodingResult<()> {
        Err(Error::encoding("it has no such form"))
    }

    fn xml_tag_name(&self) -> &str {
        "Encoded"
    }

    fn byte_len_dyn(&self, _: &Context<'_>) -> usize {
        self.1.len()
    }

    fn binary_type_id(&self) -> ExpandedNodeId {
        self.0.into()
    }

    fn xml_type_id(&self) -> ExpandedNodeId {
        ExpandedNodeId::null()
    }

    fn data_type_id(&self) -> ExpandedNodeId {
        ExpandedNodeId::null()
    }

    fn as_dyn_any(self: Box<Self>) -> Box<dyn Any + Send + Sync + 'static> {
        self
    }

    fn as_dyn_any_ref(&self) -> &(dyn Any + Send + Sync) {
        self
    }

    fn clone_box(&self) -> Box<dyn DynEncodable> {
        Box::new(self.clone())
    }

    fn dyn_eq(&self, other: &dyn DynEncodable) -> bool {
        other.as_dyn_any_ref().downcast_ref() == Some(self)
    }

    fn type_name(&self) -> &'static str {
        "Encoded"
    }

    fn override_encoding(&self) -> Option<BuiltInDataEncoding> {
        None
    }
}

const LEVELS: usize = 60_000;

#[test]
fn values_in_values() {
    let siege = Siege::closed();
    for (what, variant) in nested(LEVELS) {
        println!("{what}");
        let insider = siege.newcomer();
        // A WriteValue: node, attribute, no range, and a DataValue with a value.
        let value = [&[0, 0, 13, 0, 0, 0][..], &[0xff; 4], &[1], &variant].concat();
        let id = ObjectId::WriteValue_Encoding_DefaultBinary;
        let value = ExtensionObject::new(Encoded(id, value));
        let attack = is_refused(&insider.session, DataValue::value_only(value));
        insider.runtime.block_on(attack);
    }
    siege.lift_after("60,000 levels over an encrypted channel", LEVELS);
}

#[test]
fn operands_in_operands() {
    let siege = Siege::closed();
    for operand in [operands(LEVELS), elements(LEVELS)] {
        let insider = siege.newcomer();
        let id = ObjectId::EventFilter_Encoding_DefaultBinary;
        let mut item = MonitoredItemCreateRequest::from(NodeId::from(ObjectId::Server));
        item.item_to_monitor.attribute_id = AttributeId::EventNotifier as u32;
        item.requested_parameters.filter =
            ExtensionObject::new(Encoded(id, event_filter(&operand)));
        let refused = insider.runtime.block_on(async {
            let nothing = DataChangeCallback::new(|_, _| {});
            let subscription = insider
                .session
                .create_subscription(HOUR, 600, 20, 0, 0, true, nothing)
                .await
                .unwrap();
            let both = TimestampsToReturn::Both;
            let created = insider
                .session
                .create_monitored_items(subscription, both, vec![item]);
            tokio::time::timeout(PATIENCE, created)
                .await
                .expect("an end")
        });
        if let Ok(created) = refused {
            assert!(created[0].result.status_code.is_bad(), "{created:?}");
        }
    }
    siege.lift_after("operands in operands over an encrypted channel", LEVELS);
}

#[test]
fn paths_of_eight_thousand_elements() {
    let siege = Siege::closed();
    let insider = siege.newcomer();
    for paths in [1, 4] {
        let paths = browse_paths(paths);
        let session = &insider.session;
        let answer = session.translate_browse_paths_to_node_ids(&paths);
        let results = insider.runtime.block_on(answer).unwrap();
        assert!(results.iter().all(|it| it.status_code.is_bad()));
    }
    drop(insider);
    siege.lift("browse paths of 8,000 elements over an encrypted channel");
}

/// Ten thousand subscriptions, over several tasks; gives those that were made.
async fn subscribe(session: &Arc<Session>) -> Vec<u32> {
    const TASKS: usize = 20;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let session = session.clone();
        tasks.spawn(async move {
            let mut made = Vec::new();
            for _ in 0..10_000 / TASKS {
                let nothing = DataChangeCallback::new(|_, _| {});
                match session
                    .create_subscription(HOUR, 600, 20, 0, 0, true, nothing)
                    .await
                {
                    Ok(id) => made.push(id),
                    Err(error) => {
                        assert_eq!(error.status(), StatusCode::BadTooManySubscriptions);
                    }
                }
            }
            made
        });
    }
    tasks.join_all().await.concat()
}

/// As many items as one subscription may have, and 10,000 more; gives how many were made.
async fn watch(session: &Session, subscription: u32) -> usize {
    /// The client takes no more results at a time.
    const AT_A_TIME: usize = 1_000;
    let time = NodeId::from(VariableId::Server_ServerStatus_CurrentTime);
    let items = vec![MonitoredItemCreateRequest::from(time); AT_A_TIME];
    let both = TimestampsToReturn::Both;
    let mut made = 0;
    let mut refused = 0;
    while refused < 10_000 {
        match session
            .create_monitored_items(subscription, both, items.clone())
            .await
        {
            Ok(created) => {
                assert!(created.iter().all(|it| it.result.status_code.is_good()));
                made += AT_A_TIME;
                assert!(made < 100_000, "there is an end to it");
            }
            Err(error) => {
                assert_eq!(error.status(), StatusCode::BadTooManyMonitoredItems);
                refused += AT_A_TIME;
            }
        }
    }
    made
}

#[test]
fn subscriptions_and_items_beyond_the_limits() {
    let siege = Siege::closed();
    let insider = siege.newcomer();
    let session = insider.session.clone();
    insider.runtime.block_on(async {
        let made = subscribe(&session).await;
        assert!((1..200).contains(&made.len()), "{} were made", made.len());
        let items = watch(&session, made[0]).await;
        println!("{} subscriptions and {items} items", made.len());
        let time = NodeId::from(VariableId::Server_ServerStatus_CurrentTime);
        let items = vec![MonitoredItemCreateRequest::from(time); 10_001];
        let both = TimestampsToReturn::Both;
        let created = session.create_monitored_items(made[0], both, items).await;
        assert_eq!(
            created.unwrap_err().status(),
            StatusCode::BadTooManyOperations
        );
    });
    drop((session, insider));
    siege.lift("10,000 subscriptions and items beyond the limits");
}

async fn send(
    session: &Session,
    request: impl Into<RequestMessage>,
) -> Result<ResponseMessage, StatusCode> {
    let answer = session.channel().send(request, PATIENCE).await;
    answer.map_err(|error| error.status())
}

fn header(token: NodeId) -> RequestHeader {
    RequestHeader {
        authentication_token: token,
        ..RequestHeader::default()
    }
}

pub async fn create_session(session: &Session, certificate: &[u8]) -> Result<NodeId, StatusCode> {
    let request = CreateSessionRequest {
        client_description: ApplicationDescription {
            application_uri: APPLICATION.into(),
            ..ApplicationDescription::default()
        },
        endpoint_url: "opc.tcp://127.0.0.1/".into(),
        client_nonce: vec![7; 32].into(),
        client_certificate: certificate.to_vec().into(),
        requested_session_timeout: 600_000.0,
        ..CreateSessionRequest::default()
    };
    match send(session, request).await? {
        ResponseMessage::CreateSession(created) => Ok(created.authentication_token),
        ResponseMessage::ServiceFault(fault) => Err(fault.response_header.service_result),
        other => panic!("{other:?}"),
    }
}

/// An application that is trusted, and creates sessions without logging in to them.
#[test]
fn sessions_that_a_trusted_application_does_not_activate() {
    let siege = Siege::closed();
    let application = siege.trust("insider");
    let insider = Honest::start(siege.url(), Identity::Operator(&application));
    let mut created = 0;
    let refused = insider.runtime.block_on(async {
        loop {
            match create_session(&insider.session, &application.der()).await {
                Ok(_) => created += 1,
                Err(status) => break status,
            }
            assert!(created < 100, "there is an end to it");
        }
    });
    println!("{created} sessions, and then {refused}");
    siege.told(&["a connection is ended", "result=BadTooManySessions"]);
    drop(insider);
    siege.lift("sessions that a trusted application does not activate");
}

/// Encrypted passwords that are none.
#[test]
fn tokens_that_cannot_be_decrypted() {
    let siege = Siege::closed();
    let certificate = siege.trusted.as_ref().unwrap().der();
    let insider = siege.newcomer();
    let session: Arc<Session> = insider.session.clone();
    insider.runtime.block_on(async {
        let token = create_session(&session, &certificate).await.unwrap();
        for (length, byte) in [
            (0, 0),
            (1, 1),
            (255, 0xff),
            (256, 0),
            (256, 0xff),
            (257, 3),
            (512, 9),
            (100_000, 7),
        ] {
            let identity = UserNameIdentityToken {
                policy_id: "userpass_basic256sha256".into(),
                user_name: OPERATOR.into(),
                password: vec![byte; length].into(),
                encryption_algorithm: "http://www.w3.org/2001/04/xmlenc#rsa-oaep".into(),
            };
            let request = ActivateSessionRequest {
                request_header: header(token.clone()),
                user_identity_token: ExtensionObject::from_message(identity),
                ..ActivateSessionRequest::default()
            };
            match send(&session, request).await {
                Ok(ResponseMessage::ServiceFault(fault)) => {
                    assert!(fault.response_header.service_result.is_bad());
                }
                Ok(other) => panic!("{length} bytes: {other:?}"),
                Err(status) => assert!(status.is_bad()),
            }
        }
    });
    drop((session, insider));
    siege.lift("tokens that cannot be decrypted");
}
