//! Who asks: the users of a simulated OctoPrint, their keys and their permissions.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde_json::{Value, json};

/// Key of an administrator: may do everything, as most keys in the field.
pub const API_KEY: &str = "demo";
/// Key of a user who has the STATUS permission only: what a bridge needs.
pub const STATUS_KEY: &str = "demo-status";
/// Key of a user who has what a bridge needs that also starts, pauses and cancels prints.
pub const CONTROL_KEY: &str = "demo-control";
/// Key of a user without any permission.
pub const NO_PERMISSION_KEY: &str = "demo-noperm";

/// A user that OctoPrint knows by a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    Admin,
    Monitor,
    Operator,
    Powerless,
    /// Without a key, or with one that nobody has.
    Guest,
}

pub(crate) const ALL_PERMISSIONS: [&str; 26] = [
    "ADMIN",
    "STATUS",
    "CONNECTION",
    "WEBCAM",
    "SYSTEM",
    "FILES_LIST",
    "FILES_UPLOAD",
    "FILES_DOWNLOAD",
    "FILES_DELETE",
    "FILES_SELECT",
    "PRINT",
    "GCODE_VIEWER",
    "MONITOR_TERMINAL",
    "CONTROL",
    "SLICE",
    "TIMELAPSE_LIST",
    "TIMELAPSE_DOWNLOAD",
    "TIMELAPSE_DELETE",
    "TIMELAPSE_MANAGE_UNRENDERED",
    "TIMELAPSE_ADMIN",
    "SETTINGS_READ",
    "SETTINGS",
    "PLUGIN_ACTION_COMMAND_NOTIFICATION_SHOW",
    "PLUGIN_ACTION_COMMAND_NOTIFICATION_CLEAR",
    "PLUGIN_APPKEYS_ADMIN",
    "PLUGIN_APPKEYS_GRANT",
];

impl User {
    /// `X-Api-Key` beats `Authorization: Bearer`, which beats `?apikey=`.
    pub(crate) fn of(headers: &HeaderMap, query: &BTreeMap<String, String>) -> Self {
        let header = headers
            .get("x-api-key")
            .and_then(|value| value.to_str().ok());
        let bearer = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let parameter = query.get("apikey").map(String::as_str);
        let key = header.or(bearer).or(parameter);
        [Self::Admin, Self::Monitor, Self::Operator, Self::Powerless]
            .into_iter()
            .find(|user| user.key() == key)
            .unwrap_or(Self::Guest)
    }

    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Admin => Some("admin"),
            Self::Monitor => Some("monitor"),
            Self::Operator => Some("operator"),
            Self::Powerless => Some("noperm"),
            Self::Guest => None,
        }
    }

    pub(crate) fn may(self, permission: &str) -> bool {
        self.permissions().contains(&permission)
    }

    /// Body of `/api/currentuser`.
    pub(crate) fn describe(self) -> Value {
        json!({ "groups": self.groups(), "name": self.name(), "permissions": self.permissions() })
    }

    pub(crate) fn groups(self) -> &'static [&'static str] {
        match self {
            Self::Admin => &["admins", "users"],
            Self::Monitor | Self::Operator | Self::Powerless => &[],
            Self::Guest => &["guests"],
        }
    }

    pub(crate) fn key(self) -> Option<&'static str> {
        match self {
            Self::Admin => Some(API_KEY),
            Self::Monitor => Some(STATUS_KEY),
            Self::Operator => Some(CONTROL_KEY),
            Self::Powerless => Some(NO_PERMISSION_KEY),
            Self::Guest => None,
        }
    }

    pub(crate) fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::Admin => &ALL_PERMISSIONS,
            Self::Monitor => &["STATUS"],
            Self::Operator => &["STATUS", "FILES_LIST", "FILES_SELECT", "PRINT"],
            Self::Powerless | Self::Guest => &[],
        }
    }
}
