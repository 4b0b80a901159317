//! A scriptable server: each request is shown to a handler, whose reply is written byte by byte as it says.
//!
//! Hand-written on TCP, because most of what it must do is not HTTP.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A request as it came in; header names in lower case.
#[derive(Debug, Clone)]
pub struct Request {
    pub connection: usize,
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Bytes, and what becomes of the connection after them.
pub struct Reply {
    bytes: Vec<u8>,
    then: Then,
}

enum Then {
    KeepAlive,
    Close,
    Reset,
    /// Says nothing more, and keeps the connection.
    Hang,
    /// Sends one more byte now and then, for ever.
    Drip,
    /// Sends this many bytes more, if it is let.
    Flood(u64),
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", &body.to_string())
    }

    pub fn html(status: u16, body: &str) -> Self {
        Self::text(status, "text/html; charset=utf-8", body)
    }

    pub fn text(status: u16, content_type: &str, body: &str) -> Self {
        let head = format!(
            "Content-Type: {content_type}\r\nContent-Length: {}\r\n",
            body.len()
        );
        Self::head(status, &head).and(body.as_bytes())
    }

    pub fn redirect(status: u16, location: &str) -> Self {
        Self::head(
            status,
            &format!("Location: {location}\r\nContent-Length: 0\r\n"),
        )
    }

    /// A status line and headers (each with its line end); the body is still to come.
    pub fn head(status: u16, headers: &str) -> Self {
        Self::raw(format!("HTTP/1.1 {status} Stub\r\n{headers}\r\n").as_bytes())
    }

    pub fn raw(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            then: Then::KeepAlive,
        }
    }

    pub fn and(mut self, more: &[u8]) -> Self {
        self.bytes.extend_from_slice(more);
        self
    }

    pub fn then_close(self) -> Self {
        Self {
            then: Then::Close,
            ..self
        }
    }

    pub fn then_reset(self) -> Self {
        Self {
            then: Then::Reset,
            ..self
        }
    }

    pub fn then_hang(self) -> Self {
        Self {
            then: Then::Hang,
            ..self
        }
    }

    pub fn then_drip(self) -> Self {
        Self {
            then: Then::Drip,
            ..self
        }
    }

    pub fn then_flood(self, bytes: u64) -> Self {
        Self {
            then: Then::Flood(bytes),
            ..self
        }
    }
}

type Handler = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

/// A running stub; ends when dropped.
pub struct Stub {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    handler: Mutex<Handler>,
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    flooded: AtomicU64,
}

impl Stub {
    pub async fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::on(
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
            None,
            handler,
        )
    }

    pub fn on(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            handler: Mutex::new(Arc::new(handler)),
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            flooded: AtomicU64::new(0),
        });
        let server = tokio::spawn(accept(listener, tls, shared.clone()));
        Self {
            address,
            shared,
            server,
        }
    }

    /// From now on, requests are answered by `handler`.
    pub fn answer(&self, handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
        *self.shared.handler.lock().unwrap() = Arc::new(handler);
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    pub fn count(&self, path: &str) -> usize {
        self.requests()
            .iter()
            .filter(|request| request.path() == path)
            .count()
    }

    pub fn flooded(&self) -> u64 {
        self.shared.flooded.load(Ordering::SeqCst)
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    // A set that is dropped with the task ends the connections too.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let number = shared.connections.fetch_add(1, Ordering::SeqCst);
        let (tls, shared) = (tls.clone(), shared.clone());
        connections.spawn(async move {
            match tls {
                Some(tls) => {
                    // A client that does not trust us gives up here.
                    if let Ok(mut stream) = tls.accept(stream).await {
                        serve(&mut stream, number, &shared).await;
                    }
                }
                None => {
                    if let Ended::Reset = serve(&mut stream, number, &shared).await {
                        reset(stream);
                    }
                }
            }
        });
    }
}

enum Ended {
    Closed,
    Reset,
}

fn reset(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    connection: usize,
    shared: &Shared,
) -> Ended {
    while let Some(request) = read(stream, connection).await {
        shared.requests.lock().unwrap().push(request.clone());
        let handler = shared.handler.lock().unwrap().clone();
        let reply = handler(&request);
        if stream.write_all(&reply.bytes).await.is_err() || stream.flush().await.is_err() {
            return Ended::Closed;
        }
        match reply.then {
            Then::KeepAlive => {}
            Then::Close => return Ended::Closed,
            Then::Reset => return Ended::Reset,
            Then::Hang => std::future::pending().await,
            Then::Drip => drip(stream).await,
            Then::Flood(bytes) => flood(stream, bytes, shared).await,
        }
    }
    Ended::Closed
}

async fn drip<S: AsyncWrite + Unpin>(stream: &mut S) {
    while stream.write_all(b" ").await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn flood<S: AsyncWrite + Unpin>(stream: &mut S, bytes: u64, shared: &Shared) {
    let chunk = [b' '; 64 * 1024];
    for _ in 0..bytes / chunk.len() as u64 {
        if stream.write_all(&chunk).await.is_err() {
            return;
        }
        shared
            .flooded
            .fetch_add(chunk.len() as u64, Ordering::SeqCst);
    }
}

/// A request with as much of a body as it announces; `None` when the client has gone.
async fn read<S: AsyncRead + Unpin>(stream: &mut S, connection: usize) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut request = Request {
        connection,
        method,
        target,
        headers,
        body: String::new(),
    };
    if let Some(length) = request.header("content-length") {
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).await.ok()?;
        request.body = String::from_utf8(body).unwrap();
    }
    Some(request)
}
