//! The node manager of the types, and the objects below `Server/Namespaces` that describe our own namespaces.
//!
//! A client may call a method of a machine by the NodeId that it has in the type (OPC 10000-4 §5.12.2). The library
//! brings a call to the manager that owns the method, so such calls arrive here, and go on to the machines.
//!
//! The companion NodeSets bring the NamespaceMetadata of their namespaces with them. The library's own manager for
//! such objects adds another one for each, under the same BrowseName; so it is left out, and what only it would have
//! described is described here: the server's own namespace and that of the instances.

use std::sync::Arc;

use async_trait::async_trait;
use opcua::nodes::{DefaultTypeTree, NodeSetImport, ObjectBuilder, VariableBuilder};
use opcua::server::address_space::AddressSpace;
use opcua::server::diagnostics::NamespaceMetadata;
use opcua::server::node_manager::memory::{SimpleNodeManager, simple_node_manager_imports};
use opcua::server::node_manager::{
    BrowseNode, BrowsePathItem, DynNodeManager, ExternalReferenceRequest, MethodCall,
    MonitoredItemRef, MonitoredItemUpdateRef, NodeManager, NodeManagerBuilder, ReadNode,
    RegisterNodeItem, RequestContext, ServerContext, WriteNode,
};
use opcua::server::{CreateMonitoredItem, ServerHandle};
use opcua::types::{
    Array, DataTypeId, DateTime, LocalizedText, MonitoringMode, NodeId, ObjectId, ObjectTypeId,
    QualifiedName, StatusCode, TimestampsToReturn, Variant, VariantScalarTypeId,
};

use super::error::ServerError;
use super::nodes::Methods;
use crate::umati::namespaces;

/// A NodeSet of types, ready to be imported.
pub type TypeImport = Box<dyn NodeSetImport>;

/// Builds the manager of the types right after the core: their namespaces come after the server's own.
pub(super) struct Types {
    pub imports: Vec<TypeImport>,
    pub application_uri: String,
    pub methods: Methods,
}

impl NodeManagerBuilder for Types {
    fn build(self: Box<Self>, context: ServerContext) -> Arc<DynNodeManager> {
        context
            .type_tree
            .write()
            .namespaces_mut()
            .add_namespace(&self.application_uri);
        let nodes = Box::new(simple_node_manager_imports(self.imports, "types")).build(context);
        Arc::new(TypeNodes {
            nodes,
            methods: self.methods,
        })
    }
}

/// The library's manager of the types, but for the calls of methods of machines.
struct TypeNodes {
    nodes: Arc<DynNodeManager>,
    methods: Methods,
}

#[async_trait]
impl NodeManager for TypeNodes {
    async fn call(
        &self,
        context: &RequestContext,
        calls: &mut [&mut MethodCall],
    ) -> Result<(), StatusCode> {
        let (mut of_machines, mut of_types): (Vec<_>, Vec<_>) = calls
            .iter_mut()
            .map(|call| &mut **call)
            .partition(|call| call.object_id().namespace == namespaces::INSTANCES);
        if let Err(status) = self.nodes.call(context, &mut of_types).await {
            for call in of_types {
                call.set_status(status);
            }
        }
        self.methods.call(context, &mut of_machines).await;
        Ok(())
    }

    fn owns_node(&self, id: &NodeId) -> bool {
        self.nodes.owns_node(id)
    }

    fn name(&self) -> &str {
        self.nodes.name()
    }

    fn namespaces_for_user(&self, context: &RequestContext) -> Vec<NamespaceMetadata> {
        self.nodes.namespaces_for_user(context)
    }

    async fn init(&self, type_tree: &mut DefaultTypeTree, context: ServerContext) {
        self.nodes.init(type_tree, context).await;
    }

    async fn resolve_external_references(
        &self,
        context: &RequestContext,
        items: &mut [&mut ExternalReferenceRequest],
    ) {
        self.nodes.resolve_external_references(context, items).await;
    }

    async fn read(
        &self,
        context: &RequestContext,
        max_age: f64,
        timestamps: TimestampsToReturn,
        nodes: &mut [&mut ReadNode],
    ) -> Result<(), StatusCode> {
        self.nodes.read(context, max_age, timestamps, nodes).await
    }

    async fn write(
        &self,
        context: &RequestContext,
        nodes: &mut [&mut WriteNode],
    ) -> Result<(), StatusCode> {
        self.nodes.write(context, nodes).await
    }

    async fn browse(
        &self,
        context: &RequestContext,
        nodes: &mut [BrowseNode],
    ) -> Result<(), StatusCode> {
        self.nodes.browse(context, nodes).await
    }

    async fn translate_browse_paths_to_node_ids(
        &self,
        context: &RequestContext,
        nodes: &mut [&mut BrowsePathItem],
    ) -> Result<(), StatusCode> {
        self.nodes
            .translate_browse_paths_to_node_ids(context, nodes)
            .await
    }

    async fn register_nodes(
        &self,
        context: &RequestContext,
        nodes: &mut [&mut RegisterNodeItem],
    ) -> Result<(), StatusCode> {
        self.nodes.register_nodes(context, nodes).await
    }

    async fn create_monitored_items(
        &self,
        context: &RequestContext,
        items: &mut [&mut CreateMonitoredItem],
    ) -> Result<(), StatusCode> {
        self.nodes.create_monitored_items(context, items).await
    }

    async fn modify_monitored_items(
        &self,
        context: &RequestContext,
        items: &[&MonitoredItemUpdateRef],
    ) {
        self.nodes.modify_monitored_items(context, items).await;
    }

    async fn set_monitoring_mode(
        &self,
        context: &RequestContext,
        mode: MonitoringMode,
        items: &[&MonitoredItemRef],
    ) {
        self.nodes.set_monitoring_mode(context, mode, items).await;
    }

    async fn delete_monitored_items(&self, context: &RequestContext, items: &[&MonitoredItemRef]) {
        self.nodes.delete_monitored_items(context, items).await;
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
        .get_of_type::<TypeNodes>()
        .and_then(|types| types.nodes.clone().into_any_arc().downcast().ok())
        .ok_or_else(|| ServerError::SetUp("the types are missing".to_owned()))?;
    let types: Arc<SimpleNodeManager> = types;
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
