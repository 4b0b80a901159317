//! Browse and BrowseNext on the machines.

use std::collections::HashSet;

use opcua::types::{
    BrowseDescription, BrowseDirection, BrowseResult, DataTypeId, NodeClass, NodeClassMask, NodeId,
    ObjectId, ReferenceDescription, ReferenceTypeId, StatusCode,
};
use umati_bridge::umati::blueprint::Plan;
use umati_bridge::umati::namespaces as ns;

use super::bench::*;

pub fn machines_folder() -> NodeId {
    NodeId::new(ns::MACHINERY, 1001u32)
}

pub fn description(id: &NodeId, direction: BrowseDirection) -> BrowseDescription {
    BrowseDescription {
        node_id: id.clone(),
        browse_direction: direction,
        reference_type_id: NodeId::null(),
        include_subtypes: true,
        node_class_mask: 0,
        result_mask: 63,
    }
}

pub async fn browse(client: &Client, description: BrowseDescription) -> BrowseResult {
    let mut results = client
        .session
        .browse(&[description], 0, None)
        .await
        .unwrap();
    results.remove(0)
}

pub async fn references(
    client: &Client,
    id: &NodeId,
    direction: BrowseDirection,
) -> Vec<ReferenceDescription> {
    let result = browse(client, description(id, direction)).await;
    assert_eq!(result.status_code, StatusCode::Good, "{id}");
    assert!(result.continuation_point.is_null());
    result.references.unwrap_or_default()
}

