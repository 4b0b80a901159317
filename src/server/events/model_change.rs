//! The event that tells clients of new nodes: GeneralModelChangeEventType, OPC 10000-5 §6.4.32.

use std::collections::BTreeSet;

use opcua::nodes::{BaseEventType, Event};
use opcua::types::event_field::EventField;
use opcua::types::{
    AttributeId, ByteString, DateTime, ExtensionObject, Guid, LocalizedText,
    ModelChangeStructureDataType, ModelChangeStructureVerbMask, NodeId, NumericRange, ObjectId,
    ObjectTypeId, QualifiedName, UAString, Variant,
};

use crate::umati::blueprint::{Blueprint, NodeIndex, Target};
use crate::umati::events::in_range;
use crate::umati::instance::Instance;

/// Nodes have come into being on the server. (The library's own struct has one change where the type has a list.)
#[derive(Debug)]
pub(in crate::server) struct ModelChange {
    base: BaseEventType,
    changes: Vec<ModelChangeStructureDataType>,
}

impl ModelChange {
    /// What an instance has that it had not with the blueprint `before`; `None` if that is nothing.
    pub(in crate::server) fn between(before: &Blueprint, instance: &Instance) -> Option<Self> {
        let after = instance.blueprint();
        let is_new = |index: NodeIndex| before.find(&after.node(index).path).is_none();
        let mut changes = Vec::new();
        let mut extended = BTreeSet::new();
        for (index, node) in after.iter().filter(|&(index, _)| is_new(index)) {
            changes.push(change(
                instance,
                index,
                ModelChangeStructureVerbMask::NodeAdded,
            ));
            extended.extend(node.references.iter().filter_map(|r| match r.target {
                Target::Local(other) if !is_new(other) => Some(other),
                _ => None,
            }));
        }
        changes.extend(extended.into_iter().map(|index| {
            change(
                instance,
                index,
                ModelChangeStructureVerbMask::ReferenceAdded,
            )
        }));
        if changes.is_empty() {
            return None;
        }
        let now = DateTime::now();
        Some(Self {
            base: BaseEventType {
                event_id: ByteString::from(Guid::new().to_bytes().to_vec()),
                event_type: ObjectTypeId::GeneralModelChangeEventType.into(),
                source_node: ObjectId::Server.into(),
                source_name: UAString::from("Server"),
                time: now,
                receive_time: now,
                message: LocalizedText::new("en", &format!("{} has new nodes", instance.name())),
                severity: 100,
                ..BaseEventType::default()
            },
            changes,
        })
    }
}

fn change(
    instance: &Instance,
    index: NodeIndex,
    verb: ModelChangeStructureVerbMask,
) -> ModelChangeStructureDataType {
    ModelChangeStructureDataType {
        affected: instance.node_id(index),
        affected_type: (instance.blueprint().node(index).type_definition())
            .cloned()
            .unwrap_or_default(),
        verb: verb as u8,
    }
}

impl Event for ModelChange {
    /// The fields of an event type can be asked for by that type and by each of its subtypes.
    fn get_field(
        &self,
        type_definition_id: &NodeId,
        attribute_id: AttributeId,
        index_range: &NumericRange,
        browse_path: &[QualifiedName],
    ) -> Variant {
        let ours = [
            ObjectTypeId::BaseEventType,
            ObjectTypeId::BaseModelChangeEventType,
            ObjectTypeId::GeneralModelChangeEventType,
        ];
        if ours.iter().any(|id| type_definition_id == id) {
            self.get_value(attribute_id, index_range, browse_path)
        } else {
            Variant::Empty
        }
    }

    fn time(&self) -> &DateTime {
        &self.base.time
    }

    fn event_type_id(&self) -> &NodeId {
        &self.base.event_type
    }
}

impl EventField for ModelChange {
    fn get_value(
        &self,
        attribute_id: AttributeId,
        index_range: &NumericRange,
        path: &[QualifiedName],
    ) -> Variant {
        match path {
            [name]
                if attribute_id == AttributeId::Value
                    && *name == QualifiedName::new(0, "Changes") =>
            {
                let changes: Vec<_> = self
                    .changes
                    .iter()
                    .cloned()
                    .map(ExtensionObject::from_message)
                    .collect();
                in_range(Variant::from(changes), index_range)
            }
            _ => {
                let value = self.base.get_value(attribute_id, &NumericRange::None, path);
                in_range(value, index_range)
            }
        }
    }
}
