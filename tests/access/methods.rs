//! Methods that are called by the NodeId that they have in a type (OPC 10000-4 §5.12.2).

use opcua::types::{
    BrowseDescription, BrowseDirection, BrowseResultMask, NodeClassMask, NodeId, ReferenceTypeId,
    StatusCode, Variant,
};
use umati_bridge::umati::namespaces as ns;

use super::audit;
use super::bench::*;
use super::client::*;

async fn targets(
    client: &Client,
    id: &NodeId,
    reference: ReferenceTypeId,
    direction: BrowseDirection,
    classes: NodeClassMask,
) -> Vec<(String, NodeId)> {
    let what = BrowseDescription {
        node_id: id.clone(),
        browse_direction: direction,
        reference_type_id: reference.into(),
        include_subtypes: true,
        node_class_mask: classes.bits(),
        result_mask: BrowseResultMask::All as u32,
    };
    let results = client.session.browse(&[what], 0, None).await.unwrap();
    let references = results.into_iter().flat_map(|result| result.references);
    references
        .flatten()
        .map(|it| (it.browse_name.name.to_string(), it.node_id.node_id))
        .collect()
}

/// The methods of the types of an object, the most special type first.
async fn methods_of_types(client: &Client, object: &NodeId) -> Vec<(String, NodeId)> {
    use BrowseDirection::{Forward, Inverse};
    let types = NodeClassMask::OBJECT_TYPE;
    let mut open = targets(
        client,
        object,
        ReferenceTypeId::HasTypeDefinition,
        Forward,
        types,
    )
    .await;
    let mut methods = Vec::new();
    while let Some((_, of)) = open.pop() {
        let components = ReferenceTypeId::HasComponent;
        methods.extend(targets(client, &of, components, Forward, NodeClassMask::METHOD).await);
        open.extend(targets(client, &of, ReferenceTypeId::HasSubtype, Inverse, types).await);
    }
    methods
}

#[tokio::test(flavor = "multi_thread")]
async fn each_method_is_known_by_the_names_that_its_types_have_for_it() {
    let bench = Bench::start().await;
    let client = Client::log_in(&bench.url, MES_1).await;
    for (object, least) in [(CONTROL, 10), (RESULTS, 2)] {
        let id = node("of-1", object);
        let methods = NodeClassMask::METHOD;
        let here = ReferenceTypeId::HasComponent;
        let own = targets(&client, &id, here, BrowseDirection::Forward, methods).await;
        assert_eq!(own.len(), least, "{own:?}");
        let of_types = methods_of_types(&client, &id).await;
        let mut known = 0;
        for (name, declared) in of_types {
            let answer = client.call(id.clone(), declared, Vec::new()).await;
            let is_here = own.iter().any(|(own, _)| *own == name);
            known += usize::from(is_here);
            let expected = if is_here {
                // It is found, and what it needs is missed.
                StatusCode::BadArgumentsMissing
            } else {
                StatusCode::BadMethodInvalid
            };
            assert_eq!(answer.status_code, expected, "{name}");
        }
        assert!(known >= least, "{known} of {least} methods have a type");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_by_the_type_is_done_and_told_like_any_other() {
    audit::listen();
    let bench = Bench::start().await;
    let application = "urn:test:by-type";
    let client = Client::log_in_from(&bench.url, application, MES_1).await;
    let login = audit::lines(application);
    let from = audit::origin(&login[0]);
    let store = NodeId::new(ns::JOB_CONTROL, 7001u32);
    for (machine, expected, level) in [
        ("of-1", StatusCode::Good, "INFO"),
        ("of-2", StatusCode::BadNodeIdUnknown, "WARN"),
        ("of-3", StatusCode::BadNodeIdUnknown, "WARN"),
    ] {
        let object = node(machine, CONTROL);
        let answer = client
            .call(object.clone(), store.clone(), stored("by type"))
            .await;
        assert_eq!(answer.status_code, expected, "{machine}");
        let told = audit::lines(&format!("object=\"{object}\""));
        let told: Vec<_> = told.iter().filter(|line| line.contains(&from)).collect();
        let [line] = told[..] else {
            panic!("{told:#?}");
        };
        let call = format!("{level} call: who=\"mes:1\", {from}");
        assert!(line.starts_with(&call), "{line}");
        let method = format!("method=\"{store}\", result={expected}");
        assert!(line.contains(&method), "{line}");
    }
    // It is the same order, so it was stored.
    let again = client.store("of-1", "by type").await;
    assert_eq!(again.output_arguments, Some(vec![Variant::UInt64(1)]));
}
