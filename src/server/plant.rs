//! The instances that one server serves, who may know of them, and how a NodeId finds its node.
//!
//! Always holds: a node that a user may not know of is looked up like one that never was, in the same steps, and not
//! found; so no service can tell one from the other. Its instance is not locked for it, so not even the time tells
//! whether somebody is at work on a machine.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use opcua::server::authenticator::UserToken;
use opcua::types::{Identifier, NodeId, ObjectId, ReferenceTypeId};
use tokio::sync::mpsc;

use super::access::{Role, Sight, Viewer, Viewers};
use super::command::Command;
use crate::umati::blueprint::{NodeIndex, NodeKind, Target};
use crate::umati::instance::Instance;
use crate::umati::namespaces;

/// An instance that one task updates and the server reads.
///
/// Nobody holds the lock across an await, nor while calling into the server; see [`update`].
pub type SharedInstance = Arc<RwLock<Instance>>;

/// One instance and what a server has to know to serve it.
#[derive(Debug)]
pub struct Served {
    pub instance: SharedInstance,
    pub audience: Audience,
    /// The task that owns the machine; `None` where nothing can be asked for.
    pub commands: Option<mpsc::Sender<Command>>,
}

/// Who may know of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    Everyone,
    /// These MES instances, and whoever sees all.
    Instances(Vec<u32>),
    /// Only those who see all.
    Operators,
}

impl Audience {
    fn admits(&self, sight: Sight) -> bool {
        match (self, sight) {
            (Self::Everyone, _) | (_, Sight::All) => true,
            (Self::Instances(instances), Sight::Instance(instance)) => {
                instances.contains(&instance)
            }
            (Self::Operators, Sight::Instance(_)) => false,
        }
    }
}

impl From<SharedInstance> for Served {
    /// For everyone, and nothing can be asked for.
    fn from(instance: SharedInstance) -> Self {
        Self {
            instance,
            audience: Audience::Everyone,
            commands: None,
        }
    }
}

/// The instances of one server, in the order in which clients see them. Cheap to clone.
#[derive(Clone)]
pub struct Plant {
    inner: Arc<Inner>,
    viewers: Arc<Viewers>,
}

struct Inner {
    served: Vec<Served>,
    by_id: HashMap<Box<str>, usize>,
    anchored: HashMap<NodeId, Vec<Anchored>>,
}

/// A reference from a node of another node manager to the root of an instance.
#[derive(Debug)]
pub(super) struct Anchored {
    pub instance: usize,
    pub reference_type: NodeId,
}

/// Where a NodeId of ours leads.
pub(super) struct Found<'a> {
    pub instance: RwLockReadGuard<'a, Instance>,
    pub index: NodeIndex,
    /// The position of the instance.
    pub position: usize,
    /// What the user may do with it.
    pub role: Role,
}

impl Plant {
    /// The instances have distinct ids; of several with one id only the last could be addressed.
    ///
    /// What the roots hang from is read now: a root keeps its place for as long as the server runs.
    pub fn new(served: impl IntoIterator<Item = impl Into<Served>>) -> Self {
        let served: Vec<Served> = served.into_iter().map(Into::into).collect();
        let mut by_id = HashMap::new();
        let mut anchored: HashMap<NodeId, Vec<Anchored>> = HashMap::new();
        for (position, Served { instance, .. }) in served.iter().enumerate() {
            let instance = read(instance);
            by_id.insert(Box::from(instance.id()), position);
            let root = instance.blueprint().node(NodeIndex::ROOT);
            let mut hang = |anchor: NodeId, reference_type: NodeId| {
                anchored.entry(anchor).or_default().push(Anchored {
                    instance: position,
                    reference_type,
                });
            };
            for reference in root.references.iter().filter(|r| !r.is_forward) {
                if let Target::Foreign(anchor) = &reference.target {
                    hang(anchor.node_id.clone(), reference.reference_type.clone());
                }
            }
            if is_notifier(&instance) {
                hang(ObjectId::Server.into(), ReferenceTypeId::HasNotifier.into());
            }
        }
        Self {
            inner: Arc::new(Inner {
                served,
                by_id,
                anchored,
            }),
            viewers: Arc::default(),
        }
    }

    /// The same instances, seen by these users and nobody else.
    pub(super) fn seen_by(self, viewers: Arc<Viewers>) -> Self {
        Self { viewers, ..self }
    }

    /// How many instances there are.
    pub(super) fn len(&self) -> usize {
        self.inner.served.len()
    }

    /// The instance with this id, for the program itself: what clients may see, the others here decide.
    pub fn get(&self, id: &str) -> Option<&SharedInstance> {
        let position = *self.inner.by_id.get(id)?;
        Some(&self.inner.served[position].instance)
    }

    /// Whether a user sees the instance with this id.
    pub(super) fn shows(&self, user: &UserToken, id: &str) -> bool {
        let position = self.inner.by_id.get(id);
        position.is_some_and(|&position| self.is_visible(user, position))
    }

    /// The way to the task that owns an instance.
    pub(super) fn commands(&self, position: usize) -> Option<&mpsc::Sender<Command>> {
        self.inner.served.get(position)?.commands.as_ref()
    }

    /// Whether a user sees an instance; all of its nodes share the answer, but for those that need control. The one
    /// place where that is decided.
    pub(super) fn is_visible(&self, user: &UserToken, position: usize) -> bool {
        let viewer = self.viewers.get(user);
        viewer.is_some_and(|viewer| self.admits(viewer, position))
    }

