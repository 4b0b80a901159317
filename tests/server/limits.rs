//! What `ServerCapabilities` says is what the server does.

use opcua::client::DataChangeCallback;
use opcua::types::{
    AttributeId, BrowseDescription, BrowseDirection, BrowsePath, Error, NodeClass, NodeId,
    ObjectId, ReadValueId, ReferenceTypeId, StatusCode, TimestampsToReturn, VariableId, Variant,
    WriteValue,
};

use super::bench::*;

async fn number(client: &Client, id: VariableId) -> usize {
    let read = client.read(id.into(), AttributeId::Value).await;
    match read.value {
        Some(Variant::UInt32(n)) => n as usize,
        other => panic!("{id:?}: {other:?}"),
    }
}

fn refused<T>(result: Result<T, Error>) -> StatusCode {
    match result {
        Ok(_) => StatusCode::Good,
        Err(error) => error.status(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operation_limits_are_kept_exactly() {
    use VariableId as V;
    const TOO_MANY: StatusCode = StatusCode::BadTooManyOperations;
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let session = &client.session;

    let n = number(
        &client,
        V::Server_ServerCapabilities_OperationLimits_MaxNodesPerRead,
    )
    .await;
    let ids = vec![ReadValueId::new(node(0, INT32), AttributeId::Value); n + 1];
    let read = async |ids| refused(session.read(ids, TimestampsToReturn::Both, 0.0).await);
    assert_eq!(read(&ids).await, TOO_MANY);
    assert_eq!(read(&ids[1..]).await, StatusCode::Good);

    let n = number(
        &client,
        V::Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse,
    )
    .await;
    let nodes = vec![BrowseDescription::default(); n + 1];
    let browse = async |nodes| refused(session.browse(nodes, 0, None).await);
    assert_eq!(browse(&nodes).await, TOO_MANY);
    assert_eq!(browse(&nodes[1..]).await, StatusCode::Good);

    let n = number(
        &client,
        V::Server_ServerCapabilities_OperationLimits_MaxNodesPerWrite,
    )
    .await;
    let values = vec![WriteValue::default(); n + 1];
    assert_eq!(refused(session.write(&values).await), TOO_MANY);
    assert_eq!(refused(session.write(&values[1..]).await), StatusCode::Good);

    let id = V::Server_ServerCapabilities_OperationLimits_MaxNodesPerTranslateBrowsePathsToNodeIds;
    let n = number(&client, id).await;
    let paths = vec![BrowsePath::default(); n + 1];
    let translate = async |paths| refused(session.translate_browse_paths_to_node_ids(paths).await);
    assert_eq!(translate(&paths).await, TOO_MANY);
    assert_eq!(translate(&paths[1..]).await, StatusCode::Good);

    let n = number(
        &client,
        V::Server_ServerCapabilities_OperationLimits_MaxNodesPerRegisterNodes,
    )
    .await;
    let ids = vec![node(0, INT32); n + 1];
    assert_eq!(refused(session.register_nodes(&ids).await), TOO_MANY);
    assert_eq!(
        refused(session.register_nodes(&ids[1..]).await),
        StatusCode::Good
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn subscription_limits_are_kept_exactly() {
    use VariableId as V;
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let session = &client.session;

    let items = number(
        &client,
        V::Server_ServerCapabilities_MaxMonitoredItemsPerSubscription,
    )
    .await;
    assert!(items >= 20_000);
    let per_call = number(
        &client,
        V::Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall,
    )
    .await;
    let subscription = client.subscribe().await;
    let create = async |count: usize| {
        let requests = vec![request(&node(0, INT32)); count];
        let created = session
            .create_monitored_items(subscription.id, TimestampsToReturn::Both, requests)
            .await;
        refused(created)
    };
    assert_eq!(create(per_call + 1).await, StatusCode::BadTooManyOperations);
    for _ in 0..items / per_call {
        assert_eq!(create(per_call).await, StatusCode::Good);
    }
    assert_eq!(
        create(items % per_call + 1).await,
        StatusCode::BadTooManyMonitoredItems
    );
    assert_eq!(bench.publisher.watched(), items / per_call * per_call);

    let most = number(
        &client,
        V::Server_ServerCapabilities_MaxSubscriptionsPerSession,
    )
    .await;
    let subscribe = async || {
        let nothing = DataChangeCallback::new(|_, _| {});
        let created = session
            .create_subscription(PUBLISHING, 600, 20, 0, 0, true, nothing)
            .await;
        refused(created)
    };
    for _ in 1..most {
        assert_eq!(subscribe().await, StatusCode::Good);
    }
    assert_eq!(subscribe().await, StatusCode::BadTooManySubscriptions);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_capability_is_null() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let mut wanted: Vec<NodeId> = vec![
        VariableId::Server_ServerDiagnostics_EnabledFlag.into(),
        VariableId::Server_Auditing.into(),
    ];
    // Not its other objects: RoleSet has its own meaning of null, which is "everybody".
    for object in [
        ObjectId::Server_ServerCapabilities,
        ObjectId::Server_ServerCapabilities_OperationLimits,
    ] {
        let children = BrowseDescription {
            node_id: object.into(),
            browse_direction: BrowseDirection::Forward,
            reference_type_id: ReferenceTypeId::HierarchicalReferences.into(),
            include_subtypes: true,
            node_class_mask: 0,
            result_mask: u32::MAX,
        };
        let results = client.session.browse(&[children], 0, None).await.unwrap();
        for child in results[0].references.iter().flatten() {
            // What other specifications add has no value in their NodeSets.
            let id = &child.node_id.node_id;
            if id.namespace == 0 && child.node_class == NodeClass::Variable {
                wanted.push(id.clone());
            }
        }
    }
    assert!(wanted.len() > 25, "{wanted:?}");
    for id in wanted {
        let read = client.read(id.clone(), AttributeId::Value).await;
        assert_eq!(read.status(), StatusCode::Good, "{id}");
        assert!(!matches!(read.value, None | Some(Variant::Empty)), "{id}");
    }
}
