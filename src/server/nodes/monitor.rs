//! Creating monitored items (OPC 10000-4 §5.13.2).

use opcua::server::CreateMonitoredItem;
use opcua::server::authenticator::UserToken;
use opcua::server::node_manager::RequestContext;
use opcua::types::{AttributeId, DataEncoding, DataValue, DateTime, StatusCode, Variant};

use super::super::plant::{Found, Plant, split};
use super::super::publish::{Dispatcher, Filter};
use super::attributes;
use super::filter::{RequestedFilter, requested_filter};

/// EventNotifier bit SubscribeToEvents, OPC 10000-3 §8.59.
const SUBSCRIBE_TO_EVENTS: u8 = 1;

/// Checks a request and enters the item. The result is the status of the request.
pub(super) fn create(
    plant: &Plant,
    dispatcher: &Dispatcher,
    context: &RequestContext,
    user: &UserToken,
    request: &mut CreateMonitoredItem,
) -> StatusCode {
    let id = request.item_to_monitor().node_id.clone();
    let Some(found) = plant.find(user, &id) else {
        return StatusCode::BadNodeIdUnknown;
    };
    let checked = match request.item_to_monitor().attribute_id {
        AttributeId::Value => check_value(&found, request),
        AttributeId::EventNotifier => check_events(&found, request),
        _ => check_attribute(&found, request),
    };
    drop(found);
    // Asked last, so that it tells nothing of what the user may not see.
    if checked.is_ok() && !dispatcher.may_be_watched(context.session_id, &id) {
        return StatusCode::BadUserAccessDenied;
    }
    match checked {
        Err(status) => status,
        Ok(Entry::Constant(value)) => {
            request.set_initial_value(value);
            StatusCode::Good
        }
        // The library greets each item with a value, also one of events. What it would say by itself is that it waits.
        Ok(Entry::Events(notifier)) => {
            request.set_initial_value(constant(notifier));
            dispatcher.listens(request.handle().subscription_id);
            StatusCode::Good
        }
        Ok(Entry::Value(filter)) => {
            let Some((machine, path)) = split(&id) else {
                return StatusCode::BadNodeIdUnknown;
            };
            dispatcher.watch(context, request, machine, path, filter, || {
                plant
                    .find(user, &id)
                    .and_then(|found| attributes::value(&found).ok())
            });
            StatusCode::Good
        }
    }
}

/// How an admitted item gets its values.
enum Entry {
    Value(Filter),
    /// An attribute that does not change.
    Constant(DataValue),
    /// Events, and the value of the attribute.
    Events(Variant),
}

fn check_value(found: &Found<'_>, request: &CreateMonitoredItem) -> Result<Entry, StatusCode> {
    let value = attributes::value(found)?;
    let encoding = &request.item_to_monitor().data_encoding;
    attributes::check_encoding(encoding, value.value.as_ref())?;
    match requested_filter(request.filter()) {
        RequestedFilter::None => Ok(Entry::Value(Filter::Absent)),
        RequestedFilter::DataChange => Ok(Entry::Value(Filter::Present)),
        // OPC 10000-4 §7.22.2: "The Deadband filter is applied only to Variables of Number".
        RequestedFilter::Deadband if value.value.as_ref().is_some_and(is_not_numeric) => {
            Err(StatusCode::BadFilterNotAllowed)
        }
        RequestedFilter::Deadband => Ok(Entry::Value(Filter::Present)),
        RequestedFilter::Event => Err(StatusCode::BadFilterNotAllowed),
    }
}

fn check_events(found: &Found<'_>, request: &CreateMonitoredItem) -> Result<Entry, StatusCode> {
    let notifier = attributes::attribute(&found.instance, found.index, AttributeId::EventNotifier);
    let notifier = match notifier {
        Some(Variant::Byte(bits)) if bits & SUBSCRIBE_TO_EVENTS != 0 => Variant::Byte(bits),
        _ => return Err(StatusCode::BadAttributeIdInvalid),
    };
    match requested_filter(request.filter()) {
        RequestedFilter::Event => Ok(Entry::Events(notifier)),
        _ => Err(StatusCode::BadFilterNotAllowed),
    }
}

fn check_attribute(found: &Found<'_>, request: &CreateMonitoredItem) -> Result<Entry, StatusCode> {
    let wanted = request.item_to_monitor();
    let value = attributes::attribute(&found.instance, found.index, wanted.attribute_id)
        .ok_or(StatusCode::BadAttributeIdInvalid)?;
    if !matches!(wanted.data_encoding, DataEncoding::Binary) {
        return Err(StatusCode::BadDataEncodingInvalid);
    }
    match requested_filter(request.filter()) {
        RequestedFilter::None => Ok(Entry::Constant(constant(value))),
        _ => Err(StatusCode::BadFilterNotAllowed),
    }
}

/// A null has no type; it is let through, as its variable may be a number once it has a value.
fn is_not_numeric(value: &Variant) -> bool {
    match value {
        Variant::Empty => false,
        Variant::Array(array) => array.values.first().is_some_and(is_not_numeric),
        value => value.as_f64().is_none(),
    }
}

fn constant(value: Variant) -> DataValue {
    DataValue {
        value: Some(value),
        status: Some(StatusCode::Good),
        server_timestamp: Some(DateTime::now()),
        ..DataValue::default()
    }
}
