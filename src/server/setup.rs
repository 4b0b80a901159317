//! Putting one server together: endpoints, limits, access, node managers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use opcua::crypto::SecurityPolicy;
use opcua::server::node_manager::memory::{CoreNodeManagerBuilder, InMemoryNodeManagerBuilder};
use opcua::server::{
    ANONYMOUS_USER_TOKEN_ID, Server as LibraryServer, ServerBuilder, ServerEndpoint, ServerHandle,
};
use opcua::types::{BuildInfo, DateTime, MessageSecurityMode, UAString};

use super::access::{Access, Gate, Viewers};
use super::capabilities;
use super::error::ServerError;
use super::events::listen_by_any_value;
use super::front_door::{FrontDoor, Peers};
use super::identity::Identity;
use super::limits;
use super::nodes::{MachineNodes, Methods};
use super::pki::Trust;
use super::plant::Plant;
use super::publish::Dispatcher;
use super::publisher::Publisher;
use super::settings::Settings;
use super::types::{self, TypeImport, Types};
use crate::umati::{isa95, namespaces};

/// The name that UaExpert shows before it has connected.
const APPLICATION_NAME: &str = "umati-bridge";
const PRODUCT_URI: &str = "urn:umati-bridge";

/// One server, set up and not yet running.
pub struct Server {
    pub(super) library: LibraryServer,
    pub(super) handle: ServerHandle,
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) front_door: FrontDoor,
    pub(super) access: Arc<Access>,
    /// The port that clients know.
    pub(super) port: u16,
    /// Where the library keeps the certificates that it has met.
    pub(super) library_folder: PathBuf,
    endpoints: Vec<String>,
}

impl Server {
    /// Sets up a server over `plant`. Must be called within a tokio runtime: the library starts its clock here.
    ///
    /// `imports` are the NodeSets of [`namespaces::TYPE_URIS`], in that order.
    pub fn build(
        settings: &Settings,
        identity: &Identity,
        plant: Plant,
        imports: Vec<TypeImport>,
    ) -> Result<(Self, Publisher), ServerError> {
        if !settings.is_open() && settings.users.is_empty() {
            return Err(ServerError::NobodyCouldLogIn {
                listen: settings.listen,
            });
        }
        let machines = plant.len();
        let is_open = settings.is_open();
        let viewers = Arc::new(Viewers::of(&settings.users, is_open));
        let plant = plant.seen_by(Arc::clone(&viewers));
        let peers = Peers::new(is_open);
        let trust = Trust::new(identity.pki_dir(), is_open);
        let access = Arc::new(Access::new(peers.clone(), trust.clone(), &settings.users));
        let methods = Methods {
            plant,
            access: Arc::clone(&access),
        };
        let gate = Gate::new(
            &settings.users,
            is_open,
            viewers,
            trust.clone(),
            peers.clone(),
        );
        let served = identity
            .copy_to(&library_folder(identity.pki_dir()).join("served"))
            .map_err(|reason| ServerError::SetUp(reason.to_string()))?;
        let endpoints = endpoints(settings);
        let url = settings.url();
        let application_uri = settings.application_uri.clone();
        let mut builder = ServerBuilder::new()
            .application_name(APPLICATION_NAME)
            .application_uri(&settings.application_uri)
            .product_uri(PRODUCT_URI)
            .build_info(build_info(settings))
            .pki_dir(library_folder(identity.pki_dir()))
            .certificate_path(served.certificate_path())
            .private_key_path(served.key_path())
            // The front door has judged them.
            .trust_client_certs(true)
            .host(settings.url_host())
            .port(settings.port)
            .discovery_urls(vec![url.clone()])
            .limits(limits::limits(machines))
            .subscription_poll_interval_ms(limits::TICK_MS)
            .max_session_timeout_ms(limits::MAX_SESSION_TIMEOUT_MS)
            .diagnostics_enabled(true)
            .with_authenticator(Arc::new(gate))
            .with_type_loader(Arc::new(isa95::Loader))
            // Each manager registers its namespaces when it is built, so their order is the namespace table's.
            .without_node_managers()
            .with_node_manager(InMemoryNodeManagerBuilder::new(CoreNodeManagerBuilder))
            .with_node_manager(Types {
                imports,
                application_uri: settings.application_uri.clone(),
                methods: methods.clone(),
            })
            .with_node_manager(move |context| {
                MachineNodes::new(&context, methods, &application_uri)
            });
        for (name, endpoint) in &endpoints {
            builder = builder.add_endpoint(*name, endpoint.clone());
        }
        let (library, handle) = builder.build().map_err(ServerError::SetUp)?;
        check_namespaces(&handle, &settings.application_uri)?;
        listen_by_any_value(&handle);
        capabilities::tell_the_truth(&handle, machines);
        types::describe_own_namespaces(&handle, &settings.application_uri, &settings.version)?;

        let nodes = handle
            .node_managers()
            .get_of_type::<MachineNodes>()
            .ok_or_else(|| ServerError::SetUp("the machines are missing".to_owned()))?;
        let dispatcher = nodes.dispatcher().clone();
        let server = Self {
            library,
            handle,
            dispatcher: dispatcher.clone(),
            access,
            front_door: FrontDoor::new(
                peers,
                trust,
                &POLICIES.map(|(_, policy)| policy),
                settings.admits_plain_text(),
                machines,
            ),
            port: settings.port,
            library_folder: library_folder(identity.pki_dir()),
            endpoints: endpoints
                .iter()
                .map(|(_, e)| format!("{url} ({}, {})", e.security_policy, e.security_mode))
                .collect(),
        };
        Ok((server, Publisher::new(dispatcher)))
    }

