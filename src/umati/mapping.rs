//! The one door to this room: a machine in, an instance of nodes with values out, and what changed since.
//!
//! Always holds: machines of one shape share one blueprint, every variable of a blueprint is written by a block,
//! and a shape never shrinks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::blocks::bridge::{self, BRIDGE, BridgeStatus};
use super::blocks::{self, Identity, Pass, Render, Shape, View};
use super::blueprint::{Blueprint, PlanError};
use super::catalogue::Catalogue;
use super::events::Chronicle;
use super::instance::{Delta, Instance};
use super::nodesets::{self, LoadError};
use crate::machine::{Machine, Timestamp};

/// Why there is no mapping, or no instance of a machine.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    #[error(transparent)]
    NodeSets(#[from] LoadError),
    #[error("the nodes of {of} do not fit the types: {source}")]
    Plan { of: String, source: Box<PlanError> },
}

/// Knows the types and how machines become instances of them. Shared by all machines of a server.
#[derive(Debug)]
pub struct Mapping {
    catalogue: Catalogue,
    identity: Identity,
    bridge: Arc<Blueprint>,
    shapes: Mutex<Vec<Known>>,
}

/// A shape that machines have. There are few, so they are searched one by one.
#[derive(Debug, Clone)]
struct Known {
    shape: Arc<Shape>,
    blueprint: Arc<Blueprint>,
}

impl Mapping {
    /// Reads the types. `application_uri` goes into generated identities, so it must never change.
    pub fn load(application_uri: &str, bridge_version: &str) -> Result<Self, MappingError> {
        let catalogue = Catalogue::load(&nodesets::imports()?);
        Self::new(catalogue, application_uri, bridge_version)
    }

    /// A mapping over types that were read already.
    pub fn new(
        catalogue: Catalogue,
        application_uri: &str,
        bridge_version: &str,
    ) -> Result<Self, MappingError> {
        let bridge = Blueprint::build(&catalogue, &bridge::plan());
        Ok(Self {
            bridge: Arc::new(bridge.map_err(|source| failed(BRIDGE, source))?),
            catalogue,
            identity: Identity {
                application_uri: application_uri.to_owned(),
                version: bridge_version.to_owned(),
            },
            shapes: Mutex::default(),
        })
    }

    /// The machine as nodes, with all values as of `at`.
    pub fn instantiate(&self, machine: &Machine, at: Timestamp) -> Result<Instance, MappingError> {
        let plate = &machine.nameplate;
        let known = self
            .known(Shape::of(machine))
            .map_err(|source| failed(&plate.id, source))?;
        let mut instance = Instance::new(&plate.id, &plate.name, Arc::clone(&known.blueprint));
        self.render(&mut instance, machine, &known.shape, Pass::First, at);
        Ok(instance)
    }

    /// Brings an instance of this mapping up to date. Tools and sensors that the machine has by now become nodes.
    pub fn refresh(&self, instance: &mut Instance, machine: &Machine, at: Timestamp) -> Delta {
        let known = self.find(|known| Arc::ptr_eq(&known.blueprint, instance.blueprint()));
        let mut shape = known
            .as_ref()
            .map_or_else(Shape::default, |known| Shape::clone(&known.shape));
        shape.grow(machine);
        if let Some(known) = known.filter(|known| *known.shape == shape) {
            return self.render(instance, machine, &known.shape, Pass::Update, at);
        }
        match self.known(shape) {
            Ok(known) => {
                instance.reshape(Arc::clone(&known.blueprint));
                let delta = self.render(instance, machine, &known.shape, Pass::First, at);
                Delta {
                    reshaped: true,
                    ..delta
                }
            }
            Err(error) => {
                log::error!("{}: no nodes for what was added: {error}", instance.id());
                Delta::default()
            }
        }
    }

    /// Where it is kept what of a machine was told as events.
    pub fn chronicle(&self, machine: &Machine) -> Chronicle {
        let uri = blocks::identification::product_instance_uri(
            &machine.nameplate.id,
            &self.identity.application_uri,
        );
        Chronicle::new(&self.catalogue, machine, uri)
    }

    /// The object that stands for the bridge itself.
    pub fn bridge_instance(&self, status: &BridgeStatus, at: Timestamp) -> Instance {
        let mut instance = Instance::new(BRIDGE, BRIDGE, Arc::clone(&self.bridge));
        let mut out = Render::new(&mut instance, Pass::First, at);
        bridge::render(&mut out, status, &self.identity.version);
        instance
    }

    /// Brings [`Self::bridge_instance`] up to date.
    pub fn refresh_bridge(
        &self,
        instance: &mut Instance,
        status: &BridgeStatus,
        at: Timestamp,
    ) -> Delta {
        let mut out = Render::new(instance, Pass::Update, at);
        bridge::render(&mut out, status, &self.identity.version);
        out.finish()
    }

    fn render(
        &self,
        instance: &mut Instance,
        machine: &Machine,
        shape: &Shape,
        pass: Pass,
        at: Timestamp,
    ) -> Delta {
        let mut out = Render::new(instance, pass, at);
        blocks::render(&mut out, &View::new(machine, at), shape, &self.identity);
        out.finish()
    }

    /// The blueprint of a shape, built when it is first asked for.
    fn known(&self, shape: Shape) -> Result<Known, PlanError> {
        if let Some(known) = self.find(|known| *known.shape == shape) {
            return Ok(known);
        }
        // Built without the lock: meanwhile others go on, and at worst one is built twice.
        let built = Known {
            blueprint: Arc::new(Blueprint::build(&self.catalogue, &blocks::plan(&shape))?),
            shape: Arc::new(shape),
        };
        let mut shapes = self.shapes();
        if let Some(known) = shapes.iter().find(|known| known.shape == built.shape) {
            return Ok(known.clone());
        }
        // Shapes that all their machines have grown out of.
        shapes.retain(|known| Arc::strong_count(&known.blueprint) > 1);
        shapes.push(built.clone());
        Ok(built)
    }

    fn find(&self, is_it: impl Fn(&Known) -> bool) -> Option<Known> {
        self.shapes().iter().find(|known| is_it(known)).cloned()
    }

    /// A panic while the lock is held leaves the list whole: it is only searched, filtered and appended to.
    fn shapes(&self) -> MutexGuard<'_, Vec<Known>> {
        self.shapes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(of: &str, source: PlanError) -> MappingError {
    MappingError::Plan {
        of: of.to_owned(),
        source: Box::new(source),
    }
}
