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

/// OctoPrint and its plugins have some dozens.
const MAX_PERMISSIONS: usize = 200;
const LONGEST_PERMISSION: usize = 100;

pub(in crate::octoprint) fn user(answer: &Value) -> User {
    let permissions = answer["permissions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    User {
        name: text(&answer["name"]),
        permissions: permissions
            .iter()
            .filter_map(text)
            .filter(|permission| is_name(permission))
            .take(MAX_PERMISSIONS)
            .collect(),
    }
}

/// Permissions are written to the log as they are.
fn is_name(permission: &str) -> bool {
    permission.len() <= LONGEST_PERMISSION
        && permission
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_cannot_be_a_permission_never_reaches_the_log() {
        let flood: Vec<_> = (0..1000).map(|n| format!("PLUGIN_{n}")).collect();
        assert_eq!(
            user(&json!({"permissions": flood})).permissions.len(),
            MAX_PERMISSIONS
        );
        for nonsense in ["X\nERROR forged line", "\u{1b}[31m", &"X".repeat(101)] {
            let read = user(&json!({"permissions": [nonsense, "STATUS"]}));
            assert_eq!(read.permissions, ["STATUS"], "{nonsense:?}");
        }
    }

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
