//! A machine as nodes: a blueprint, names, and one value for each variable.

use std::sync::Arc;

use opcua::types::{DataValue, LocalizedText, NodeId, QualifiedName};

use super::blueprint::{Blueprint, NodeIndex, NodeKind, VariableAttributes};
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
    /// By the blueprint's slots. A value is never Good and null.
    values: Box<[DataValue]>,
    /// Of what the lists of orders were made: see [`Self::turn_to`].
    revision: Option<u64>,
}

/// What a node has that is no variable.
const NO_VALUE: &DataValue = &DataValue {
    value: None,
    status: None,
    source_timestamp: None,
    source_picoseconds: None,
    server_timestamp: None,
    server_picoseconds: None,
};

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

    /// Nothing that a client could see.
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
            revision: None,
        }
    }

    /// The first part of every NodeId.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the root is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The nodes that it shares with others of its shape.
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

    /// The browse name of a node; the root's is the instance's own.
    pub fn browse_name(&self, index: NodeIndex) -> QualifiedName {
        let planned = &self.blueprint.node(index).browse_name;
        if index == NodeIndex::ROOT {
            QualifiedName::new(planned.namespace_index, self.name.as_ref())
        } else {
            planned.clone()
        }
    }

    /// The display name of a node; the root's is the instance's own, without a locale.
    pub fn display_name(&self, index: NodeIndex) -> LocalizedText {
        if index == NodeIndex::ROOT {
            LocalizedText::new("", &self.name)
        } else {
            self.blueprint.node(index).display_name.clone()
        }
    }

    /// The value of a variable with its status and timestamps; `DataValue::default()` for an object or a method.
    pub fn value(&self, index: NodeIndex) -> &DataValue {
        match (self.blueprint.slot(index), &self.blueprint.node(index).kind) {
            (Some(slot), _) => &self.values[slot.position()],
            (
                None,
                NodeKind::Variable(VariableAttributes {
                    constant: Some(value),
                    ..
                }),
            ) => value,
            _ => NO_VALUE,
        }
    }

    /// The node at a path below the root; `""` is the root.
    pub fn resolve(&self, path: &str) -> Option<NodeIndex> {
        self.blueprint.find(path)
    }

    /// Notes the revision of what costs much to render. Whether it is another one than that noted before.
    pub(super) fn turn_to(&mut self, revision: u64) -> bool {
        self.revision.replace(revision) != Some(revision)
    }

    /// Stores a reading of the variable at `path`.
    pub fn set(&mut self, path: &str, reading: Reading) -> Result<Stored, NoSuchVariable> {
        let place = self
            .resolve(path)
            .and_then(|index| Some((index, self.blueprint.slot(index)?)));
        let Some((index, slot)) = place else {
            return Err(NoSuchVariable {
                instance: self.id.to_string(),
                path: path.to_owned(),
            });
        };
        let known = &mut self.values[slot.position()];
        let new = reading.into_data_value();
        let is_same = known.status == new.status && known.value == new.value;
        *known = new;
        Ok(if is_same {
            Stored::Refreshed
        } else {
            Stored::Changed(index)
        })
    }

    /// Takes a new blueprint; values stay with their paths, new variables wait for their first data.
    /// Indices of before mean nothing afterwards.
    pub fn reshape(&mut self, blueprint: Arc<Blueprint>) {
        let mut values = waiting(&blueprint);
        for (index, node) in self.blueprint.iter() {
            if let Some(old) = self.blueprint.slot(index)
                && let Some(new) = blueprint.find(&node.path)
                && let Some(new) = blueprint.slot(new)
            {
                values[new.position()] = std::mem::take(&mut self.values[old.position()]);
            }
        }
        self.values = values;
        self.blueprint = blueprint;
    }
}

