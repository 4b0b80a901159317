//! What a value may be: status, data type, rank, and the names of its enumeration.

use opcua::types::{
    DataTypeId, EnumValueType, NodeId, StatusCode, Variant, VariantScalarTypeId, VariantTypeId,
};

use super::check::Check;
use super::space::Node;

impl Check<'_> {
    pub(super) fn value(&mut self, node: &Node, path: &str) {
        let status = node.value.status.unwrap_or(StatusCode::Good);
        let value = node.value.value.as_ref().filter(|v| !v.is_empty());
        if node.access_level & 1 == 0 {
            self.find(path, "is not readable");
        }
        match value {
            None if !status.is_bad() => self.find(path, format!("{status} without a value")),
            None => {}
            Some(_) if status.is_bad() => self.find(path, format!("{status} with a value")),
            Some(value) => {
                if !self.value_type_allows(&node.data_type, value) {
                    let text = format!("value {value:?} is not of type {}", node.data_type);
                    self.find(path, text);
                }
                let is_array = matches!(value, Variant::Array(_));
                if is_array != (node.value_rank >= 0) {
                    let text = format!("value rank {} but array = {is_array}", node.value_rank);
                    self.find(path, text);
                }
            }
        }
        if node.data_type.is_null() || self.is_abstract_number(&node.data_type) {
            self.find(
                path,
                format!("has the abstract data type {}", node.data_type),
            );
        }
    }

    fn is_abstract_number(&self, data_type: &NodeId) -> bool {
        [
            DataTypeId::Number,
            DataTypeId::Integer,
            DataTypeId::UInteger,
            DataTypeId::BaseDataType,
        ]
        .iter()
        .any(|t| &NodeId::from(*t) == data_type)
    }

    /// Whether a value of this built-in type may stand in a variable of `data_type` (OPC 10000-6 §5.1).
    fn value_type_allows(&self, data_type: &NodeId, value: &Variant) -> bool {
        let scalar = match value.type_id() {
            VariantTypeId::Scalar(t) | VariantTypeId::Array(t, _) => t,
            VariantTypeId::Empty => return false,
        };
        let base = |t: DataTypeId| self.space.is_subtype(data_type, &t.into());
        if base(DataTypeId::Enumeration) {
            return scalar == VariantScalarTypeId::Int32 && self.enumerates(data_type, value);
        }
        if base(DataTypeId::Structure) {
            return scalar == VariantScalarTypeId::ExtensionObject;
        }
        match scalar {
            VariantScalarTypeId::Boolean => base(DataTypeId::Boolean),
            VariantScalarTypeId::SByte => base(DataTypeId::SByte),
            VariantScalarTypeId::Byte => base(DataTypeId::Byte),
            VariantScalarTypeId::Int16 => base(DataTypeId::Int16),
            VariantScalarTypeId::UInt16 => base(DataTypeId::UInt16),
            VariantScalarTypeId::Int32 => base(DataTypeId::Int32),
            VariantScalarTypeId::UInt32 => base(DataTypeId::UInt32),
            VariantScalarTypeId::Int64 => base(DataTypeId::Int64),
            VariantScalarTypeId::UInt64 => base(DataTypeId::UInt64),
            VariantScalarTypeId::Float => base(DataTypeId::Float),
            VariantScalarTypeId::Double => base(DataTypeId::Double),
            VariantScalarTypeId::String => base(DataTypeId::String),
            VariantScalarTypeId::DateTime => base(DataTypeId::DateTime),
            VariantScalarTypeId::ByteString => base(DataTypeId::ByteString),
            VariantScalarTypeId::NodeId => base(DataTypeId::NodeId),
            VariantScalarTypeId::LocalizedText => base(DataTypeId::LocalizedText),
            VariantScalarTypeId::QualifiedName => base(DataTypeId::QualifiedName),
            _ => false,
        }
    }

    /// Whether the number is one that the enumeration names (OPC 10000-3 §8.14).
    fn enumerates(&self, data_type: &NodeId, value: &Variant) -> bool {
        let Variant::Int32(number) = value else {
            return matches!(value, Variant::Array(_));
        };
        let Some(node) = self.space.get(data_type) else {
            return false;
        };
        let listed =
            |property: &str| match self.space.child(node, property)?.value.value.as_ref()? {
                Variant::Array(names) => Some(names.values.as_slice()),
                _ => None,
            };
        if let Some(strings) = listed("EnumStrings") {
            return usize::try_from(*number).is_ok_and(|n| n < strings.len());
        }
        listed("EnumValues").is_some_and(|values| {
            values.iter().any(|v| match v {
                Variant::ExtensionObject(object) => object
                    .inner_as::<EnumValueType>()
                    .is_some_and(|v| v.value == i64::from(*number)),
                _ => false,
            })
        })
    }
}
