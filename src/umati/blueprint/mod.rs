//! The shape that machines share: an instantiated type tree without values.
//!
//! A [`Blueprint`] is built once per shape (tools, bed, chamber, extra sensors) from a [`Plan`] and the type
//! [`Catalogue`](super::catalogue::Catalogue); a machine is a blueprint plus an array of values
//! ([`Instance`](super::instance::Instance)). Nodes are addressed by path: browse names without namespace joined
//! by `/`, `""` is the root. Always holds: `nodes[0]` is the root, a path occurs once, every local reference has
//! its inverse, children carry the browse-name namespace of the specification that declares them.

mod adjust;
mod build;
mod check;
mod draft;
mod error;
mod plan;

use std::collections::HashMap;

use opcua::types::{DataValue, LocalizedText, NodeClass, NodeId, QualifiedName};

use super::catalogue::ForeignNode;

pub use error::PlanError;
pub use plan::Plan;

/// Index of a node in its blueprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeIndex(pub u16);

impl NodeIndex {
    /// The machine itself.
    pub const ROOT: Self = Self(0);
}

/// All nodes of one machine shape.
#[derive(Debug)]
pub struct Blueprint {
    nodes: Vec<BlueprintNode>,
    by_path: HashMap<Box<str>, NodeIndex>,
    /// By [`NodeIndex`]: where a machine keeps the node's value.
    slots: Box<[Option<Slot>]>,
}

/// The place of one value among those of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot(u16);

impl Slot {
    pub(super) fn position(self) -> usize {
        usize::from(self.0)
    }
}

impl Blueprint {
    /// The node at an index of this blueprint; one of another blueprint is a mistake and may panic.
    pub fn node(&self, index: NodeIndex) -> &BlueprintNode {
        &self.nodes[usize::from(index.0)]
    }

    /// The node at a path; `""` is the root.
    pub fn find(&self, path: &str) -> Option<NodeIndex> {
        self.by_path.get(path).copied()
    }

    /// The method of an object that stands for a method of the types (OPC 10000-4 §5.12.2 lets a client name that
    /// one instead).
    pub fn method(&self, object: NodeIndex, declaration: &NodeId) -> Option<NodeIndex> {
        let children = self.node(object).references.iter();
        children
            .filter_map(|reference| match reference.target {
                Target::Local(index) if reference.is_forward => Some(index),
                _ => None,
            })
            .find(|&index| match &self.node(index).kind {
                NodeKind::Method { declarations } => declarations.contains(declaration),
                _ => false,
            })
    }

    /// Where a machine keeps the value of a node; `None` for objects, methods and what the types fix.
    pub(super) fn slot(&self, index: NodeIndex) -> Option<Slot> {
        self.slots[usize::from(index.0)]
    }

    /// How many values a machine keeps.
    pub(super) fn slots(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// How many nodes there are, the root included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: there is a root.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All nodes, parents before children.
    pub fn iter(&self) -> impl Iterator<Item = (NodeIndex, &BlueprintNode)> {
        // A blueprint is refused at construction when it has more nodes than a u16 can count.
        (0u16..).map(NodeIndex).zip(&self.nodes)
    }
}

/// One node; all attributes but `Value`, `NodeId` and (for the root) the names, which belong to the machine.
#[derive(Debug)]
pub struct BlueprintNode {
    pub path: Box<str>,
    pub browse_name: QualifiedName,
    pub display_name: LocalizedText,
    pub description: LocalizedText,
    pub kind: NodeKind,
    /// Only for those who may control the machine: a method that acts, or something below one.
    pub needs_control: bool,
    pub references: Vec<Reference>,
}

/// The attributes that differ by node class.
#[derive(Debug)]
pub enum NodeKind {
    Object {
        type_definition: NodeId,
        /// EventNotifier bits, OPC 10000-3 §8.59.
        event_notifier: u8,
    },
    Variable(VariableAttributes),
    Method {
        /// The methods of the types that this one stands for, the most specific first. A client may name one of
        /// them instead (OPC 10000-4 §5.12.2).
        declarations: Box<[NodeId]>,
    },
}

/// The attributes that only variables have.
#[derive(Debug, Clone, PartialEq)]
pub struct VariableAttributes {
    pub type_definition: NodeId,
    pub data_type: NodeId,
    /// OPC 10000-3 §5.6.2: -1 scalar, 1 one dimension.
    pub value_rank: i32,
    pub array_dimensions: Option<Vec<u32>>,
    /// AccessLevel bits, OPC 10000-3 §8.57; also served as UserAccessLevel.
    pub access_level: u8,
    /// Milliseconds.
    pub minimum_sampling_interval: f64,
    /// The value, where the types fix it: the arguments of a method. It has no timestamp, as it never came to be.
    pub constant: Option<Box<DataValue>>,
}

impl VariableAttributes {
    /// The type lets clients write it; who may, the server decides.
    pub fn is_writable(&self) -> bool {
        const CURRENT_WRITE: u8 = 2;
        self.access_level & CURRENT_WRITE != 0
    }
}

impl BlueprintNode {
    /// Each machine has a value of its own for it.
    fn varies(&self) -> bool {
        matches!(&self.kind, NodeKind::Variable(variable) if variable.constant.is_none())
    }

    /// Its NodeClass.
    pub fn class(&self) -> NodeClass {
        match self.kind {
            NodeKind::Object { .. } => NodeClass::Object,
            NodeKind::Variable(_) => NodeClass::Variable,
            NodeKind::Method { .. } => NodeClass::Method,
        }
    }

    /// The target of its HasTypeDefinition; methods have none.
    pub fn type_definition(&self) -> Option<&NodeId> {
        match &self.kind {
            NodeKind::Object {
                type_definition, ..
            } => Some(type_definition),
            NodeKind::Variable(v) => Some(&v.type_definition),
            NodeKind::Method { .. } => None,
        }
    }
}

/// One reference from a blueprint node, in either direction.
#[derive(Debug)]
pub struct Reference {
    pub reference_type: NodeId,
    pub is_forward: bool,
    pub target: Target,
}

/// Where a reference leads.
#[derive(Debug)]
pub enum Target {
    /// A node of the same machine.
    Local(NodeIndex),
    /// A node of the types, or the folder that the machine stands in.
    Foreign(Box<ForeignNode>),
}
