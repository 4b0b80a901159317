//! How whoever waits for something at a printer makes its source look sooner than the poll interval.
//!
//! A [`Poke`] only leaves a wish, at no cost and without waiting; [`pace`](super::pace) decides what becomes of it.

use std::future;

use tokio::sync::watch;
use tokio::time::Instant;

/// Leaves wishes with the source of one machine. Clones leave them with the same source.
#[derive(Debug, Clone)]
pub struct Poke(watch::Sender<Wish>);

/// Where a source finds the wishes. One that is [`Default`] never has any.
#[derive(Debug)]
pub struct Looks(watch::Receiver<Wish>);

/// What is wished at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Wish {
    /// How often a look was asked for.
    pub looks: u64,
    pub closely: Option<Closely>,
}

/// To look again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closely {
    pub from: Instant,
    pub until: Instant,
}

impl Poke {
    /// A handle, and what the source is given.
    pub fn new() -> (Self, Looks) {
        let (wishes, looks) = watch::channel(Wish::default());
        (Self(wishes), Looks(looks))
    }

    /// Look as soon as the request that runs has ended.
    pub fn now(&self) {
        self.0.send_modify(|wish| wish.looks += 1);
    }

    /// Look at once, and then again and again with short pauses, until `until` or [`Self::calmly`]. What is seen is
    /// told when it differs from what was told before.
    pub fn closely(&self, until: Instant) {
        let from = Instant::now();
        self.0
            .send_modify(|wish| wish.closely = Some(Closely { from, until }));
    }

    /// Go on at the poll interval.
    pub fn calmly(&self) {
        self.0.send_modify(|wish| wish.closely = None);
    }
}

impl Default for Looks {
    fn default() -> Self {
        Poke::new().1
    }
}

impl Looks {
    /// Waits until the wish is another one; for ever, once nobody is left to wish.
    pub(super) async fn changed(&mut self) -> Wish {
        match self.0.changed().await {
            Ok(()) => *self.0.borrow_and_update(),
            Err(_) => future::pending().await,
        }
    }
}
