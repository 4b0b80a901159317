//! What asks the process to end: SIGTERM and Ctrl-C; where there are no Unix signals, Ctrl-C alone.

use std::io;

use tokio_util::sync::CancellationToken;

/// Cancels `shutdown` when the process is asked to end. Must be called within a tokio runtime.
///
/// # Errors
/// If the system does not tell of signals.
pub(crate) fn cancel_on_request(shutdown: &CancellationToken) -> io::Result<()> {
    let request = request()?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        request.await;
        shutdown.cancel();
    });
    Ok(())
}

#[cfg(unix)]
fn request() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn request() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Who cannot hear Ctrl-C runs until it is ended from outside.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}
