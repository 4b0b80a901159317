//! What a client sent, checked in number, type and length before anything happens.

use std::sync::Arc;

use opcua::types::{ExtensionObject, LocalizedText, StatusCode, Variant};

use super::JobMethod;
use crate::machine::{FileRef, NewOrder, OrderId, OrderRequest, Refusal, Request};
use crate::umati::isa95::types::{JobOrder, Parameter, Property, State, WorkMaster};
use crate::umati::isa95::{List, codec};

/// Characters of a JobOrderID.
const MAX_ID: usize = 255;
/// Characters of a WorkMaster ID.
const MAX_FILE: usize = 1024;
/// Languages of a comment.
const MAX_COMMENTS: usize = 64;
/// Bytes of one language of a comment.
const MAX_COMMENT: usize = 4096;
/// Entries of a requested state: the top level and its sub-states.
const MAX_STATES: usize = 16;
/// Bytes of a job order in OPC UA binary: it is kept and served as long as the order.
pub const MAX_DOCUMENT: usize = 64 * 1024;

/// What a valid call asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// The machine has to answer.
    Ask(Request),
    /// It stands in the instance already; see [`responses`](super::responses).
    Look(Query),
}

/// Which job responses a client asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    ById(OrderId),
    /// All of the orders in this state: the top level first, then sub-states.
    ByState(Vec<State>),
}

/// Why a call comes to nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum CallFault {
    /// The Call itself fails.
    Arguments(ArgumentFault),
    /// The Call succeeds and its ReturnStatus tells.
    Refused(Refusal),
}

/// The arguments do not fit the method (OPC 10000-4 §5.12.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgumentFault {
    Missing,
    TooMany,
    /// InputArgumentResults: one for each argument, Good if nothing is wrong with it.
    Invalid(Vec<StatusCode>),
}

impl ArgumentFault {
    /// Status of the CallMethodResult.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Missing => StatusCode::BadArgumentsMissing,
            Self::TooMany => StatusCode::BadTooManyArguments,
            Self::Invalid(_) => StatusCode::BadInvalidArgument,
        }
    }

    /// The results of the arguments; empty if their number is wrong.
    pub fn argument_results(&self) -> &[StatusCode] {
        match self {
            Self::Invalid(results) => results,
            Self::Missing | Self::TooMany => &[],
        }
    }
}

/// What the call of a method asks for.
///
/// # Errors
/// The arguments do not fit the method, or name a file in a way that no file is named.
pub fn parse(method: JobMethod, inputs: &[Variant]) -> Result<Call, CallFault> {
    use JobMethod as M;
    match method {
        M::RequestJobResponseByJobOrderID => {
            let [id] = exactly(inputs)?;
            let [id] = checked([order_id(id)])?;
            Ok(Call::Look(Query::ById(id)))
        }
        M::RequestJobResponseByJobOrderState => {
            let [states] = exactly(inputs)?;
            let [states] = checked([requested_state(states)])?;
            Ok(Call::Look(Query::ByState(states)))
        }
        M::Store | M::StoreAndStart | M::Update => {
            let [order, comment] = exactly(inputs)?;
            let (order, comment) = both(job_order(order), first_comment(comment))?;
            let order = new_order(order)?;
            ask(
                match method {
                    M::Store => OrderRequest::Store(order),
                    M::StoreAndStart => OrderRequest::StoreAndStart(order),
                    _ => OrderRequest::Update(order),
                },
                comment,
            )
        }
        M::Start | M::RevokeStart | M::Pause | M::Resume | M::Abort | M::Cancel | M::Clear => {
            let [id, comment] = exactly(inputs)?;
            let (id, comment) = both(order_id(id), first_comment(comment))?;
            ask(
                match method {
                    M::Start => OrderRequest::Start(id),
                    M::RevokeStart => OrderRequest::RevokeStart(id),
                    M::Pause => OrderRequest::Pause(id),
                    M::Resume => OrderRequest::Resume(id),
                    M::Abort => OrderRequest::Abort(id),
                    M::Cancel => OrderRequest::Cancel(id),
                    _ => OrderRequest::Clear(id),
                },
                comment,
            )
        }
    }
}

fn ask(request: OrderRequest, comment: Option<String>) -> Result<Call, CallFault> {
    Ok(Call::Ask(Request::Order { request, comment }))
}

fn exactly<const N: usize>(inputs: &[Variant]) -> Result<&[Variant; N], CallFault> {
    inputs.try_into().map_err(|_| {
        CallFault::Arguments(if inputs.len() < N {
            ArgumentFault::Missing
        } else {
            ArgumentFault::TooMany
        })
    })
}

/// Both arguments, or what is wrong with each.
fn both<A, B>(a: Result<A, StatusCode>, b: Result<B, StatusCode>) -> Result<(A, B), CallFault> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => Err(invalid([status(&a), status(&b)])),
    }
}

fn checked<A>([a]: [Result<A, StatusCode>; 1]) -> Result<[A; 1], CallFault> {
    a.map(|a| [a]).map_err(|status| invalid([status]))
}

fn invalid(results: impl Into<Vec<StatusCode>>) -> CallFault {
    CallFault::Arguments(ArgumentFault::Invalid(results.into()))
}

fn status<T>(result: &Result<T, StatusCode>) -> StatusCode {
    *result.as_ref().err().unwrap_or(&StatusCode::Good)
}

fn order_id(argument: &Variant) -> Result<OrderId, StatusCode> {
    match argument {
        Variant::String(text) if is_name(text.as_ref(), MAX_ID) => {
            Ok(OrderId(text.as_ref().to_owned()))
        }
        Variant::String(_) => Err(StatusCode::BadOutOfRange),
        _ => Err(StatusCode::BadTypeMismatch),
    }
}

