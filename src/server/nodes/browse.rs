//! Browse and BrowseNext (OPC 10000-4 §5.9.2).
//!
//! Always holds: one request collects a bounded number of references, and a continuation point holds none. What does
//! not fit is looked up again by BrowseNext: a request may name the folder of all machines ten thousand times.

use std::ops::ControlFlow;
use std::sync::Arc;

use opcua::nodes::TypeTree;
use opcua::server::authenticator::UserToken;
use opcua::server::node_manager::{AddReferenceResult, BrowseNode};
use opcua::types::StatusCode;

use super::super::limits;
use super::super::plant::Plant;
use super::references::{Filter, walk};
use crate::umati::blueprint::Blueprint;
use crate::umati::namespaces;

/// How many references one request may still collect, over all of its nodes.
pub(super) struct Budget(usize);

impl Budget {
    pub(super) fn of_one_request() -> Self {
        Self(limits::MAX_REFERENCES_PER_REQUEST)
    }
}

/// Where the next BrowseNext goes on.
struct Rest {
    /// How many of the node's references were given.
    given: usize,
    /// What they were counted in; `None` for a node of another manager.
    blueprint: Option<Arc<Blueprint>>,
}

/// Adds what we know of a node: all of it if it is ours, the roots that hang from it if it is not.
pub(super) fn browse(
    plant: &Plant,
    user: &UserToken,
    type_tree: &dyn TypeTree,
    node: &mut BrowseNode,
    budget: &mut Budget,
) {
    let id = node.node_id().clone();
    let blueprint = plant
        .find(user, &id)
        .map(|found| Arc::clone(found.instance.blueprint()));
    let resumed = node.take_continuation_point::<Rest>();
    let skipped = resumed.as_ref().map_or(0, |rest| rest.given);
    match (&blueprint, resumed) {
        // The node has other references by now: the client must begin again.
        (blueprint, Some(rest)) if !is_same(&rest.blueprint, blueprint) => {
            node.set_status(StatusCode::BadContinuationPointInvalid);
            return;
        }
        (Some(_), _) | (None, Some(_)) => node.set_status(StatusCode::Good),
        // The other managers answer Good for what they do not know.
        (None, None) if id.namespace == namespaces::INSTANCES => {
            node.set_status(StatusCode::BadNodeIdUnknown);
        }
        (None, None) => {}
    }

    let reference_type = node.reference_type_id().clone();
    let filter = Filter {
        forward: node.allows_forward(),
        inverse: node.allows_inverse(),
        reference_type: &reference_type,
        include_subtypes: node.include_subtypes(),
        type_tree,
    };
    let mut given = 0;
    walk(plant, user, &id, &filter, |reference| {
        if given >= skipped && budget.0 > 0 {
            match node.add(type_tree, reference) {
                AddReferenceResult::Added => {
                    given += 1;
                    budget.0 -= 1;
                }
                AddReferenceResult::Rejected => {}
                AddReferenceResult::Full(_) => return go_on_later(node, given, &blueprint),
            }
        } else if node.matches_filter(type_tree, &reference) {
            if given >= skipped {
                return go_on_later(node, given, &blueprint);
            }
            given += 1;
        }
        ControlFlow::Continue(())
    });
}

fn go_on_later(
    node: &mut BrowseNode,
    given: usize,
    blueprint: &Option<Arc<Blueprint>>,
) -> ControlFlow<()> {
    node.set_next_continuation_point(Box::new(Rest {
        given,
        blueprint: blueprint.clone(),
    }));
    ControlFlow::Break(())
}

fn is_same(before: &Option<Arc<Blueprint>>, now: &Option<Arc<Blueprint>>) -> bool {
    before.as_ref().map(Arc::as_ptr) == now.as_ref().map(Arc::as_ptr)
}
