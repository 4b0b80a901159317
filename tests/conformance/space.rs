//! An address space as a client sees it: every node that forward references lead to, with its attributes.

use std::collections::{HashMap, HashSet};

use opcua::client::Session;
use opcua::types::{
    AttributeId, BrowseDescription, BrowseDirection, DataValue, LocalizedText, NodeClass, NodeId,
    ObjectId, QualifiedName, ReadValueId, ReferenceTypeId, TimestampsToReturn, Variant,
};

/// A forward reference to a node of the same space.
#[derive(Debug, Clone, PartialEq)]
pub struct Forward {
    pub reference_type: NodeId,
    pub target: NodeId,
}

/// One node with what Read and Browse told of it.
#[derive(Debug, Clone)]
pub struct Node {
    pub id: NodeId,
    pub class: NodeClass,
    pub browse_name: QualifiedName,
    pub display_name: LocalizedText,
    pub references: Vec<Forward>,
    /// Variables and variable types only.
    pub data_type: NodeId,
    pub value_rank: i32,
    pub access_level: u8,
    pub value: DataValue,
}

/// All nodes by id.
#[derive(Debug, Clone, Default)]
pub struct Space {
    pub nodes: HashMap<NodeId, Node>,
    /// Subtype → its supertype.
    supertype: HashMap<NodeId, NodeId>,
}

const BATCH: usize = 500;

impl Space {
    /// Walks everything that forward references reach from Root.
    pub async fn download(session: &Session) -> Self {
        let mut space = Self::default();
        let mut seen = HashSet::from([NodeId::from(ObjectId::RootFolder)]);
        let mut frontier: Vec<NodeId> = seen.iter().cloned().collect();
        while !frontier.is_empty() {
            let mut next = Vec::new();
            for batch in frontier.chunks(BATCH) {
                let references = browse(session, batch).await;
                let nodes = read(session, batch).await;
                for (mut node, references) in nodes.into_iter().zip(references) {
                    for reference in &references {
                        if seen.insert(reference.target.clone()) {
                            next.push(reference.target.clone());
                        }
                    }
                    node.references = references;
                    space.nodes.insert(node.id.clone(), node);
                }
            }
            frontier = next;
        }
        let has_subtype = NodeId::from(ReferenceTypeId::HasSubtype);
        for node in space.nodes.values() {
            for reference in &node.references {
                if reference.reference_type == has_subtype {
                    space
                        .supertype
                        .insert(reference.target.clone(), node.id.clone());
                }
            }
        }
        space
    }

    /// Reads all values of one namespace again, in one Read, so that they belong to one instant.
    pub async fn read_at_once(&mut self, session: &Session, namespace: u16) {
        let ids: Vec<NodeId> = self
            .nodes
            .values()
            .filter(|n| n.id.namespace == namespace && n.class == NodeClass::Variable)
            .map(|n| n.id.clone())
            .collect();
        let requests: Vec<_> = ids
            .iter()
            .map(|id| ReadValueId {
                node_id: id.clone(),
                attribute_id: AttributeId::Value as u32,
                ..Default::default()
            })
            .collect();
        let values = session
            .read(&requests, TimestampsToReturn::Both, 0.0)
            .await
            .expect("read");
        for (id, value) in ids.iter().zip(values) {
            if let Some(node) = self.nodes.get_mut(id) {
                node.value = value;
            }
        }
    }

