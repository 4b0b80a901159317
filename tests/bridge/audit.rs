//! The audit log names the true peer, however many come at once.
#![cfg(target_os = "linux")] // Only there every address of 127.0.0.0/8 is this computer.

use std::net::{Ipv4Addr, SocketAddr};

use opcua::client::{ClientBuilder, IdentityToken};
use opcua::crypto::SecurityPolicy;
use opcua::types::{MessageSecurityMode, UserTokenPolicy};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;

use crate::common::bridge::Bridge;
use crate::plant::block_on;

const VISITORS: u8 = 50;

/// The address that a visitor comes from.
fn home(visitor: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 7, visitor)
}

/// A way to the server that comes out of the visitor's address.
async fn way(visitor: u8, server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a port");
    let way = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket
                .bind(SocketAddr::from((home(visitor), 0)))
                .expect("its address");
            let mut server = socket.connect(server).await.expect("a connection");
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    way
}

async fn visit(visitor: u8, server: SocketAddr) {
    let way = way(visitor, server).await;
    let pki = TempDir::new().expect("a folder");
    let mut client = ClientBuilder::new()
        .application_name("visitor")
        .application_uri(format!("urn:visitor:{visitor}"))
        .pki_dir(pki.path())
        .session_retry_limit(0)
        .client()
        .expect("a client");
    let url = format!("opc.tcp://{way}/");
    let endpoint = (
        url.as_str(),
        SecurityPolicy::None.to_str(),
        MessageSecurityMode::None,
        UserTokenPolicy::anonymous(),
    );
    let (session, event_loop) = client
        .connect_to_endpoint_directly(endpoint, IdentityToken::Anonymous)
        .expect("a session");
    let running = event_loop.spawn();
    assert!(session.wait_for_connection().await, "visitor {visitor}");
    session.disconnect().await.expect("an orderly end");
    running.abort();
}

#[test]
fn fifty_logins_at_once_are_each_told_with_their_own_address() {
    let bridge = Bridge::demo(1);
    let address = bridge.endpoint().trim_start_matches("opc.tcp://");
    let server: SocketAddr = address.trim_end_matches('/').parse().expect("an address");
    block_on(async {
        let mut visits = JoinSet::new();
        for visitor in 1..=VISITORS {
            visits.spawn(visit(visitor, server));
        }
        while let Some(visited) = visits.join_next().await {
            visited.expect("a visit");
        }
    });
    let log = bridge.log();
    for visitor in 1..=VISITORS {
        let (from, application) = (
            format!("from={}:", home(visitor)),
            format!("application=\"urn:visitor:{visitor}\""),
        );
        let lines = log.lines().filter(|line| line.contains(&application));
        let lines: Vec<_> = lines.filter(|line| line.contains("login: ")).collect();
        assert!(
            matches!(lines[..], [line] if line.contains(&from)),
            "{from} {lines:#?}"
        );
    }
}
