//! A server with the machines of [`shop`](super::shop) and a user of every role.

use std::path::Path;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use opcua::types::NodeId;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use umati_bridge::machine::Observation;
use umati_bridge::password::Hash;
use umati_bridge::server::{
    Ended, Identity, Login, Plant, Role, Server, ServerError, Settings, Sight, User, Viewer,
};
use umati_bridge::umati::{namespaces as ns, nodesets};

use super::shop;

/// Generous: it only bounds how long a failing test takes.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub const APPLICATION_URI: &str = "urn:test:umati-bridge";
pub const PASSWORD: &str = "open sesame";

/// Controls the machines of instance 1.
pub const MES_1: &str = "mes1";
/// Observes the machines of instance 2.
pub const MES_2: &str = "mes2";
pub const OPERATOR: &str = "anna";
/// Says no name.
pub const VISITOR: &str = "";

/// Key generation and hashes take seconds in a debug build: the servers of this crate share them.
static STATE: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
static HASH: LazyLock<String> = LazyLock::new(|| Hash::of(PASSWORD).unwrap().expose());

pub struct Bench {
    pub url: String,
    /// What is seen of each of [`shop::MACHINES`].
    pub eyes: Vec<mpsc::Sender<Observation>>,
    shutdown: CancellationToken,
    _running: JoinHandle<Result<Ended, ServerError>>,
}

impl Bench {
    /// Visitors are let in, on this computer also without encryption.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let settings = settings(STATE.path(), port);
        let shop = shop::open();
        let (server, publisher) = {
            // Two tests must not make the identity at once.
            static MAKING: Mutex<()> = Mutex::new(());
            let _making = MAKING.lock().unwrap();
            let identity = Identity::load_or_create(&settings).unwrap();
            let types = nodesets::imports().unwrap();
            let types = types.into_iter().map(|it| Box::new(it) as _).collect();
            Server::build(&settings, &identity, Plant::new(shop.served), types).unwrap()
        };
        assert!(shop.publisher.set(publisher).is_ok());
        let shutdown = CancellationToken::new();
        Self {
            url: format!("opc.tcp://127.0.0.1:{port}"),
            eyes: shop.eyes,
            _running: tokio::spawn({
                let shutdown = shutdown.clone();
                async move { server.run(&listener, shutdown).await }
            }),
            shutdown,
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn settings(state_dir: &Path, port: u16) -> Settings {
    let user = |name: &str, role, sight| User {
        viewer: Viewer {
            name: name.to_owned(),
            role,
            sight,
        },
        login: Login::Password {
            user: name.to_owned(),
            hash: Hash::parse(&HASH).unwrap(),
        },
    };
    let users = [
        user(MES_1, Role::Control, Sight::Instance(1)),
        user(MES_2, Role::Observe, Sight::Instance(2)),
        user(OPERATOR, Role::Operator, Sight::All),
    ];
    Settings {
        listen: "127.0.0.1".parse().unwrap(),
        port,
        public_hostname: None,
        application_uri: APPLICATION_URI.to_owned(),
        state_dir: state_dir.to_owned(),
        allow_anonymous: true,
        users: users.into_iter().collect(),
        version: "1.2.3".to_owned(),
    }
}

/// A node by its path below a machine; `""` is the machine.
pub fn node(machine: &str, path: &str) -> NodeId {
    let name = match path {
        "" => machine.to_owned(),
        path => format!("{machine}/{path}"),
    };
    NodeId::new(ns::INSTANCES, name)
}
