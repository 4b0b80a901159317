//! One POST with the key: sent once at most, on a new connection.
//!
//! An answer that does not come leaves open whether the command was done, so nothing here ever sends it again. That
//! makes a kept connection a risk which a question does not have: the server may give it up in the moment in which we
//! send on it. A new one costs a round trip and takes that risk away.

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use url::Url;

use super::{Answer, Connections, HttpClients, KEY_HEADER, Transport, failure, redirect};
use crate::machine::Unreachable;
use crate::octoprint::{ApiKey, TlsTrust};

impl HttpClients {
    /// Sends `body` to `url`. A redirect is not followed: what a second server would make of it is unknown.
    ///
    /// # Errors
    /// If there is no complete answer, or it is a redirect; the command may have been done nevertheless. A status that
    /// tells of an error is an answer.
    pub(in crate::octoprint) async fn post(
        &self,
        url: Url,
        body: &Value,
        key: &ApiKey,
        trust: &TlsTrust,
    ) -> Result<Answer, Unreachable> {
        let deadline = self.limits().command;
        match tokio::time::timeout(deadline, self.command(url, body, key, trust)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(failure::timeout(deadline)),
        }
    }

    async fn command(
        &self,
        url: Url,
        body: &Value,
        key: &ApiKey,
        trust: &TlsTrust,
    ) -> Result<Answer, Unreachable> {
        let client = self.client(Transport::to(&url, trust), Connections::Single)?;
        let response: Response = client
            .post(url.clone())
            .header(KEY_HEADER, key.header())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body.to_string())
            .send()
            .await
            .map_err(|error| failure::unreachable(error, self.limits()))?;
        if response.status().is_redirection() {
            return Err(redirect::of_a_command(&url, &response));
        }
        self.read(response, self.limits().answer_bytes).await
    }
}
