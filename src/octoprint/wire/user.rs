//! `GET /api/currentuser`: whose key it is and what it may do. Needs no permission, so it tells a wrong key from a
//! weak one; since 1.4.

use serde_json::Value;

use super::text;

/// The owner of the key. OctoPrint answers for an unknown key as for a guest, whose name is `null`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::octoprint) struct User {
    pub name: Option<String>,
    pub permissions: Vec<String>,
}

impl User {
    pub(crate) fn may(&self, permission: &str) -> bool {
        self.permissions
            .iter()
            .any(|held| held == permission || held == "ADMIN")
    }

    /// The permissions beyond STATUS, which is all the bridge needs. ADMIN says it all.
    pub(crate) fn surplus(&self) -> Vec<String> {
        if self.permissions.iter().any(|held| held == "ADMIN") {
            return vec!["ADMIN".to_owned()];
        }
        self.permissions
            .iter()
            .filter(|held| *held != "STATUS")
            .cloned()
            .collect()
    }
}

pub(in crate::octoprint) fn user(answer: &Value) -> User {
    let permissions = answer["permissions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    User {
        name: text(&answer["name"]),
        permissions: permissions.iter().filter_map(text).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_admin_may_everything_and_more_than_needed() {
        let admin =
            user(&json!({"name": "admin", "permissions": ["ADMIN", "STATUS", "CONTROL", 7]}));
        assert!(admin.may("CONNECTION"));
        assert_eq!(admin.surplus(), ["ADMIN"]);
        let monitor = user(&json!({"name": "monitor", "permissions": ["STATUS"]}));
        assert!(monitor.may("STATUS") && !monitor.may("CONNECTION"));
        assert!(monitor.surplus().is_empty());
    }
}
