//! The users of a server and how they prove who they are.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use opcua::server::authenticator::UserToken;

use super::viewer::{Sight, Viewer};
use crate::password::Hash;

/// Somebody who may log in.
#[derive(Debug, Clone)]
pub struct User {
    pub viewer: Viewer,
    pub login: Login,
}

/// How they prove who they are.
#[derive(Debug, Clone)]
pub enum Login {
    Password {
        user: String,
        hash: Hash,
    },
    /// SHA-256 of the DER form of the certificate that is shown as the identity of the user.
    Certificate([u8; 32]),
}

/// Everybody who may log in to a server. User names and certificates are unique.
#[derive(Debug, Clone, Default)]
pub struct Users(Vec<User>);

impl FromIterator<User> for Users {
    fn from_iter<T: IntoIterator<Item = User>>(users: T) -> Self {
        Self(users.into_iter().collect())
    }
}

impl Users {
    /// Nobody: there is nothing to tell one visitor from another by.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The users with their tokens: `mes:<instance>` or `operator:<name>`; further ones of the same get a number.
    pub(super) fn with_tokens(&self) -> impl Iterator<Item = (UserToken, &User)> {
        let mut taken = HashSet::new();
        self.0.iter().map(move |user| {
            let wanted = match user.viewer.sight {
                Sight::Instance(instance) => format!("mes:{instance}"),
                Sight::All => format!("operator:{}", user.viewer.name),
            };
            let mut token = wanted.clone();
            let mut number = 2_u32;
            while !taken.insert(token.clone()) {
                token = format!("{wanted}#{number}");
                number += 1;
            }
            (UserToken(token), user)
        })
    }
}

impl Users {
    /// Whoever shows a certificate, by their token, with its thumbprint.
    pub(super) fn certificates(&self) -> HashMap<String, [u8; 32]> {
        self.with_tokens()
            .filter_map(|(token, user)| match user.login {
                Login::Certificate(thumbprint) => Some((token.0, thumbprint)),
                Login::Password { .. } => None,
            })
            .collect()
    }
}

/// The proofs, ready to be compared with what clients send.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    passwords: HashMap<String, (UserToken, Arc<Hash>)>,
    certificates: HashMap<[u8; 32], UserToken>,
    /// What the password of a user is compared with whom nobody knows.
    decoy: Option<Arc<Hash>>,
}

impl Proofs {
    pub(super) fn of(users: &Users) -> Self {
        let mut proofs = Self::default();
        for (token, user) in users.with_tokens() {
            match &user.login {
                Login::Password { user, hash } => {
                    let hash = Arc::new(hash.clone());
                    proofs.decoy.get_or_insert_with(|| Arc::clone(&hash));
                    proofs.passwords.insert(user.clone(), (token, hash));
                }
                Login::Certificate(thumbprint) => {
                    proofs.certificates.insert(*thumbprint, token);
                }
            }
        }
        proofs
    }

    /// Whether anybody logs in with a password.
    pub(super) fn has_passwords(&self) -> bool {
        !self.passwords.is_empty()
    }

    /// Whether anybody logs in with a certificate.
    pub(super) fn has_certificates(&self) -> bool {
        !self.certificates.is_empty()
    }

    /// What to compare the password of `user` with, and who it is if they agree. `None` if nobody has a password.
    ///
    /// For a user whom nobody knows there is a hash, too, as costly as the first user's, so that the time that the
    /// answer takes tells no names; `umati-bridge hash-password` makes all hashes equally costly.
    pub(super) fn password(&self, user: &str) -> Option<(Arc<Hash>, Option<UserToken>)> {
        match self.passwords.get(user) {
            Some((token, hash)) => Some((Arc::clone(hash), Some(token.clone()))),
            None => Some((Arc::clone(self.decoy.as_ref()?), None)),
        }
    }

    /// Who shows this certificate.
    pub(super) fn certificate(&self, thumbprint: &[u8; 32]) -> Option<UserToken> {
        self.certificates.get(thumbprint).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::access::viewer::{Role, Viewers};

    const HASH: &str =
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$4dnBDcSVN+9tUPPtdMVbg0IR4pYfGCWWHGnEQFQ6Kks";

    fn user(name: &str, sight: Sight, user: &str) -> User {
        User {
            viewer: Viewer {
                name: name.to_owned(),
                role: Role::Observe,
                sight,
            },
            login: Login::Password {
                user: user.to_owned(),
                hash: Hash::parse(HASH).unwrap(),
            },
        }
    }

    fn users() -> Users {
        Users::from_iter([
            user("Berlin", Sight::Instance(1), "mes1"),
            user("Anna", Sight::All, "anna"),
            user("Anna", Sight::All, "anna2"),
        ])
    }

    #[test]
    fn every_user_has_a_token_of_their_own() {
        let users = users();
        let tokens: Vec<_> = users.with_tokens().map(|(token, _)| token.0).collect();
        assert_eq!(tokens, ["mes:1", "operator:Anna", "operator:Anna#2"]);
        let viewers = Viewers::of(&users, false);
        for token in tokens {
            assert!(viewers.get(&UserToken(token)).is_some());
        }
        let unknown = ["", "mes:2", "anonymous", "anna"];
        for token in unknown.map(|name| UserToken(name.to_owned())) {
            assert_eq!(viewers.get(&token), None, "{token:?}");
        }
    }

    #[test]
    fn who_came_without_a_name_sees_all_of_an_open_server_and_changes_nothing() {
        let anonymous = UserToken(opcua::server::ANONYMOUS_USER_TOKEN_ID.to_owned());
        let viewers = Viewers::of(&users(), true);
        let viewer = viewers.get(&anonymous).unwrap();
        assert_eq!((viewer.role, viewer.sight), (Role::Observe, Sight::All));
    }

    #[test]
    fn an_unknown_user_is_compared_like_a_known_one_and_is_nobody() {
        let proofs = Proofs::of(&users());
        let (_, known) = proofs.password("mes1").unwrap();
        assert_eq!(known, Some(UserToken("mes:1".to_owned())));
        let (_, unknown) = proofs.password("nobody").unwrap();
        assert_eq!(unknown, None);
        assert!(Proofs::of(&Users::default()).password("mes1").is_none());
    }
}
