//! What the types allow.

use opcua::types::{DataValue, NodeId, StatusCode, Variant};

use super::draft::Draft;
use super::error::{not_instantiable, unknown_type};
use super::plan::{Addition, split};
use super::{NodeKind, PlanError, VariableAttributes};
use crate::umati::catalogue::{DeclaredMember, TypeNodeKind};

/// AccessLevel bit CurrentRead, OPC 10000-3 §8.57.
const CURRENT_READ: u8 = 1;

impl Draft<'_> {
    /// Everything that the plan needs is there.
    pub(super) fn check_wanted(&self) -> Result<(), PlanError> {
        let mut missing: Vec<&str> = (self.wanted.iter().copied())
            .filter(|path| !self.by_path.contains_key(*path))
            .collect();
        // The shortest is the first step that failed; those below it only follow.
        missing.sort_by_key(|path| (path.len(), *path));
        match missing.first() {
            None => Ok(()),
            Some(path) => Err(self.missing_member(path)),
        }
    }

    fn missing_member(&self, path: &str) -> PlanError {
        let (parent, name) = split(path).unwrap_or_default();
        let Some(index) = self.by_path.get(parent) else {
            return PlanError::UnknownPath {
                path: path.to_owned(),
            };
        };
        let type_name = self.type_of(usize::from(index.0));
        let members = self.catalogue.members(&self.places[usize::from(index.0)]);
        let named = members.iter().find(|member| {
            member.declaration.browse_name.name.as_ref() == name && !member.rule.is_placeholder()
        });
        // The type has it and it was not made: an alias stands there.
        if named.is_some() {
            return PlanError::Duplicate {
                path: path.to_owned(),
            };
        }
        let names: Vec<&str> = members
            .iter()
            .filter(|member| !member.rule.is_placeholder())
            .map(|member| member.declaration.browse_name.name.as_ref())
            .collect();
        PlanError::UnknownMember {
            path: parent.to_owned(),
            type_name,
            name: name.to_owned(),
            members: names.join(", "),
        }
    }

    /// The attributes of an instance of a type that is not declared anywhere.
    pub(super) fn kind_of_type(&self, path: &str, id: &NodeId) -> Result<NodeKind, PlanError> {
        self.check_concrete(path, id)?;
        match self.catalogue.node(id).map(|node| &node.kind) {
            Some(TypeNodeKind::ObjectType { .. }) => Ok(NodeKind::Object {
                type_definition: id.clone(),
                event_notifier: 0,
            }),
            Some(TypeNodeKind::VariableType {
                data_type,
                value_rank,
                array_dimensions,
                ..
            }) => Ok(NodeKind::Variable(variable(
                id,
                data_type,
                *value_rank,
                array_dimensions,
            ))),
            _ => Err(not_instantiable(path, id)),
        }
    }

    pub(super) fn check_concrete(&self, path: &str, id: &NodeId) -> Result<(), PlanError> {
        let node = (self.catalogue.node(id)).ok_or_else(|| unknown_type(path, id))?;
        if node.is_abstract() {
            return Err(PlanError::AbstractType {
                path: path.to_owned(),
                type_name: self.type_name(id),
            });
        }
        Ok(())
    }

    pub(super) fn check_hierarchical(&self, path: &str, id: &NodeId) -> Result<(), PlanError> {
        if self.catalogue.is_hierarchical(id) {
            Ok(())
        } else {
            Err(PlanError::NotHierarchical {
                path: path.to_owned(),
                id: id.clone(),
            })
        }
    }

    /// The addition can be an instance of this placeholder.
    pub(super) fn fits(&self, addition: &Addition, placeholder: &DeclaredMember<'_>) -> bool {
        placeholder
            .type_definition
            .is_some_and(|id| (self.catalogue).is_subtype_of(&addition.type_definition, id))
    }

    /// The placeholder with the most derived type; the first of equals.
    pub(super) fn most_specific<'m>(
        &self,
        placeholders: &[&'m DeclaredMember<'m>],
    ) -> Option<&'m DeclaredMember<'m>> {
        placeholders.iter().copied().reduce(|best, other| {
            match (best.type_definition, other.type_definition) {
                (Some(known), Some(id))
                    if known != id && self.catalogue.is_subtype_of(id, known) =>
                {
                    other
                }
                _ => best,
            }
        })
    }

    /// Browse name of the type of a node, for messages.
    pub(super) fn type_of(&self, node: usize) -> String {
        match self.nodes[node].type_definition() {
            Some(id) => self.type_name(id),
            None => "a method".to_owned(),
        }
    }

    /// Browse name of a type, for messages.
    pub(super) fn type_name(&self, id: &NodeId) -> String {
        match self.catalogue.node(id) {
            Some(node) => node.browse_name.name.to_string(),
            None => id.to_string(),
        }
    }
}

/// The attributes of a declared object or variable; `None` for a method.
pub(super) fn kind_of_declaration(
    declaration: &TypeNodeKind,
    type_definition: &NodeId,
) -> Option<NodeKind> {
    match declaration {
        TypeNodeKind::Object { event_notifier, .. } => Some(NodeKind::Object {
            type_definition: type_definition.clone(),
            event_notifier: *event_notifier,
        }),
        TypeNodeKind::Variable {
            data_type,
            value_rank,
            array_dimensions,
            arguments,
            ..
        } => Some(NodeKind::Variable(VariableAttributes {
            constant: arguments.as_deref().map(constant),
            ..variable(type_definition, data_type, *value_rank, array_dimensions)
        })),
        _ => None,
    }
}

fn constant(value: &Variant) -> Box<DataValue> {
    Box::new(DataValue {
        value: Some(value.clone()),
        status: Some(StatusCode::Good),
        ..DataValue::default()
    })
}

/// Read-only whatever the type says: what the bridge serves, it has read elsewhere.
fn variable(
    type_definition: &NodeId,
    data_type: &NodeId,
    value_rank: i32,
    array_dimensions: &Option<Vec<u32>>,
) -> VariableAttributes {
    VariableAttributes {
        type_definition: type_definition.clone(),
        data_type: data_type.clone(),
        value_rank,
        array_dimensions: array_dimensions.clone(),
        access_level: CURRENT_READ,
        minimum_sampling_interval: 0.0,
        constant: None,
    }
}

/// OPC 10000-3 §5.6.2: -3 scalar or one dimension, -2 any, -1 scalar, 0 one or more dimensions, n > 0 that many.
pub(super) fn rank_is_within(narrow: i32, declared: i32) -> bool {
    match declared {
        -2 => true,
        -3 => matches!(narrow, -3 | -1 | 1),
        0 => narrow >= 0,
        _ => narrow == declared,
    }
}

#[cfg(test)]
mod tests {
    use super::rank_is_within;

    #[test]
    fn ranks_are_narrowed_and_never_widened() {
        for (declared, within) in [
            (-3, vec![-3, -1, 1]),
            (-2, vec![-3, -2, -1, 0, 1, 2]),
            (-1, vec![-1]),
            (0, vec![0, 1, 2]),
            (1, vec![1]),
        ] {
            for narrow in -3..=2 {
                assert_eq!(
                    rank_is_within(narrow, declared),
                    within.contains(&narrow),
                    "{narrow} within {declared}"
                );
            }
        }
    }
}
