//! Why a plan does not fit the types.

use opcua::types::NodeId;

/// A mistake in a plan. Types are named by browse name; paths as in the plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("{path:?}: {id} is not a known type")]
    UnknownType { path: String, id: NodeId },
    #[error("{path:?}: the type {type_name} is abstract and needs a concrete subtype")]
    AbstractType { path: String, type_name: String },
    #[error("{path:?}: {id} is not a known object or variable type")]
    NotInstantiable { path: String, id: NodeId },
    #[error("{path:?}: {id} is not a hierarchical reference type")]
    NotHierarchical { path: String, id: NodeId },
    #[error("{path:?}: {id} is not an interface type")]
    NotAnInterface { path: String, id: NodeId },
    #[error("{path:?}: the type {type_name} has no member {name:?}; it has {members}")]
    UnknownMember {
        path: String,
        type_name: String,
        name: String,
        members: String,
    },
    #[error("{path:?}: the type {type_name} has no placeholder for a {added} (named {name:?})")]
    NoPlaceholder {
        path: String,
        type_name: String,
        added: String,
        name: String,
    },
    #[error("{path:?}: the type {type_name} needs at least one {placeholder}")]
    MissingPlaceholder {
        path: String,
        type_name: String,
        placeholder: String,
    },
    #[error("{path:?} is there twice")]
    Duplicate { path: String },
    #[error("{parent:?}: the name {name:?} is empty or has a '/'")]
    BadName { parent: String, name: String },
    #[error("{path:?}: there is no such node")]
    UnknownPath { path: String },
    #[error("{path:?}: {what} belongs to {class}")]
    WrongClass {
        path: String,
        what: &'static str,
        class: &'static str,
    },
    #[error("{path:?}: {narrow} is not a subtype of {declared}")]
    NotNarrower {
        path: String,
        declared: String,
        narrow: String,
    },
    #[error("{path:?}: value rank {narrow} is not within {declared}")]
    RankNotNarrower {
        path: String,
        declared: i32,
        narrow: i32,
    },
    #[error("more than {} nodes", u16::MAX)]
    TooManyNodes,
    #[error("the anchor {id} is not a known folder")]
    UnknownAnchor { id: NodeId },
}

pub(super) fn unknown_type(path: &str, id: &NodeId) -> PlanError {
    PlanError::UnknownType {
        path: path.to_owned(),
        id: id.clone(),
    }
}

pub(super) fn not_instantiable(path: &str, id: &NodeId) -> PlanError {
    PlanError::NotInstantiable {
        path: path.to_owned(),
        id: id.clone(),
    }
}

pub(super) fn wrong_class(path: &str, what: &'static str, class: &'static str) -> PlanError {
    PlanError::WrongClass {
        path: path.to_owned(),
        what,
        class,
    }
}