    fn admits(&self, viewer: &Viewer, position: usize) -> bool {
        self.inner.served[position].audience.admits(viewer.sight)
    }

    /// The position of the instance that a NodeId belongs to, if there is one that the user may know of; and what
    /// they may do with it.
    fn position(&self, user: &UserToken, id: &NodeId) -> Option<(usize, Role)> {
        let viewer = self.viewers.get(user)?;
        let (machine, _) = split(id)?;
        let position = *self.inner.by_id.get(machine)?;
        self.admits(viewer, position)
            .then_some((position, viewer.role))
    }

    /// The node that a NodeId names, if it exists and the user may know of it.
    pub(super) fn find(&self, user: &UserToken, id: &NodeId) -> Option<Found<'_>> {
        let place = self.position(user, id)?;
        find_in(self.read(place.0), place, id).ok()
    }

    /// Answers for each of `ids` what `answer` makes of its node; all nodes of one instance are seen at one instant.
    ///
    /// Instance by instance, so that never more than one lock is held: a second one could wait for a writer that
    /// waits for the first.
    pub(super) fn at_once<T>(
        &self,
        user: &UserToken,
        ids: &[&NodeId],
        mut answer: impl FnMut(usize, Option<&Found<'_>>) -> T,
    ) -> Vec<T> {
        let mut order: Vec<(Option<(usize, Role)>, usize)> = ids
            .iter()
            .enumerate()
            .map(|(n, id)| (self.position(user, id), n))
            .collect();
        order.sort_unstable();
        let mut answers = Vec::with_capacity(ids.len());
        for nodes in order.chunk_by(|a, b| a.0 == b.0) {
            let mut held = nodes[0].0.map(|place| (self.read(place.0), place));
            for &(_, n) in nodes {
                let found = held
                    .take()
                    .map(|(instance, place)| find_in(instance, place, ids[n]));
                answers.push((n, answer(n, found.as_ref().and_then(|f| f.as_ref().ok()))));
                held = found.map(|found| {
                    found.map_or_else(
                        |back| back,
                        |f| {
                            let place = (f.position, f.role);
                            (f.instance, place)
                        },
                    )
                });
            }
        }
        answers.sort_unstable_by_key(|&(n, _)| n);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    /// The references of a node of another manager to the roots that the user may know of.
    pub(super) fn anchored_at(
        &self,
        user: &UserToken,
        id: &NodeId,
    ) -> impl Iterator<Item = (RwLockReadGuard<'_, Instance>, &NodeId)> {
        self.inner
            .anchored
            .get(id)
            .into_iter()
            .flatten()
            .filter(|anchored| self.is_visible(user, anchored.instance))
            .map(|anchored| (self.read(anchored.instance), &anchored.reference_type))
    }

    fn read(&self, position: usize) -> RwLockReadGuard<'_, Instance> {
        read(&self.inner.served[position].instance)
    }
}

/// An instance that is locked, and where it stands.
type Held<'a> = (RwLockReadGuard<'a, Instance>, (usize, Role));

/// The node of `instance` that a NodeId names, if the role may know of it, or the instance back.
fn find_in<'a>(
    instance: RwLockReadGuard<'a, Instance>,
    (position, role): (usize, Role),
    id: &NodeId,
) -> Result<Found<'a>, Held<'a>> {
    let index = split(id)
        .and_then(|(_, path)| instance.blueprint().find(path))
        .filter(|&index| is_shown(&instance, index, role));
    match index {
        Some(index) => Ok(Found {
            instance,
            index,
            position,
            role,
        }),
        None => Err((instance, (position, role))),
    }
}

/// Whether somebody of this role may know of a node of an instance that they may know of.
pub(super) fn is_shown(instance: &Instance, index: NodeIndex, role: Role) -> bool {
    role >= Role::Control || !instance.blueprint().node(index).needs_control
}

/// Machine and path of a NodeId: `<machine>/<path>`, or `<machine>` for the root.
pub(super) fn split(id: &NodeId) -> Option<(&str, &str)> {
    match &id.identifier {
        Identifier::String(name) if id.namespace == namespaces::INSTANCES => {
            let name = name.as_ref();
            // A trailing slash would be a second name of the root.
            match name.split_once('/') {
                Some((_, "")) => None,
                Some(parts) => Some(parts),
                None => Some((name, "")),
            }
        }
        _ => None,
    }
}

/// Whether an instance has events, so that it stands in the tree of notifiers below `Server` (OPC 10000-3 §7.17).
pub(super) fn is_notifier(instance: &Instance) -> bool {
    let root = &instance.blueprint().node(NodeIndex::ROOT).kind;
    matches!(root, NodeKind::Object { event_notifier, .. } if *event_notifier != 0)
}

/// Changes an instance. The lock ends with the call, so that it cannot be held any longer.
pub fn update<T>(instance: &RwLock<Instance>, change: impl FnOnce(&mut Instance) -> T) -> T {
    change(&mut instance.write().unwrap_or_else(PoisonError::into_inner))
}

/// Reads an instance. A task that panicked while writing left values behind that are as good as any other.
pub(super) fn read(instance: &RwLock<Instance>) -> RwLockReadGuard<'_, Instance> {
    instance.read().unwrap_or_else(PoisonError::into_inner)
}
