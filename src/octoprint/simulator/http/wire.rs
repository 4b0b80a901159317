//! A TCP connection that can be told to spoil what the HTTP server writes to it: the faults that no HTTP server
//! would commit by itself.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Accepts [`Wire`]s.
pub(super) struct WireListener(pub TcpListener);

/// See the [module](self).
pub(super) struct Wire {
    stream: TcpStream,
    fate: WireFate,
}

/// What becomes of the bytes written next. Clones share the fate of one connection.
#[derive(Debug, Clone, Default)]
pub(in crate::octoprint::simulator) struct WireFate(Arc<Mutex<Fate>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Fate {
    #[default]
    Deliver,
    Sever,
    Garble,
    Swallow,
    Halve,
}

/// What an OctoPrint that is still starting sends in place of a response.
const GARBAGE: &[u8] = b"Not found";

impl WireFate {
    /// Nothing more is sent: the connection closes.
    pub(super) fn sever(&self) {
        self.set(Fate::Sever);
    }

    /// [`GARBAGE`] is sent in place of the response; then the connection closes.
    pub(super) fn garble(&self) {
        self.set(Fate::Garble);
    }

    /// Half of what is written next is sent; then the connection closes.
    pub(in crate::octoprint::simulator) fn halve(&self) {
        self.set(Fate::Halve);
    }

    /// What is written next vanishes, unnoticed by who wrote it.
    pub(in crate::octoprint::simulator) fn swallow(&self) {
        self.set(Fate::Swallow);
    }

    /// What is written next is sent again.
    pub(in crate::octoprint::simulator) fn deliver(&self) {
        self.set(Fate::Deliver);
    }

    /// Whether the client gets what the HTTP server writes.
    pub(super) fn delivers(&self) -> bool {
        self.get() == Fate::Deliver
    }

    fn get(&self) -> Fate {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, fate: Fate) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fate;
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let (sent, then) = match self.fate.get() {
            Fate::Deliver => return Pin::new(&mut self.stream).poll_write(cx, bytes),
            Fate::Swallow => return Poll::Ready(Ok(bytes.len())),
            Fate::Sever => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Fate::Garble => (GARBAGE, Fate::Swallow),
            Fate::Halve => (&bytes[..bytes.len() / 2], Fate::Sever),
        };
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, sent))?;
        self.fate.set(then);
        // The HTTP server must not learn that its bytes were exchanged for others.
        Poll::Ready(Ok(match then {
            Fate::Swallow => bytes.len(),
            _ => written,
        }))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Listener for WireListener {
    type Io = Wire;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        // Of the two listeners this one backs off on errors of `accept`.
        let (stream, peer) = Listener::accept(&mut self.0).await;
        // Answers are small and somebody waits for each: do not collect them.
        let _ = stream.set_nodelay(true);
        let fate = WireFate::default();
        (Wire { stream, fate }, peer)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, WireListener>> for WireFate {
    fn connect_info(incoming: IncomingStream<'_, WireListener>) -> Self {
        incoming.io().fate.clone()
    }
}
