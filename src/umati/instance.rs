//! A machine as nodes: a blueprint, names, and one value for each variable.

use std::sync::Arc;

use opcua::types::{DataValue, NodeId};

use super::blueprint::{Blueprint, NodeIndex, NodeKind};
use super::namespaces;
use super::reading::{self, Reading};

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

impl Delta {
    /// Notes what [`Instance::set`] did.
    pub fn note(&mut self, stored: Stored) {
        if let Stored::Changed(index) = stored
            && let Err(position) = self.values.binary_search(&index)
        {
            self.values.insert(position, index);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && !self.reshaped
    }
}

/// What became of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "clients learn of a change only through a Delta"]
pub enum Stored {
    /// Value or status differ from before.
    Changed(NodeIndex),
    /// Only the timestamps differ.
    Refreshed,
}

/// A path at which the blueprint has no variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{instance}: there is no variable {path:?}")]
pub struct NoSuchVariable {
    pub instance: String,
    pub path: String,
}

impl Instance {
    /// `id`: letters, digits, `-`, `_`, `.`. All variables wait for their first data.
    pub fn new(id: &str, name: &str, blueprint: Arc<Blueprint>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            values: waiting(&blueprint),
            blueprint,
        }
    }

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

    /// The node at a path below the root; `""` is the root.
    pub fn resolve(&self, path: &str) -> Option<NodeIndex> {
        self.blueprint.find(path)
    }

    /// Stores a reading of the variable at `path`.
    pub fn set(&mut self, path: &str, reading: Reading) -> Result<Stored, NoSuchVariable> {
        let index = self
            .resolve(path)
            .filter(|&index| matches!(self.blueprint.node(index).kind, NodeKind::Variable(_)));
        match index {
            Some(index) => Ok(self.store(index, reading)),
            None => Err(NoSuchVariable {
                instance: self.id.to_string(),
                path: path.to_owned(),
            }),
        }
    }

    fn store(&mut self, index: NodeIndex, reading: Reading) -> Stored {
        let known = &mut self.values[usize::from(index.0)];
        let new = reading.into_data_value();
        let is_same = known.status == new.status && known.value == new.value;
        *known = new;
        if is_same {
            Stored::Refreshed
        } else {
            Stored::Changed(index)
        }
    }

    /// Takes a new blueprint; values stay with their paths, new variables wait for their first data.
    /// Indices of before mean nothing afterwards.
    pub fn reshape(&mut self, blueprint: Arc<Blueprint>) {
        let mut values = waiting(&blueprint);
        for (index, node) in self.blueprint.iter() {
            if let Some(new) = blueprint.find(&node.path)
                && blueprint.node(new).class() == node.class()
            {
                values[usize::from(new.0)] = std::mem::take(&mut self.values[usize::from(index.0)]);
            }
        }
        self.values = values;
        self.blueprint = blueprint;
    }
}

fn waiting(blueprint: &Blueprint) -> Vec<DataValue> {
    blueprint
        .iter()
        .map(|(_, node)| match node.kind {
            NodeKind::Object { .. } => DataValue::default(),
            NodeKind::Variable(_) => reading::waiting().into_data_value(),
        })
        .collect()
}
