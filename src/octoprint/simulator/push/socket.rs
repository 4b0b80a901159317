//! The life of one socket: `connected`, then silence until the client shows a good session, then all that happens.
//!
//! ```text
//!           good session with STATUS
//! Stranger ──────────────────────────► Listening: history, timelapse, ClientAuthed, then currents and events
//!    ▲  │ any other: reauthRequired         │
//!    │  └──────────► Stranger               │ the session became stale: reauthRequired
//!    └──────────────────────────────────────┘
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Error;
use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::client::{Request, Subscription};
use super::events::event;
use super::fault::{Prank, PushFault};
use super::messages::{self, Samples, ServerClock};
use crate::octoprint::simulator::clock::{Clock, Moment};
use crate::octoprint::simulator::http::endpoint::Endpoint;
use crate::octoprint::simulator::http::fault::Fault;
use crate::octoprint::simulator::http::users::User;
use crate::octoprint::simulator::http::wire::WireFate;
use crate::octoprint::simulator::member::Member;
use crate::octoprint::simulator::printer::Printer;
use crate::octoprint::simulator::printer::happening::Happening;
use crate::octoprint::simulator::trail::Mark;

/// OctoPrint sends a `current` at most this often, in real time; a throttle multiplies it.
const RATE: Duration = Duration::from_millis(500);

/// A client at the door: all that its socket needs besides the connection itself.
pub(crate) struct Visit {
    member: Arc<Member>,
    clock: Clock,
    wire: WireFate,
    shutdown: CancellationToken,
    era: watch::Receiver<u64>,
}

impl Visit {
    pub(crate) fn new(
        member: &Arc<Member>,
        clock: &Clock,
        wire: &WireFate,
        shutdown: &CancellationToken,
    ) -> Self {
        Self {
            era: member.push.era.subscribe(),
            member: Arc::clone(member),
            clock: clock.clone(),
            wire: wire.clone(),
            shutdown: shutdown.clone(),
        }
    }
}

/// Serves a socket to its end. Whoever ends it, no farewell is said.
pub(crate) async fn attend(visit: Visit, socket: WebSocket) {
    let _open = Open::count(&visit.member);
    let mut era = visit.era.clone();
    let shutdown = visit.shutdown.clone();
    tokio::select! {
        biased;
        _ = era.changed() => {}
        () = shutdown.cancelled() => {}
        _ = Socket::new(visit, socket).live() => {}
    }
}

/// Counts an open socket as long as it lives.
struct Open(Arc<Member>);

impl Open {
    fn count(member: &Arc<Member>) -> Self {
        member.push.open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(member))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.push.open.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Socket {
    visit: Visit,
    socket: WebSocket,
    bell: watch::Receiver<()>,
    pranks: Mark,
    throttle: u32,
    subscription: Subscription,
    listener: Option<Listener>,
}

/// An authenticated client.
struct Listener {
    member: Arc<Member>,
    user: User,
    happenings: Mark,
    /// What was told last; `None` before `history`.
    face: Option<Map<String, Value>>,
    /// Up to when samples were told.
    sampled: Moment,
    /// When `history` or the last `current` was sent.
    spoken: Moment,
    news: News,
}

/// What happened since the last `current`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum News {
    Nothing,
    Something,
    /// Among other things the connection to the printer closed.
    Closed,
}

impl Listener {
    fn new(member: &Arc<Member>, clock: &Clock, user: User) -> Self {
        Self {
            member: Arc::clone(member),
            user,
            happenings: member.printer(clock).follow(),
            face: None,
            sampled: Moment::ZERO,
            spoken: Moment::ZERO,
            news: News::Nothing,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.member.printer_unlooked().unfollow();
    }
}

/// What is to be said now, and when to look again at the latest.
#[derive(Default)]
struct Look {
    say: Vec<Value>,
    wake: Option<Moment>,
}

impl Socket {
    fn new(visit: Visit, socket: WebSocket) -> Self {
        let hub = &visit.member.push;
        Self {
            bell: hub.bell.subscribe(),
            pranks: hub.pranks_so_far(),
            visit,
            socket,
            throttle: 1,
            subscription: Subscription::default(),
            listener: None,
        }
    }

