//! Who is at the other end of a connection: the library tells neither the address nor the channel's certificate.
//!
//! A connection is known by three things, learned one after the other:
//!
//! | known by | learned from |
//! |---|---|
//! | its place | the accept loop |
//! | the library's task that serves it | its introduction |
//! | its secure channels | the answers to OPN, in which the number of the channel stands in clear |
//!
//! **Introduction.** The library calls a hook of ours (`user_token_policies`) in the task that serves a connection,
//! and that task is all that a hook can know of. It does so for the HEL, too, before it answers. So the HEL of each
//! connection, which the front door has whole before it begins, is passed on while no other is, and the task that
//! calls the hook until the answer comes is the one of the connection. No client is waited for.
//!
//! The library listens on loopback, so somebody on this computer may send a HEL of their own in that moment. Then two
//! tasks call the hook, neither is taken, and the connection is introduced once more. A task that was never
//! introduced has come past the front door: it is nobody.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use opcua::crypto::SecurityPolicy;
use opcua::types::StatusCode;
use tokio::sync::watch;
use tokio::task;

use super::super::pki::ClientCertificate;
use super::crowd::{self, Member, Origin, Verdict};
use super::unfinished::{Applicant, Unfinished};

/// Tasks that are remembered as nobody's, so that each can disturb one introduction only.
const PASSERS_BY: usize = 256;

/// One connection from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) struct Peer {
    /// The true address of the client.
    pub address: SocketAddr,
    /// The certificate of the secure channel, judged when the channel was opened; `None` without security.
    pub certificate: Option<ClientCertificate>,
}

/// The connections of one server. Cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::server) struct Peers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Whoever shows any certificate is let in, so certificates tell nobody from somebody else.
    is_open: bool,
    known: Mutex<Known>,
    /// Held by the connection that is being introduced.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    next: u64,
    /// In the order in which they came.
    connections: BTreeMap<u64, Connection>,
    tasks: HashMap<task::Id, u64>,
    channels: HashMap<u32, u64>,
    introduction: Option<Introduction>,
    passers_by: VecDeque<task::Id>,
    unfinished: Unfinished,
}

#[derive(Debug)]
struct Introduction {
    of: u64,
    /// Who has called the hook meanwhile and is not known yet.
    callers: Vec<task::Id>,
}

#[derive(Debug)]
struct Connection {
    peer: Peer,
    /// Of its newest channel.
    policy: SecurityPolicy,
    has_logged_in: Arc<AtomicBool>,
    /// Why it is to be cut.
    cut: watch::Sender<Option<StatusCode>>,
}

impl Connection {
    /// Who answers for the sessions that are created and not activated. Nobody without encryption, where they die with
    /// their connection. Where every certificate is accepted, an address says more about who it is, but not one that
    /// all programs of this computer share.
    fn applicant(&self, is_open: bool) -> Option<Applicant> {
        let certificate = self.peer.certificate.as_ref()?;
        let origin = Origin::of(self.peer.address.ip());
        if is_open && !origin.is_this_computer() {
            Some(Applicant::Origin(origin))
        } else {
            Some(Applicant::Certificate(certificate.thumbprint))
        }
    }
}

impl Peers {
    pub(in crate::server) fn new(is_open: bool) -> Self {
        Self(Arc::new(Shared {
            is_open,
            known: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }))
    }

    /// The connection that the running task serves; for the hooks that the library calls while it serves a request
    /// of the connection itself (CreateSession, ActivateSession, GetEndpoints). `None`: it came past the front door.
    pub(in crate::server) fn of_this_task(&self) -> Option<Peer> {
        let known = self.known();
        let connection = known.tasks.get(&task::try_id()?)?;
        Some(known.connections.get(connection)?.peer.clone())
    }

    /// The hook is called that the library calls for HEL, GetEndpoints and CreateSession once for each endpoint; some
    /// others call it for the endpoint of their channel alone.
    pub(in crate::server) fn hook(&self, endpoint: SecurityPolicy) {
        let Some(task) = task::try_id() else { return };
        let known = &mut *self.known();
        let Some(&id) = known.tasks.get(&task) else {
            known.unknown_caller(task);
            return;
        };
        let Some(connection) = known.connections.get(&id) else {
            return;
        };
        // So that each request is counted once.
        let counted = match connection.policy {
            SecurityPolicy::Basic256Sha256 => SecurityPolicy::Aes128Sha256RsaOaep,
            _ => SecurityPolicy::Basic256Sha256,
        };
        if endpoint == counted
            && let Some(applicant) = connection.applicant(self.0.is_open)
            && !known.unfinished.begin(applicant, Instant::now())
        {
            connection
                .cut
                .send_replace(Some(StatusCode::BadTooManySessions));
        }
    }

