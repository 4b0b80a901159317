//! What all specifications together declare at one place of an instance (OPC 10000-3 §6.3.3, the fully inherited
//! InstanceDeclarationHierarchy).
//!
//! A place below a machine can be declared several times: `Monitoring` by AdditiveManufacturingType, again by its
//! supertype MachineToolType, and its content once more by MonitoringType. These declarations are *layers*, the most
//! specific first; a child is what any layer declares, and the first layer that names it decides.

use opcua::types::{LocalizedText, NodeId, ObjectTypeId};

use super::Catalogue;
use super::node::{Index, Member, ModellingRule, TypeNode};

/// One place of an instance: all nodes that declare its children, the most specific first.
#[derive(Debug, Clone)]
pub struct Place {
    layers: Vec<Index>,
    /// Interfaces of the instance itself, which no declaration names.
    implemented: Vec<Index>,
}

/// A child that a [`Place`] declares.
#[derive(Debug)]
pub struct DeclaredMember<'a> {
    /// The most specific declaration: names, attributes and node class are its.
    pub declaration: &'a TypeNode,
    /// The most specific one there is: a redeclaration often leaves it out.
    pub description: &'a LocalizedText,
    pub reference_type: &'a NodeId,
    /// Mandatory if any declaration says so, for a subtype cannot take that back.
    pub rule: ModellingRule,
    /// The most derived type definition of all declarations; `None` for methods.
    pub type_definition: Option<&'a NodeId>,
    declarations: Vec<Index>,
}

impl Place {
    fn of(layers: Vec<Index>) -> Self {
        Self {
            layers,
            implemented: Vec::new(),
        }
    }
}

impl Catalogue {
    /// The place of an instance of a type that is declared nowhere else: the root of a machine.
    pub fn place_of_type(&self, type_definition: &NodeId) -> Option<Place> {
        let mut layers = Vec::new();
        self.push_type(*self.by_id.get(type_definition)?, &mut layers);
        Some(Place::of(layers))
    }

    /// The place of a declared child, or of several placeholders that one instance stands for, with the type
    /// definition that the instance has.
    pub fn place_of_members<'a>(
        &self,
        members: impl IntoIterator<Item = &'a DeclaredMember<'a>>,
        type_definition: &NodeId,
    ) -> Option<Place> {
        let mut place = self.place_of_declarations(members);
        self.push_type(*self.by_id.get(type_definition)?, &mut place.layers);
        Some(place)
    }

    /// The place of a declared method, which has no type definition.
    pub fn place_of_method(&self, member: &DeclaredMember<'_>) -> Place {
        self.place_of_declarations([member])
    }

    /// The nodes that declare a member, the most specific first.
    pub fn declarations(&self, member: &DeclaredMember<'_>) -> impl Iterator<Item = &TypeNode> {
        member.declarations.iter().map(|&index| self.at(index))
    }

    fn place_of_declarations<'a>(
        &self,
        members: impl IntoIterator<Item = &'a DeclaredMember<'a>>,
    ) -> Place {
        let mut layers = Vec::new();
        for declaration in members.into_iter().flat_map(|m| &m.declarations) {
            push_once(*declaration, &mut layers);
            self.push_interfaces(*declaration, &mut layers);
        }
        Place::of(layers)
    }

    /// Adds the members of an interface that an instance has beyond its type. `None` if it is no interface type.
    pub fn implement(&self, place: &mut Place, interface: &NodeId) -> Option<()> {
        if !self.is_subtype_of(interface, &ObjectTypeId::BaseInterfaceType.into()) {
            return None;
        }
        let index = *self.by_id.get(interface)?;
        push_once(index, &mut place.implemented);
        self.push_type(index, &mut place.layers);
        Some(())
    }

    /// The children that a place declares, placeholders and methods included, in the order of the declarations.
    pub fn members(&self, place: &Place) -> Vec<DeclaredMember<'_>> {
        let mut found: Vec<DeclaredMember<'_>> = Vec::new();
        for member in place
            .layers
            .iter()
            .flat_map(|&layer| &self.at(layer).members)
        {
            let declaration = self.at(member.node);
            match found
                .iter_mut()
                .find(|known| known.declaration.browse_name == declaration.browse_name)
            {
                Some(known) => self.override_by(known, member),
                None => found.push(DeclaredMember {
                    declaration,
                    description: &declaration.description,
                    reference_type: &self.at(member.reference_type).id,
                    rule: member.rule,
                    type_definition: declaration.type_definition(),
                    declarations: vec![member.node],
                }),
            }
        }
        found
    }

    /// The interfaces of a place: its own, then those that its declarations name, the most specific first.
    pub fn interfaces(&self, place: &Place) -> Vec<&TypeNode> {
        let mut interfaces = place.implemented.clone();
        for &layer in &place.layers {
            for &interface in &self.at(layer).interfaces {
                push_once(interface, &mut interfaces);
            }
        }
        interfaces.into_iter().map(|index| self.at(index)).collect()
    }

    /// A further, less specific declaration of a known member.
    fn override_by<'a>(&'a self, known: &mut DeclaredMember<'a>, general: &Member) {
        push_once(general.node, &mut known.declarations);
        if known.description.text.is_empty() {
            known.description = &self.at(general.node).description;
        }
        if general.rule == ModellingRule::Mandatory && known.rule == ModellingRule::Optional {
            known.rule = ModellingRule::Mandatory;
        }
        if let (Some(known_type), Some(other)) = (
            &mut known.type_definition,
            self.at(general.node).type_definition(),
        ) && self.is_subtype_of(other, known_type)
        {
            *known_type = other;
        }
    }

    fn push_type(&self, index: Index, layers: &mut Vec<Index>) {
        let chain = std::iter::successors(Some(index), |&i| self.at(i).supertype);
        for index in chain {
            push_once(index, layers);
            self.push_interfaces(index, layers);
        }
    }

    fn push_interfaces(&self, index: Index, layers: &mut Vec<Index>) {
        for &interface in &self.at(index).interfaces {
            self.push_type(interface, layers);
        }
    }
}

fn push_once(index: Index, list: &mut Vec<Index>) {
    if !list.contains(&index) {
        list.push(index);
    }
}
