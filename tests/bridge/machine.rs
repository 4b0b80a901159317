//! One machine in the eyes of an MES: what a test waits for, and what was told.

use opcua::types::{StatusCode, UAString, Variant};

use crate::mes::{Mes, Seen};
use crate::paths::{SERVER_REACHABLE, UPDATED};

/// The paths start at the machine.
#[derive(Clone)]
pub struct Machine {
    pub mes: Mes,
    pub name: String,
}

impl Machine {
    pub fn path(&self, path: &str) -> String {
        format!("{}/{path}", self.name)
    }

    pub async fn watch(&self, paths: &[&str]) {
        let paths: Vec<_> = paths.iter().map(|path| self.path(path)).collect();
        self.mes.watch(&paths).await;
    }

    pub async fn read(&self, path: &str) -> Seen {
        self.mes.read(&self.path(path)).await
    }

    pub async fn until(&self, path: &str, what: &str, accept: impl Fn(&Seen) -> bool) -> Seen {
        self.mes.until(&self.path(path), what, accept).await
    }

    /// Waits until the status of `path` is exactly this.
    pub async fn until_status(&self, path: &str, status: StatusCode) -> Seen {
        let what = format!("has status {status}");
        self.until(path, &what, |seen| seen.status == status).await
    }

    /// Waits until `path` is this number, Good.
    pub async fn until_number(&self, path: &str, number: u32) {
        let what = format!("is {number}");
        self.until(path, &what, |seen| seen.is_good_number(number.into()))
            .await;
    }

    /// Waits until `path` is exactly this value with exactly this status.
    pub async fn until_is(&self, path: &str, value: impl Into<Variant>, status: StatusCode) {
        let value = value.into();
        let what = format!("is {value:?}, {status}");
        self.until(path, &what, |seen| {
            seen.value == value && seen.status == status
        })
        .await;
    }

    /// Waits until `path` has the number of `before` with exactly this status. A floating-point number that is not
    /// Good may differ in its last bit, so that a client without a filter is told of the change of status.
    pub async fn until_about(&self, path: &str, before: &Seen, status: StatusCode) {
        let number = before.number().expect("a number");
        let what = format!("is about {number}, {status}");
        self.until(path, &what, |seen| {
            seen.status == status && seen.number().is_some_and(|n| (n - number).abs() < 1e-9)
        })
        .await;
    }

    /// Waits until `path` has exactly this status and no value.
    pub async fn until_nothing(&self, path: &str, status: StatusCode) {
        self.until_is(path, Variant::Empty, status).await;
    }

    /// Values and statuses that `path` notified since `mark`.
    pub fn history(&self, mark: usize, path: &str) -> Vec<(Variant, StatusCode)> {
        let history = self.mes.history(mark, &self.path(path));
        history
            .into_iter()
            .map(|seen| (seen.value, seen.status))
            .collect()
    }

    /// Waits until the machine was read `count` times more.
    pub async fn until_polled(&self, count: usize) {
        let mark = self.mes.mark();
        self.mes
            .until_changed(mark, &self.path(UPDATED), count)
            .await;
    }

    /// OctoPrint answered each time since it was watched.
    pub fn assert_always_reachable(&self) {
        let history = self.history(0, SERVER_REACHABLE);
        let outages = history
            .iter()
            .filter(|(value, _)| *value == Variant::Boolean(false));
        assert_eq!(
            outages.count(),
            0,
            "{} suffered, too: {history:?}",
            self.name
        );
        assert!(!history.is_empty(), "{} is not watched", self.name);
    }

    /// How often the machine was read since `mark`.
    pub fn polls(&self, mark: usize) -> usize {
        self.mes.history(mark, &self.path(UPDATED)).len()
    }
}

/// A text as a client compares it.
pub fn text(text: &str) -> Variant {
    Variant::String(UAString::from(text))
}