    /// A session was activated over this channel. `is_first`: for the first time.
    pub(in crate::server) fn logged_in(&self, secure_channel: u32, is_first: bool) {
        let known = &mut *self.known();
        let Some(connection) = known
            .channels
            .get(&secure_channel)
            .and_then(|id| known.connections.get(id))
        else {
            return;
        };
        connection.has_logged_in.store(true, Ordering::Relaxed);
        if is_first && let Some(applicant) = connection.applicant(self.0.is_open) {
            known.unfinished.finish(applicant, Instant::now());
        }
    }

    /// The connection of a secure channel.
    pub(in crate::server) fn of_channel(&self, secure_channel: u32) -> Option<Peer> {
        let known = self.known();
        let connection = known.channels.get(&secure_channel)?;
        Some(known.connections.get(connection)?.peer.clone())
    }

    /// Ends a connection with an ERR message.
    pub(in crate::server) fn cut(&self, secure_channel: u32, why: StatusCode) {
        let known = self.known();
        let connection = known
            .channels
            .get(&secure_channel)
            .and_then(|id| known.connections.get(id));
        if let Some(connection) = connection {
            connection.cut.send_replace(Some(why));
        }
    }

    /// A place for a new connection, for which an older one may have to go; `None` if there are too many. `most` in
    /// all.
    pub(super) fn admit(&self, address: SocketAddr, most: usize) -> Option<Place> {
        let known = &mut *self.known();
        let members: Vec<Member> = known.members().collect();
        match crowd::judge(&members, Origin::of(address.ip()), most) {
            Verdict::Admit => {}
            Verdict::Replace(oldest) => {
                if let Some(connection) = known.connections.get(&oldest) {
                    connection
                        .cut
                        .send_replace(Some(StatusCode::BadTcpServerTooBusy));
                }
            }
            Verdict::Refuse => return None,
        }
        let id = known.next;
        known.next += 1;
        let (cut, wish) = watch::channel(None);
        let has_logged_in = Arc::new(AtomicBool::new(false));
        let connection = Connection {
            peer: Peer {
                address,
                certificate: None,
            },
            policy: SecurityPolicy::None,
            has_logged_in: Arc::clone(&has_logged_in),
            cut,
        };
        known.connections.insert(id, connection);
        Some(Place {
            peers: self.clone(),
            id,
            address,
            wish,
            has_logged_in,
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn members(&self) -> impl Iterator<Item = Member> {
        self.connections.iter().map(|(id, it)| Member {
            id: *id,
            origin: Origin::of(it.peer.address.ip()),
            is_stranger: !it.has_logged_in.load(Ordering::Relaxed),
            is_going: it.cut.borrow().is_some(),
        })
    }

    fn unknown_caller(&mut self, task: task::Id) {
        if self.passers_by.contains(&task) {
            return;
        }
        match &mut self.introduction {
            Some(introduction) if introduction.callers.contains(&task) => {}
            Some(introduction) => introduction.callers.push(task),
            None => self.passes_by(task),
        }
    }

    fn passes_by(&mut self, task: task::Id) {
        if self.passers_by.len() >= PASSERS_BY {
            self.passers_by.pop_front();
        }
        self.passers_by.push_back(task);
    }
}

/// What an introduction came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Introduced {
    Known,
    /// Somebody else has called at the same time, or nobody.
    Unclear,
}

/// The place of one connection. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    peers: Peers,
    id: u64,
    pub address: SocketAddr,
    wish: watch::Receiver<Option<StatusCode>>,
    has_logged_in: Arc<AtomicBool>,
}

impl Place {
    /// The client has shown this certificate and it was accepted.
    pub(super) fn certified(&self, policy: SecurityPolicy, certificate: Option<ClientCertificate>) {
        if let Some(connection) = self.peers.known().connections.get_mut(&self.id) {
            connection.policy = policy;
            connection.peer.certificate = certificate;
        }
    }

    pub(super) fn certificate(&self) -> Option<ClientCertificate> {
        let known = self.peers.known();
        known.connections.get(&self.id)?.peer.certificate.clone()
    }

    /// The library has opened this channel for it.
    pub(super) fn channel(&self, secure_channel: u32) {
        self.peers.known().channels.insert(secure_channel, self.id);
    }

    /// Whether nobody has logged in over this connection yet.
    pub(super) fn is_stranger(&self) -> bool {
        !self.has_logged_in.load(Ordering::Relaxed)
    }

    /// Whether its client has created too many sessions that were never activated.
    pub(super) fn has_to_wait(&self) -> bool {
        let known = self.peers.known();
        let applicant = known
            .connections
            .get(&self.id)
            .and_then(|it| it.applicant(self.peers.0.is_open));
        applicant.is_some_and(|it| !known.unfinished.may_begin(&it, Instant::now()))
    }

