//! Passwords: wrong ones are slowed and told, and none is taken without encryption.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use opcua::types::StatusCode;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;

use super::audit;
use super::bench::*;
use super::client::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_right_password_without_encryption_is_refused() {
    let bench = Bench::start().await;
    // The way is open to those who say no name.
    assert!(Client::try_in_plain(&bench.url, VISITOR).await.is_ok());
    for user in [MES_1, OPERATOR] {
        let refused = Client::try_in_plain(&bench.url, user).await.err();
        assert_eq!(
            refused,
            Some(StatusCode::BadIdentityTokenRejected),
            "{user}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_is_told_without_the_password() {
    audit::listen();
    let bench = Bench::start().await;
    for (user, password) in [
        ("mallory", PASSWORD),
        ("oscar\nlogin: who=\"mes:1\"", "guess 1"),
    ] {
        let wrong = identity(user, password);
        assert!(
            Client::try_in(&bench.url, "urn:test:client", wrong)
                .await
                .is_none()
        );
    }
    for (who, password) in [("\"mallory\"", PASSWORD), ("\"oscar\\nlogin", "guess 1")] {
        let told = audit::lines(&format!("who={who}"));
        let [line] = &told[..] else {
            panic!("{told:#?}")
        };
        assert!(
            line.starts_with("WARN login refused: who=") && line.contains("from=127.0.0.1:"),
            "{line}"
        );
        assert!(line.contains("result=BadIdentityTokenRejected"), "{line}");
        assert!(!line.contains(password), "{line}");
    }
}

/// A way to the server that comes out of another address of this computer.
async fn way(home: Ipv4Addr, url: &str) -> String {
    let server: SocketAddr = url.trim_start_matches("opc.tcp://").parse().unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let way = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::from((home, 0))).unwrap();
            let mut server = socket.connect(server).await.unwrap();
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    format!("opc.tcp://{way}")
}

/// Only there every address of 127.0.0.0/8 is this computer.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn many_wrong_passwords_slow_those_who_send_them_and_nobody_else() {
    const GUESSES: usize = 12;
    let bench = Bench::start().await;
    let began = Instant::now();
    let mut guesses = JoinSet::new();
    for _ in 0..GUESSES {
        let url = bench.url.clone();
        guesses.spawn(async move {
            let guess = identity(MES_1, "guess");
            Client::try_in(&url, "urn:test:client", guess)
                .await
                .is_none()
        });
    }
    // The first are answered at once; by then all others are on their way.
    assert!(guesses.join_next().await.unwrap().unwrap());
    let elsewhere = way(Ipv4Addr::new(127, 0, 9, 1), &bench.url).await;
    let operator = Client::log_in(&elsewhere, OPERATOR).await;
    assert!(
        !guesses.is_empty(),
        "somebody else waits longer than they who guess"
    );
    drop(operator);
    while let Some(refused) = guesses.join_next().await {
        assert!(refused.unwrap(), "a guess is let in");
    }
    // The ninth wrong one waits 3.2 s, the tenth and all after it 5 s.
    let lasted = began.elapsed();
    assert!(lasted >= Duration::from_secs(5), "{lasted:?}");
    // Nobody is locked out.
    Client::log_in(&bench.url, MES_1).await;
}
