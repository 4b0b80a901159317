//! Write (OPC 10000-4 §5.11.4): the identification tags that OPC 40001-1 declares writable, for those who may control.

use opcua::server::authenticator::UserToken;
use opcua::server::node_manager::ParsedWriteValue;
use opcua::types::{AttributeId, NumericRange, StatusCode, Variant};

use super::super::access::Role;
use super::super::access::audit::{self, Actor};
use super::super::command;
use super::super::plant::{Found, Plant};
use super::attributes;
use crate::machine::{Refusal, Request, Tag};
use crate::umati::blueprint::NodeKind;
use crate::umati::calls;

/// Writes one value and waits until it is kept.
pub(super) async fn write(plant: &Plant, user: &UserToken, value: &ParsedWriteValue) -> StatusCode {
    let request = {
        let Some(found) = plant.find(user, &value.node_id) else {
            return StatusCode::BadNodeIdUnknown;
        };
        match admitted(&found, value) {
            Ok((tag, text)) => plant
                .commands(found.position)
                .cloned()
                .map(|commands| (commands, Request::Tag { tag, text }))
                .ok_or(StatusCode::BadNotWritable),
            Err(status) => Err(status),
        }
    };
    match request {
        Ok((commands, request)) => match command::ask(&commands, request).await {
            Ok(()) => StatusCode::Good,
            Err(Refusal::InvalidRequest) => StatusCode::BadOutOfRange,
            Err(Refusal::Busy) => StatusCode::BadResourceUnavailable,
            Err(_) => StatusCode::BadInternalError,
        },
        Err(status) => status,
    }
}

/// What is to be written where, or why it cannot be.
fn admitted(found: &Found<'_>, value: &ParsedWriteValue) -> Result<(Tag, String), StatusCode> {
    let path = &found.instance.blueprint().node(found.index).path;
    let is_variable = matches!(attributes::kind(found), NodeKind::Variable(_));
    let tag = calls::tag_at(path);
    match (value.attribute_id, tag) {
        (AttributeId::Value, Some(tag)) if is_variable => {
            if found.role < Role::Control {
                return Err(StatusCode::BadUserAccessDenied);
            }
            if !matches!(value.index_range, NumericRange::None) {
                return Err(StatusCode::BadWriteNotSupported);
            }
            // A status or timestamps of the client's own are not kept (OPC 10000-4 §5.11.4.2).
            if value.value.status.is_some_and(|status| !status.is_good()) {
                return Err(StatusCode::BadWriteNotSupported);
            }
            text(tag, value.value.value.as_ref()).map(|text| (tag, text))
        }
        (AttributeId::Value, None) if is_variable => Err(match attributes::kind(found) {
            NodeKind::Variable(variable) if variable.is_writable() => {
                StatusCode::BadUserAccessDenied
            }
            _ => StatusCode::BadNotWritable,
        }),
        (attribute, _)
            if attributes::attribute(&found.instance, found.index, attribute).is_some() =>
        {
            Err(StatusCode::BadNotWritable)
        }
        _ => Err(StatusCode::BadAttributeIdInvalid),
    }
}

fn text(tag: Tag, value: Option<&Variant>) -> Result<String, StatusCode> {
    match (tag, value) {
        (Tag::ComponentName, Some(Variant::LocalizedText(text))) => {
            Ok(text.text.as_ref().to_owned())
        }
        (Tag::AssetId | Tag::Location, Some(Variant::String(text))) => Ok(text.as_ref().to_owned()),
        _ => Err(StatusCode::BadTypeMismatch),
    }
}

/// Tells the audit what came of it.
pub(super) fn tell(actor: &Actor, value: &ParsedWriteValue, status: StatusCode) {
    let told = match &value.value.value {
        Some(Variant::String(text)) => text.as_ref().to_owned(),
        Some(Variant::LocalizedText(text)) => text.text.as_ref().to_owned(),
        _ => String::new(),
    };
    audit::write(actor, &value.node_id, &told, status);
}
