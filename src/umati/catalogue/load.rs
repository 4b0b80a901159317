//! NodeSets → catalogue: collect all nodes and references, then keep what instantiation needs.

use std::collections::{HashMap, HashSet};

use opcua::core_namespace::CoreNamespace;
use opcua::nodes::{ImportedItem, NodeSetImport, NodeSetNamespaceMapper, NodeType};
use opcua::types::{LocalizedText, NamespaceMap, NodeId, ObjectId, ReferenceTypeId};

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

/// All nodes that can be part of a type, and all references that matter, in forward direction.
#[derive(Default)]
struct Collected {
    nodes: Vec<TypeNode>,
    by_id: HashMap<NodeId, Index>,
    /// Source, reference type, target; NodeSets write a reference at either end or at both.
    references: Vec<(NodeId, NodeId, NodeId)>,
}

/// The references of one node that are no hierarchy.
#[derive(Default)]
struct Semantics {
    supertype: Option<Index>,
    interfaces: Vec<Index>,
    rule: Option<ModellingRule>,
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
        let base = item.node.as_node();
        let id = base.node_id().clone();
        let type_definition = item
            .references
            .iter()
            .find(|r| r.is_forward && r.type_id == ReferenceTypeId::HasTypeDefinition)
            .map(|r| r.target_id.clone())
            .unwrap_or_default();
        if let Some(kind) = kind(&item.node, type_definition) {
            self.by_id.insert(id.clone(), self.nodes.len() as Index);
            self.nodes.push(TypeNode {
                browse_name: base.browse_name().clone(),
                display_name: base.display_name().clone(),
                description: base
                    .description()
                    .cloned()
                    .unwrap_or_else(LocalizedText::null),
                id: id.clone(),
                kind,
                supertype: None,
                interfaces: Box::default(),
                members: Box::default(),
            });
        }
        for reference in item.references {
            let (source, target) = if reference.is_forward {
                (id.clone(), reference.target_id)
            } else {
                (reference.target_id, id.clone())
            };
            self.references.push((source, reference.type_id, target));
        }
    }

    fn into_catalogue(mut self) -> Catalogue {
        let semantics = self.semantics();
        let members = self.members(&semantics);
        let kept = self.kept(&members);

        let mut new_index = vec![None; self.nodes.len()];
        for (new, old) in (0..).zip(&kept) {
            new_index[*old as usize] = Some(new);
        }
        let renumber = |old: Index| new_index[old as usize];

        let mut nodes: Vec<Option<TypeNode>> = self.nodes.drain(..).map(Some).collect();
        let mut catalogue = Catalogue {
            nodes: Vec::with_capacity(kept.len()),
            by_id: HashMap::with_capacity(kept.len()),
        };
        for old in kept {
            let Some(mut node) = nodes[old as usize].take() else {
                continue;
            };
            let meaning = &semantics[old as usize];
            node.supertype = meaning.supertype.and_then(renumber);
            node.interfaces = meaning
                .interfaces
                .iter()
                .filter_map(|&i| renumber(i))
                .collect();
            node.members = members[old as usize]
                .iter()
                .filter_map(|member| {
                    Some(Member {
                        reference_type: renumber(member.reference_type)?,
                        rule: member.rule,
                        node: renumber(member.node)?,
                    })
                })
                .collect();
            catalogue
                .by_id
                .insert(node.id.clone(), catalogue.nodes.len() as Index);
            catalogue.nodes.push(node);
        }
        catalogue
    }

    fn index(&self, id: &NodeId) -> Option<Index> {
        self.by_id.get(id).copied()
    }

    fn semantics(&self) -> Vec<Semantics> {
        let mut semantics: Vec<Semantics> = Vec::new();
        semantics.resize_with(self.nodes.len(), Semantics::default);
        for (source, reference_type, target) in &self.references {
            let Ok(reference_type) = reference_type.as_reference_type_id() else {
                continue;
            };
            let (source, target_index) = (self.index(source), self.index(target));
            match (reference_type, source, target_index) {
                (ReferenceTypeId::HasSubtype, Some(source), Some(target)) => {
                    semantics[target as usize].supertype = Some(source);
                }
                (ReferenceTypeId::HasInterface, Some(source), Some(target)) => {
                    let interfaces = &mut semantics[source as usize].interfaces;
                    if !interfaces.contains(&target) {
                        interfaces.push(target);
                    }
                }
                (ReferenceTypeId::HasModellingRule, Some(source), _) => {
                    semantics[source as usize].rule = ModellingRule::from_id(target);
                }
                _ => {}
            }
        }
        semantics
    }

    /// By node: the instance declarations directly below it.
    fn members(&self, semantics: &[Semantics]) -> Vec<Vec<Member>> {
        let hierarchical = self.hierarchical(semantics);
        let mut seen = HashSet::new();
        let mut members = vec![Vec::new(); self.nodes.len()];
        for (source, reference_type, target) in &self.references {
            let Some(reference_type) = self.index(reference_type) else {
                continue;
            };
            let (Some(source), Some(target)) = (self.index(source), self.index(target)) else {
                continue;
            };
            let Some(rule) = semantics[target as usize].rule else {
                continue;
            };
            if hierarchical.contains(&reference_type)
                && seen.insert((source, reference_type, target))
            {
                members[source as usize].push(Member {
                    reference_type,
                    rule,
                    node: target,
                });
            }
        }
        members
    }

    /// HierarchicalReferences and its subtypes, without HasSubtype.
    fn hierarchical(&self, semantics: &[Semantics]) -> HashSet<Index> {
        let root = self.index(&ReferenceTypeId::HierarchicalReferences.into());
        let has_subtype = self.index(&ReferenceTypeId::HasSubtype.into());
        (0..self.nodes.len() as Index)
            .filter(|&index| {
                let mut chain =
                    std::iter::successors(Some(index), |&i| semantics[i as usize].supertype);
                Some(index) != has_subtype && chain.any(|above| Some(above) == root)
            })
            .collect()
    }

    /// Types with all that is declared below them, `Objects` and what stands in it; in the order of loading.
    fn kept(&self, members: &[Vec<Member>]) -> Vec<Index> {
        let mut kept = vec![false; self.nodes.len()];
        let mut pending: Vec<Index> = (0..)
            .zip(&self.nodes)
            .filter(|(_, node)| node.is_type())
            .map(|(index, _)| index)
            .collect();
        while let Some(index) = pending.pop() {
            if !std::mem::replace(&mut kept[index as usize], true) {
                pending.extend(members[index as usize].iter().map(|member| member.node));
            }
        }
        let objects: NodeId = ObjectId::ObjectsFolder.into();
        let entry_points = self
            .references
            .iter()
            .filter(|(source, _, _)| *source == objects)
            .map(|(_, _, target)| target);
        for id in entry_points.chain([&objects]) {
            if let Some(index) = self.index(id) {
                kept[index as usize] = true;
            }
        }
        (0..)
            .zip(kept)
            .filter(|(_, kept)| *kept)
            .map(|(index, _)| index)
            .collect()
    }
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
        },
        NodeType::Method(_) => TypeNodeKind::Method,
        NodeType::View(_) => return None,
    })
}