    /// So many sessions were created without encryption that could not be closed.
    pub(super) fn left_behind(&self, sessions: usize) {
        let origin = Applicant::Origin(Origin::of(self.address.ip()));
        let mut known = self.peers.known();
        for _ in 0..sessions {
            known.unfinished.begin(origin, Instant::now());
        }
    }

    /// Whether too many were.
    pub(super) fn has_left_too_many(&self) -> bool {
        let origin = Applicant::Origin(Origin::of(self.address.ip()));
        let known = self.peers.known();
        !known.unfinished.may_begin(&origin, Instant::now())
    }

    /// Lets the library meet a connection, by `greet`, while it meets no other. `greet` must not wait for the client:
    /// others wait for it.
    pub(super) async fn introduce<T>(&self, greet: impl Future<Output = T>) -> (T, Introduced) {
        let _turn = self.peers.0.turn.lock().await;
        // Ends with the turn also if the connection is dropped meanwhile.
        let over = Over(&self.peers);
        self.peers.known().introduction = Some(Introduction {
            of: self.id,
            callers: Vec::new(),
        });
        let greeted = greet.await;
        let introduced = over.0.known().end_introduction();
        (greeted, introduced)
    }

    /// Waits until the connection is to be cut, and tells why.
    pub(super) async fn is_cut(&self) -> StatusCode {
        let mut wish = self.wish.clone();
        loop {
            if let Some(why) = *wish.borrow_and_update() {
                return why;
            }
            if wish.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

impl Known {
    fn end_introduction(&mut self) -> Introduced {
        let Some(Introduction { of, callers }) = self.introduction.take() else {
            return Introduced::Unclear;
        };
        if let [task] = callers[..] {
            self.tasks.insert(task, of);
            return Introduced::Known;
        }
        callers.into_iter().for_each(|task| self.passes_by(task));
        Introduced::Unclear
    }
}

struct Over<'a>(&'a Peers);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.known().introduction = None;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut known = self.peers.known();
        known.connections.remove(&self.id);
        known.tasks.retain(|_, id| *id != self.id);
        known.channels.retain(|_, id| *id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::limits;
    use super::*;

    const ENDPOINT: SecurityPolicy = SecurityPolicy::Basic256Sha256;

    fn place(peers: &Peers, port: u16) -> Place {
        let address = SocketAddr::from(([192, 0, 2, 1], port));
        peers.admit(address, limits::MAX_CONNECTIONS).unwrap()
    }

    /// A task of the library that calls the hook, and then says whom it takes itself for.
    async fn caller(peers: &Peers) -> impl Future<Output = Option<u16>> + use<> {
        let (called, has_called) = tokio::sync::oneshot::channel();
        let (ask, asked) = tokio::sync::oneshot::channel::<()>();
        let peers = peers.clone();
        let task = tokio::spawn(async move {
            peers.hook(ENDPOINT);
            called.send(()).unwrap();
            asked.await.unwrap();
            peers.of_this_task().map(|it| it.address.port())
        });
        has_called.await.unwrap();
        async move {
            ask.send(()).unwrap();
            task.await.unwrap()
        }
    }

    #[tokio::test]
    async fn each_task_is_known_as_the_one_that_was_introduced() {
        let peers = Peers::new(true);
        let places = [place(&peers, 1), place(&peers, 2)];
        let (first, introduced) = places[0].introduce(caller(&peers)).await;
        assert_eq!(introduced, Introduced::Known);
        let (second, _) = places[1].introduce(caller(&peers)).await;
        assert_eq!((first.await, second.await), (Some(1), Some(2)));
    }

    #[tokio::test]
    async fn who_comes_in_between_is_not_taken_for_the_one_that_is_introduced() {
        let peers = Peers::new(true);
        let place = place(&peers, 1);
        let outside = caller(&peers).await;
        let both = async { (caller(&peers).await, caller(&peers).await) };
        let ((one, other), introduced) = place.introduce(both).await;
        assert_eq!(introduced, Introduced::Unclear);
        assert_eq!(
            (outside.await, one.await, other.await),
            (None, None, None),
            "neither of two, nor one that was not introduced"
        );
        let (again, introduced) = place.introduce(caller(&peers)).await;
        assert_eq!((again.await, introduced), (Some(1), Introduced::Known));
    }

    #[tokio::test]
    async fn who_is_dropped_in_the_middle_holds_up_nobody() {
        let peers = Peers::new(true);
        let (one, other) = (place(&peers, 1), place(&peers, 2));
        tokio::select! {
            biased;
            _ = one.introduce(std::future::pending::<()>()) => unreachable!("it never ends"),
            () = std::future::ready(()) => {}
        }
        drop(one);
        let (task, introduced) = other.introduce(caller(&peers)).await;
        assert_eq!((task.await, introduced), (Some(2), Introduced::Known));
    }
}
