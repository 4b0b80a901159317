//! What a user may see and do, by the token that the library carries through every request.

use std::collections::HashMap;

use opcua::server::ANONYMOUS_USER_TOKEN_ID;
use opcua::server::authenticator::UserToken;

use super::users::Users;

/// What somebody may do with the machines in sight. Each role may do what the one before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Browse, read and subscribe.
    Observe,
    /// Also call methods and write what is writable.
    Control,
    /// A person of this plant.
    Operator,
}

/// Which machines somebody may know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    All,
    /// Those of one MES instance.
    Instance(u32),
}

/// Somebody who has got in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// As the operator calls them.
    pub name: String,
    pub role: Role,
    pub sight: Sight,
}

/// Everybody who can get into one server, by their token.
#[derive(Debug, Default)]
pub(in crate::server) struct Viewers(HashMap<String, Viewer>);

impl Viewers {
    /// The configured users, and on an open server everybody else.
    ///
    /// Whoever came without a name may look at everything and change nothing.
    pub(in crate::server) fn of(users: &Users, is_open: bool) -> Self {
        let mut viewers: HashMap<_, _> = users
            .with_tokens()
            .map(|(token, user)| (token.0, user.viewer.clone()))
            .collect();
        if is_open {
            let anonymous = Viewer {
                name: ANONYMOUS_USER_TOKEN_ID.to_owned(),
                role: Role::Observe,
                sight: Sight::All,
            };
            viewers.insert(anonymous.name.clone(), anonymous);
        }
        Self(viewers)
    }

    /// Who is behind a token; `None` sees nothing.
    pub(in crate::server) fn get(&self, token: &UserToken) -> Option<&Viewer> {
        self.0.get(&token.0)
    }
}
