//! New nodes of a running machine: they are there, and an event of `Server` says so.

use std::sync::{Arc, Mutex};

use opcua::client::EventCallback;
use opcua::types::{
    AttributeId, ContentFilter, DataTypeId, EventFilter, ExtensionObject,
    ModelChangeStructureDataType, MonitoredItemCreateRequest, MonitoringMode, MonitoringParameters,
    NodeId, ObjectId, ObjectTypeId, QualifiedName, ReadValueId, SimpleAttributeOperand, StatusCode,
    TimestampsToReturn, Variant,
};

use super::bench::*;

fn operand(event_type: ObjectTypeId, field: &str) -> SimpleAttributeOperand {
    SimpleAttributeOperand {
        type_definition_id: event_type.into(),
        browse_path: Some(vec![QualifiedName::new(0, field)]),
        attribute_id: AttributeId::Value as u32,
        index_range: opcua::types::NumericRange::None,
    }
}

pub fn any_event() -> EventFilter {
    EventFilter {
        select_clauses: Some(vec![
            operand(ObjectTypeId::BaseEventType, "EventType"),
            operand(ObjectTypeId::BaseEventType, "SourceNode"),
            operand(ObjectTypeId::BaseEventType, "Message"),
            operand(ObjectTypeId::GeneralModelChangeEventType, "Changes"),
        ]),
        where_clause: ContentFilter { elements: None },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_nodes_are_served_and_announced() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let events = Arc::new(Mutex::new(Vec::new()));
    let told = events.clone();
    let subscription = client
        .session
        .create_subscription(
            PUBLISHING,
            600,
            20,
            0,
            0,
            true,
            EventCallback::new(move |fields, _| told.lock().unwrap().extend(fields)),
        )
        .await
        .unwrap();
    let server: NodeId = ObjectId::Server.into();
    let created = client
        .session
        .create_monitored_items(
            subscription,
            TimestampsToReturn::Neither,
            vec![MonitoredItemCreateRequest {
                item_to_monitor: ReadValueId::new(server.clone(), AttributeId::EventNotifier),
                monitoring_mode: MonitoringMode::Reporting,
                requested_parameters: MonitoringParameters {
                    client_handle: 0,
                    sampling_interval: 0.0,
                    filter: ExtensionObject::from_message(any_event()),
                    queue_size: 100,
                    discard_oldest: true,
                },
            }],
        )
        .await
        .unwrap();
    assert_eq!(created[0].result.status_code, StatusCode::Good);

    // An item that lives through the reshaping keeps telling.
    let watching = client.subscribe().await;
    bench.set(INT32, good(1));
    watching.watch(&[node(0, INT32)]).await;

    let before = bench.machines[0].read().unwrap().blueprint().clone();
    let mut larger = plan();
    add_variable(&mut larger, "Chamber", DataTypeId::Double, -1);
    bench.machines[0]
        .write()
        .unwrap()
        .reshape(blueprint(&larger));
    bench.publisher.model_changed("m0", &before);
    bench.set("Chamber", good(41.5));
    bench.set(INT32, good(2));

    let fields = eventually("the event", || {
        let mut events = events.lock().unwrap();
        events.pop()
    })
    .await;
    let event_type: NodeId = ObjectTypeId::GeneralModelChangeEventType.into();
    assert_eq!(fields[0], event_type.into());
    assert_eq!(fields[1], server.into());
    let changes = changes(&fields[3]);
    let verbs: Vec<_> = changes
        .iter()
        .map(|c| (c.affected.clone(), c.verb))
        .collect();
    assert_eq!(verbs, [(node(0, "Chamber"), 1), (node(0, ""), 4)]);

    let read = client.read(node(0, "Chamber"), AttributeId::Value).await;
    assert_eq!(read.value, Some(41.5.into()));
    watching
        .log
        .ends_with(&node(0, INT32), Some(2.into()), StatusCode::Good)
        .await;
}

fn changes(field: &Variant) -> Vec<ModelChangeStructureDataType> {
    let Variant::Array(array) = field else {
        panic!("{field:?}")
    };
    array
        .values
        .iter()
        .map(|value| match value {
            Variant::ExtensionObject(object) => object.inner_as().cloned().unwrap(),
            other => panic!("{other:?}"),
        })
        .collect()
}
