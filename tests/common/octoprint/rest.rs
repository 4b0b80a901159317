//! OctoPrint's REST interface, as the administrator uses it.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::ADMIN_KEY;

#[derive(Debug)]
pub(super) struct Rest {
    pub base: String,
    client: reqwest::Client,
    runtime: Runtime,
}

impl Rest {
    pub fn new(port: u16) -> Self {
        // Fails only when the process has a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            base: format!("http://127.0.0.1:{port}"),
            client: reqwest::Client::builder()
                .timeout(Duration::from_secs(20))
                .build()
                .expect("an HTTP client"),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime"),
        }
    }

    pub fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), String> {
        let request = self.client.request(method, format!("{}{path}", self.base));
        self.finish(match body {
            Some(body) => request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_string()),
            None => request,
        })
    }

    pub fn upload(&self, folder: &str, name: &str, content: &str) {
        let boundary = "----------------interop";
        let disposition = "Content-Disposition: form-data";
        let body = format!(
            "--{boundary}\r\n{disposition}; name=\"path\"\r\n\r\n{folder}\r\n\
             --{boundary}\r\n{disposition}; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n{content}\r\n--{boundary}--\r\n"
        );
        let request = self.client.post(format!("{}/api/files/local", self.base));
        let (status, answer) = self
            .finish(
                request
                    .header(
                        CONTENT_TYPE,
                        format!("multipart/form-data; boundary={boundary}"),
                    )
                    .body(body),
            )
            .expect("the upload is answered");
        assert!(status.is_success(), "upload: {status} {answer}");
    }

    fn finish(&self, request: reqwest::RequestBuilder) -> Result<(StatusCode, Value), String> {
        self.runtime
            .block_on(async {
                let answer = request
                    .header("X-Api-Key", ADMIN_KEY)
                    .header("Accept-Language", "en")
                    .send()
                    .await?;
                let status = answer.status();
                let text = answer.text().await?;
                Ok((
                    status,
                    serde_json::from_str(&text).unwrap_or(Value::String(text)),
                ))
            })
            .map_err(|error: reqwest::Error| error.to_string())
    }
}
