//! Who sits on the wire of an honest client: its encrypted messages are changed, or sent again.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use opcua::types::StatusCode;

use super::common::PATIENCE;
use super::honest::{Honest, Identity};
use super::siege::Siege;

/// What is made of a message of the client.
type Change = fn(Vec<u8>) -> Vec<u8>;

fn chunk(from: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut chunk = vec![0; 8];
    from.read_exact(&mut chunk)?;
    let size = u32::from_le_bytes(chunk[4..].try_into().unwrap());
    chunk.resize(size as usize, 0);
    from.read_exact(&mut chunk[8..])?;
    Ok(chunk)
}

/// Carries one client to the server. When the client has been let in, one of its messages is changed; gives how the
/// server ends the connection then: the status of its ERR.
fn tampered(siege: &Siege, change: Change) -> StatusCode {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("opc.tcp://{}/", listener.local_addr().unwrap());
    let is_due = AtomicBool::new(false);
    let (tell, told) = mpsc::channel();
    thread::scope(|threads| {
        let is_due = &is_due;
        threads.spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut server = TcpStream::connect(siege.address()).unwrap();
            let mut to_client = client.try_clone().unwrap();
            let mut from_server = server.try_clone().unwrap();
            threads.spawn(move || {
                while let Ok(answer) = chunk(&mut from_server) {
                    if answer.starts_with(b"ERRF") {
                        let status = u32::from_le_bytes(answer[8..12].try_into().unwrap());
                        tell.send(StatusCode::from(status)).unwrap();
                    }
                    let _ = to_client.write_all(&answer);
                }
                let _ = to_client.shutdown(Shutdown::Both);
            });
            while let Ok(mut message) = chunk(&mut client) {
                if message.starts_with(b"MSG") && is_due.swap(false, Ordering::Relaxed) {
                    message = change(message);
                }
                let _ = server.write_all(&message);
            }
            let _ = server.shutdown(Shutdown::Both);
        });
        let trusted = siege.trusted.as_ref().unwrap();
        let identity = Identity::Operator(trusted);
        let client = Honest::start_through(siege.url(), &url, identity);
        is_due.store(true, Ordering::Relaxed);
        let status = told.recv_timeout(PATIENCE).expect("an ERR");
        drop(client);
        status
    })
}

#[test]
fn encrypted_messages_that_were_changed() {
    let siege = Siege::closed();
    let changes: &[(&str, Change)] = &[
        ("the channel", |mut it| {
            it[8] ^= 1;
            it
        }),
        ("the token", |mut it| {
            it[12] ^= 2;
            it
        }),
        ("what is encrypted", |mut it| {
            it[20] ^= 1;
            it
        }),
        ("the signature", |mut it| {
            *it.last_mut().unwrap() ^= 1;
            it
        }),
        ("a message again", |it| [&it[..], &it].concat()),
    ];
    for (what, change) in changes {
        let status = tampered(&siege, *change);
        println!("{what}: {status}");
        assert!(status.is_bad(), "{what}: {status}");
    }
    siege.lift("encrypted messages that were changed");
}
