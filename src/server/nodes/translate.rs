//! TranslateBrowsePathsToNodeIds (OPC 10000-4 §5.9.4).
//!
//! The library hands a path from manager to manager: each follows it as far as its own references lead and names
//! every node on the way. Its ready-made implementation over Browse keeps one path for each starting node, so of
//! two paths from one machine in one request it would follow only the second.

use std::collections::HashSet;
use std::ops::ControlFlow;

use opcua::nodes::TypeTree;
use opcua::server::authenticator::UserToken;
use opcua::server::node_manager::{BrowsePathItem, RequestContext};

use super::super::plant::Plant;
use super::references::{Filter, walk};

pub(super) fn translate(
    plant: &Plant,
    user: &UserToken,
    context: &RequestContext,
    type_tree: &dyn TypeTree,
    item: &mut BrowsePathItem<'_>,
) {
    if let Some(wanted) = item.unmatched_browse_name() {
        // Another manager leads here and does not know the name.
        let matches = plant
            .find(user, item.node_id())
            .is_some_and(|found| found.instance.browse_name(found.index) == *wanted);
        if !matches {
            return;
        }
        item.set_browse_name_matched(context.current_node_manager_index);
    }

    let mut here = HashSet::from([item.node_id().clone()]);
    for (depth, element) in (1..).zip(item.path()) {
        let filter = Filter {
            forward: !element.is_inverse,
            inverse: element.is_inverse,
            reference_type: &element.reference_type_id,
            include_subtypes: element.include_subtypes,
            type_tree,
        };
        let mut next = HashSet::new();
        for id in &here {
            walk(plant, user, id, &filter, |reference| {
                if reference.browse_name == element.target_name {
                    next.insert(reference.node_id.node_id);
                }
                ControlFlow::Continue(())
            });
        }
        for id in &next {
            item.add_element(id.clone(), depth, None);
        }
        here = next;
    }
}