    pub fn get(&self, id: &NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// Targets of forward references of exactly this type.
    pub fn targets<'a>(
        &'a self,
        node: &'a Node,
        reference: ReferenceTypeId,
    ) -> impl Iterator<Item = &'a Node> {
        let reference = NodeId::from(reference);
        node.references
            .iter()
            .filter(move |r| r.reference_type == reference)
            .filter_map(|r| self.get(&r.target))
    }

    /// Whether `id` is `ancestor` or one of its subtypes.
    pub fn is_subtype(&self, id: &NodeId, ancestor: &NodeId) -> bool {
        self.supertypes(id).iter().any(|t| &t.id == ancestor)
    }

    /// The type itself, then its supertypes up to the base.
    pub fn supertypes(&self, id: &NodeId) -> Vec<&Node> {
        let mut chain = Vec::new();
        let mut current = self.get(id);
        while let Some(node) = current {
            chain.push(node);
            current = self.supertype.get(&node.id).and_then(|id| self.get(id));
        }
        chain
    }

    /// The child of `node` with this browse-name text, whatever its namespace.
    pub fn child<'a>(&'a self, node: &'a Node, name: &str) -> Option<&'a Node> {
        node.references
            .iter()
            .filter_map(|r| self.get(&r.target))
            .find(|n| n.browse_name.name.as_ref() == name)
    }
}

async fn browse(session: &Session, ids: &[NodeId]) -> Vec<Vec<Forward>> {
    let requests: Vec<_> = ids
        .iter()
        .map(|id| BrowseDescription {
            node_id: id.clone(),
            browse_direction: BrowseDirection::Forward,
            reference_type_id: NodeId::from(ReferenceTypeId::References),
            include_subtypes: true,
            node_class_mask: 0,
            result_mask: 0b11_1111,
        })
        .collect();
    let results = session.browse(&requests, 0, None).await.expect("browse");
    let mut found = Vec::new();
    for (id, mut result) in ids.iter().zip(results) {
        assert!(
            result.status_code.is_good(),
            "browse of {id}: {}",
            result.status_code
        );
        let mut references = Vec::new();
        loop {
            references.extend(
                result
                    .references
                    .take()
                    .into_iter()
                    .flatten()
                    .map(|r| Forward {
                        reference_type: r.reference_type_id,
                        target: r.node_id.node_id,
                    }),
            );
            if result.continuation_point.is_null() {
                break;
            }
            result = session
                .browse_next(false, std::slice::from_ref(&result.continuation_point))
                .await
                .expect("browse next")
                .remove(0);
        }
        found.push(references);
    }
    found
}

async fn read(session: &Session, ids: &[NodeId]) -> Vec<Node> {
    const ATTRIBUTES: [AttributeId; 7] = [
        AttributeId::NodeClass,
        AttributeId::BrowseName,
        AttributeId::DisplayName,
        AttributeId::DataType,
        AttributeId::ValueRank,
        AttributeId::AccessLevel,
        AttributeId::Value,
    ];
    let requests: Vec<_> = ids
        .iter()
        .flat_map(|id| {
            ATTRIBUTES.map(|attribute| ReadValueId {
                node_id: id.clone(),
                attribute_id: attribute as u32,
                ..Default::default()
            })
        })
        .collect();
    let values = session
        .read(&requests, TimestampsToReturn::Both, 0.0)
        .await
        .expect("read");
    ids.iter()
        .zip(values.chunks_exact(ATTRIBUTES.len()))
        .map(|(id, v)| Node {
            id: id.clone(),
            class: node_class(&v[0]).unwrap_or_else(|| panic!("no node class: {id} {:?}", v[0])),
            browse_name: match &v[1].value {
                Some(Variant::QualifiedName(name)) => (**name).clone(),
                _ => QualifiedName::null(),
            },
            display_name: match &v[2].value {
                Some(Variant::LocalizedText(text)) => (**text).clone(),
                _ => LocalizedText::null(),
            },
            references: Vec::new(),
            data_type: match &v[3].value {
                Some(Variant::NodeId(id)) => (**id).clone(),
                _ => NodeId::null(),
            },
            value_rank: match v[4].value {
                Some(Variant::Int32(rank)) => rank,
                _ => -2,
            },
            access_level: byte(&v[5]),
            value: v[6].clone(),
        })
        .collect()
}

fn byte(value: &DataValue) -> u8 {
    match value.value {
        Some(Variant::Byte(byte)) => byte,
        _ => 0,
    }
}

fn node_class(value: &DataValue) -> Option<NodeClass> {
    match value.value {
        Some(Variant::Int32(class)) => NodeClass::try_from(class).ok(),
        _ => None,
    }
}
