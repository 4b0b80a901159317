//! What a value is compared by in a where clause.
//!
//! The library orders numbers and Booleans only. `EventType = X` and `SourceName = "Y"`, which clients ask for most,
//! would never hold. So the server lets both sides of such a comparison be numbers: see `server::events::filter`.

use std::hash::{DefaultHasher, Hash, Hasher};

use opcua::types::{ExpandedNodeId, NumericRange, Variant};

/// The index range by which a field is asked for its stand-in. No array has such an element.
pub const STAND_IN: NumericRange = NumericRange::Index(u32::MAX);

/// A number that is equal for equal values and, of times, ordered as they are; `None` for what the library compares
/// itself, and for what has no equality here (arrays, structures).
pub fn stand_in(value: &Variant) -> Option<Variant> {
    let hash = match value {
        Variant::DateTime(time) => return Some(Variant::Int64(time.ticks())),
        Variant::StatusCode(code) => return Some(Variant::UInt32(code.bits())),
        // A text is equal in every language: OPC 10000-4 §7.7.3 converts LocalizedText to String.
        Variant::String(text) => hash("text", text.as_ref()),
        Variant::LocalizedText(text) => hash("text", text.text.as_ref()),
        Variant::QualifiedName(name) => hash("name", (name.namespace_index, name.name.as_ref())),
        Variant::NodeId(id) => hash("node", &**id),
        Variant::ExpandedNodeId(id) => match &**id {
            ExpandedNodeId {
                node_id,
                namespace_uri,
                server_index: 0,
            } if namespace_uri.is_empty() => hash("node", node_id),
            other => hash("far node", other),
        },
        Variant::Guid(guid) => hash("guid", guid.to_bytes()),
        Variant::ByteString(bytes) => hash("bytes", bytes.value.as_deref()),
        _ => return None,
    };
    Some(Variant::UInt64(hash))
}

/// The part of a field that a client has asked for, or its stand-in.
pub fn in_range(value: Variant, range: &NumericRange) -> Variant {
    match range {
        NumericRange::None => value,
        range if *range == STAND_IN => stand_in(&value).unwrap_or_default(),
        range => value.range_of(range).unwrap_or_default(),
    }
}

fn hash(kind: &str, value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (kind, value).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use opcua::types::{DateTime, LocalizedText, NodeId, ObjectTypeId};

    use super::*;

    #[test]
    fn equal_values_have_equal_stand_ins_whatever_their_type() {
        let id = NodeId::from(ObjectTypeId::BaseEventType);
        assert_eq!(
            stand_in(&Variant::from(id.clone())),
            stand_in(&Variant::from(ExpandedNodeId::from(id)))
        );
        assert_eq!(
            stand_in(&Variant::from("gone")),
            stand_in(&Variant::from(LocalizedText::new("en", "gone")))
        );
        assert_ne!(
            stand_in(&Variant::from("gone")),
            stand_in(&Variant::from("Gone"))
        );
    }

    #[test]
    fn numbers_need_none_and_times_keep_their_order() {
        assert_eq!(stand_in(&Variant::from(7_u16)), None);
        let (early, late) = (DateTime::ymd(2026, 1, 1), DateTime::ymd(2026, 1, 2));
        let ticks = |time| match stand_in(&Variant::from(time)) {
            Some(Variant::Int64(ticks)) => ticks,
            _ => 0,
        };
        assert!(0 < ticks(early) && ticks(early) < ticks(late));
    }
}
