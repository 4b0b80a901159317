//! NodeSets → catalogue. Each node is judged as it comes and most are dropped at once, so that loading needs
//! little more memory than its result.

use std::collections::{HashMap, HashSet};

use opcua::core_namespace::CoreNamespace;
use opcua::nodes::{
    ImportedItem, NodeBase, NodeSetImport, NodeSetNamespaceMapper, NodeType, Variable,
};
use opcua::types::{
    DataEncoding, LocalizedText, NamespaceMap, NodeId, NumericRange, ObjectId, ReferenceTypeId,
    TimestampsToReturn, Variant,
};

use super::Catalogue;
use super::node::{Index, Member, ModellingRule, TypeNode, TypeNodeKind};
use crate::umati::namespaces;
use crate::umati::nodesets::NodeSet;

impl Catalogue {
    /// Reads the core namespace and the companion specifications.
    pub fn load(nodesets: &[NodeSet]) -> Self {
        let mut uris = NamespaceMap::new();
        // Stands for the ApplicationUri: only its index matters.
        uris.add_namespace("urn:server");
        for uri in namespaces::TYPE_URIS {
            uris.add_namespace(uri);
        }
        let mut collected = Collected::default();
        collected.import(&CoreNamespace, &mut uris);
        for nodeset in nodesets {
            collected.import(nodeset, &mut uris);
        }
        collected.into_catalogue()
    }
}

/// The nodes to keep and their references.
#[derive(Default)]
struct Collected {
    nodes: Vec<TypeNode>,
    /// By node; `None` for types and entry points.
    rules: Vec<Option<ModellingRule>>,
    by_id: HashMap<NodeId, Index>,
    references: Vec<ForwardReference>,
}

/// NodeSets write a reference at either end or at both; here it is always seen from its source.
struct ForwardReference {
    source: NodeId,
    reference_type: NodeId,
    target: NodeId,
}

impl Collected {
    fn import(&mut self, import: &dyn NodeSetImport, uris: &mut NamespaceMap) {
        let mut mapper = NodeSetNamespaceMapper::new(uris);
        import.register_namespaces(&mut mapper);
        for item in import.load(&mapper) {
            self.add(item);
        }
    }

    fn add(&mut self, item: ImportedItem) {
        let forward = |id: ReferenceTypeId| {
            (item.references.iter())
                .find(|reference| reference.is_forward && reference.type_id == id)
                .map(|reference| &reference.target_id)
        };
        let rule = forward(ReferenceTypeId::HasModellingRule).and_then(ModellingRule::from_id);
        let type_definition = forward(ReferenceTypeId::HasTypeDefinition).cloned();
        let Some(kind) = kind(&item.node, type_definition.unwrap_or_default()) else {
            return;
        };
        let base = item.node.as_node();
        let node = TypeNode {
            id: base.node_id().clone(),
            browse_name: base.browse_name().clone(),
            display_name: base.display_name().clone(),
            description: base
                .description()
                .cloned()
                .unwrap_or_else(LocalizedText::null),
            kind,
            supertype: None,
            interfaces: Box::default(),
            members: Box::default(),
        };
        if !node.is_type() && rule.is_none() && !is_entry_point(&item) {
            return;
        }
        for reference in item.references {
            if reference.type_id == ReferenceTypeId::HasTypeDefinition
                || reference.type_id == ReferenceTypeId::HasModellingRule
            {
                continue;
            }
            let (source, target) = if reference.is_forward {
                (node.id.clone(), reference.target_id)
            } else {
                (reference.target_id, node.id.clone())
            };
            self.references.push(ForwardReference {
                source,
                reference_type: reference.type_id,
                target,
            });
        }
        self.by_id
            .insert(node.id.clone(), self.nodes.len() as Index);
        self.nodes.push(node);
        self.rules.push(rule);
    }

