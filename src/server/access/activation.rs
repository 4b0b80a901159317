//! What is looked at when a session has been activated: the one moment at which session, user, channel and
//! application are all known.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use opcua::server::authenticator::UserToken;
use opcua::server::node_manager::RequestContext;
use opcua::types::StatusCode;
use tokio::task::spawn_blocking;

use super::super::front_door::Peers;
use super::super::limits;
use super::super::pki::{Refused, Trust};
use super::audit::{self, Actor};
use super::origin::{self, Origin};
use super::users::Users;

/// Whom the sessions belong to that see nothing. No user has this token: it is no viewer's.
const NOBODY: &str = "nobody";

/// How often the certificates of users who are logged in are judged again.
const JUDGED_EVERY: Duration = Duration::from_secs(10);

/// The sessions of one server as far as they may see and do something.
#[derive(Debug)]
pub(in crate::server) struct Access {
    peers: Peers,
    trust: Trust,
    /// The thumbprints of the certificates that users show, by token.
    certificates: HashMap<String, [u8; 32]>,
    /// Sessions that were activated and must see nothing, or nothing any more.
    blind: RwLock<HashMap<u32, Weak<dyn std::any::Any + Send + Sync>>>,
    /// Who logged in to each session last, and over which channel. The library tells of an activation by a question
    /// that it also asks at other times.
    logins: Mutex<HashMap<u32, Login>>,
}

/// The last activation of a session.
struct Login {
    session: Weak<dyn std::any::Any + Send + Sync>,
    /// Whether the session goes on.
    is_open: Box<dyn Fn() -> bool + Send>,
    user: UserToken,
    channel: u32,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} over channel {}", self.user, self.channel)
    }
}

/// What is new about an activation.
enum News {
    /// The session was not activated before.
    First,
    /// It was activated by somebody else or from elsewhere.
    Other,
    Nothing,
}

/// Why a session that was activated sees nothing.
struct Refusal {
    status: StatusCode,
    reason: &'static str,
}

impl Refusal {
    const APPLICATION: Self = Self {
        status: StatusCode::BadCertificateUriInvalid,
        reason: "the certificate of the application has another URI",
    };
    const CROWD: Self = Self {
        status: StatusCode::BadTooManySessions,
        reason: "there are too many sessions, in all or of this user",
    };
}

impl Access {
    pub(in crate::server) fn new(peers: Peers, trust: Trust, users: &Users) -> Self {
        Self {
            peers,
            trust,
            certificates: users.certificates(),
            blind: RwLock::default(),
            logins: Mutex::default(),
        }
    }

