//! The push socket: OctoPrint tells what happens, in the moment in which it happens.
//!
//! ```text
//!        OctoPrint can be read                   history                    anything goes wrong
//!  wait ───────────────────────► login, upgrade ─────────► telling ──────────────────────┐
//!   ▲                                  │ refused                                          │
//!   └──── pause, longer each time ◄────┴──────────────────────────────────────────────────┘
//!         none if it cannot be read
//! ```
//!
//! There is no answer to a login but the first `history`, so one that does not come in time is a refusal (facts:
//! octoprint.md §2.4). A session dies with its server, so each connection logs in anew. The socket goes on telling after
//! the key was revoked and cannot be heard to lie, so polling looks after it (`poll`), and ends it by way of the [`Line`].

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod message;
mod problem;
mod socket;
mod tale;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::Utc;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::api::Api;
use super::http::NotUpgraded;
use super::journal::Journal;
use super::line::{Feed, Line, Rest};
use super::{Backoff, HttpClients, Limits, Source};
use crate::machine::{DataSource, Observation};
use message::Message;
use problem::Problem;
use socket::Socket;
use tale::Tale;

/// Listens to one server, whenever it can be listened to.
pub(super) struct Push {
    api: Api,
    clients: HttpClients,
    limits: Limits,
    line: Line,
    backoff: Backoff,
    refused: Backoff,
    journal: Journal,
    /// `current` comes every so many half seconds at most.
    throttle: u32,
    /// Why it does not tell; `None` while it does, and before the first try.
    why: Option<String>,
}

impl Push {
    pub(super) fn new(source: Source, clients: HttpClients, line: Line) -> Self {
        let limits = clients.limits().clone();
        Self {
            throttle: throttle(source.poll_interval),
            journal: Journal::new(source.id.clone()),
            api: Api::new(source, clients.clone()),
            backoff: limits.push_backoff.clone(),
            refused: limits.push_refused.clone(),
            clients,
            limits,
            line,
            why: None,
        }
    }

    /// Does not end.
    pub(super) async fn run(&mut self) {
        loop {
            self.line.until_rest(Rest::Up).await;
            let line = self.line.clone();
            let problem = tokio::select! {
                problem = self.listen() => problem,
                () = line.until_rest(Rest::Down) => Problem::LinkDown,
                () = line.until_condemned() => Problem::Contradicted,
            };
            let refuses = problem.is_refusal();
            self.fall_silent(problem).await;
            let backoff = if refuses {
                &mut self.refused
            } else {
                &mut self.backoff
            };
            tokio::select! {
                () = tokio::time::sleep(backoff.pause()) => {}
                // A server that comes back may have become another one.
                () = line.until_rest(Rest::Down) => backoff.reset(),
            }
        }
    }

    /// Connects, and tells what it is told until something goes wrong.
    async fn listen(&mut self) -> Problem {
        let mut tale = Tale::default();
        // Most of the time it listens: what connecting needs takes memory for as long as that.
        let mut socket = match Box::pin(self.connect(&mut tale)).await {
            Ok(socket) => socket,
            Err(problem) => return problem,
        };
        self.backoff.reset();
        self.refused.reset();
        loop {
            match socket.next().await {
                Ok(message) => {
                    if let Err(problem) = self.take(&message, &mut tale).await {
                        return problem;
                    }
                }
                Err(problem) => return problem,
            }
        }
    }

    /// From the login to the history. Only so many do this at a time, over all machines: a switch that comes back must
    /// not make a thousand logins at once.
    async fn connect(&mut self, tale: &mut Tale) -> Result<Socket, Problem> {
        let clients = self.clients.clone();
        let _turn = clients.login_turn().await;
        let (user, session) = self.log_in().await?;
        let connection = self.api.socket().await.map_err(|why| match why {
            NotUpgraded::Unreachable(why) => Problem::Unreachable(why),
            NotUpgraded::Refused(status) => Problem::NotUpgraded(status.as_u16()),
        })?;
        let (largest, ping) = (self.limits.message_bytes, self.limits.ping);
        let mut socket = Socket::new(connection, largest, ping).await;
        let turns = self.line.told().turns;
        for message in message::introduction(self.throttle, &user, &session) {
            socket.send(&message).await?;
        }
        let patience = self.limits.history;
        match timeout(patience, self.history(&mut socket, turns, tale)).await {
            Ok(outcome) => outcome.map(|()| socket),
            Err(_) => Err(Problem::NoHistory(patience)),
        }
    }

