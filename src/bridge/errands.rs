//! What OctoPrint is asked to do, and who waits for it.
//!
//! ```text
//!  taken on ─► asked ──taken──► looked at closely ──goal reached, missed──► answered
//!                │                   │
//!                └─not taken─► failed◄┴─too late
//! ```
//!
//! An action runs beside the machine's task, so nobody waits for OctoPrint but the caller.

use std::future;
use std::mem;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::machine::{Goal, Machine, OrderId, PrinterAction, Refusal, Timestamp};
use crate::octoprint::{Controller, Poke};

/// How long OctoPrint may take until the state is reached: a pause may first have to park the head.
const PATIENCE: Duration = Duration::from_secs(50);

/// Where an answer goes; nobody may wait for it any more.
pub(super) type Reply = oneshot::Sender<Result<(), Refusal>>;

/// The actions of one machine that are under way.
pub(super) struct Errands {
    controller: Controller,
    poke: Poke,
    asking: JoinSet<(OrderId, PrinterAction, Result<(), Refusal>)>,
    waiting: Vec<Errand>,
    /// Admitted, and not asked for yet.
    admitted: Vec<(OrderId, PrinterAction)>,
}

struct Errand {
    order: OrderId,
    action: PrinterAction,
    /// `None` if the queue of orders wanted it.
    reply: Option<Reply>,
    until: Instant,
}

/// An action that came to nothing.
#[derive(Debug, PartialEq)]
pub(super) struct Failed {
    pub order: OrderId,
    pub action: PrinterAction,
    pub why: Refusal,
}

impl Errands {
    pub(super) fn new(controller: Controller, poke: Poke) -> Self {
        Self {
            controller,
            poke,
            asking: JoinSet::new(),
            waiting: Vec::new(),
            admitted: Vec::new(),
        }
    }

    /// Takes on an errand, which begins with [`Self::ask`]. The answer follows when the state is reached, or cannot be.
    pub(super) fn take_on(&mut self, order: OrderId, action: PrinterAction, reply: Option<Reply>) {
        self.admitted.push((order.clone(), action.clone()));
        self.waiting.push(Errand {
            order,
            action,
            reply,
            until: Instant::now() + PATIENCE,
        });
    }

    /// Asks OctoPrint for what was admitted, and is on the disk by now: after a crash it is known what was asked.
    pub(super) fn ask(&mut self) {
        for (order, action) in mem::take(&mut self.admitted) {
            let controller = self.controller.clone();
            self.asking.spawn(async move {
                let taken = controller.act(&action).await;
                (order, action, taken)
            });
        }
    }

    /// Waits for the next action that fails; for ever, if none does. Nothing is lost if the wait is broken off.
    pub(super) async fn failed(&mut self) -> Failed {
        loop {
            let due = self.waiting.iter().map(|errand| errand.until).min();
            tokio::select! {
                asked = join_next(&mut self.asking) => match asked {
                    (_, _, Ok(())) => self.poke.closely(Instant::now() + PATIENCE),
                    (order, action, Err(why)) => return Failed { order, action, why },
                },
                () = sleep_until(due) => {
                    let now = Instant::now();
                    if let Some(late) = self.waiting.iter().find(|errand| errand.until <= now) {
                        return Failed {
                            order: late.order.clone(),
                            action: late.action.clone(),
                            why: Refusal::TimedOut,
                        };
                    }
                }
            }
        }
    }

    /// Takes the errands that have come to an end off the machine, and gives the answers to those who wait.
    /// `failed` is what [`Self::failed`] told.
    pub(super) fn settle(
        &mut self,
        machine: &mut Machine,
        failed: Option<&Failed>,
        at: Timestamp,
    ) -> Vec<(Reply, Result<(), Refusal>)> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let mut answers = Vec::new();
        for errand in mem::take(&mut self.waiting) {
            let failure =
                failed.filter(|it| it.order == errand.order && it.action == errand.action);
            let outcome = match (failure, machine.goal(&errand.order, &errand.action)) {
                (_, Goal::Reached) => Ok(()),
                (Some(failed), _) => Err(failed.why),
                (None, Goal::Missed(why)) => Err(why),
                (None, Goal::Pending) => {
                    self.waiting.push(errand);
                    continue;
                }
            };
            if let Err(why) = outcome {
                machine.act_failed(&errand.order, &errand.action, why, at);
            }
            answers.extend(errand.reply.map(|reply| (reply, outcome)));
        }
        if self.waiting.is_empty() {
            self.poke.calmly();
        }
        answers
    }
}

/// The next action that was asked for; for ever, if there is none. One that panicked was reported by its error.
async fn join_next(
    asking: &mut JoinSet<(OrderId, PrinterAction, Result<(), Refusal>)>,
) -> (OrderId, PrinterAction, Result<(), Refusal>) {
    loop {
        match asking.join_next().await {
            Some(Ok(asked)) => return asked,
            // The deadline answers the caller.
            Some(Err(_)) => {}
            None => future::pending().await,
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => future::pending().await,
    }
}
