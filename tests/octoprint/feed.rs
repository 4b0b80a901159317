//! A poll loop under test: what it observes, awaited by condition.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use umati_bridge::machine::{KeyRejection, Observation, PrintableFile, Report, Unreachable};
use umati_bridge::octoprint::{
    ApiKey, Backoff, HttpClients, Limits, Observed, Poke, Purpose, Source, TlsTrust, Way, observe,
};

pub const KEY: &str = "A0A00B123E454H122BD513FE58B5E9BC";

/// Far beyond what any condition needs; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Feed {
    pub observed: mpsc::Receiver<Observed>,
    pub poke: Poke,
    pub shutdown: CancellationToken,
    task: JoinHandle<()>,
}

/// Quick everywhere but in the deadlines, which only tests of deadlines shorten.
pub fn limits() -> Limits {
    Limits {
        key_retry: Duration::from_millis(10),
        backoff: Backoff::new(Duration::from_millis(5), Duration::from_millis(20)).unwrap(),
        ..Limits::default()
    }
}

pub fn source(id: &str, url: &str) -> Source {
    Source {
        id: id.to_owned(),
        base: url.parse().unwrap(),
        key: ApiKey::new(KEY).unwrap(),
        tls: TlsTrust::SystemRoots,
        way: Way::Poll,
        poll_interval: Duration::from_millis(10),
        heartbeat_interval: Duration::from_millis(10),
        purpose: Purpose::Observe,
    }
}

impl Feed {
    pub fn of(url: &str) -> Self {
        Self::with(source("test", url), limits())
    }

    pub fn with(source: Source, limits: Limits) -> Self {
        Self::queue(source, limits, 64)
    }

    pub fn queue(source: Source, limits: Limits, length: usize) -> Self {
        Self::start(source, HttpClients::new(limits), length)
    }

    /// One of many printers read with the same clients.
    pub fn sharing(clients: &HttpClients, source: Source) -> Self {
        Self::start(source, clients.clone(), 64)
    }

    fn start(source: Source, clients: HttpClients, length: usize) -> Self {
        let (sender, observed) = mpsc::channel(length);
        let shutdown = CancellationToken::new();
        let (poke, looks) = Poke::new();
        let task = tokio::spawn(observe(source, clients, looks, sender, shutdown.clone()));
        Self {
            observed,
            poke,
            shutdown,
            task,
        }
    }

    /// Waits until the loop has ended.
    pub async fn ends(&mut self) {
        let end = tokio::time::timeout(PATIENCE, &mut self.task).await;
        end.expect("the loop ends").unwrap();
    }

    pub async fn next(&mut self) -> Observation {
        let next = tokio::time::timeout(PATIENCE, self.observed.recv());
        let observed = next.await.expect("an observation in time");
        *observed.expect("the loop still runs").observation
    }

    /// The first observation that `choose` takes.
    pub async fn first<T>(&mut self, mut choose: impl FnMut(Observation) -> Option<T>) -> T {
        let mut others = Vec::new();
        let search = async {
            loop {
                let observation = self.next().await;
                others.push(format!("{observation:?}"));
                if let Some(chosen) = choose(observation) {
                    return chosen;
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, search).await;
        found.unwrap_or_else(|_| {
            panic!(
                "never observed; last were {:#?}",
                &others[others.len().saturating_sub(3)..]
            )
        })
    }

    pub async fn report(&mut self) -> Report {
        self.first(|observation| match observation {
            Observation::Report(report) => Some(*report),
            _ => None,
        })
        .await
    }

    pub async fn unreachable(&mut self) -> Unreachable {
        self.first(|observation| match observation {
            Observation::Unreachable(why) => Some(why),
            _ => None,
        })
        .await
    }

    pub async fn files(&mut self) -> Vec<PrintableFile> {
        self.first(|observation| match observation {
            Observation::Files(files) => Some(files),
            _ => None,
        })
        .await
    }

    pub async fn rejected(&mut self) -> KeyRejection {
        self.first(|observation| match observation {
            Observation::KeyRejected(why) => Some(why),
            _ => None,
        })
        .await
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Waits until `condition` holds.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}