    async fn live(mut self) -> Result<(), Error> {
        self.say(&messages::connected()).await?;
        loop {
            self.bell.mark_unchanged();
            let wake = if self.is_silent() {
                self.visit.wire.swallow();
                None
            } else {
                self.visit.wire.deliver();
                for prank in self.visit.member.push.pranks(&mut self.pranks) {
                    self.play(prank).await?;
                }
                let look = self.look();
                for message in &look.say {
                    self.say(message).await?;
                }
                look.wake
            };
            let sleep = async {
                match wake {
                    Some(moment) => self.visit.clock.reach(moment).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = sleep => {}
                _ = self.bell.changed() => {}
                heard = self.socket.recv() => match heard {
                    Some(Ok(Message::Text(text))) => self.hear(&text).await?,
                    Some(Ok(Message::Close(_))) | None => return Ok(()),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error),
                },
            }
        }
    }

    async fn say(&mut self, message: &Value) -> Result<(), Error> {
        self.send(Message::Text(message.to_string().into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Error> {
        self.socket.send(message).await?;
        self.visit
            .member
            .push
            .frames
            .fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn is_silent(&self) -> bool {
        let member = &self.visit.member;
        member.push.faults().contains(&PushFault::Silence)
            || member.fault(Endpoint::Push) == Some(Fault::Hang)
    }

    async fn hear(&mut self, text: &str) -> Result<(), Error> {
        match Request::read(text) {
            None => {}
            Some(Request::Throttle(factor)) => self.throttle = factor,
            Some(Request::Subscribe(subscription)) => self.subscription = subscription,
            Some(Request::Auth { name, session }) => {
                let member = &self.visit.member;
                let user = member.push.sessions().user(&name, &session);
                match user {
                    // Who listens already is not told everything again.
                    Some(user) if user.may("STATUS") => {
                        let clock = &self.visit.clock;
                        self.listener
                            .get_or_insert_with(|| Listener::new(member, clock, user));
                    }
                    Some(_) => {}
                    None => self.become_stranger().await?,
                }
            }
        }
        Ok(())
    }

    async fn become_stranger(&mut self) -> Result<(), Error> {
        self.listener = None;
        self.say(&messages::reauth_required()).await
    }

    async fn play(&mut self, prank: Prank) -> Result<(), Error> {
        match prank {
            Prank::Reauthenticate => self.become_stranger().await,
            Prank::HalfFrame => {
                self.visit.wire.halve();
                self.say(&messages::connected()).await
            }
            Prank::Text(text) => self.send(Message::Text(text.into())).await,
            Prank::Binary(bytes) => self.send(Message::Binary(Bytes::from(bytes))).await,
            Prank::Events(count) => {
                let payload = json!({ "new": 0.4, "old": 0.2 });
                self.flood(&messages::event("ZChange", payload), count)
                    .await
            }
            Prank::Currents(count) => match self.current_now() {
                Some(current) => self.flood(&current, count).await,
                None => Ok(()),
            },
        }
    }

    async fn flood(&mut self, message: &Value, count: usize) -> Result<(), Error> {
        for _ in 0..count {
            self.say(message).await?;
        }
        Ok(())
    }

    fn current_now(&mut self) -> Option<Value> {
        let listener = self.listener.as_mut()?;
        let printer = self.visit.member.printer(&self.visit.clock);
        let faults = self.visit.member.push.faults();
        let now = self.visit.clock.now();
        let clock = server_clock(&self.visit.clock, &faults);
        Some(listener.current(&printer, now, clock, &faults, &self.subscription))
    }

    /// Lets the printer live up to now and finds out what is to be said of it.
    fn look(&mut self) -> Look {
        let Some(listener) = &mut self.listener else {
            return Look::default();
        };
        let (member, clock) = (&self.visit.member, &self.visit.clock);
        let faults = member.push.faults();
        let printer = member.printer(clock);
        let now = clock.now();
        let mut say = Vec::new();
        if listener.face.is_none() {
            say.extend(listener.greeting(&printer, now, server_clock(clock, &faults), &faults));
        }
        let news = printer.happenings(&mut listener.happenings);
        let server = server_clock(clock, &faults);
        say.extend(listener.events(&news, &printer, server, &faults, &self.subscription));
        let next_current = (self.subscription.state
            && (listener.news > News::Nothing || printer.is_talking()))
        .then(|| listener.spoken + clock.within(RATE * self.throttle));
        let next_current = match next_current {
            Some(due) if due <= now => {
                say.push(listener.current(&printer, now, server, &faults, &self.subscription));
                printer
                    .is_talking()
                    .then(|| now + clock.within(RATE * self.throttle))
            }
            later => later,
        };
        let wake = [next_current, printer.next_change()]
            .into_iter()
            .flatten()
            .min();
        Look { say, wake }
    }
}

impl Listener {
    fn greeting(
        &mut self,
        printer: &Printer,
        now: Moment,
        clock: ServerClock<'_>,
        faults: &[PushFault],
    ) -> [Value; 3] {
        let face = messages::face(printer, clock);
        self.face = Some(face.clone());
        (self.sampled, self.spoken) = (now, now);
        let log_bytes = faults.iter().map(|fault| match fault {
            PushFault::LongLog(bytes) => *bytes,
            _ => 0,
        });
        let log_bytes = log_bytes.max().unwrap_or_default();
        [
            messages::history(face, printer, now, clock, log_bytes),
            messages::timelapse(),
            messages::client_authed(self.user),
        ]
    }

    fn events(
        &mut self,
        happenings: &[Happening],
        printer: &Printer,
        clock: ServerClock<'_>,
        faults: &[PushFault],
        wanted: &Subscription,
    ) -> Vec<Value> {
        let mut say = Vec::new();
        for happening in happenings {
            let closed = *happening == Happening::Disconnected;
            self.news = self.news.max(if closed {
                News::Closed
            } else {
                News::Something
            });
            let (name, payload) = event(happening, printer.hardware(), self.user);
            if wanted.wants_event(name) && !faults.contains(&PushFault::Swallow(name)) {
                say.push(messages::event(name, payload));
            }
            if closed && wanted.plugins {
                say.push(messages::notifications_cleared());
            }
        }
        if faults.contains(&PushFault::Lie) {
            say.clear();
        } else if !happenings.is_empty() {
            // A lie that begins now repeats the state that the events have told.
            self.face = Some(messages::face(printer, clock));
        }
        say
    }

    fn current(
        &mut self,
        printer: &Printer,
        now: Moment,
        clock: ServerClock<'_>,
        faults: &[PushFault],
        wanted: &Subscription,
    ) -> Value {
        let truth = || messages::face(printer, clock);
        let face = match &self.face {
            Some(told) if faults.contains(&PushFault::Lie) => told.clone(),
            _ => truth(),
        };
        self.face = Some(face.clone());
        let samples = Samples {
            after: std::mem::replace(&mut self.sampled, now),
            closed: self.news == News::Closed,
        };
        (self.spoken, self.news) = (now, News::Nothing);
        messages::current(face, printer, now, clock, samples, (self.user, wanted))
    }
}

fn server_clock<'a>(clock: &'a Clock, faults: &[PushFault]) -> ServerClock<'a> {
    let mut server = ServerClock {
        clock,
        ahead: Duration::ZERO,
        behind: Duration::ZERO,
    };
    for fault in faults {
        match fault {
            PushFault::Ahead(by) => server.ahead += *by,
            PushFault::Behind(by) => server.behind += *by,
            _ => {}
        }
    }
    server
}
