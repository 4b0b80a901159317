//! The attributes of our nodes, as Read gives them (OPC 10000-4 §5.11.2, OPC 10000-3 §5).

use opcua::server::node_manager::ParsedReadValueId;
use opcua::types::{
    AttributeId, DataEncoding, DataValue, DateTime, NumericRange, StatusCode, TimestampsToReturn,
    Variant,
};

use super::super::access::Role;
use super::super::plant::Found;
use crate::umati::blueprint::{NodeIndex, NodeKind, VariableAttributes};
use crate::umati::calls;
use crate::umati::instance::Instance;

/// AccessLevel bit CurrentRead, OPC 10000-3 §8.57.
const CURRENT_READ: u8 = 1;
/// AccessLevel bit CurrentWrite.
const CURRENT_WRITE: u8 = 2;

/// One attribute, or why there is none.
pub(super) fn read(
    found: &Found<'_>,
    wanted: &ParsedReadValueId,
    timestamps: TimestampsToReturn,
) -> Result<DataValue, StatusCode> {
    if wanted.attribute_id == AttributeId::Value {
        return read_value(found, wanted, timestamps);
    }
    let value = match user_access_level(found)
        .filter(|_| wanted.attribute_id == AttributeId::UserAccessLevel)
    {
        Some(level) => level.into(),
        None => attribute(&found.instance, found.index, wanted.attribute_id)
            .ok_or(StatusCode::BadAttributeIdInvalid)?,
    };
    if !matches!(wanted.data_encoding, DataEncoding::Binary) {
        return Err(StatusCode::BadDataEncodingInvalid);
    }
    Ok(DataValue {
        value: Some(in_range(value, &wanted.index_range)?),
        status: Some(StatusCode::Good),
        server_timestamp: wants_server(timestamps).then(DateTime::now),
        ..DataValue::default()
    })
}

/// What somebody who may control may do beyond reading; `None` where that is nothing.
fn user_access_level(found: &Found<'_>) -> Option<u8> {
    let node = found.instance.blueprint().node(found.index);
    match &node.kind {
        NodeKind::Variable(variable)
            if found.role >= Role::Control && calls::tag_at(&node.path).is_some() =>
        {
            Some(variable.access_level)
        }
        _ => None,
    }
}

/// The value of a variable as it stands, or why it cannot be read.
pub(super) fn value(found: &Found<'_>) -> Result<DataValue, StatusCode> {
    let NodeKind::Variable(variable) = kind(found) else {
        return Err(StatusCode::BadAttributeIdInvalid);
    };
    if variable.access_level & CURRENT_READ == 0 {
        return Err(StatusCode::BadNotReadable);
    }
    Ok(found.instance.value(found.index).clone())
}

fn read_value(
    found: &Found<'_>,
    wanted: &ParsedReadValueId,
    timestamps: TimestampsToReturn,
) -> Result<DataValue, StatusCode> {
    let mut value = value(found)?;
    check_encoding(&wanted.data_encoding, value.value.as_ref())?;
    if !value.status().is_bad() {
        value.value = value
            .value
            .map(|v| in_range(v, &wanted.index_range))
            .transpose()?;
    }
    if !matches!(
        timestamps,
        TimestampsToReturn::Source | TimestampsToReturn::Both
    ) {
        value.source_timestamp = None;
        value.source_picoseconds = None;
    }
    if wants_server(timestamps) {
        value.server_timestamp.get_or_insert_with(DateTime::now);
    } else {
        value.server_timestamp = None;
        value.server_picoseconds = None;
    }
    Ok(value)
}

/// Only structures have encodings to choose from, and ours come in binary only.
pub(super) fn check_encoding(
    encoding: &DataEncoding,
    value: Option<&Variant>,
) -> Result<(), StatusCode> {
    match (encoding, value) {
        (DataEncoding::Binary, _) => Ok(()),
        (_, Some(Variant::ExtensionObject(_))) => Err(StatusCode::BadDataEncodingUnsupported),
        (_, Some(Variant::Array(array)))
            if matches!(array.values.first(), Some(Variant::ExtensionObject(_))) =>
        {
            Err(StatusCode::BadDataEncodingUnsupported)
        }
        _ => Err(StatusCode::BadDataEncodingInvalid),
    }
}

/// Every attribute but Value, in the data type that OPC 10000-3 gives it; `None` if the node does not have it.
pub(super) fn attribute(
    instance: &Instance,
    index: NodeIndex,
    attribute: AttributeId,
) -> Option<Variant> {
    let node = instance.blueprint().node(index);
    match attribute {
        AttributeId::NodeId => return Some(instance.node_id(index).into()),
        AttributeId::NodeClass => return Some((node.class() as i32).into()),
        AttributeId::BrowseName => return Some(instance.browse_name(index).into()),
        AttributeId::DisplayName => return Some(instance.display_name(index).into()),
        AttributeId::Description if node.description.text.is_empty() => return None,
        AttributeId::Description => return Some(node.description.clone().into()),
        AttributeId::WriteMask | AttributeId::UserWriteMask => return Some(0_u32.into()),
        _ => {}
    }
    match &node.kind {
        NodeKind::Object { event_notifier, .. } => {
            (attribute == AttributeId::EventNotifier).then(|| (*event_notifier).into())
        }
        NodeKind::Variable(variable) => variable_attribute(variable, attribute),
        // Who may not call a method does not see it.
        NodeKind::Method { .. } => matches!(
            attribute,
            AttributeId::Executable | AttributeId::UserExecutable
        )
        .then(|| true.into()),
    }
}

fn variable_attribute(variable: &VariableAttributes, attribute: AttributeId) -> Option<Variant> {
    match attribute {
        AttributeId::DataType => Some(variable.data_type.clone().into()),
        AttributeId::ValueRank => Some(variable.value_rank.into()),
        AttributeId::ArrayDimensions => variable.array_dimensions.clone().map(Variant::from),
        AttributeId::AccessLevel => Some(variable.access_level.into()),
        AttributeId::UserAccessLevel => Some((variable.access_level & !CURRENT_WRITE).into()),
        AttributeId::AccessLevelEx => Some(u32::from(variable.access_level).into()),
        AttributeId::MinimumSamplingInterval => Some(variable.minimum_sampling_interval.into()),
        AttributeId::Historizing => Some(false.into()),
        _ => None,
    }
}

pub(super) fn kind<'a>(found: &'a Found<'_>) -> &'a NodeKind {
    &found.instance.blueprint().node(found.index).kind
}

fn wants_server(timestamps: TimestampsToReturn) -> bool {
    matches!(
        timestamps,
        TimestampsToReturn::Server | TimestampsToReturn::Both
    )
}

/// The part of a value that an index range names. The library's code for "not an array" is the one for writing.
fn in_range(value: Variant, range: &NumericRange) -> Result<Variant, StatusCode> {
    match range {
        NumericRange::None => Ok(value),
        range => value.range_of(range).map_err(|status| match status {
            StatusCode::BadIndexRangeDataMismatch => StatusCode::BadIndexRangeNoData,
            other => other,
        }),
    }
}
