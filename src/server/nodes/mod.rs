//! The machines as a node manager of the library: every service, answered from blueprint and values.
//!
//! Always holds: this manager owns the instance namespace alone and comes last, so that what it says of a node of
//! ours stands; what a user may not see is answered like what does not exist.

mod attributes;
mod browse;
mod call;
mod filter;
mod monitor;
mod references;
mod translate;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use opcua::nodes::DefaultTypeTree;
use opcua::server::CreateMonitoredItem;
use opcua::server::diagnostics::NamespaceMetadata;
use opcua::server::node_manager::{
    BrowseNode, BrowsePathItem, ExternalReferenceRequest, MethodCall, MonitoredItemRef,
    MonitoredItemUpdateRef, NodeManager, ReadNode, RegisterNodeItem, RequestContext, ServerContext,
    WriteNode,
};
use opcua::types::{MonitoringMode, NodeId, StatusCode, TimestampsToReturn};

use super::access::Access;
use super::plant::Plant;
use super::publish::{Dispatcher, until_let_go};
use crate::umati::namespaces;

pub(super) use self::call::Methods;

pub(super) struct MachineNodes {
    plant: Plant,
    dispatcher: Arc<Dispatcher>,
    access: Arc<Access>,
    methods: Methods,
    /// The namespaces that no NodeSet claims.
    namespaces: Vec<NamespaceMetadata>,
}

impl MachineNodes {
    /// Registers the instance namespace; the caller checks that it got the index that the program counts on.
    pub(super) fn new(context: &ServerContext, methods: Methods, application_uri: &str) -> Self {
        let uri = namespaces::instances_uri(application_uri);
        let Methods { plant, access } = methods.clone();
        let index = context
            .type_tree
            .write()
            .namespaces_mut()
            .add_namespace(&uri);
        Self {
            dispatcher: Arc::new(Dispatcher::new(plant.clone(), context)),
            plant,
            access,
            methods,
            namespaces: [
                (namespaces::SERVER, application_uri.to_owned()),
                (index, uri),
            ]
            .into_iter()
            .map(|(namespace_index, namespace_uri)| NamespaceMetadata {
                namespace_uri,
                namespace_index,
                ..NamespaceMetadata::default()
            })
            .collect(),
        }
    }

    pub(super) fn dispatcher(&self) -> &Arc<Dispatcher> {
        &self.dispatcher
    }
}

#[async_trait]
impl NodeManager for MachineNodes {
    fn owns_node(&self, id: &NodeId) -> bool {
        id.namespace == namespaces::INSTANCES
    }

    fn name(&self) -> &str {
        "machines"
    }

    /// Also the one hook that is called for each session that is activated.
    fn namespaces_for_user(&self, context: &RequestContext) -> Vec<NamespaceMetadata> {
        self.access.activated(context);
        self.dispatcher.met(context, &self.access.user(context));
        self.namespaces.clone()
    }

    async fn init(&self, _: &mut DefaultTypeTree, _: ServerContext) {}

    async fn resolve_external_references(
        &self,
        context: &RequestContext,
        items: &mut [&mut ExternalReferenceRequest],
    ) {
        let user = self.access.user(context);
        for item in items {
            if let Some(found) = self.plant.find(&user, item.node_id()) {
                let metadata = references::metadata(&found.instance, found.index);
                drop(found);
                item.set(metadata);
            }
        }
    }

    /// All values of one machine in one Read belong to one instant.
    async fn read(
        &self,
        context: &RequestContext,
        _max_age: f64,
        timestamps: TimestampsToReturn,
        nodes: &mut [&mut ReadNode],
    ) -> Result<(), StatusCode> {
        let ids: Vec<&NodeId> = nodes.iter().map(|n| &n.node().node_id).collect();
        let answers =
            self.plant
                .at_once(&self.access.user(context), &ids, |n, found| match found {
                    Some(found) => attributes::read(found, nodes[n].node(), timestamps),
                    None => Err(StatusCode::BadNodeIdUnknown),
                });
        for (node, answer) in nodes.iter_mut().zip(answers) {
            match answer {
                Ok(value) => node.set_result(value),
                Err(status) => node.set_error(status),
            }
        }
        Ok(())
    }

    async fn write(
        &self,
        context: &RequestContext,
        nodes: &mut [&mut WriteNode],
    ) -> Result<(), StatusCode> {
        let user = self.access.user(context);
        let actor = self.access.actor(context);
        for node in nodes {
            let status = write::write(&self.plant, &user, node.value()).await;
            write::tell(&actor, node.value(), status);
            node.set_status(status);
        }
        Ok(())
    }

    async fn call(
        &self,
        context: &RequestContext,
        calls: &mut [&mut MethodCall],
    ) -> Result<(), StatusCode> {
        self.methods.call(context, calls).await;
        Ok(())
    }

    async fn browse(
        &self,
        context: &RequestContext,
        nodes: &mut [BrowseNode],
    ) -> Result<(), StatusCode> {
        let type_tree = context.get_type_tree_for_user();
        let mut budget = browse::Budget::of_one_request();
        let user = self.access.user(context);
        for node in nodes {
            browse::browse(&self.plant, &user, type_tree.get(), node, &mut budget);
        }
        Ok(())
    }

    async fn translate_browse_paths_to_node_ids(
        &self,
        context: &RequestContext,
        nodes: &mut [&mut BrowsePathItem],
    ) -> Result<(), StatusCode> {
        let type_tree = context.get_type_tree_for_user();
        let user = self.access.user(context);
        for node in nodes {
            translate::translate(&self.plant, &user, context, type_tree.get(), node);
        }
        Ok(())
    }

    async fn register_nodes(
        &self,
        context: &RequestContext,
        nodes: &mut [&mut RegisterNodeItem],
    ) -> Result<(), StatusCode> {
        let user = self.access.user(context);
        for node in nodes {
            // A NodeId leads to its node in two look-ups: there is nothing to prepare.
            let known = self.plant.find(&user, node.node_id()).is_some();
            node.set_registered(known);
        }
        Ok(())
    }

    async fn create_monitored_items(
        &self,
        context: &RequestContext,
        items: &mut [&mut CreateMonitoredItem],
    ) -> Result<(), StatusCode> {
        let user = self.access.user(context);
        for item in items {
            let status = monitor::create(&self.plant, &self.dispatcher, context, &user, item);
            item.set_status(status);
        }
        Ok(())
    }

    async fn modify_monitored_items(&self, _: &RequestContext, items: &[&MonitoredItemUpdateRef]) {
        self.dispatcher.modified(items);
    }

    async fn set_monitoring_mode(
        &self,
        context: &RequestContext,
        mode: MonitoringMode,
        items: &[&MonitoredItemRef],
    ) {
        let user = self.access.user(context);
        self.dispatcher.switched(context, &user, mode, items);
    }

    async fn delete_monitored_items(&self, context: &RequestContext, items: &[&MonitoredItemRef]) {
        self.dispatcher.unwatch(context, items);
        until_let_go(context).await;
    }
}