/// Not empty, not endless, one line.
fn is_name(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.chars().count() <= longest && !text.chars().any(char::is_control)
}

fn job_order(argument: &Variant) -> Result<(JobOrder, Vec<u8>), StatusCode> {
    let Variant::ExtensionObject(object) = argument else {
        return Err(StatusCode::BadTypeMismatch);
    };
    let order: JobOrder =
        codec::from_extension_object(object).ok_or(StatusCode::BadTypeMismatch)?;
    if !holds_plain_values(&order) {
        return Err(StatusCode::BadTypeMismatch);
    }
    let document = codec::encode(&order).map_err(|_| StatusCode::BadTypeMismatch)?;
    if document.len() > MAX_DOCUMENT || !is_name(order.job_order_id.as_ref(), MAX_ID) {
        return Err(StatusCode::BadOutOfRange);
    }
    Ok((order, document))
}

fn new_order((order, document): (JobOrder, Vec<u8>)) -> Result<NewOrder, CallFault> {
    let masters = order.work_master_id.as_deref();
    let file = masters
        .and_then(|masters| masters.first())
        .map(|master| master.id.as_ref())
        .filter(|id| is_name(id, MAX_FILE))
        .and_then(FileRef::parse)
        // Such a path leads somewhere else than it says.
        .filter(|file| {
            file.path
                .split('/')
                .all(|step| !matches!(step, "" | "." | ".."))
        })
        .ok_or(CallFault::Refused(Refusal::InvalidRequest))?;
    Ok(NewOrder {
        id: OrderId(order.job_order_id.as_ref().to_owned()),
        file,
        document: Arc::from(document),
        priority: order.priority.unwrap_or_default(),
    })
}

/// The elements of an array argument; a null is an empty array.
fn elements(argument: &Variant) -> Result<&[Variant], StatusCode> {
    match argument {
        Variant::Empty => Ok(&[]),
        Variant::Array(array) if array.dimensions.as_ref().is_none_or(|d| d.len() <= 1) => {
            Ok(&array.values)
        }
        _ => Err(StatusCode::BadTypeMismatch),
    }
}

/// The comment in the first language that says anything.
fn first_comment(argument: &Variant) -> Result<Option<String>, StatusCode> {
    let languages = elements(argument)?;
    if languages.len() > MAX_COMMENTS {
        return Err(StatusCode::BadOutOfRange);
    }
    let texts: Vec<&LocalizedText> = languages
        .iter()
        .map(|language| match language {
            Variant::LocalizedText(text) => Ok(text.as_ref()),
            _ => Err(StatusCode::BadTypeMismatch),
        })
        .collect::<Result<_, _>>()?;
    let texts = texts.iter().map(|text| text.text.as_ref().trim());
    let first = texts.into_iter().find(|text| !text.is_empty());
    match first {
        Some(text) if text.len() > MAX_COMMENT => Err(StatusCode::BadOutOfRange),
        first => Ok(first.map(str::to_owned)),
    }
}

/// A top-level state, and sub-states that the order must be in as well.
fn requested_state(argument: &Variant) -> Result<Vec<State>, StatusCode> {
    let states: Vec<State> = elements(argument)?
        .iter()
        .map(|entry| match entry {
            Variant::ExtensionObject(object) => from_object(object),
            _ => Err(StatusCode::BadTypeMismatch),
        })
        .collect::<Result<_, _>>()?;
    let is_top = |state: &State| state.browse_path.elements.iter().flatten().next().is_none();
    match states.split_first() {
        Some((top, rest)) if is_top(top) && !rest.iter().any(is_top) && rest.len() < MAX_STATES => {
            Ok(states)
        }
        _ => Err(StatusCode::BadOutOfRange),
    }
}

fn from_object(object: &ExtensionObject) -> Result<State, StatusCode> {
    codec::from_extension_object(object).ok_or(StatusCode::BadTypeMismatch)
}

/// Whether all values of an order are data. A value that wraps others without end (DataValue, DiagnosticInfo) is
/// none, and what is kept is served to every client.
fn holds_plain_values(order: &JobOrder) -> bool {
    let of_masters = |masters: &List<WorkMaster>| {
        masters
            .iter()
            .filter_map(|master| master.parameters.as_ref())
            .all(are_plain)
    };
    fn all<T>(
        resources: &Option<List<T>>,
        properties: impl Fn(&T) -> Option<&List<Property>>,
    ) -> bool {
        let resources = resources.iter().flat_map(|list| list.iter());
        resources
            .filter_map(properties)
            .all(|list| list.iter().all(is_plain_property))
    }
    order.job_order_parameters.iter().all(are_plain)
        && order.work_master_id.iter().all(of_masters)
        && all(&order.personnel_requirements, |r| r.properties.as_ref())
        && all(&order.equipment_requirements, |r| r.properties.as_ref())
        && all(&order.physical_asset_requirements, |r| {
            r.properties.as_ref()
        })
        && all(&order.material_requirements, |r| r.properties.as_ref())
}

fn are_plain(parameters: &List<Parameter>) -> bool {
    parameters.iter().all(|parameter| {
        is_plain(&parameter.value) && parameter.subparameters.iter().all(are_plain)
    })
}

fn is_plain_property(property: &Property) -> bool {
    is_plain(&property.value)
        && property
            .subproperties
            .iter()
            .all(|list| list.iter().all(is_plain_property))
}

fn is_plain(value: &Variant) -> bool {
    match value {
        Variant::DataValue(_) | Variant::DiagnosticInfo(_) => false,
        Variant::Variant(inner) => is_plain(inner),
        Variant::Array(array) => array.values.iter().all(is_plain),
        _ => true,
    }
}