    /// The endpoints, each with its policy and mode, for the operator to read.
    pub fn endpoints(&self) -> &[String] {
        &self.endpoints
    }
}

/// The policies that encrypt; the two deprecated ones stand nowhere.
const POLICIES: [(&str, SecurityPolicy); 3] = [
    ("aes128", SecurityPolicy::Aes128Sha256RsaOaep),
    ("basic256sha256", SecurityPolicy::Basic256Sha256),
    ("aes256", SecurityPolicy::Aes256Sha256RsaPss),
];

/// The library writes the certificate of each client into folders of its own, whatever is decided; the operator's
/// folders are not its to touch.
fn library_folder(pki_dir: &Path) -> PathBuf {
    pki_dir.join("library")
}

fn endpoints(settings: &Settings) -> Vec<(&'static str, ServerEndpoint)> {
    [("none", SecurityPolicy::None)]
        .into_iter()
        .chain(POLICIES)
        .filter(|(_, policy)| settings.admits_plain_text() || *policy != SecurityPolicy::None)
        .map(|(name, policy)| {
            let mode = match policy {
                SecurityPolicy::None => MessageSecurityMode::None,
                _ => MessageSecurityMode::SignAndEncrypt,
            };
            let anonymous = [ANONYMOUS_USER_TOKEN_ID.to_owned()];
            // No path: clients compare the URL with the one that their user typed, letter by letter.
            (name, ServerEndpoint::new("", policy, mode, &anonymous))
        })
        .collect()
}

fn build_info(settings: &Settings) -> BuildInfo {
    BuildInfo {
        product_uri: UAString::from(PRODUCT_URI),
        manufacturer_name: UAString::from(APPLICATION_NAME),
        product_name: UAString::from(APPLICATION_NAME),
        software_version: UAString::from(settings.version.as_str()),
        build_number: UAString::from(settings.version.as_str()),
        build_date: DateTime::epoch(),
    }
}

/// Namespace indices are constants of this program: a server in which they differ would serve nonsense.
fn check_namespaces(handle: &ServerHandle, application_uri: &str) -> Result<(), ServerError> {
    let expected = [(namespaces::SERVER, application_uri.to_owned())]
        .into_iter()
        .chain((namespaces::DI..).zip(namespaces::TYPE_URIS.map(str::to_owned)))
        .chain([(
            namespaces::INSTANCES,
            namespaces::instances_uri(application_uri),
        )]);
    for (index, uri) in expected {
        let found = handle.get_namespace_index(&uri);
        if found != Some(index) {
            return Err(ServerError::Namespace {
                uri,
                expected: index,
                found,
            });
        }
    }
    Ok(())
}