pub fn find<'a>(references: &'a [ReferenceDescription], name: &str) -> &'a ReferenceDescription {
    references
        .iter()
        .find(|r| r.browse_name.name.as_ref() == name)
        .unwrap_or_else(|| panic!("no {name} in {references:#?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_hangs_from_machines_and_from_server() {
    let bench = Bench::start().await;
    let client = bench.connect().await;

    let below = references(&client, &machines_folder(), BrowseDirection::Forward).await;
    let machine = find(&below, "Machine 0");
    assert_eq!(machine.node_id.node_id, node(0, ""));
    assert_eq!(machine.reference_type_id, ReferenceTypeId::Organizes);
    assert_eq!(machine.node_class, NodeClass::Object);
    assert_eq!(
        machine.type_definition.node_id,
        NodeId::new(ns::ADDITIVE_MANUFACTURING, 1005u32)
    );

    let server: NodeId = ObjectId::Server.into();
    let below = references(&client, &server, BrowseDirection::Forward).await;
    let notifier = find(&below, "Machine 0");
    assert_eq!(notifier.reference_type_id, ReferenceTypeId::HasNotifier);

    let above = references(&client, &node(0, ""), BrowseDirection::Inverse).await;
    let parents: HashSet<_> = above.iter().map(|r| r.node_id.node_id.clone()).collect();
    assert_eq!(parents, HashSet::from([machines_folder(), server]));
    assert!(above.iter().all(|r| !r.is_forward));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_can_be_reached_and_is_known_from_both_ends() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let mut seen = HashSet::from([node(0, "")]);
    let mut open = vec![node(0, "")];
    while let Some(id) = open.pop() {
        for forward in references(&client, &id, BrowseDirection::Forward).await {
            let target = forward.node_id.node_id;
            assert!(!forward.browse_name.name.is_null(), "{id} -> {target}");
            if target.namespace != ns::INSTANCES || !seen.insert(target.clone()) {
                continue;
            }
            let back = references(&client, &target, BrowseDirection::Inverse).await;
            assert!(back.iter().any(|r| r.node_id.node_id == id), "{target}");
            open.push(target);
        }
    }
    let instance = bench.machines[0].read().unwrap();
    assert_eq!(seen.len(), instance.blueprint().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn browse_honours_filters_and_masks() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let only_variables = BrowseDescription {
        reference_type_id: ReferenceTypeId::HasComponent.into(),
        include_subtypes: false,
        node_class_mask: NodeClassMask::VARIABLE.bits(),
        result_mask: 0,
        ..description(&node(0, ""), BrowseDirection::Forward)
    };
    let result = browse(&client, only_variables).await;
    let found = result.references.unwrap();
    assert_eq!(found.len(), 7, "{found:#?}");
    for reference in found {
        assert!(reference.browse_name.is_null());
        assert!(reference.display_name.text.is_null());
        assert!(reference.reference_type_id.is_null());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browse_that_is_cut_goes_on_where_it_stopped() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let whole = references(&client, &node(0, ""), BrowseDirection::Both).await;
    let wanted = [description(&node(0, ""), BrowseDirection::Both)];
    let mut result = client
        .session
        .browse(&wanted, 2, None)
        .await
        .unwrap()
        .remove(0);
    let mut pieces = result.references.take().unwrap();
    while !result.continuation_point.is_null() {
        assert_eq!(result.status_code, StatusCode::Good);
        let point = [result.continuation_point];
        result = client
            .session
            .browse_next(false, &point)
            .await
            .unwrap()
            .remove(0);
        let piece = result.references.take().unwrap();
        assert!(piece.len() <= 2);
        pieces.extend(piece);
    }
    assert_eq!(pieces, whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_machines_come_in_one_answer() {
    const COUNT: usize = 20_000;
    let plan = Plan::new(NodeId::new(ns::ADDITIVE_MANUFACTURING, 1005u32));
    let bench = Bench::serve(machines(COUNT, &plan)).await;
    let client = bench.connect().await;
    let below = references(&client, &machines_folder(), BrowseDirection::Forward).await;
    let ours = below
        .iter()
        .filter(|r| r.node_id.node_id.namespace == ns::INSTANCES);
    assert_eq!(ours.count(), COUNT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browse_of_nodes_that_have_changed_since_begins_again() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let wanted = [description(&node(0, ""), BrowseDirection::Both)];
    let first = client.session.browse(&wanted, 2, None).await.unwrap();
    let mut grown = plan();
    add_variable(&mut grown, "Another", DataTypeId::Double, -1);
    bench.machines[0]
        .write()
        .unwrap()
        .reshape(blueprint(&grown));
    let point = [first[0].continuation_point.clone()];
    let next = client.session.browse_next(false, &point).await.unwrap();
    assert_eq!(next[0].status_code, StatusCode::BadContinuationPointInvalid);
}

/// One request that names a wide node again and again must not collect more than one answer can hold.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_browse_collects_is_bounded_and_nothing_is_lost() {
    const MACHINES: usize = 1000;
    const TIMES: usize = 100;
    let plan = Plan::new(NodeId::new(ns::ADDITIVE_MANUFACTURING, 1005u32));
    let bench = Bench::serve(machines(MACHINES, &plan)).await;
    let client = bench.connect().await;
    let whole = references(&client, &machines_folder(), BrowseDirection::Both).await;
    let wanted = vec![description(&machines_folder(), BrowseDirection::Both); TIMES];
    let mut results = client.session.browse(&wanted, 0, None).await.unwrap();
    let given = |results: &[BrowseResult]| -> usize {
        let lengths = results.iter().flat_map(|r| &r.references).map(Vec::len);
        lengths.sum()
    };
    assert!(given(&results) < TIMES * MACHINES * 3 / 4);
    assert!(
        !results
            .iter()
            .any(|r| r.continuation_point.is_null() && r.references.is_none())
    );

    let names = |references: &[ReferenceDescription]| -> HashSet<_> {
        references
            .iter()
            .map(|r| (r.node_id.clone(), r.is_forward))
            .collect()
    };
    for result in &mut results {
        let mut found = result.references.take().unwrap_or_default();
        let mut point = std::mem::take(&mut result.continuation_point);
        while !point.is_null() {
            let mut next = client.session.browse_next(false, &[point]).await.unwrap();
            let next = next.remove(0);
            assert_eq!(next.status_code, StatusCode::Good);
            found.extend(next.references.unwrap_or_default());
            point = next.continuation_point;
        }
        assert_eq!(found.len(), whole.len());
        assert_eq!(names(&found), names(&whole));
    }
}
