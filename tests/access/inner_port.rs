//! Behind the front door the server library listens on a port of its own, on loopback: who comes there directly is
//! told the endpoints, as everybody is, and is not let in.
#![cfg(target_os = "linux")] // Only there a test can find that port.

use std::io::{Read, Write};
use std::net::TcpStream;

use opcua::client::IdentityToken;
use opcua::types::{MessageSecurityMode, UserTokenPolicy};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::authority::{URI, Workshop, key};
use super::client::{Client, library, library_with};
use super::common::inner_port::inner;
use super::site::{Site, as_user, instance};

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_past_the_front_door_is_not_let_in_with_all_the_right_certificates() {
    let shop = Workshop::new();
    let user = shop.self_signed("Ada", &key(2), "keyUsage=digitalSignature\n", 30);
    let application = shop.client("MES");
    let site = Site::open(shop, json!([instance(1, &user)]), json!([]));
    site.accept(&application);
    site.accept_user(&user);
    let inner = inner(site.process(), site.url());
    let mut endpoint = site.endpoint().await;
    endpoint.endpoint_url = inner.as_str().into();
    let library = library_with(URI, &application);
    let entered = Client::come_by(library, endpoint, as_user(&user)).await;
    assert!(entered.is_err());
    site.told(&["login refused", "it came past the front door"]);
    assert!(site.enter(&application, as_user(&user)).await.is_ok());
}

/// The same where everybody may read.
#[tokio::test(flavor = "multi_thread")]
async fn who_comes_past_the_front_door_of_an_open_server_is_not_let_in_either() {
    let site = Site::open(Workshop::new(), json!([]), json!([]));
    let inner = inner(site.process(), site.url());
    let enter = async |url: &str| {
        let policy = UserTokenPolicy::anonymous();
        let endpoint = (url, "None", MessageSecurityMode::None, policy).into();
        let library = library("urn:test:client");
        Client::come_by(library, endpoint, IdentityToken::Anonymous).await
    };
    assert!(enter(&inner).await.is_err());
    site.told(&["login refused", "it came past the front door"]);
    assert!(enter(site.url()).await.is_ok());
}

/// A greeting in the moment of another's introduction: the library serves both at once, and tells them apart by nothing.
#[tokio::test(flavor = "multi_thread")]
async fn who_greets_the_inner_port_all_the_time_keeps_nobody_out_and_is_nobody() {
    let site = Site::open(Workshop::new(), json!([]), json!([]));
    let inner = inner(site.process(), site.url());
    let address = inner.trim_start_matches("opc.tcp://").to_owned();
    let stop = CancellationToken::new();
    let until = stop.clone();
    let rival = std::thread::spawn(move || {
        let mut greeted = 0;
        while !until.is_cancelled() {
            let mut stream = TcpStream::connect(&address).unwrap();
            stream.write_all(&hello()).unwrap();
            // The ACK.
            stream.read_exact(&mut [0; 28]).unwrap();
            greeted += 1;
        }
        greeted
    });
    for _ in 0..10 {
        let policy = UserTokenPolicy::anonymous();
        let endpoint = (site.url(), "None", MessageSecurityMode::None, policy).into();
        let library = library("urn:test:client");
        let entered = Client::come_by(library, endpoint, IdentityToken::Anonymous).await;
        assert!(entered.is_ok(), "{:?}", entered.err());
    }
    stop.cancel();
    assert!(rival.join().unwrap() > 0);
}

fn hello() -> Vec<u8> {
    let url = b"opc.tcp://127.0.0.1/";
    let size = 8 + 20 + 4 + url.len();
    let mut hello = b"HELF".to_vec();
    for number in [size, 0, 65_535, 65_535, 0, 0, url.len()] {
        hello.extend(u32::try_from(number).unwrap().to_le_bytes());
    }
    hello.extend(url);
    hello
}
