//! Requests of one connection that are not answered yet.
//!
//! The library takes any number of them, and keeps every answer that the client does not take. So no more than
//! [`MAX_REQUESTS_AT_A_TIME`] are passed on, and none while the client does not take what it is sent; the next waits in
//! what is read ahead of it, and the others in the client's own socket.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use opcua::types::StatusCode;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::wire::End;
use crate::server::limits::MAX_REQUESTS_AT_A_TIME;

/// How long a request waits for an answer to another: longer than a client waits for its own.
const WAIT: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Outstanding {
    count: AtomicUsize,
    is_paused: AtomicBool,
    /// Something of the two is different.
    changed: Notify,
}

impl Outstanding {
    /// Waits until there is room for one more request.
    ///
    /// # Errors
    /// None of the others is answered, or no answer is taken.
    pub(super) async fn room(&self) -> Result<(), End> {
        while self.is_paused.load(Ordering::Relaxed)
            || self.count.load(Ordering::Relaxed) >= MAX_REQUESTS_AT_A_TIME
        {
            // A permit is kept for a change that comes between the two.
            if timeout(WAIT, self.changed.notified()).await.is_err() {
                return Err(End::refused(
                    StatusCode::BadTooManyOperations,
                    "too many requests wait for their answers",
                ));
            }
        }
        Ok(())
    }

    /// A request is passed on.
    pub(super) fn asked(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// An answer was taken.
    pub(super) fn answered(&self) {
        let fewer = |count: usize| count.checked_sub(1);
        let _ = self
            .count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
        self.changed.notify_one();
    }

    /// The client does not take what it is sent.
    pub(super) fn pause(&self) {
        self.is_paused.store(true, Ordering::Relaxed);
    }

    /// It does again.
    pub(super) fn go_on(&self) {
        self.is_paused.store(false, Ordering::Relaxed);
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_takes_nothing_waits() {
        let outstanding = Outstanding::default();
        outstanding.pause();
        let room = outstanding.room();
        tokio::pin!(room);
        tokio::select! {
            biased;
            _ = &mut room => panic!("it does not wait"),
            () = std::future::ready(()) => {}
        }
        outstanding.go_on();
        room.await.unwrap();
    }

    #[tokio::test]
    async fn one_more_waits_for_an_answer() {
        let outstanding = Outstanding::default();
        for _ in 0..MAX_REQUESTS_AT_A_TIME {
            outstanding.room().await.unwrap();
            outstanding.asked();
        }
        let room = outstanding.room();
        tokio::pin!(room);
        tokio::select! {
            biased;
            _ = &mut room => panic!("there is no room"),
            () = std::future::ready(()) => {}
        }
        outstanding.answered();
        room.await.unwrap();
    }
}
