//! Where clauses over values that the library cannot compare (OPC 10000-4 §7.7).
//!
//! A comparison of a field with literals that are no numbers is rewritten when the filter arrives: the literals become
//! their stand-ins, and the field is asked for its own. What the library can do itself stays as it came.

use std::io::Read;

use opcua::server::ServerHandle;
use opcua::types::xml::XmlStreamReader;
use opcua::types::{
    BinaryDecodable, ContentFilterElement, Context, DynEncodable, EncodingResult, EventFilter,
    ExtensionObject, FilterOperator, LiteralOperand, NodeId, ObjectId, SimpleAttributeOperand,
    TypeLoader, TypeLoaderCollection, TypeLoaderPriority, Variant,
};

use crate::umati::events::{STAND_IN, stand_in};

/// Lets the server take where clauses that compare a field with values of any type.
pub(in crate::server) fn listen_by_any_value(handle: &ServerHandle) {
    // The first of two loaders with one priority is asked first, so this one must be added before all others.
    let mut loaders = TypeLoaderCollection::new_empty();
    loaders.add_type_loader(Filters);
    let mut present = handle.info().type_loaders.write();
    for loader in &*present {
        loaders.add(loader.clone());
    }
    *present = loaders;
}

struct Filters;

impl TypeLoader for Filters {
    fn load_from_xml(
        &self,
        _: &NodeId,
        _: &mut XmlStreamReader<&mut dyn Read>,
        _: &Context<'_>,
        _: &str,
    ) -> Option<EncodingResult<Box<dyn DynEncodable>>> {
        None
    }

    fn load_from_binary(
        &self,
        id: &NodeId,
        stream: &mut dyn Read,
        context: &Context<'_>,
        _: Option<usize>,
    ) -> Option<EncodingResult<Box<dyn DynEncodable>>> {
        if *id != ObjectId::EventFilter_Encoding_DefaultBinary {
            return None;
        }
        let mut stream = stream;
        Some(EventFilter::decode(&mut stream, context).map(|mut filter| {
            let elements = filter.where_clause.elements.iter_mut().flatten();
            elements.for_each(compare_by_stand_in);
            Box::new(filter) as Box<dyn DynEncodable>
        }))
    }

    fn priority(&self) -> TypeLoaderPriority {
        TypeLoaderPriority::Core
    }
}

fn compare_by_stand_in(element: &mut ContentFilterElement) {
    let Some(operands) = &mut element.filter_operands else {
        return;
    };
    // Two fields are compared by their values: they may be numbers.
    let has_literal = (operands.iter()).any(|it| it.inner_as::<LiteralOperand>().is_some());
    if !has_literal || !is_comparison(element.filter_operator) {
        return;
    }
    let Some(rewritten) = operands
        .iter()
        .map(|operand| by_stand_in(element.filter_operator, operand))
        .collect::<Option<Vec<_>>>()
    else {
        return;
    };
    *operands = rewritten;
}

fn is_comparison(operator: FilterOperator) -> bool {
    matches!(operator, FilterOperator::Equals | FilterOperator::InList) || is_ordering(operator)
}

fn is_ordering(operator: FilterOperator) -> bool {
    matches!(
        operator,
        FilterOperator::GreaterThan
            | FilterOperator::GreaterThanOrEqual
            | FilterOperator::LessThan
            | FilterOperator::LessThanOrEqual
            | FilterOperator::Between
    )
}

/// The operand as a stand-in; `None` if it has none, so that the comparison is left to the library.
fn by_stand_in(operator: FilterOperator, operand: &ExtensionObject) -> Option<ExtensionObject> {
    if let Some(field) = operand.inner_as::<SimpleAttributeOperand>() {
        return field.index_range.is_none().then(|| {
            ExtensionObject::from_message(SimpleAttributeOperand {
                index_range: STAND_IN,
                ..field.clone()
            })
        });
    }
    let literal = operand.inner_as::<LiteralOperand>()?;
    // Only times have stand-ins that are ordered as they are.
    if is_ordering(operator) && !matches!(literal.value, Variant::DateTime(_)) {
        return None;
    }
    let value = stand_in(&literal.value)?;
    Some(ExtensionObject::from_message(LiteralOperand { value }))
}