fn waiting(blueprint: &Blueprint) -> Box<[DataValue]> {
    vec![reading::waiting().into_data_value(); blueprint.slots()].into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use opcua::types::{StatusCode, Variant};

    use super::*;
    use crate::machine::Timestamp;
    use crate::umati::blueprint::Plan;
    use crate::umati::catalogue::Catalogue;
    use crate::umati::nodesets;

    const NAME: &str = "Production/ActiveProgram/Name";
    const MODEL: &str = "Identification/Model";

    fn blueprint(includes: &[&str]) -> Arc<Blueprint> {
        let catalogue = Catalogue::load(&nodesets::imports().unwrap());
        let mut plan = Plan::new(NodeId::new(namespaces::ADDITIVE_MANUFACTURING, 1005u32));
        for path in includes {
            plan.include(path);
        }
        Arc::new(Blueprint::build(&catalogue, &plan).unwrap())
    }

    fn instance() -> Instance {
        Instance::new("prusa-01", "Prusa", blueprint(&[]))
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn variables_wait_for_their_first_data() {
        let instance = instance();
        for (index, node) in instance.blueprint().iter() {
            let value = instance.value(index);
            match node.kind {
                NodeKind::Object { .. } | NodeKind::Method { .. } => {
                    assert_eq!(*value, DataValue::default())
                }
                NodeKind::Variable(_) => {
                    assert_eq!(value.status, Some(StatusCode::BadWaitingForInitialData));
                    assert_eq!(value.value, Some(Variant::Empty));
                }
            }
        }
    }

    #[test]
    fn node_ids_are_the_instance_and_the_path() {
        let instance = instance();
        let id = |path| instance.node_id(instance.resolve(path).unwrap());
        assert_eq!(id(""), NodeId::new(namespaces::INSTANCES, "prusa-01"));
        assert_eq!(
            id(NAME),
            NodeId::new(namespaces::INSTANCES, format!("prusa-01/{NAME}"))
        );
    }

    #[test]
    fn only_a_changed_value_or_status_is_a_change() {
        let mut instance = instance();
        let index = instance.resolve(NAME).unwrap();
        let changed = Ok(Stored::Changed(index));
        assert_eq!(instance.set(NAME, reading::good("a", at(1))), changed);
        assert_eq!(
            instance.set(NAME, reading::good("a", at(2))),
            Ok(Stored::Refreshed)
        );
        assert_eq!(instance.value(index).source_timestamp, Some(at(2).into()));
        let doubted = reading::uncertain(StatusCode::UncertainLastUsableValue, "a", at(2));
        assert_eq!(instance.set(NAME, doubted), changed);
        let lost = reading::bad(StatusCode::BadNoCommunication, at(3));
        assert_eq!(instance.set(NAME, lost), changed);
        assert_eq!(instance.set(NAME, reading::good("a", at(4))), changed);
    }

    #[test]
    fn what_is_no_variable_cannot_be_set() {
        let mut instance = instance();
        for path in ["Equipment", "Nowhere"] {
            let error = instance.set(path, reading::good(1, at(0))).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("prusa-01: there is no variable {path:?}")
            );
        }
    }

    #[test]
    fn a_delta_lists_changes_once_and_in_order() {
        let mut delta = Delta::default();
        assert!(delta.is_empty());
        for index in [7, 3, 7] {
            delta.note(Stored::Changed(NodeIndex(index)));
        }
        delta.note(Stored::Refreshed);
        assert_eq!(delta.values, [NodeIndex(3), NodeIndex(7)]);
    }

    #[test]
    fn reshaping_keeps_values_by_path() {
        let mut instance = instance();
        let before = instance.resolve(NAME).unwrap();
        let _ = instance.set(NAME, reading::good("benchy", at(1))).unwrap();
        instance.reshape(blueprint(&[MODEL]));
        let after = instance.resolve(NAME).unwrap();
        assert_ne!(before, after, "the new node stands before it");
        let value = |path| instance.value(instance.resolve(path).unwrap());
        assert_eq!(value(NAME).value, Some(Variant::from("benchy")));
        assert_eq!(
            value(MODEL).status,
            Some(StatusCode::BadWaitingForInitialData)
        );
        instance.reshape(blueprint(&[]));
        assert_eq!(instance.resolve(MODEL), None);
        let name = instance.value(instance.resolve(NAME).unwrap());
        assert_eq!(name.value, Some(Variant::from("benchy")));
    }
}
