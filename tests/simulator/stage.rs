//! A served simulator on a loopback port, with a clock that the test moves.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use umati_bridge::octoprint::simulator::{
    API_KEY, Clock, Conduct, Handle, Settings, Simulator, printer_name,
};

/// Stops the server when it is dropped.
pub struct Stage {
    pub clock: Clock,
    pub client: Client,
    address: String,
    simulator: Arc<Simulator>,
    _shutdown: DropGuard,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl Stage {
    /// Five printers that wait for commands, two seconds old so that they have temperatures.
    pub async fn manual() -> Self {
        let settings = Settings {
            conduct: Conduct::Manual,
            ..Settings::default()
        };
        Self::with(&settings).await
    }

    pub async fn with(settings: &Settings) -> Self {
        // Another test may have installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = Clock::manual();
        let simulator = Simulator::with_clock(settings, clock.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        tokio::spawn(Arc::clone(&simulator).serve(listener, shutdown.clone()));
        Self {
            clock,
            client: Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(Duration::from_secs(20))
                .build()
                .unwrap(),
            address,
            simulator,
            _shutdown: shutdown.drop_guard(),
        }
    }

    pub fn printer(&self, number: usize) -> Handle {
        self.simulator.printer(number).unwrap()
    }

    /// Lets virtual time pass.
    pub fn wait(&self, seconds: f64) {
        self.clock.advance(Duration::from_secs_f64(seconds));
    }

    pub fn url(&self, number: usize, path: &str) -> String {
        format!("{}/{}/{path}", self.address, printer_name(number))
    }

    pub async fn get(&self, number: usize, path: &str) -> Answer {
        self.ask(Method::GET, number, path, Some(API_KEY), None)
            .await
            .unwrap()
    }

    pub async fn get_as(&self, key: Option<&str>, number: usize, path: &str) -> Answer {
        self.ask(Method::GET, number, path, key, None)
            .await
            .unwrap()
    }

    pub async fn post(&self, number: usize, path: &str, body: Value) -> Answer {
        self.post_as(Some(API_KEY), number, path, body).await
    }

    pub async fn post_as(
        &self,
        key: Option<&str>,
        number: usize,
        path: &str,
        body: Value,
    ) -> Answer {
        self.ask(Method::POST, number, path, key, Some(body.to_string()))
            .await
            .unwrap()
    }

    /// Posts a command that must be accepted.
    pub async fn command(&self, number: usize, path: &str, body: Value) {
        let answer = self.post(number, path, body).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    }

    pub async fn ask(
        &self,
        method: Method,
        number: usize,
        path: &str,
        key: Option<&str>,
        body: Option<String>,
    ) -> reqwest::Result<Answer> {
        let mut request = self.client.request(method, self.url(number, path));
        if let Some(key) = key {
            request = request.header("X-Api-Key", key);
        }
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/json")
                .body(body);
        }
        let response = request.send().await?;
        let status: StatusCode = response.status();
        let content_type = response
            .headers()
            .get("content-type")
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default();
        Ok(Answer {
            status: status.as_u16(),
            content_type,
            text: response.text().await?,
        })
    }

    /// The state text that `/api/job` tells.
    pub async fn state(&self, number: usize) -> String {
        let job = self.get(number, "api/job").await.json();
        job["state"].as_str().unwrap().to_owned()
    }
}
