//! A client of the push interface, over a socket of its own.

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::block_in_place;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Bytes, HandshakeError, Message, WebSocket, client};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};

use crate::stage::Stage;

pub struct Socket(WebSocket<TcpStream>);

/// Whatever does not come within this time never comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The handshake for a printer's socket.
pub fn handshake(stage: &Stage, number: usize) -> Request {
    let url = stage.url(number, "sockjs/websocket");
    url.replace("http://", "ws://")
        .into_client_request()
        .unwrap()
}

/// Why there is no socket.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// The answer had this HTTP status.
    With(u16),
    /// What was answered is no HTTP, or nothing.
    Broken,
}

/// Sends a handshake.
pub fn open(request: Request) -> Result<Socket, Refused> {
    block_in_place(|| {
        let stream = TcpStream::connect(request.uri().authority().unwrap().as_str()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        match client(request, stream) {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(HandshakeError::Failure(Error::Http(answer))) => {
                Err(Refused::With(answer.status().as_u16()))
            }
            Err(HandshakeError::Failure(_)) => Err(Refused::Broken),
            Err(HandshakeError::Interrupted(_)) => panic!("no answer to the handshake"),
        }
    })
}

impl Socket {
    /// Connected and not yet authenticated.
    pub fn stranger(stage: &Stage, number: usize) -> Self {
        let mut socket = open(handshake(stage, number)).unwrap_or_else(|why| panic!("{why:?}"));
        assert_eq!(kind(&socket.next()), "connected");
        socket
    }

    /// Authenticated with a key, and greeted.
    pub async fn listening(stage: &Stage, key: &str, number: usize) -> Self {
        let mut socket = Self::stranger(stage, number);
        socket.authenticate(&session(stage, key, number).await);
        for expected in ["history", "timelapse"] {
            assert_eq!(kind(&socket.next()), expected);
        }
        assert_eq!(name(&socket.next()), "ClientAuthed");
        socket
    }

    pub fn authenticate(&mut self, session: &str) {
        self.send(&json!({ "auth": session }));
    }

    pub fn send(&mut self, message: &Value) {
        self.send_text(message.to_string());
    }

    pub fn send_text(&mut self, text: impl Into<Utf8Bytes>) {
        block_in_place(|| self.0.send(Message::Text(text.into())).unwrap());
    }

    /// The next message of any kind, or how the connection ended.
    pub fn raw(&mut self) -> Result<Message, Error> {
        block_in_place(|| self.0.read())
    }

    /// The next message, which must be one of OctoPrint's.
    pub fn next(&mut self) -> Value {
        parse(&self.raw().unwrap())
    }

    /// All that the server has to say at this virtual time.
    pub fn settle(&mut self) -> Vec<Value> {
        let mut said = Vec::new();
        // The first answer may overtake messages that were due when the ping arrived; the second cannot.
        for round in [b"1", b"2"] {
            let ping = Message::Ping(Bytes::from_static(round));
            block_in_place(|| self.0.send(ping).unwrap());
            loop {
                match self.raw().unwrap() {
                    Message::Pong(answer) if answer.as_ref() == round => break,
                    message => said.push(parse(&message)),
                }
            }
        }
        said
    }

    /// The events among [`Self::settle`].
    pub fn events(&mut self) -> Vec<Value> {
        let mut said = self.settle();
        said.retain(|message| kind(message) == "event");
        said
    }

    /// The single `current` among [`Self::settle`].
    pub fn current(&mut self) -> Value {
        let said = self.settle();
        let mut currents = said.iter().filter(|message| kind(message) == "current");
        let current = currents.next().unwrap_or_else(|| panic!("{said:?}"));
        assert_eq!(currents.next(), None);
        current["current"].clone()
    }

    /// The next message that is a text, whatever it says.
    pub fn text(&mut self) -> String {
        match self.raw().unwrap() {
            Message::Text(text) => text.to_string(),
            other => panic!("{other:?}"),
        }
    }

    pub fn ping(&mut self) {
        block_in_place(|| self.0.send(Message::Ping(Bytes::new())).unwrap());
    }

    /// Says farewell and does not wait for the answer.
    pub fn close(&mut self) {
        block_in_place(|| {
            self.0.close(None).unwrap();
            self.0.flush().unwrap();
        });
    }

    /// The bytes that come until the connection ends.
    pub fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // How the connection ends is not the question here.
        let _ = block_in_place(|| self.0.get_mut().read_to_end(&mut bytes));
        bytes
    }

    /// Waits for the end of the connection; how many messages came before it.
    pub fn outlive(&mut self) -> usize {
        (0..).find(|_| self.raw().is_err()).unwrap_or_default()
    }
}

/// What the client shows its socket after a login.
pub async fn session(stage: &Stage, key: &str, number: usize) -> String {
    let passive = json!({ "passive": true });
    let answer = stage.post_as(Some(key), number, "api/login", passive).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let user = answer.json();
    format!(
        "{}:{}",
        user["name"].as_str().unwrap(),
        user["session"].as_str().unwrap()
    )
}

fn parse(message: &Message) -> Value {
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

/// The one key of a message.
pub fn kind(message: &Value) -> &str {
    let keys: Vec<_> = message.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 1, "{message}");
    keys[0]
}

/// The type of an event.
pub fn name(message: &Value) -> &str {
    message["event"]["type"]
        .as_str()
        .unwrap_or_else(|| panic!("no event: {message}"))
}