    fn into_catalogue(mut self) -> Catalogue {
        let known: Vec<(Index, Index, Index)> = (self.references.drain(..))
            .filter_map(|reference| {
                Some((
                    *self.by_id.get(&reference.source)?,
                    *self.by_id.get(&reference.reference_type)?,
                    *self.by_id.get(&reference.target)?,
                ))
            })
            .collect();
        let index = |id: ReferenceTypeId| self.by_id.get(&NodeId::from(id)).copied();
        let has_subtype = index(ReferenceTypeId::HasSubtype);
        let has_interface = index(ReferenceTypeId::HasInterface);
        for &(source, reference_type, target) in &known {
            if Some(reference_type) == has_subtype {
                self.nodes[target as usize].supertype = Some(source);
            }
        }
        let hierarchical = self.subtypes(index(ReferenceTypeId::HierarchicalReferences));
        let mut seen = HashSet::new();
        let mut interfaces = vec![Vec::new(); self.nodes.len()];
        let mut members = vec![Vec::new(); self.nodes.len()];
        for reference in known {
            let (source, reference_type, target) = reference;
            if !seen.insert(reference) || Some(reference_type) == has_subtype {
                continue;
            }
            if Some(reference_type) == has_interface {
                interfaces[source as usize].push(target);
            } else if let Some(rule) = self.rules[target as usize]
                && hierarchical.contains(&reference_type)
            {
                members[source as usize].push(Member {
                    reference_type,
                    rule,
                    node: target,
                });
            }
        }
        for ((node, interfaces), members) in self.nodes.iter_mut().zip(interfaces).zip(members) {
            node.interfaces = interfaces.into();
            node.members = members.into();
        }
        self.nodes.shrink_to_fit();
        Catalogue {
            nodes: self.nodes,
            by_id: self.by_id,
        }
    }

    /// A type and all below it.
    fn subtypes(&self, root: Option<Index>) -> HashSet<Index> {
        (0..self.nodes.len() as Index)
            .filter(|&index| {
                std::iter::successors(Some(index), |&i| self.nodes[i as usize].supertype)
                    .any(|above| Some(above) == root)
            })
            .collect()
    }
}

/// `Objects` and what it organizes: places for an instance to stand.
fn is_entry_point(item: &ImportedItem) -> bool {
    let objects = ObjectId::ObjectsFolder;
    *item.node.as_node().node_id() == objects
        || (item.references.iter()).any(|r| !r.is_forward && r.target_id == objects)
}

/// `None` for views, which types cannot have.
fn kind(node: &NodeType, type_definition: NodeId) -> Option<TypeNodeKind> {
    Some(match node {
        NodeType::ObjectType(node) => TypeNodeKind::ObjectType {
            is_abstract: node.is_abstract(),
        },
        NodeType::VariableType(node) => TypeNodeKind::VariableType {
            is_abstract: node.is_abstract(),
            data_type: node.data_type().clone(),
            value_rank: node.value_rank(),
            array_dimensions: node.array_dimensions(),
        },
        NodeType::DataType(node) => TypeNodeKind::DataType {
            is_abstract: node.is_abstract(),
        },
        NodeType::ReferenceType(node) => TypeNodeKind::ReferenceType {
            is_abstract: node.is_abstract(),
        },
        NodeType::Object(node) => TypeNodeKind::Object {
            type_definition,
            event_notifier: node.event_notifier().bits(),
        },
        NodeType::Variable(node) => TypeNodeKind::Variable {
            type_definition,
            data_type: node.data_type(),
            value_rank: node.value_rank(),
            array_dimensions: node.array_dimensions(),
            arguments: arguments(node),
        },
        NodeType::Method(_) => TypeNodeKind::Method,
        NodeType::View(_) => return None,
    })
}

/// The value of a variable that holds the arguments of a method (OPC 10000-3 §5.7.2).
fn arguments(variable: &Variable) -> Option<Box<Variant>> {
    let name = variable.browse_name();
    if name.namespace_index != namespaces::UA
        || !matches!(name.name.as_ref(), "InputArguments" | "OutputArguments")
    {
        return None;
    }
    let value = variable.value(
        TimestampsToReturn::Neither,
        &NumericRange::None,
        &DataEncoding::Binary,
        0.0,
    );
    value.value.map(Box::new)
}
