//! Many servers at once: how many are logged in to at a time, and that those who must wait are asked meanwhile.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use umati_bridge::machine::{DataSource, Observation};
use umati_bridge::octoprint::simulator::{
    Conduct, Endpoint, Fault, Handle, STATUS_KEY, Settings, Simulator, printer_name,
};
use umati_bridge::octoprint::{ApiKey, HttpClients, Limits, Source, Way};

use crate::feed::{Feed, eventually, limits, source};

/// Printers that are listened to where that is possible, and otherwise asked all the time.
struct Crowd {
    printers: Vec<Handle>,
    feeds: Vec<Feed>,
    _shutdown: DropGuard,
}

impl Crowd {
    async fn new(printers: usize, limits: Limits, before: impl Fn(&Handle)) -> Self {
        let settings = Settings {
            printers,
            conduct: Conduct::Manual,
            ..Settings::default()
        };
        let simulator = Simulator::new(&settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        tokio::spawn(Arc::clone(&simulator).serve(listener, shutdown.clone()));
        let printers: Vec<_> = (1..=printers)
            .map(|number| simulator.printer(number).unwrap())
            .collect();
        printers.iter().for_each(before);
        let clients = HttpClients::new(limits);
        let feeds = (1..=printers.len()).map(|number| {
            let url = format!("http://{base}/{}/", printer_name(number));
            let source = Source {
                key: ApiKey::new(STATUS_KEY).unwrap(),
                way: Way::Auto,
                poll_interval: Duration::from_millis(20),
                heartbeat_interval: Duration::from_secs(3_600),
                ..source("test", &url)
            };
            Feed::sharing(&clients, source)
        });
        Self {
            feeds: feeds.collect(),
            printers,
            _shutdown: shutdown.drop_guard(),
        }
    }

    fn logins(&self) -> u64 {
        let printers = self.printers.iter();
        printers
            .map(|printer| printer.requests(Endpoint::Login))
            .sum()
    }
}

#[tokio::test]
async fn so_many_log_in_at_a_time_and_the_others_are_asked_meanwhile() {
    const AT_A_TIME: usize = 3;
    let limits = Limits {
        logins: AT_A_TIME,
        ..limits()
    };
    let hang = |printer: &Handle| printer.inject_at(Endpoint::Login, Fault::Hang);
    let mut crowd = Crowd::new(12, limits, hang).await;
    eventually("the first log in", || crowd.logins() >= AT_A_TIME as u64).await;
    for feed in &mut crowd.feeds {
        for _ in 0..5 {
            feed.report().await;
        }
    }
    assert_eq!(crowd.logins(), AT_A_TIME as u64);
    crowd.printers.iter().for_each(Handle::heal);
    for feed in &mut crowd.feeds {
        feed.first(|observation| match observation {
            Observation::Source(DataSource::Push) => Some(()),
            _ => None,
        })
        .await;
    }
}
