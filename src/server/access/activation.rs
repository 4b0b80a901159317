//! What is looked at when a session has been activated: the one moment at which session, user, channel and
//! application are all known.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use opcua::server::authenticator::UserToken;
use opcua::server::node_manager::RequestContext;
use opcua::types::StatusCode;

use super::super::front_door::Peers;
use super::audit::{self, Actor};
use super::origin::{self, Origin};

/// Whom the sessions belong to that see nothing. No user has this token: it is no viewer's.
const NOBODY: &str = "nobody";

/// The sessions of one server as far as they may see and do something.
#[derive(Debug)]
pub(in crate::server) struct Access {
    peers: Peers,
    /// Sessions that were activated and must see nothing.
    blind: RwLock<HashMap<u32, Weak<dyn std::any::Any + Send + Sync>>>,
    /// Who logged in to each session last, and over which channel. The library tells of an activation by a question
    /// that it also asks at other times.
    logins: Mutex<HashMap<u32, Login>>,
}

/// The last activation of a session.
#[derive(Debug)]
struct Login {
    session: Weak<dyn std::any::Any + Send + Sync>,
    user: UserToken,
    channel: u32,
}

impl Access {
    pub(in crate::server) fn new(peers: Peers) -> Self {
        Self {
            peers,
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
        if self.is_application_of(channel, &application) {
            self.see(context);
            if self.is_news(context, channel) {
                audit::login(&actor, &application, context.session_id);
            }
        } else {
            self.blind(context);
            audit::application_refused(&actor, &application, context.session_id);
            self.peers
                .cut(channel, StatusCode::BadCertificateUriInvalid);
        }
    }

    /// Whether this session was activated by somebody else or from elsewhere before, or never.
    fn is_news(&self, context: &RequestContext, channel: u32) -> bool {
        let session: Arc<dyn std::any::Any + Send + Sync> = context.session.clone();
        let login = Login {
            session: Arc::downgrade(&session),
            user: context.user_token().clone(),
            channel,
        };
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.retain(|_, login| login.session.strong_count() > 0);
        let (user, channel) = (login.user.clone(), login.channel);
        let before = logins.insert(context.session_id, login);
        before.is_none_or(|before| before.user != user || before.channel != channel)
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

    fn blind(&self, context: &RequestContext) {
        let session: Arc<dyn std::any::Any + Send + Sync> = context.session.clone();
        let mut blind = self.blind.write().unwrap_or_else(PoisonError::into_inner);
        // What the library has forgotten will ask for nothing any more.
        blind.retain(|_, session| session.strong_count() > 0);
        blind.insert(context.session_id, Arc::downgrade(&session));
    }
}
