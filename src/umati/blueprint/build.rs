//! Plan + types → blueprint: mandatory members of every type on the way, and what the plan adds.
//!
//! Breadth first and without recursion: each node, once made, is asked for its children.

use opcua::types::{LocalizedText, NodeId};

use super::check::kind_of_declaration;
use super::draft::Draft;
use super::error::{not_instantiable, unknown_type, wrong_class};
use super::plan::{Addition, Plan, Role, join};
use super::{Blueprint, BlueprintNode, NodeKind, PlanError, Slot};
use crate::umati::catalogue::{Catalogue, DeclaredMember, ModellingRule, Place};

impl Blueprint {
    /// Instantiates the plan's type.
    ///
    /// # Errors
    /// Where the plan asks for what the types do not allow.
    pub fn build(catalogue: &Catalogue, plan: &Plan) -> Result<Self, PlanError> {
        let mut draft = Draft::new(catalogue, plan)?;
        let mut next = 0;
        while next < draft.nodes.len() {
            draft.add_children(next)?;
            next += 1;
        }
        draft.check_wanted()?;
        for alias in &plan.aliases {
            draft.add_alias(alias)?;
        }
        for link in &plan.links {
            draft.add_link(link)?;
        }
        for (path, adjustment) in &plan.adjustments {
            draft.adjust(path, adjustment)?;
        }
        draft.restrict();
        let mut slots = (0..).map(Slot);
        let slots = draft.nodes.iter().map(|node| match node.varies() {
            true => slots.next(),
            false => None,
        });
        Ok(Self {
            slots: slots.collect(),
            nodes: draft.nodes,
            by_path: draft.by_path,
        })
    }
}

impl Draft<'_> {
    fn add_children(&mut self, parent: usize) -> Result<(), PlanError> {
        let catalogue = self.catalogue;
        let path = self.nodes[parent].path.clone();
        let members = catalogue.members(&self.places[parent]);
        let (placeholders, members): (Vec<_>, Vec<_>) = members
            .into_iter()
            .partition(|member| member.rule.is_placeholder());
        for member in &members {
            let child = join(&path, member.declaration.browse_name.name.as_ref());
            let is_needed =
                member.rule == ModellingRule::Mandatory || self.wanted.contains(child.as_str());
            if is_needed && !self.aliased.contains(&child) {
                self.add_member(parent, child, member)?;
            }
        }
        let plan = self.plan;
        let additions: Vec<&Addition> = (plan.additions.iter())
            .filter(|addition| addition.parent == path)
            .collect();
        for addition in &additions {
            self.add_addition(parent, &placeholders, addition)?;
        }
        let is_missing = |placeholder: &&DeclaredMember<'_>| {
            placeholder.rule == ModellingRule::MandatoryPlaceholder
                && !additions.iter().any(|addition| {
                    addition.role == Role::Placeholder && self.fits(addition, placeholder)
                })
        };
        match placeholders.iter().find(is_missing) {
            None => Ok(()),
            Some(placeholder) => Err(PlanError::MissingPlaceholder {
                path: path.into(),
                type_name: self.type_of(parent),
                placeholder: placeholder
                    .type_definition
                    .map(|id| self.type_name(id))
                    .unwrap_or_default(),
            }),
        }
    }

    /// A member that the types name.
    fn add_member(
        &mut self,
        parent: usize,
        path: String,
        member: &DeclaredMember<'_>,
    ) -> Result<(), PlanError> {
        let declaration = member.declaration;
        let (kind, place) = match member.type_definition {
            None => self.method(member),
            Some(type_definition) => self.object_or_variable(&path, member, type_definition)?,
        };
        let node = BlueprintNode {
            kind,
            needs_control: false,
            path: path.into(),
            browse_name: declaration.browse_name.clone(),
            display_name: declaration.display_name.clone(),
            description: member.description.clone(),
            references: Vec::new(),
        };
        let child = self.push(node, place)?;
        self.link(parent, child, member.reference_type);
        Ok(())
    }

    fn object_or_variable(
        &self,
        path: &str,
        member: &DeclaredMember<'_>,
        type_definition: &NodeId,
    ) -> Result<(NodeKind, Place), PlanError> {
        self.check_concrete(path, type_definition)?;
        let place = (self.catalogue)
            .place_of_members([member], type_definition)
            .ok_or_else(|| unknown_type(path, type_definition))?;
        let kind = kind_of_declaration(&member.declaration.kind, type_definition)
            .ok_or_else(|| not_instantiable(path, type_definition))?;
        Ok((kind, place))
    }

    fn method(&self, member: &DeclaredMember<'_>) -> (NodeKind, Place) {
        let declarations = self.catalogue.declarations(member);
        let kind = NodeKind::Method {
            declarations: declarations.map(|node| node.id.clone()).collect(),
        };
        (kind, self.catalogue.place_of_method(member))
    }

    /// A node that the plan names.
    fn add_addition(
        &mut self,
        parent: usize,
        placeholders: &[DeclaredMember<'_>],
        addition: &Addition,
    ) -> Result<(), PlanError> {
        let name = addition.name.name.as_ref();
        if name.is_empty() || name.contains('/') {
            return Err(PlanError::BadName {
                parent: addition.parent.to_string(),
                name: name.to_owned(),
            });
        }
        let path = join(&addition.parent, name);
        let id = &addition.type_definition;
        let mut kind = self.kind_of_type(&path, id)?;
        let (place, reference_type) = match &addition.role {
            Role::Placeholder => {
                let fitting: Vec<_> = placeholders
                    .iter()
                    .filter(|placeholder| self.fits(addition, placeholder))
                    .collect();
                let Some(best) = self.most_specific(&fitting) else {
                    return Err(PlanError::NoPlaceholder {
                        path: addition.parent.to_string(),
                        type_name: self.type_of(parent),
                        added: self.type_name(id),
                        name: name.to_owned(),
                    });
                };
                if let Some(declared) = kind_of_declaration(&best.declaration.kind, id) {
                    kind = declared;
                }
                let place = self.catalogue.place_of_members(fitting, id);
                (place, best.reference_type)
            }
            Role::Extra { reference_type } => (self.catalogue.place_of_type(id), reference_type),
            Role::ExtraVariable {
                reference_type,
                data_type,
                value_rank,
            } => {
                let NodeKind::Variable(variable) = &mut kind else {
                    return Err(wrong_class(&path, "a data type", "a variable"));
                };
                self.narrow(&path, variable, data_type, *value_rank)?;
                (self.catalogue.place_of_type(id), reference_type)
            }
        };
        self.check_hierarchical(&path, reference_type)?;
        let place = place.ok_or_else(|| unknown_type(&path, id))?;
        let node = BlueprintNode {
            display_name: LocalizedText::new("", name),
            description: (self.catalogue.node(id))
                .map_or_else(LocalizedText::null, |node| node.description.clone()),
            path: path.into(),
            browse_name: addition.name.clone(),
            kind,
            needs_control: false,
            references: Vec::new(),
        };
        let child = self.push(node, place)?;
        self.link(parent, child, reference_type);
        Ok(())
    }
}
