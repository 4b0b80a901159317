//! The part of OctoPrint's REST API that is simulated, and how often each part of it was used.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::http::{Method, StatusCode};

/// One operation of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// `GET /`: HTML for everyone, whatever the key.
    Root,
    Version,
    Server,
    CurrentUser,
    Job,
    Printer,
    PrinterError,
    Connection,
    PrinterProfiles,
    Files,
    File,
    JobCommand,
    ConnectionCommand,
    FileCommand,
    PrinterCommand,
    /// `POST /api/login`: a session for the push interface.
    Login,
    /// `GET /sockjs/websocket`: the push interface.
    Push,
    /// Everything else is 404.
    Unknown,
}

/// What OctoPrint wants a user to be allowed before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    Permission(&'static str),
}

impl Endpoint {
    /// `path` is relative to the printer's base address.
    pub fn of(method: &Method, path: &str) -> Self {
        let file = ["api/files/local/", "api/files/sdcard/"]
            .into_iter()
            .filter_map(|storage| path.strip_prefix(storage))
            .any(|file| !file.is_empty());
        match (method.as_str(), path) {
            ("GET", "") => Self::Root,
            ("GET", "api/version") => Self::Version,
            ("GET", "api/server") => Self::Server,
            ("GET", "api/currentuser") => Self::CurrentUser,
            ("GET", "api/job") => Self::Job,
            ("GET", "api/printer") => Self::Printer,
            ("GET", "api/printer/error") => Self::PrinterError,
            ("GET", "api/connection") => Self::Connection,
            ("GET", "api/printerprofiles") => Self::PrinterProfiles,
            ("GET", "api/files" | "api/files/local") => Self::Files,
            ("GET", _) if file => Self::File,
            ("POST", "api/job") => Self::JobCommand,
            ("POST", "api/connection") => Self::ConnectionCommand,
            ("POST", "api/login") => Self::Login,
            ("GET", "sockjs/websocket") => Self::Push,
            ("POST", "api/printer/command") => Self::PrinterCommand,
            ("POST", _) if file => Self::FileCommand,
            _ => Self::Unknown,
        }
    }

    /// The permission that OctoPrint 1.11.8 asks for.
    pub fn needs(self) -> Needs {
        match self {
            Self::Root | Self::CurrentUser | Self::Login | Self::Push | Self::Unknown => {
                Needs::Nothing
            }
            Self::Version
            | Self::Server
            | Self::Job
            | Self::Printer
            | Self::PrinterError
            | Self::Connection => Needs::Permission("STATUS"),
            Self::PrinterProfiles | Self::ConnectionCommand => Needs::Permission("CONNECTION"),
            Self::Files | Self::File => Needs::Permission("FILES_LIST"),
            Self::FileCommand => Needs::Permission("FILES_SELECT"),
            Self::JobCommand => Needs::Permission("PRINT"),
            Self::PrinterCommand => Needs::Permission("CONTROL"),
        }
    }

    /// Whether it changes something; OctoPrint refuses guests before it looks at their permissions.
    pub fn is_command(self) -> bool {
        matches!(
            self,
            Self::JobCommand | Self::ConnectionCommand | Self::FileCommand | Self::PrinterCommand
        )
    }
}

/// Counts what one printer was asked and what it answered.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    requests: Mutex<BTreeMap<Endpoint, u64>>,
    answers: Mutex<BTreeMap<(Endpoint, u16), u64>>,
}

impl Ledger {
    pub(crate) fn request(&self, endpoint: Endpoint) {
        count(&self.requests, endpoint);
    }

    pub(crate) fn answer(&self, endpoint: Endpoint, status: StatusCode) {
        count(&self.answers, (endpoint, status.as_u16()));
    }

    /// Requests received, answered or not.
    pub(crate) fn requests(&self, endpoint: Endpoint) -> u64 {
        look_up(&self.requests, &endpoint)
    }

    /// Answers given with this status.
    pub(crate) fn answers(&self, endpoint: Endpoint, status: u16) -> u64 {
        look_up(&self.answers, &(endpoint, status))
    }

    /// Answers given with this status by all endpoints together.
    pub(crate) fn answers_with(&self, status: u16) -> u64 {
        self.answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .filter(|((_, given), _)| *given == status)
            .map(|(_, count)| count)
            .sum()
    }
}

fn count<K: Ord>(counts: &Mutex<BTreeMap<K, u64>>, key: K) {
    *counts
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(key)
        .or_default() += 1;
}

fn look_up<K: Ord>(counts: &Mutex<BTreeMap<K, u64>>, key: &K) -> u64 {
    counts
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(key)
        .copied()
        .unwrap_or_default()
}
