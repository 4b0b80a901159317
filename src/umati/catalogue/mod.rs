//! The types of all loaded specifications, as instantiation needs them.
//!
//! Read from the core namespace and the companion NodeSets: the types, the instance
//! declarations below them (they have a modelling rule), and the entry points below `Objects`. Values (but for the
//! arguments of methods), encodings, dictionaries and state machine states are not kept. NodeIds carry the indexes of
//! [`namespaces`](super::namespaces). Immutable after loading, so it is shared freely.

mod load;
mod members;
mod node;

use std::collections::HashMap;

use opcua::types::{
    ExpandedNodeId, LocalizedText, NodeClass, NodeId, QualifiedName, ReferenceTypeId,
};

pub use members::{DeclaredMember, Place};
pub use node::{ModellingRule, TypeNode, TypeNodeKind};

use node::Index;

/// See the [module](self).
#[derive(Debug)]
pub struct Catalogue {
    nodes: Vec<TypeNode>,
    by_id: HashMap<NodeId, Index>,
}

impl Catalogue {
    /// A type, an instance declaration, or an entry point such as `Machines`.
    pub fn node(&self, id: &NodeId) -> Option<&TypeNode> {
        self.by_id.get(id).map(|&index| self.at(index))
    }

    /// The type of that name; browse names of types are unique within a specification.
    pub fn find_type(&self, namespace: u16, browse_name: &str) -> Option<&TypeNode> {
        self.nodes.iter().find(|node| {
            node.is_type()
                && node.id.namespace == namespace
                && node.browse_name.name.as_ref() == browse_name
        })
    }

    /// The supertypes of a type, nearest first, without itself.
    pub fn supertypes<'a>(&'a self, of: &'a TypeNode) -> impl Iterator<Item = &'a TypeNode> {
        std::iter::successors(Some(of), |node| node.supertype.map(|index| self.at(index))).skip(1)
    }

    /// `id` is `base` or one of its subtypes. False if `id` is not a known type.
    pub fn is_subtype_of(&self, id: &NodeId, base: &NodeId) -> bool {
        self.node(id).is_some_and(|node| {
            node.is_type()
                && (node.id == *base || self.supertypes(node).any(|above| above.id == *base))
        })
    }

    /// A reference type that makes its target a child (OPC 10000-3 §7.3).
    pub fn is_hierarchical(&self, reference_type: &NodeId) -> bool {
        self.is_subtype_of(
            reference_type,
            &ReferenceTypeId::HierarchicalReferences.into(),
        )
    }

    /// What Browse tells of a node that is not part of a machine.
    pub fn foreign(&self, id: &NodeId) -> Option<ForeignNode> {
        let node = self.node(id)?;
        Some(ForeignNode {
            node_id: node.id.clone(),
            browse_name: node.browse_name.clone(),
            display_name: node.display_name.clone(),
            node_class: node.class(),
            type_definition: node
                .type_definition()
                .map_or_else(ExpandedNodeId::null, |id| id.clone().into()),
        })
    }

    /// All nodes that are kept; for inventories and tests.
    pub fn iter(&self) -> impl Iterator<Item = &TypeNode> {
        self.nodes.iter()
    }

    fn at(&self, index: Index) -> &TypeNode {
        &self.nodes[index as usize]
    }
}

/// What Browse tells of a type, or of a folder that an instance stands in.
#[derive(Debug, Clone)]
pub struct ForeignNode {
    pub node_id: NodeId,
    pub browse_name: QualifiedName,
    pub display_name: LocalizedText,
    pub node_class: NodeClass,
    pub type_definition: ExpandedNodeId,
}
