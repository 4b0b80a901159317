//! What a client was told last of one variable of all machines, and how soon it was told of an event.

use std::sync::Arc;
use std::time::{Duration, Instant};

use opcua::types::{DataValue, Variant};
use tokio::sync::watch;
use umati_bridge::octoprint::simulator::{Command, Handle, PauseAction, printer_name};

use super::client::Client;

const PUBLISHING_INTERVAL: Duration = Duration::from_millis(50);
/// No state takes longer; more is a defect of the bench.
const PATIENCE: Duration = Duration::from_secs(120);

/// The values, as texts, and when each was told.
pub struct Board {
    told: Arc<watch::Sender<Vec<(String, Instant)>>>,
    _client: Client,
}

impl Board {
    /// Subscribes to one variable of so many machines.
    pub async fn watch(client: Client, machines: usize, member: &str) -> Self {
        let nothing = vec![(String::new(), Instant::now()); machines];
        let told = Arc::new(watch::Sender::new(nothing));
        let paths: Vec<_> = (1..=machines)
            .map(|number| format!("{}/{member}", printer_name(number)))
            .collect();
        let collected = Arc::clone(&told);
        let note = move |place: usize, value: DataValue| {
            if let Some(Variant::String(text)) = value.value {
                let now = (text.to_string(), Instant::now());
                collected.send_modify(|told| told[place] = now);
            }
        };
        client.subscribe(PUBLISHING_INTERVAL, &paths, note).await;
        Self {
            told,
            _client: client,
        }
    }

    async fn until<T>(&self, find: impl Fn(&[(String, Instant)]) -> Option<T>) -> T {
        let mut told = self.told.subscribe();
        let wait = told.wait_for(|told| find(told).is_some());
        let told = tokio::time::timeout(PATIENCE, wait).await;
        let told = told.expect("in time").expect("the sender is here");
        find(&told).expect("it was there")
    }

    /// Waits until all are so; tells when each was told so.
    pub async fn until_all(&self, accept: impl Fn(&str) -> bool) -> Vec<Instant> {
        self.until(|told| {
            let all = told.iter().all(|(text, _)| accept(text));
            all.then(|| told.iter().map(|(_, at)| *at).collect())
        })
        .await
    }

    /// Pauses a print or resumes it, at a random moment; tells how long that took to this board of `StateText`.
    pub async fn turn(&self, place: usize, printer: &Handle) -> Duration {
        let settled = |text: &str| ["Printing", "Paused"].contains(&text);
        let before = self
            .until(|told| settled(&told[place].0).then(|| told[place].0.clone()))
            .await;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(..100))).await;
        let action = if before == "Paused" {
            PauseAction::Resume
        } else {
            PauseAction::Pause
        };
        let began = Instant::now();
        printer.command(Command::Pause(action)).expect("taken");
        let at = self
            .until(|told| (told[place].0 != before).then_some(told[place].1))
            .await;
        at - began
    }
}
