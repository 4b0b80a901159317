//! The references of our nodes, and those of other nodes to our roots, as Browse and TranslateBrowsePaths walk them.

use std::ops::ControlFlow;

use opcua::nodes::TypeTree;
use opcua::server::authenticator::UserToken;
use opcua::server::node_manager::NodeMetadata;
use opcua::types::{
    ExpandedNodeId, LocalizedText, NodeClass, NodeId, ObjectId, ObjectTypeId, QualifiedName,
    ReferenceDescription, ReferenceTypeId,
};

use super::super::plant::{Plant, is_notifier, is_shown};
use crate::umati::blueprint::{NodeIndex, Target};
use crate::umati::instance::Instance;

/// What to look for from a node.
pub(super) struct Filter<'a> {
    pub forward: bool,
    pub inverse: bool,
    /// Null for all.
    pub reference_type: &'a NodeId,
    pub include_subtypes: bool,
    pub type_tree: &'a dyn TypeTree,
}

impl Filter<'_> {
    fn admits(&self, reference_type: &NodeId, is_forward: bool) -> bool {
        let direction = if is_forward {
            self.forward
        } else {
            self.inverse
        };
        direction
            && (self.reference_type.is_null()
                || self.reference_type == reference_type
                || (self.include_subtypes
                    && self
                        .type_tree
                        .is_subtype_of(reference_type, self.reference_type)))
    }
}

/// Calls `each` with the references of a node that pass the filter, in an order that stays as long as the node's
/// blueprint does, until it breaks off.
pub(super) fn walk(
    plant: &Plant,
    user: &UserToken,
    id: &NodeId,
    filter: &Filter<'_>,
    mut each: impl FnMut(ReferenceDescription) -> ControlFlow<()>,
) {
    let Some(found) = plant.find(user, id) else {
        let mut roots = plant
            .anchored_at(user, id)
            .filter(|(_, reference_type)| filter.admits(reference_type, true));
        let _ = roots.try_for_each(|(instance, reference_type)| {
            each(metadata(&instance, NodeIndex::ROOT).into_ref_desc(true, reference_type.clone()))
        });
        return;
    };
    let instance = &found.instance;
    for reference in &instance.blueprint().node(found.index).references {
        if !filter.admits(&reference.reference_type, reference.is_forward) {
            continue;
        }
        let target = match &reference.target {
            Target::Local(index) if !is_shown(instance, *index, found.role) => continue,
            Target::Local(index) => metadata(instance, *index),
            Target::Foreign(foreign) => NodeMetadata {
                node_id: ExpandedNodeId::new(foreign.node_id.clone()),
                type_definition: foreign.type_definition.clone(),
                browse_name: foreign.browse_name.clone(),
                display_name: foreign.display_name.clone(),
                node_class: foreign.node_class,
            },
        };
        let reference =
            target.into_ref_desc(reference.is_forward, reference.reference_type.clone());
        if each(reference).is_break() {
            return;
        }
    }
    let has_notifier = ReferenceTypeId::HasNotifier.into();
    if found.index == NodeIndex::ROOT
        && is_notifier(instance)
        && filter.admits(&has_notifier, false)
    {
        let _ = each(server().into_ref_desc(false, has_notifier));
    }
}

/// What Browse tells of the Server object.
fn server() -> NodeMetadata {
    NodeMetadata {
        node_id: ObjectId::Server.into(),
        type_definition: ObjectTypeId::ServerType.into(),
        browse_name: QualifiedName::new(0, "Server"),
        display_name: LocalizedText::new("", "Server"),
        node_class: NodeClass::Object,
    }
}

/// What Browse tells of a node of ours.
pub(super) fn metadata(instance: &Instance, index: NodeIndex) -> NodeMetadata {
    let node = instance.blueprint().node(index);
    NodeMetadata {
        node_id: ExpandedNodeId::new(instance.node_id(index)),
        type_definition: node
            .type_definition()
            .map_or_else(ExpandedNodeId::null, |id| ExpandedNodeId::new(id.clone())),
        browse_name: instance.browse_name(index),
        display_name: instance.display_name(index),
        node_class: node.class(),
    }
}