    async fn log_in(&self) -> Result<(String, String), Problem> {
        let answer = self
            .api
            .command(&["api", "login"], &json!({"passive": true}))
            .await
            .map_err(Problem::Unreachable)?;
        if answer.status != StatusCode::OK {
            return Err(Problem::Login(answer.status.as_u16()));
        }
        let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match (told["name"].as_str(), told["session"].as_str()) {
            (Some(user), Some(session)) => Ok((user.to_owned(), session.to_owned())),
            _ => Err(Problem::NoSession),
        }
    }

    /// Waits for the history, which begins what is told. It may have been on its way for long, and what was answered
    /// meanwhile is newer: `turns` were told before it was asked for.
    async fn history(
        &mut self,
        socket: &mut Socket,
        turns: u64,
        tale: &mut Tale,
    ) -> Result<(), Problem> {
        loop {
            let message = socket.next().await?;
            match message::read(&message) {
                Message::History(_) => {
                    let everything = tale.observe(&message::read(&message));
                    let told = self.line.told();
                    let is_behind = match &everything {
                        Some(Observation::Report(report)) => told.is_ahead_of(report),
                        _ => false,
                    };
                    if is_behind || told.turns != turns {
                        return Err(Problem::Overtaken);
                    }
                    self.why = None;
                    self.journal.tells();
                    self.line.heard();
                    self.line.turn_feed(Feed::Telling);
                    self.emit(Observation::Source(DataSource::Push)).await;
                    if let Some(everything) = everything {
                        self.tell(everything).await;
                    }
                    return Ok(());
                }
                Message::LoginAgain(why) => return Err(Problem::LoginAgain(why.to_owned())),
                // Nothing counts before the history: it says where everything stands.
                Message::Current(_) | Message::Event { .. } | Message::Other => {}
            }
        }
    }

    async fn take(&mut self, message: &Value, tale: &mut Tale) -> Result<(), Problem> {
        self.line.heard();
        let message = message::read(message);
        if let Message::LoginAgain(why) = message {
            return Err(Problem::LoginAgain(why.to_owned()));
        }
        if let Some(observation) = tale.observe(&message) {
            self.tell(observation).await;
        }
        Ok(())
    }

    async fn tell(&self, observation: Observation) {
        self.line.note(&observation);
        self.emit(observation).await;
    }

    async fn fall_silent(&mut self, problem: Problem) {
        self.line.turn_feed(Feed::Silent);
        let why = problem.to_string();
        if self.why.as_ref() == Some(&why) {
            return;
        }
        if problem != Problem::LinkDown {
            self.journal.does_not_tell(&why);
        }
        self.why = Some(why.clone());
        let at = Utc::now();
        let source = DataSource::Poll { why: Some(why) };
        self.line
            .emit(Observation::Source(source), at, |_| true)
            .await;
    }

    /// What is told after OctoPrint was seen to be out of reach, or to say otherwise, does not count.
    async fn emit(&self, observation: Observation) {
        let at = Utc::now();
        let counts =
            |_: &Observation| self.line.rest() == Rest::Up && self.line.feed() == Feed::Telling;
        self.line.emit(observation, at, counts).await;
    }
}

/// As fresh as polling at this interval, in OctoPrint's unit of half a second.
fn throttle(interval: Duration) -> u32 {
    const HALF_SECONDS_PER_SECOND: f64 = 2.0;
    let half_seconds = (interval.as_secs_f64() * HALF_SECONDS_PER_SECOND).round();
    // `as` saturates.
    (half_seconds as u32).clamp(1, 20)
}
