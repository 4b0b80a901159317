//! What the library cannot read in the NodeSets, put right at the stage where it is simplest: in the text, in the
//! parsed XML, or in the loaded nodes. Each function names the defect; when the library learns it, delete it here.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use opcua::nodes::{DataType, ImportedItem, NodeBase, NodeType, Variable};
use opcua::types::{
    DataEncoding, DataTypeDefinition, NodeId, NumericRange, ObjectTypeId, QualifiedName,
    ReferenceTypeId, TimestampsToReturn, Variant,
};
use opcua::xml::schema::opc_ua_types::Variant as XmlVariant;
use opcua::xml::schema::ua_node_set::UANode;

/// `<Matrix>` values end the whole file with "Unknown variant type": they become the `<ListOf…>` of their
/// elements. The dimensions come back in [`loaded`], from the ArrayDimensions attribute.
pub(super) fn text(xml: &str) -> Cow<'_, str> {
    let mut rest = xml;
    let mut out = String::new();
    while let Some((before, matrix, after)) = next_matrix(rest) {
        out.push_str(before);
        out.push_str(&matrix);
        rest = after;
    }
    if out.is_empty() {
        return Cow::Borrowed(xml);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Text before the first matrix, the matrix as a list, text after it. `None` also for a matrix of unknown form,
/// which the parser then reports with its position.
fn next_matrix(xml: &str) -> Option<(&str, String, &str)> {
    const OPEN: &str = "<uax:Matrix";
    const CLOSE: &str = "</uax:Matrix>";
    let start = xml.find(OPEN)?;
    let (before, matrix) = xml.split_at(start);
    let (matrix, after) = matrix.split_once(CLOSE)?;
    let (attributes, body) = matrix[OPEN.len()..].split_once('>')?;
    let (_, elements) = body.split_once("<uax:Elements>")?;
    let (elements, _) = elements.split_once("</uax:Elements>")?;
    let (name, _) = elements
        .trim_start()
        .strip_prefix("<uax:")?
        .split_once('>')?;
    let list = format!("<uax:ListOf{name}{attributes}>{elements}</uax:ListOf{name}>");
    Some((before, list, after))
}

/// Base64 with line breaks is taken for invalid and the value lost: white space means nothing in base64.
pub(super) fn parsed(nodes: &mut [UANode]) {
    for node in nodes {
        if let UANode::Variable(variable) = node
            && let Some(value) = &mut variable.value
            && let XmlVariant::ByteString(base64) = &mut value.0
        {
            base64.retain(|c| !c.is_ascii_whitespace());
        }
    }
}

/// The two repairs that need the loaded nodes.
pub(super) fn loaded(mut items: Vec<ImportedItem>) -> Vec<ImportedItem> {
    let encodings = default_encodings(&items);
    for item in &mut items {
        match &mut item.node {
            NodeType::Variable(variable) => restore_dimensions(variable),
            NodeType::DataType(data_type) => {
                if let Some(encoding) = encodings.get(data_type.node_id()) {
                    set_default_encoding(data_type, encoding);
                }
            }
            _ => {}
        }
    }
    items
}

fn set_default_encoding(data_type: &mut DataType, encoding: &NodeId) {
    if let Some(DataTypeDefinition::Structure(definition)) = data_type.data_type_definition() {
        let mut definition = definition.clone();
        definition.default_encoding_id = encoding.clone();
        data_type.set_data_type_definition(Some(DataTypeDefinition::Structure(definition)));
    }
}

/// A list whose variable has more than one dimension was a `<Matrix>`.
fn restore_dimensions(variable: &mut Variable) {
    let Some(dimensions) = variable.array_dimensions().filter(|d| d.len() > 1) else {
        return;
    };
    let mut data_value = variable.value(
        TimestampsToReturn::Both,
        &NumericRange::None,
        &DataEncoding::Binary,
        0.0,
    );
    if let Some(Variant::Array(array)) = &mut data_value.value
        && array.dimensions.is_none()
        && array.values.len() as u64 == dimensions.iter().map(|&d| u64::from(d)).product::<u64>()
    {
        array.dimensions = Some(dimensions);
        variable.set_data_value(data_value);
    }
}

/// The binary encoding of each structure. The library compares NodeIds with the file's namespace indexes to
/// NodeIds with the server's and so leaves `DefaultEncodingId` null (OPC 10000-3 §8.48), without which a client
/// cannot match a received body with its type.
fn default_encodings(items: &[ImportedItem]) -> HashMap<NodeId, NodeId> {
    let binary: HashSet<&NodeId> = items
        .iter()
        .filter(|item| is_default_binary(item))
        .map(|item| item.node.as_node().node_id())
        .collect();
    let mut encodings = HashMap::new();
    for item in items {
        let id = item.node.as_node().node_id();
        for reference in &item.references {
            if reference.type_id != ReferenceTypeId::HasEncoding {
                continue;
            }
            let (data_type, encoding) = if reference.is_forward {
                (id, &reference.target_id)
            } else {
                (&reference.target_id, id)
            };
            if binary.contains(encoding) {
                encodings.insert(data_type.clone(), encoding.clone());
            }
        }
    }
    encodings
}

fn is_default_binary(item: &ImportedItem) -> bool {
    matches!(item.node, NodeType::Object(_))
        && *item.node.as_node().browse_name() == QualifiedName::new(0, "Default Binary")
        && item.references.iter().any(|reference| {
            reference.is_forward
                && reference.type_id == ReferenceTypeId::HasTypeDefinition
                && reference.target_id == ObjectTypeId::DataTypeEncodingType
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_becomes_the_list_of_its_elements() {
        let xml = "<a><uax:Matrix xmlns:uax=\"u\"><uax:Dimensions/><uax:Elements><uax:Int32>1</uax:Int32>\
                   </uax:Elements></uax:Matrix><b/></a>";
        assert_eq!(
            text(xml),
            "<a><uax:ListOfInt32 xmlns:uax=\"u\"><uax:Int32>1</uax:Int32></uax:ListOfInt32><b/></a>"
        );
    }

    #[test]
    fn other_text_is_left_alone() {
        for xml in ["<a/>", "<uax:Matrix></uax:Matrix>"] {
            assert!(matches!(text(xml), Cow::Borrowed(same) if same == xml));
        }
    }
}
