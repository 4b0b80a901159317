//! Who gets in: the identity tokens of ActivateSession (OPC 10000-4 §5.6.3, §7.40).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use opcua::crypto::{SecurityPolicy, Thumbprint};
use opcua::server::ServerEndpoint;
use opcua::server::address_space::AccessLevel;
use opcua::server::authenticator::{
    AuthManager, CoreServerPermissions, Password, UserToken, user_pass_security_policy_id,
};
use opcua::types::{
    Error, MessageSecurityMode, NodeId, StatusCode, UAString, UserTokenPolicy, UserTokenType,
};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::super::front_door::Peers;
use super::super::pki::Trust;
use super::audit;
use super::origin::Origin;
use super::throttle::Throttle;
use super::users::{Proofs, Users};
use super::viewer::Viewers;

/// What the library calls the policies of these tokens, and compares with.
const ANONYMOUS_POLICY: &str = "anonymous";
const CERTIFICATE_POLICY: &str = "x509";

/// Passwords that are checked at a time. Each takes memory and a processor for tens of milliseconds; those who wait
/// for their turn take neither.
const CHECKS: usize = 2;

/// Decides who gets into one server.
pub(in crate::server) struct Gate {
    is_open: bool,
    proofs: Proofs,
    viewers: Arc<Viewers>,
    trust: Trust,
    peers: Peers,
    throttle: Mutex<Throttle>,
    checks: Arc<Semaphore>,
}

impl Gate {
    /// `is_open`: whoever says no name gets in, too.
    pub(in crate::server) fn new(
        users: &Users,
        is_open: bool,
        viewers: Arc<Viewers>,
        trust: Trust,
        peers: Peers,
    ) -> Self {
        Self {
            is_open,
            proofs: Proofs::of(users),
            viewers,
            trust,
            peers,
            throttle: Mutex::default(),
            checks: Arc::new(Semaphore::new(CHECKS)),
        }
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the client is that logs in.
    fn origin(&self, claimed: &str) -> Result<Origin, Error> {
        Origin::of_this_task(&self.peers).map_err(|status| {
            let unknown = Origin::default();
            audit::login_refused(claimed, unknown, status, &"it came past the front door");
            Error::new(status, "connection unknown")
        })
    }

    /// Compares a password, on a thread that nobody waits for.
    async fn is_right(&self, user: &str, password: &Password) -> Option<UserToken> {
        let (hash, token) = self.proofs.password(user)?;
        let password = password.get().to_owned();
        let turn = Arc::clone(&self.checks).acquire_owned().await.ok()?;
        let compared = spawn_blocking(move || {
            let _turn = turn;
            hash.is_of(&password)
        });
        let is_right = compared.await.unwrap_or(false);
        // A user whom nobody knows is nobody, even with the password of the one that it was compared with.
        token.filter(|_| is_right)
    }

    /// The same for everybody who is refused: neither which of name and password is wrong nor that one is known.
    fn refuse(claimed: &str, from: Origin, reason: &dyn std::fmt::Display) -> Error {
        const STATUS: StatusCode = StatusCode::BadIdentityTokenRejected;
        audit::login_refused(claimed, from, STATUS, reason);
        Error::new(STATUS, "login refused")
    }
}

#[async_trait]
impl AuthManager for Gate {
    async fn authenticate_anonymous_token(&self, _: &ServerEndpoint) -> Result<(), Error> {
        let from = self.origin(ANONYMOUS_POLICY)?;
        if self.is_open {
            Ok(())
        } else {
            let reason = "this server wants to know who you are";
            Err(Self::refuse(ANONYMOUS_POLICY, from, &reason))
        }
    }

    async fn authenticate_username_identity_token(
        &self,
        endpoint: &ServerEndpoint,
        user: &str,
        password: &Password,
    ) -> Result<UserToken, Error> {
        let from = self.origin(user)?;
        if !is_encrypted(endpoint) {
            return Err(Self::refuse(user, from, &"the channel is not encrypted"));
        }
        let wait = self.throttle().attempt(user, from.ip(), Instant::now());
        tokio::time::sleep(wait).await;
        match self.is_right(user, password).await {
            Some(token) => {
                self.throttle().succeeded(user, from.ip());
                Ok(token)
            }
            None => Err(Self::refuse(user, from, &"unknown user or wrong password")),
        }
    }

    /// The library has verified that the client has the key of the certificate.
    async fn authenticate_x509_identity_token(
        &self,
        endpoint: &ServerEndpoint,
        thumbprint: &Thumbprint,
    ) -> Result<UserToken, Error> {
        let claimed = format!("certificate {}", thumbprint.as_hex_string());
        let from = self.origin(&claimed)?;
        if !is_encrypted(endpoint) {
            return Err(Self::refuse(
                &claimed,
                from,
                &"the channel is not encrypted",
            ));
        }
        let (trust, sha1) = (self.trust.clone(), thumbprint.value().to_vec());
        let judged = spawn_blocking(move || trust.judge_user(&sha1)).await;
        match judged {
            Ok(Ok(certificate)) => self
                .proofs
                .certificate(&certificate.thumbprint)
                .ok_or_else(|| Self::refuse(&claimed, from, &"no user has this certificate")),
            Ok(Err(refused)) => Err(Self::refuse(&claimed, from, &refused.reason)),
            Err(_) => Err(Self::refuse(
                &claimed,
                from,
                &"the certificate cannot be judged",
            )),
        }
    }

    /// The first that the library asks for, for a connection: whose it is, is found out here.
    fn user_token_policies(&self, endpoint: &ServerEndpoint) -> Vec<UserTokenPolicy> {
        self.peers.hook(endpoint.security_policy());
        let policy = |id: UAString, token_type, security: &str| UserTokenPolicy {
            policy_id: id,
            token_type,
            issued_token_type: UAString::null(),
            issuer_endpoint_url: UAString::null(),
            security_policy_uri: match security {
                "" => UAString::null(),
                uri => UAString::from(uri),
            },
        };
        let mut policies = Vec::new();
        if self.is_open {
            policies.push(policy(
                ANONYMOUS_POLICY.into(),
                UserTokenType::Anonymous,
                "",
            ));
        }
        if is_encrypted(endpoint) {
            let security = endpoint.security_policy().to_uri();
            if self.proofs.has_passwords() {
                let id = user_pass_security_policy_id(endpoint);
                policies.push(policy(id, UserTokenType::UserName, security));
            }
            if self.proofs.has_certificates() {
                let id = CERTIFICATE_POLICY.into();
                policies.push(policy(id, UserTokenType::Certificate, security));
            }
        }
        policies
    }

    /// Also covers the nodes of the type NodeSets, some of which are declared writable.
    fn effective_user_access_level(
        &self,
        _: &UserToken,
        declared: AccessLevel,
        _: &NodeId,
    ) -> AccessLevel {
        declared & (AccessLevel::CURRENT_READ | AccessLevel::HISTORY_READ)
    }

    /// The diagnostics are counters; they tell nothing of the machines.
    fn core_permissions(&self, token: &UserToken) -> CoreServerPermissions {
        CoreServerPermissions {
            read_diagnostics: self.viewers.get(token).is_some(),
        }
    }
}

fn is_encrypted(endpoint: &ServerEndpoint) -> bool {
    endpoint.security_policy() != SecurityPolicy::None
        && endpoint.message_security_mode() == MessageSecurityMode::SignAndEncrypt
}
