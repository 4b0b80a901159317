//! `GET /api/currentuser`: whose key it is and what it may do. Needs no permission, so it tells a wrong key from a
//! weak one; since 1.4.

use serde_json::Value;

use super::text;
use crate::octoprint::Purpose;

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

    /// The permissions beyond those that `purpose` needs or makes use of. ADMIN says it all.
    pub(crate) fn surplus(&self, purpose: Purpose) -> Vec<String> {
        if self.permissions.iter().any(|held| held == "ADMIN") {
            return vec!["ADMIN".to_owned()];
        }
        let needed = needed(purpose);
        self.permissions
            .iter()
            .filter(|held| *held != FILES_LIST && !needed.contains(&held.as_str()))
            .cloned()
            .collect()
    }

    /// The permissions that `purpose` needs and the key does not have.
    pub(crate) fn lacking(&self, purpose: Purpose) -> Vec<String> {
        needed(purpose)
            .iter()
            .filter(|permission| !self.may(permission))
            .map(|permission| (*permission).to_owned())
            .collect()
    }
}

/// Lists the files for WorkMaster; without it there is no list, and nothing else is missing.
pub(in crate::octoprint) const FILES_LIST: &str = "FILES_LIST";

/// The permissions without which `purpose` cannot be fulfilled.
pub(in crate::octoprint) fn needed(purpose: Purpose) -> &'static [&'static str] {
    match purpose {
        Purpose::Observe => &["STATUS"],
        Purpose::Control => &["STATUS", "PRINT", "FILES_SELECT"],
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
        assert_eq!(admin.surplus(Purpose::Control), ["ADMIN"]);
        assert!(admin.lacking(Purpose::Control).is_empty());
        let monitor = user(&json!({"name": "monitor", "permissions": ["STATUS"]}));
        assert!(monitor.may("STATUS") && !monitor.may("CONNECTION"));
        assert!(monitor.surplus(Purpose::Observe).is_empty());
    }

    #[test]
    fn what_is_needed_depends_on_what_it_is_for() {
        let rights = ["STATUS", "FILES_LIST", "PRINT", "WEBCAM"];
        let reader = user(&json!({"name": "reader", "permissions": rights}));
        assert_eq!(reader.surplus(Purpose::Observe), ["PRINT", "WEBCAM"]);
        assert_eq!(reader.surplus(Purpose::Control), ["WEBCAM"]);
        assert!(reader.lacking(Purpose::Observe).is_empty());
        assert_eq!(reader.lacking(Purpose::Control), ["FILES_SELECT"]);
        let monitor = user(&json!({"name": "monitor", "permissions": ["STATUS"]}));
        assert_eq!(monitor.lacking(Purpose::Control), ["PRINT", "FILES_SELECT"]);
    }
}
