//! Who may do what: for now everyone who gets in may read everything, and nobody may change anything.

use async_trait::async_trait;
use opcua::server::ServerEndpoint;
use opcua::server::address_space::AccessLevel;
use opcua::server::authenticator::{AuthManager, CoreServerPermissions, UserToken};
use opcua::types::{Error, NodeId, UAString, UserTokenPolicy, UserTokenType};

/// What the library calls the policy of anonymous tokens, and compares with.
const ANONYMOUS_POLICY: &str = "anonymous";

/// Admits anonymous users, to read. Stands only on servers whose settings say that they are open.
pub(super) struct OpenToReaders;

#[async_trait]
impl AuthManager for OpenToReaders {
    async fn authenticate_anonymous_token(&self, _: &ServerEndpoint) -> Result<(), Error> {
        Ok(())
    }

    fn user_token_policies(&self, _: &ServerEndpoint) -> Vec<UserTokenPolicy> {
        vec![UserTokenPolicy {
            policy_id: UAString::from(ANONYMOUS_POLICY),
            token_type: UserTokenType::Anonymous,
            issued_token_type: UAString::null(),
            issuer_endpoint_url: UAString::null(),
            security_policy_uri: UAString::null(),
        }]
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

    /// The diagnostics are counters; they tell nothing of other clients.
    fn core_permissions(&self, _: &UserToken) -> CoreServerPermissions {
        CoreServerPermissions {
            read_diagnostics: true,
        }
    }
}
