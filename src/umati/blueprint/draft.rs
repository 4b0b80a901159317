//! A blueprint in the making: its nodes so far, and what the types declare below each of them.

use std::collections::{HashMap, HashSet};

use opcua::types::{LocalizedText, NodeId, QualifiedName, ReferenceTypeId, UAString};

use super::error::unknown_type;
use super::plan::{Plan, join, split};
use super::{BlueprintNode, NodeIndex, PlanError, Reference, Target};
use crate::umati::catalogue::{Catalogue, Place};

/// A blueprint in the making.
pub(super) struct Draft<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) plan: &'a Plan,
    /// Paths that the plan needs, with every step on the way.
    pub(super) wanted: HashSet<&'a str>,
    /// Paths at which an alias stands instead of a node of its own.
    pub(super) aliased: HashSet<String>,
    pub(super) nodes: Vec<BlueprintNode>,
    /// By node: what the types declare below it.
    pub(super) places: Vec<Place>,
    pub(super) by_path: HashMap<Box<str>, NodeIndex>,
}

impl<'a> Draft<'a> {
    /// The root alone.
    pub(super) fn new(catalogue: &'a Catalogue, plan: &'a Plan) -> Result<Self, PlanError> {
        let aliases = plan.aliases.iter();
        let paths = (plan.includes.iter())
            .chain(plan.additions.iter().map(|addition| &addition.parent))
            .chain(plan.interfaces.iter().map(|(path, _)| path))
            .chain(aliases.flat_map(|alias| [&alias.parent, &alias.existing]));
        let aliased = plan
            .aliases
            .iter()
            .filter_map(|alias| Some(join(&alias.parent, split(&alias.existing)?.1)));
        let mut draft = Self {
            catalogue,
            plan,
            wanted: paths.flat_map(|path| with_ancestors(path)).collect(),
            aliased: aliased.collect(),
            nodes: Vec::new(),
            places: Vec::new(),
            by_path: HashMap::new(),
        };
        let id = &plan.type_definition;
        let place = catalogue
            .place_of_type(id)
            .ok_or_else(|| unknown_type("", id))?;
        let kind = draft.kind_of_type("", id)?;
        let root = BlueprintNode {
            path: "".into(),
            browse_name: QualifiedName::new(plan.name_namespace, UAString::null()),
            display_name: LocalizedText::null(),
            description: LocalizedText::null(),
            kind,
            needs_control: false,
            references: Vec::new(),
        };
        draft.push(root, place)?;
        let folder = catalogue
            .foreign(&plan.anchor)
            .ok_or_else(|| PlanError::UnknownAnchor {
                id: plan.anchor.clone(),
            })?;
        draft.check_hierarchical("", &plan.anchor_reference)?;
        draft.nodes[0].references.push(Reference {
            reference_type: plan.anchor_reference.clone(),
            is_forward: false,
            target: Target::Foreign(Box::new(folder)),
        });
        Ok(draft)
    }

    /// Gives the node its index and the references that every node has.
    pub(super) fn push(
        &mut self,
        mut node: BlueprintNode,
        mut place: Place,
    ) -> Result<usize, PlanError> {
        let index = u16::try_from(self.nodes.len())
            .map(NodeIndex)
            .map_err(|_| PlanError::TooManyNodes)?;
        let path = node.path.clone();
        if self.by_path.insert(path.clone(), index).is_some() {
            return Err(PlanError::Duplicate { path: path.into() });
        }
        for (_, id) in self.plan.interfaces.iter().filter(|(at, _)| *at == path) {
            (self.catalogue.implement(&mut place, id)).ok_or_else(|| {
                PlanError::NotAnInterface {
                    path: path.to_string(),
                    id: id.clone(),
                }
            })?;
        }
        let type_definition = node.type_definition().cloned();
        let interfaces = self.catalogue.interfaces(&place);
        let foreign = type_definition
            .iter()
            .map(|id| (ReferenceTypeId::HasTypeDefinition, id))
            .chain(
                interfaces
                    .into_iter()
                    .map(|interface| (ReferenceTypeId::HasInterface, &interface.id)),
            );
        for (reference_type, id) in foreign {
            let target = (self.catalogue.foreign(id)).ok_or_else(|| unknown_type(&path, id))?;
            node.references.push(Reference {
                reference_type: reference_type.into(),
                is_forward: true,
                target: Target::Foreign(Box::new(target)),
            });
        }
        self.nodes.push(node);
        self.places.push(place);
        Ok(usize::from(index.0))
    }

    /// Marks what only those may see who control the machine.
    pub(super) fn restrict(&mut self) {
        for node in &mut self.nodes {
            node.needs_control = (self.plan.controls.iter())
                .any(|path| with_ancestors(&node.path).any(|above| *above == **path));
        }
    }

    /// A hierarchical reference with its inverse.
    pub(super) fn link(&mut self, parent: usize, child: usize, reference_type: &NodeId) {
        for (from, to, is_forward) in [(parent, child, true), (child, parent, false)] {
            self.nodes[from].references.push(Reference {
                reference_type: reference_type.clone(),
                is_forward,
                // Both indices were counted by `push`.
                target: Target::Local(NodeIndex(to as u16)),
            });
        }
    }
}

/// The path and all its ancestors but the root.
fn with_ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| split(path).map(|(parent, _)| parent))
        .filter(|path| !path.is_empty())
}
