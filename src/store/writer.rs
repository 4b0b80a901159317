//! The one thread that writes: everything that waits goes into one transaction, so that a hundred machines that have
//! something to keep cost one flush of the disk.
//!
//! ```text
//!           job with a waiter, or checkpoints older than a few seconds
//!  Working ────────────────────────────────────────────────────────────► commit ──Ok──► Working
//!     ▲                                                                     │
//!     └──────────────── Ok ◄── try again, with all that waits ◄── Failing ◄─┘ error: told to the waiters
//! ```
//!
//! What could not be written stays in memory, merged by machine and order, so it is bounded by what the machines keep
//! themselves.

use std::collections::BTreeMap;
use std::mem;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::error::StoreError;
use super::file::{File, News};
use super::journal;
use crate::machine::{Checkpoint, Order, OrderId, Tag, WrittenTag};

/// How long a checkpoint may wait for company.
const PATIENCE: Duration = Duration::from_secs(2);
/// How soon a write that failed is tried again when nothing else comes.
const RETRY: Duration = Duration::from_secs(5);

/// Something to keep.
pub(super) struct Job {
    pub machine: String,
    pub changed: Vec<Order>,
    pub removed: Vec<OrderId>,
    /// All tags of the machine, if one has changed.
    pub tags: Option<BTreeMap<Tag, WrittenTag>>,
    pub checkpoint: Option<Checkpoint>,
    /// Who waits until it is on disk.
    pub done: Option<oneshot::Sender<Result<(), StoreError>>>,
}

enum Message {
    Keep(Box<Job>),
    Close(oneshot::Sender<()>),
}

/// The handle of the thread.
pub(super) struct Writer {
    file: Arc<File>,
    /// `None` only while it is dropped.
    messages: Option<Sender<Message>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// The thread writes what waits, and lets go of the file.
impl Drop for Writer {
    fn drop(&mut self) {
        self.messages = None;
        self.join();
    }
}

impl Writer {
    pub(super) fn start(file: File) -> Result<Self, Arc<std::io::Error>> {
        let file = Arc::new(file);
        let (messages, inbox) = mpsc::channel();
        let worker = Worker {
            file: Arc::clone(&file),
            inbox,
            waiting: BTreeMap::new(),
            waiters: Vec::new(),
            since: None,
            failing: false,
        };
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || worker.run())
            .map_err(Arc::new)?;
        Ok(Self {
            file,
            messages: Some(messages),
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn submit(&self, job: Job) {
        // After `close` nobody listens: the waiter is told by its dropped sender.
        if let Some(messages) = &self.messages {
            let _ = messages.send(Message::Keep(Box::new(job)));
        }
    }

    pub(super) async fn close(&self) {
        let (closed, answer) = oneshot::channel();
        let sent = self
            .messages
            .as_ref()
            .is_some_and(|messages| messages.send(Message::Close(closed)).is_ok());
        if sent {
            let _ = answer.await;
            self.file.close();
        }
    }

    fn join(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // A panic of it was told by the waiters.
            let _ = thread.join();
        }
    }
}

struct Worker {
    file: Arc<File>,
    inbox: Receiver<Message>,
    /// By machine.
    waiting: BTreeMap<String, News>,
    waiters: Vec<oneshot::Sender<Result<(), StoreError>>>,
    /// Since when something waits.
    since: Option<Instant>,
    failing: bool,
}

impl Worker {
    fn run(mut self) {
        loop {
            let patience = if self.failing { RETRY } else { PATIENCE };
            let next = match self.since {
                Some(since) => self
                    .inbox
                    .recv_timeout(patience.saturating_sub(since.elapsed())),
                None => self
                    .inbox
                    .recv()
                    .map_err(|_| RecvTimeoutError::Disconnected),
            };
            match next {
                Ok(Message::Keep(job)) => self.take(*job),
                Ok(Message::Close(closed)) => {
                    self.write();
                    let _ = closed.send(());
                    return;
                }
                Err(RecvTimeoutError::Timeout) => self.write(),
                Err(RecvTimeoutError::Disconnected) => return self.write(),
            }
            // What came meanwhile goes along.
            while !self.waiters.is_empty() {
                match self.inbox.try_recv() {
                    Ok(Message::Keep(job)) => self.take(*job),
                    Ok(Message::Close(closed)) => {
                        self.write();
                        let _ = closed.send(());
                        return;
                    }
                    Err(_) => self.write(),
                }
            }
        }
    }

    fn take(&mut self, job: Job) {
        self.since.get_or_insert_with(Instant::now);
        let news = self.waiting.entry(job.machine).or_default();
        for id in job.removed {
            news.orders.insert(id, None);
        }
        for order in job.changed {
            news.orders.insert(order.id.clone(), Some(order));
        }
        if job.tags.is_some() {
            news.tags = job.tags;
        }
        if job.checkpoint.is_some() {
            news.checkpoint = job.checkpoint;
        }
        self.waiters.extend(job.done);
    }

    fn write(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let outcome = self.file.write(&self.waiting);
        match &outcome {
            Ok(()) => {
                self.waiting.clear();
                self.since = None;
                if mem::replace(&mut self.failing, false) {
                    journal::works_again();
                }
            }
            Err(reason) => {
                self.since = Some(Instant::now());
                if !mem::replace(&mut self.failing, true) {
                    journal::failing(reason);
                }
            }
        }
        for waiter in self.waiters.drain(..) {
            // The waiter may have given up.
            let _ = waiter.send(outcome.clone());
        }
    }
}
