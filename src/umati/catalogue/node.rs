//! One node of the catalogue.

use opcua::types::{LocalizedText, NodeClass, NodeId, ObjectId, QualifiedName, Variant};

/// Position in the catalogue.
pub(super) type Index = u32;

/// A type, an instance declaration or an entry point, with the references that instantiation follows.
#[derive(Debug)]
pub struct TypeNode {
    pub id: NodeId,
    pub browse_name: QualifiedName,
    pub display_name: LocalizedText,
    pub description: LocalizedText,
    pub kind: TypeNodeKind,
    /// Of types only.
    pub(super) supertype: Option<Index>,
    /// Targets of HasInterface.
    pub(super) interfaces: Box<[Index]>,
    /// Targets of hierarchical references that have a modelling rule, in the order of the file.
    pub(super) members: Box<[Member]>,
}

/// The attributes that differ by node class.
#[derive(Debug, Clone, PartialEq)]
pub enum TypeNodeKind {
    ObjectType {
        is_abstract: bool,
    },
    VariableType {
        is_abstract: bool,
        data_type: NodeId,
        value_rank: i32,
        array_dimensions: Option<Vec<u32>>,
    },
    DataType {
        is_abstract: bool,
    },
    ReferenceType {
        is_abstract: bool,
    },
    Object {
        type_definition: NodeId,
        event_notifier: u8,
    },
    Variable {
        type_definition: NodeId,
        data_type: NodeId,
        value_rank: i32,
        array_dimensions: Option<Vec<u32>>,
        /// What InputArguments and OutputArguments of a method hold, which is the same at every instance.
        arguments: Option<Box<Variant>>,
    },
    Method,
}

/// A reference from a type or instance declaration to an instance declaration.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub reference_type: Index,
    pub rule: ModellingRule,
    pub node: Index,
}

/// OPC 10000-3 §6.4.4. ExposesItsArray is not among them: it tells of elements that exist only at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModellingRule {
    Mandatory,
    Optional,
    MandatoryPlaceholder,
    OptionalPlaceholder,
}

impl ModellingRule {
    pub(super) fn from_id(id: &NodeId) -> Option<Self> {
        Some(match id.as_object_id().ok()? {
            ObjectId::ModellingRule_Mandatory => Self::Mandatory,
            ObjectId::ModellingRule_Optional => Self::Optional,
            ObjectId::ModellingRule_MandatoryPlaceholder => Self::MandatoryPlaceholder,
            ObjectId::ModellingRule_OptionalPlaceholder => Self::OptionalPlaceholder,
            _ => return None,
        })
    }

    /// Stands for any number of instances with names of their own.
    pub fn is_placeholder(self) -> bool {
        matches!(self, Self::MandatoryPlaceholder | Self::OptionalPlaceholder)
    }
}

impl TypeNode {
    /// Its NodeClass.
    pub fn class(&self) -> NodeClass {
        match self.kind {
            TypeNodeKind::ObjectType { .. } => NodeClass::ObjectType,
            TypeNodeKind::VariableType { .. } => NodeClass::VariableType,
            TypeNodeKind::DataType { .. } => NodeClass::DataType,
            TypeNodeKind::ReferenceType { .. } => NodeClass::ReferenceType,
            TypeNodeKind::Object { .. } => NodeClass::Object,
            TypeNodeKind::Variable { .. } => NodeClass::Variable,
            TypeNodeKind::Method => NodeClass::Method,
        }
    }

    /// A type of any class, as opposed to an instance declaration or an entry point.
    pub fn is_type(&self) -> bool {
        !matches!(
            self.kind,
            TypeNodeKind::Object { .. } | TypeNodeKind::Variable { .. } | TypeNodeKind::Method
        )
    }

    /// A type that must not be instantiated itself. False for what is no type.
    pub fn is_abstract(&self) -> bool {
        match self.kind {
            TypeNodeKind::ObjectType { is_abstract }
            | TypeNodeKind::VariableType { is_abstract, .. }
            | TypeNodeKind::DataType { is_abstract }
            | TypeNodeKind::ReferenceType { is_abstract } => is_abstract,
            _ => false,
        }
    }

    /// Of objects and variables.
    pub fn type_definition(&self) -> Option<&NodeId> {
        match &self.kind {
            TypeNodeKind::Object {
                type_definition, ..
            }
            | TypeNodeKind::Variable {
                type_definition, ..
            } => Some(type_definition),
            _ => None,
        }
    }
}