    /// The user of a request, as far as what they see is concerned.
    pub(in crate::server) fn user<'a>(&self, context: &'a RequestContext) -> Cow<'a, UserToken> {
        let blind = self.blind.read().unwrap_or_else(PoisonError::into_inner);
        if blind.contains_key(&context.session_id) {
            Cow::Owned(UserToken(NOBODY.to_owned()))
        } else {
            Cow::Borrowed(context.user_token())
        }
    }

    /// Who does what a request asks for, for the audit.
    pub(in crate::server) fn actor(&self, context: &RequestContext) -> Actor {
        let channel = context.session().read().secure_channel_id();
        Actor {
            user: context.user_token().clone(),
            from: Origin::of_channel(&self.peers, channel),
        }
    }

    /// A session has been activated, for the first time or anew.
    ///
    /// The ApplicationUri that the client told in CreateSession has to be the one in the certificate of its channel
    /// (OPC 10000-4 §5.6.2.2): whose subscriptions may be transferred depends on it. Where it is not, the connection
    /// is cut, and until then and ever after the session sees nothing.
    pub(in crate::server) fn activated(&self, context: &RequestContext) {
        let actor = self.actor(context);
        let (channel, application) = {
            let session = context.session().read();
            let application = session.application_description();
            (
                session.secure_channel_id(),
                application.application_uri.as_ref().to_owned(),
            )
        };
        let refusal = if !self.is_application_of(channel, &application) {
            Some(Refusal::APPLICATION)
        } else if self.is_crowded(context) {
            Some(Refusal::CROWD)
        } else {
            None
        };
        if let Some(Refusal { status, reason }) = refusal {
            let session: Arc<dyn std::any::Any + Send + Sync> = context.session.clone();
            self.blind(context.session_id, Arc::downgrade(&session));
            audit::session_refused(&actor, &application, context.session_id, status, reason);
            self.peers.cut(channel, status);
            return;
        }
        self.see(context);
        let news = self.note(context, channel);
        self.peers.logged_in(channel, matches!(news, News::First));
        if !matches!(news, News::Nothing) {
            audit::login(&actor, &application, context.session_id);
        }
    }

    /// Whether there are enough sessions without this one, of all or of its user. Those count whose client is
    /// connected.
    fn is_crowded(&self, context: &RequestContext) -> bool {
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.retain(|_, login| login.session.strong_count() > 0);
        let (mut all, mut of_user) = (0, 0);
        for (id, login) in &*logins {
            let counts = *id != context.session_id
                && (login.is_open)()
                && self.peers.of_channel(login.channel).is_some();
            all += usize::from(counts);
            of_user += usize::from(counts && login.user == *context.user_token());
        }
        all >= limits::MAX_SESSIONS || of_user >= limits::MAX_SESSIONS_OF_ONE_USER
    }

    /// Notes who has logged in to a session, and tells whether that is new.
    fn note(&self, context: &RequestContext, channel: u32) -> News {
        let session: Arc<dyn std::any::Any + Send + Sync> = context.session.clone();
        let watched = Arc::downgrade(&context.session);
        let user = context.user_token().clone();
        let login = Login {
            session: Arc::downgrade(&session),
            is_open: Box::new(move || {
                watched
                    .upgrade()
                    .is_some_and(|session| session.read().is_activated())
            }),
            user: user.clone(),
            channel,
        };
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        match logins.insert(context.session_id, login) {
            None => News::First,
            Some(before) if before.user != user || before.channel != channel => News::Other,
            Some(_) => News::Nothing,
        }
    }

    /// Without security there is no certificate to compare with.
    fn is_application_of(&self, channel: u32, application: &str) -> bool {
        match origin::admitted(self.peers.of_channel(channel)) {
            Err(_) => false,
            Ok(peer) => peer
                .certificate
                .is_none_or(|it| it.application_uri.as_deref() == Some(application)),
        }
    }

    fn see(&self, context: &RequestContext) {
        let mut blind = self.blind.write().unwrap_or_else(PoisonError::into_inner);
        blind.remove(&context.session_id);
    }

    fn blind(&self, id: u32, session: Weak<dyn std::any::Any + Send + Sync>) {
        let mut blind = self.blind.write().unwrap_or_else(PoisonError::into_inner);
        // What the library has forgotten will ask for nothing any more.
        blind.retain(|_, session| session.strong_count() > 0);
        blind.insert(id, session);
    }

    /// Ends the sessions of users whose certificates are not accepted any more, for as long as it is polled.
    pub(in crate::server) async fn watch_over(&self) {
        let mut tick = tokio::time::interval(JUDGED_EVERY);
        loop {
            tick.tick().await;
            for (id, user, thumbprint) in self.logged_in_by_certificate() {
                let trust = self.trust.clone();
                let judged = spawn_blocking(move || trust.judge_user_again(&thumbprint)).await;
                if let Ok(Err(refused)) = judged {
                    self.withdraw(id, &user, &refused);
                }
            }
        }
    }

    fn logged_in_by_certificate(&self) -> Vec<(u32, UserToken, [u8; 32])> {
        let logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins
            .iter()
            .filter(|(_, login)| login.session.strong_count() > 0)
            .filter_map(|(id, login)| {
                let thumbprint = self.certificates.get(&login.user.0)?;
                Some((*id, login.user.clone(), *thumbprint))
            })
            .collect()
    }

    /// A session sees nothing until somebody logs in to it again, unless somebody else has done so already.
    fn withdraw(&self, id: u32, user: &UserToken, refused: &Refused) {
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        let Entry::Occupied(login) = logins.entry(id) else {
            return;
        };
        if login.get().user != *user {
            return;
        }
        let login = login.remove();
        drop(logins);
        self.blind(id, login.session);
        let from = Origin::of_channel(&self.peers, login.channel);
        audit::login_ended(
            &Actor {
                user: login.user,
                from,
            },
            id,
            refused,
        );
        self.peers.cut(login.channel, refused.status);
    }
}
