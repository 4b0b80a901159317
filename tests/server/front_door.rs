//! What the front door refuses before the server sees it, and that everybody else is served meanwhile.

use opcua::types::{AttributeId, NodeId, ReadValueId, StatusCode, TimestampsToReturn};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use umati_bridge::server::MAX_REQUEST_SIZE;
use umati_bridge::umati::namespaces as ns;

use super::bench::*;

fn frame(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(8 + body.len()).unwrap();
    [&kind[..], &size.to_le_bytes(), body].concat()
}

fn text(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap();
    [&length.to_le_bytes(), text.as_bytes()].concat()
}

fn hello() -> Vec<u8> {
    let mut body = Vec::new();
    for number in [0_u32, 65_536, 65_536, 0, 0] {
        body.extend(number.to_le_bytes());
    }
    body.extend(text("opc.tcp://127.0.0.1/"));
    frame(b"HELF", &body)
}

fn opening(policy: &str) -> Vec<u8> {
    let mut body = 0_u32.to_le_bytes().to_vec();
    body.extend(text(policy));
    // No certificate and no thumbprint.
    body.extend([0xff; 8]);
    body.extend([0; 64]);
    frame(b"OPNF", &body)
}

/// A header that says more than will come.
fn huge(kind: &[u8; 4]) -> Vec<u8> {
    [&kind[..], &0x7fff_fff0_u32.to_le_bytes()].concat()
}

/// The status of the ERR message that ends the connection.
fn refusal(mut answer: &[u8]) -> Option<StatusCode> {
    while let Some((header, rest)) = answer.split_first_chunk::<8>() {
        let [kind @ .., _, a, b, c, d] = header;
        let size = u32::from_le_bytes([*a, *b, *c, *d]) as usize - 8;
        if kind == b"ERR" {
            return Some(StatusCode::from(u32::from_le_bytes(*rest.first_chunk()?)));
        }
        answer = rest.get(size..)?;
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_in_order_is_refused_with_its_status() {
    let bench = Bench::start().await;
    bench.set(INT32, good(7));
    let client = bench.connect().await;
    let address = bench.url.trim_start_matches("opc.tcp://").to_owned();
    let after_hello = |more: Vec<u8>| [hello(), more].concat();
    for (what, bytes, status) in [
        (
            "no OPC UA at all",
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            StatusCode::BadTcpMessageTypeInvalid,
        ),
        (
            "a request without a greeting",
            frame(b"MSGF", &[0; 16]),
            StatusCode::BadTcpMessageTypeInvalid,
        ),
        (
            "a greeting of 2 GB",
            huge(b"HELF"),
            StatusCode::BadTcpMessageTooLarge,
        ),
        (
            "two greetings",
            after_hello(hello()),
            StatusCode::BadTcpMessageTypeInvalid,
        ),
        (
            "an OPN of 2 GB",
            after_hello(huge(b"OPNF")),
            StatusCode::BadTcpMessageTooLarge,
        ),
        (
            "an OPN in pieces",
            after_hello(frame(b"OPNC", &[0; 16])),
            StatusCode::BadTcpMessageTypeInvalid,
        ),
        (
            "a request before the channel",
            after_hello(frame(b"MSGF", &[0; 16])),
            StatusCode::BadTcpMessageTypeInvalid,
        ),
        (
            "a policy that is not served",
            after_hello(opening(
                "http://opcfoundation.org/UA/SecurityPolicy#Basic128Rsa15",
            )),
            StatusCode::BadSecurityPolicyRejected,
        ),
    ] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        // A reset is an end, too: bytes may have been left unread.
        let _ = ended.unwrap_or_else(|_| panic!("{what}: not ended"));
        assert_eq!(refusal(&answer), Some(status), "{what}");
        let read = client.read(node(0, INT32), AttributeId::Value).await;
        assert_eq!(read.value, Some(7.into()), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_too_large_ends_its_connection_and_no_other() {
    let bench = Bench::start().await;
    bench.set(INT32, good(7));
    let other = bench.connect().await;
    let client = bench.connect().await;
    let name = "x".repeat(1000);
    let id = NodeId::new(ns::INSTANCES, name);
    let ids = vec![ReadValueId::new(id, AttributeId::Value); MAX_REQUEST_SIZE / 1000 + 1];
    let answer = client.session.read(&ids, TimestampsToReturn::Both, 0.0);
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    assert!(answer.expect("an end").is_err());
    let read = other.read(node(0, INT32), AttributeId::Value).await;
    assert_eq!(read.value, Some(7.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_keep_nobody_out() {
    let bench = Bench::start().await;
    bench.set(INT32, good(7));
    let address = bench.url.trim_start_matches("opc.tcp://").to_owned();
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(&address).await.unwrap());
    }
    let client = bench.connect().await;
    let read = client.read(node(0, INT32), AttributeId::Value).await;
    assert_eq!(read.value, Some(7.into()));
    // The server ends although they are still there.
    drop(client);
    tokio::time::timeout(PATIENCE, bench.stop())
        .await
        .expect("the server ends");
}
