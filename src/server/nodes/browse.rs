//! Browse and BrowseNext (OPC 10000-4 §5.9.2).

use std::collections::VecDeque;

use opcua::nodes::TypeTree;
use opcua::server::authenticator::UserToken;
use opcua::server::node_manager::{AddReferenceResult, BrowseNode};
use opcua::types::{ReferenceDescription, StatusCode};

use super::super::plant::Plant;
use super::references::{Filter, Source, walk};
use crate::umati::namespaces;

/// What did not fit; it has passed the filters.
struct Rest(VecDeque<ReferenceDescription>);

/// Adds what we know of a node: all of it if it is ours, the roots that hang from it if it is not.
pub(super) fn browse(
    plant: &Plant,
    user: &UserToken,
    type_tree: &dyn TypeTree,
    node: &mut BrowseNode,
) {
    if let Some(mut rest) = node.take_continuation_point::<Rest>() {
        while node.remaining() > 0
            && let Some(reference) = rest.0.pop_front()
        {
            node.add_unchecked(reference);
        }
        if !rest.0.is_empty() {
            node.set_next_continuation_point(rest);
        }
        node.set_status(StatusCode::Good);
        return;
    }

    let id = node.node_id().clone();
    let reference_type = node.reference_type_id().clone();
    let filter = Filter {
        forward: node.allows_forward(),
        inverse: node.allows_inverse(),
        reference_type: &reference_type,
        include_subtypes: node.include_subtypes(),
        type_tree,
    };
    let mut rest = VecDeque::new();
    let source = walk(plant, user, &id, &filter, |reference| {
        if let AddReferenceResult::Full(reference) = node.add(type_tree, reference) {
            rest.push_back(reference);
        }
    });
    match source {
        Source::Ours => node.set_status(StatusCode::Good),
        // The other managers answer Good for what they do not know.
        Source::Foreign if id.namespace == namespaces::INSTANCES => {
            node.set_status(StatusCode::BadNodeIdUnknown);
        }
        Source::Foreign => {}
    }
    if !rest.is_empty() {
        node.set_next_continuation_point(Box::new(Rest(rest)));
    }
}
