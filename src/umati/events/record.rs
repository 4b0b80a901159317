//! One event: a type, and fields by browse path.

use opcua::nodes::Event;
use opcua::types::event_field::EventField;
use opcua::types::{
    AttributeId, ByteString, DateTime, Guid, LocalizedText, NodeId, NumericRange, QualifiedName,
    UAString, Variant,
};

use super::stand_in::in_range;
use crate::machine::Timestamp;

/// An event as clients select from it.
#[derive(Debug, Clone)]
pub struct EventRecord {
    /// The type and all its supertypes: a field may be selected by any of them.
    types: Lineage,
    time: DateTime,
    fields: Vec<(Vec<QualifiedName>, Variant)>,
}

/// A type, then its supertypes, the nearest first.
pub(super) type Lineage = std::sync::Arc<[NodeId]>;

/// Whose event it is.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub node: NodeId,
    pub name: String,
}

impl EventRecord {
    /// The fields that every event has. `time`: when it happened.
    pub(super) fn new(
        types: &Lineage,
        source: &Source,
        time: Timestamp,
        severity: u16,
        message: &str,
    ) -> Self {
        let time: DateTime = time.into();
        let mut record = Self {
            types: types.clone(),
            time,
            fields: Vec::new(),
        };
        // Random, so that no two events of any server are taken for one.
        let id = ByteString::from(Guid::new().to_bytes().to_vec());
        record.put("EventId", id);
        record.put("EventType", record.event_type_id().clone());
        record.put("SourceNode", source.node.clone());
        record.put("SourceName", UAString::from(source.name.as_str()));
        record.put("Time", time);
        record.put("ReceiveTime", DateTime::now());
        record.put("Message", LocalizedText::new("en", message));
        record.put("Severity", severity);
        record
    }

    /// A field of the core namespace, by its path: names parted by `/`.
    pub(super) fn put(&mut self, path: &str, value: impl Into<Variant>) {
        let path = path.split('/').map(|name| QualifiedName::new(0, name));
        self.fields.push((path.collect(), value.into()));
    }

    /// A field of another namespace.
    pub(super) fn put_in(&mut self, namespace: u16, name: &str, value: impl Into<Variant>) {
        self.fields
            .push((vec![QualifiedName::new(namespace, name)], value.into()));
    }
}

impl Event for EventRecord {
    fn get_field(
        &self,
        type_definition_id: &NodeId,
        attribute_id: AttributeId,
        index_range: &NumericRange,
        browse_path: &[QualifiedName],
    ) -> Variant {
        if self.types.contains(type_definition_id) {
            self.get_value(attribute_id, index_range, browse_path)
        } else {
            Variant::Empty
        }
    }

    fn time(&self) -> &DateTime {
        &self.time
    }

    fn event_type_id(&self) -> &NodeId {
        // A lineage begins with the type itself.
        &self.types[0]
    }
}

impl EventField for EventRecord {
    fn get_value(
        &self,
        attribute_id: AttributeId,
        index_range: &NumericRange,
        browse_path: &[QualifiedName],
    ) -> Variant {
        if attribute_id != AttributeId::Value {
            return Variant::Empty;
        }
        let field = self.fields.iter().find(|(path, _)| path == browse_path);
        let value = field.map_or(Variant::Empty, |(_, value)| value.clone());
        in_range(value, index_range)
    }
}
