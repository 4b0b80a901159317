//! TranslateBrowsePathsToNodeIds, across the node managers and within a machine.

use opcua::types::{
    BrowsePath, NodeId, ObjectId, QualifiedName, ReferenceTypeId, RelativePath,
    RelativePathElement, StatusCode,
};
use umati_bridge::umati::namespaces as ns;

use super::bench::*;
use super::browse::machines_folder;

pub fn path(start: &NodeId, names: &[QualifiedName]) -> BrowsePath {
    BrowsePath {
        starting_node: start.clone(),
        relative_path: RelativePath {
            elements: Some(
                names
                    .iter()
                    .map(|name| RelativePathElement {
                        reference_type_id: ReferenceTypeId::HierarchicalReferences.into(),
                        is_inverse: false,
                        include_subtypes: true,
                        target_name: name.clone(),
                    })
                    .collect(),
            ),
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browse_paths_lead_from_objects_into_a_machine() {
    let bench = Bench::serve(machines(2, &plan())).await;
    let client = bench.connect().await;
    let machines = QualifiedName::new(ns::MACHINERY, "Machines");
    let machine = |n: usize| QualifiedName::new(ns::INSTANCES, format!("Machine {n}"));
    let double = QualifiedName::new(ns::INSTANCES, DOUBLE);
    let string = QualifiedName::new(ns::INSTANCES, STRING);
    let objects: NodeId = ObjectId::ObjectsFolder.into();
    let state = QualifiedName::new(ns::DI, "Identification");
    let number = QualifiedName::new(ns::DI, "SerialNumber");
    let results = client
        .session
        .translate_browse_paths_to_node_ids(&[
            path(&objects, &[machines.clone(), machine(1), double.clone()]),
            // Two from one node in one request.
            path(&node(0, ""), std::slice::from_ref(&double)),
            path(&node(0, ""), &[string]),
            path(&node(0, ""), &[state, number]),
            path(&machines_folder(), &[machine(0)]),
            path(
                &node(0, ""),
                &[QualifiedName::new(ns::INSTANCES, "Nothing")],
            ),
            path(&node(5, ""), &[double]),
        ])
        .await
        .unwrap();
    let targets: Vec<Vec<NodeId>> = results
        .iter()
        .map(|r| {
            let targets = r.targets.iter().flatten();
            targets.map(|t| t.target_id.node_id.clone()).collect()
        })
        .collect();
    assert_eq!(targets[0], [node(1, DOUBLE)]);
    assert_eq!(targets[1], [node(0, DOUBLE)]);
    assert_eq!(targets[2], [node(0, STRING)]);
    assert_eq!(targets[3], [node(0, "Identification/SerialNumber")]);
    assert_eq!(targets[4], [node(0, "")]);
    assert_eq!(results[5].status_code, StatusCode::BadNoMatch);
    assert!(results[6].status_code.is_bad());
}
