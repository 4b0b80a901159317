//! The node manager of the types, and the objects below `Server/Namespaces` that describe our own namespaces.
//!
//! The companion NodeSets bring the NamespaceMetadata of their namespaces with them. The library's own manager for
//! such objects adds another one for each, under the same BrowseName; so it is left out, and what only it would have
//! described is described here: the server's own namespace and that of the instances.

use std::sync::Arc;

use opcua::nodes::{NodeSetImport, ObjectBuilder, VariableBuilder};
use opcua::server::ServerHandle;
use opcua::server::address_space::AddressSpace;
use opcua::server::node_manager::memory::{SimpleNodeManager, simple_node_manager_imports};
use opcua::server::node_manager::{DynNodeManager, NodeManagerBuilder, ServerContext};
use opcua::types::{
    Array, DataTypeId, DateTime, LocalizedText, NodeId, ObjectId, ObjectTypeId, QualifiedName,
    Variant, VariantScalarTypeId,
};

use super::error::ServerError;
use crate::umati::namespaces;

/// A NodeSet of types, ready to be imported.
pub type TypeImport = Box<dyn NodeSetImport>;

/// Builds the manager of the types right after the core: their namespaces come after the server's own.
pub(super) struct Types {
    pub imports: Vec<TypeImport>,
    pub application_uri: String,
}

impl NodeManagerBuilder for Types {
    fn build(self: Box<Self>, context: ServerContext) -> Arc<DynNodeManager> {
        context
            .type_tree
            .write()
            .namespaces_mut()
            .add_namespace(&self.application_uri);
        Box::new(simple_node_manager_imports(self.imports, "types")).build(context)
    }
}

/// Adds the NamespaceMetadata of the namespaces that no NodeSet describes.
pub(super) fn describe_own_namespaces(
    handle: &ServerHandle,
    application_uri: &str,
    version: &str,
) -> Result<(), ServerError> {
    let types = handle
        .node_managers()
        .get_of_type::<SimpleNodeManager>()
        .ok_or_else(|| ServerError::SetUp("the types are missing".to_owned()))?;
    let mut nodes = types.address_space().write();
    for (index, uri) in [
        (namespaces::SERVER, application_uri.to_owned()),
        (
            namespaces::INSTANCES,
            namespaces::instances_uri(application_uri),
        ),
    ] {
        describe(&mut nodes, index, &uri, version);
    }
    Ok(())
}

/// One NamespaceMetadataType object with its mandatory properties, OPC 10000-5 §6.3.14.
fn describe(nodes: &mut AddressSpace, index: u16, uri: &str, version: &str) {
    // The nodes stand in the namespace of our types, which this manager owns.
    let id = NodeId::new(namespaces::VENDOR, format!("Namespaces/{index}"));
    ObjectBuilder::new(&id, QualifiedName::new(index, uri), text(uri))
        .has_type_definition(ObjectTypeId::NamespaceMetadataType)
        .component_of(ObjectId::Server_Namespaces)
        .insert(nodes);

    let none = |element| Variant::Array(Box::new(no_elements(element)));
    let properties: [(&str, DataTypeId, Variant); 7] = [
        ("NamespaceUri", DataTypeId::String, uri.into()),
        ("NamespaceVersion", DataTypeId::String, version.into()),
        (
            "NamespacePublicationDate",
            DataTypeId::DateTime,
            DateTime::now().into(),
        ),
        ("IsNamespaceSubset", DataTypeId::Boolean, false.into()),
        // No node here is the same on every server.
        (
            "StaticNodeIdTypes",
            DataTypeId::IdType,
            none(VariantScalarTypeId::Int32),
        ),
        (
            "StaticNumericNodeIdRange",
            DataTypeId::NumericRange,
            none(VariantScalarTypeId::String),
        ),
        ("StaticStringNodeIdPattern", DataTypeId::String, "".into()),
    ];
    for (name, data_type, value) in properties {
        let rank = if value.is_array() { 1 } else { -1 };
        let property = NodeId::new(namespaces::VENDOR, format!("Namespaces/{index}/{name}"));
        VariableBuilder::new(&property, QualifiedName::new(0, name), text(name))
            .data_type(data_type)
            .value_rank(rank)
            .value(value)
            .has_type_definition(opcua::types::VariableTypeId::PropertyType)
            .property_of(id.clone())
            .insert(nodes);
    }
}

fn no_elements(value_type: VariantScalarTypeId) -> Array {
    Array {
        value_type,
        values: Vec::new(),
        dimensions: None,
    }
}

fn text(text: &str) -> LocalizedText {
    LocalizedText::new("", text)
}
