//! A machine as nodes: a blueprint, names, and one value for each variable.

use std::sync::Arc;

use opcua::types::{DataValue, NodeId};

use super::blueprint::{Blueprint, NodeIndex};
use super::namespaces;

/// One object tree that the server serves: a machine, or the bridge itself.
#[derive(Debug)]
pub struct Instance {
    /// First part of every NodeId of this instance; never holds a `/`.
    id: Box<str>,
    /// Browse name and display name of the root.
    name: Box<str>,
    blueprint: Arc<Blueprint>,
    /// By [`NodeIndex`]; `DataValue::default()` at objects. A variable's value is never Good and null.
    values: Vec<DataValue>,
}

/// What a refresh changed.
#[derive(Debug, Default, PartialEq)]
pub struct Delta {
    /// Variables whose value or status changed, in blueprint order (indices of the *new* blueprint if reshaped).
    pub values: Vec<NodeIndex>,
    /// Nodes came into being: the instance has a new blueprint. Existing paths stay.
    pub reshaped: bool,
}

impl Instance {
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn blueprint(&self) -> &Arc<Blueprint> {
        &self.blueprint
    }

    /// The NodeId of a node: `<id>` for the root, `<id>/<path>` below it, in the instance namespace.
    pub fn node_id(&self, index: NodeIndex) -> NodeId {
        let path = &self.blueprint.node(index).path;
        if path.is_empty() {
            NodeId::new(namespaces::INSTANCES, self.id.to_string())
        } else {
            NodeId::new(namespaces::INSTANCES, format!("{}/{path}", self.id))
        }
    }

    /// The value of a variable with its status and timestamps; `DataValue::default()` for an object.
    pub fn value(&self, index: NodeIndex) -> &DataValue {
        &self.values[usize::from(index.0)]
    }
}
