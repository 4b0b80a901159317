//! One request with the key: within a deadline, within a size, and to no other server.
//!
//! Connections are shared by kind of trust, not by printer: a thousand printers on plain http need one client without
//! any certificate authorities. Because the questions to a printer follow one another, each keeps one connection alive;
//! a command gets a connection of its own (`command`).

mod command;
mod failure;
mod pin;
mod redirect;
mod tls;
mod upgrade;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::{ACCEPT_LANGUAGE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use reqwest::{Client, Response, StatusCode};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use self::tls::TlsSetupError;
pub(super) use self::upgrade::NotUpgraded;
use super::{ApiKey, Limits, TlsTrust, words};
use crate::machine::{Unreachable, UnreachableCause};

const USER_AGENT: &str = concat!("umati-bridge/", env!("CARGO_PKG_VERSION"));

const KEY_HEADER: &str = "X-Api-Key";

/// The HTTP clients of all printers. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct HttpClients {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    /// Places for those who log in to a push socket.
    logins: Semaphore,
    /// Made at first use, so that TLS costs nothing where there is none, and a CA file may come later.
    clients: Mutex<HashMap<(Transport, Connections), Client>>,
}

/// What a client is made for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Transport {
    Plain,
    Tls(TlsTrust),
}

/// What becomes of a connection after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Connections {
    Kept,
    /// Each request has its own.
    Single,
}

/// What is asked for.
#[derive(Debug)]
pub(super) struct Question {
    pub url: Url,
    /// The tag of the answer that we have: if it is still right, the server says so (304) and sends nothing.
    pub known: Option<HeaderValue>,
    /// The most that the body of the answer may hold.
    pub bytes: usize,
    /// A long answer gets one of its own: the memory that it was read into stays for as long as the connection.
    pub connection: Connections,
}

/// A complete answer, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
    /// Names this version of the answer.
    pub tag: Option<HeaderValue>,
}

impl Answer {
    /// A page for people: a login page, a captive portal, another server.
    pub(super) fn is_html(&self) -> bool {
        self.body.trim_ascii_start().starts_with(b"<")
    }

    /// Whether the body holds these words.
    pub(super) fn says(&self, words: &str) -> bool {
        self.body
            .windows(words.len())
            .any(|window| window == words.as_bytes())
    }
}

#[derive(Debug, thiserror::Error)]
enum ClientError {
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    #[error("the HTTP client cannot be set up: {0}")]
    Http(#[from] reqwest::Error),
}

impl Default for HttpClients {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl HttpClients {
    /// Clients with other limits than the default ones.
    pub fn new(limits: Limits) -> Self {
        Self {
            shared: Arc::new(Shared {
                logins: Semaphore::new(limits.logins),
                limits,
                clients: Mutex::default(),
            }),
        }
    }

    /// Waits for a place to log in to a push socket, in the order of asking; `None` means that there is no limit.
    pub(super) async fn login_turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.shared.logins.acquire().await.ok()
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Asks, following redirects that stay on the server.
    ///
    /// # Errors
    /// If there is no complete answer. A status that tells of an error is an answer.
    pub(super) async fn get(
        &self,
        question: Question,
        key: &ApiKey,
        trust: &TlsTrust,
    ) -> Result<Answer, Unreachable> {
        let deadline = self.limits().request;
        match tokio::time::timeout(deadline, self.follow(question, key, trust)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(failure::timeout(deadline)),
        }
    }

    async fn follow(
        &self,
        mut question: Question,
        key: &ApiKey,
        trust: &TlsTrust,
    ) -> Result<Answer, Unreachable> {
        let limit = self.limits().redirects;
        for _ in 0..=limit {
            let response = self.exchange(&question, key, trust).await?;
            match redirect::target(&question.url, &response)? {
                Some(next) => question.url = next,
                None => return self.read(response, question.bytes).await,
            }
        }
        Err(redirect::too_many(limit))
    }

    /// One request up to the head of its answer; once more on a new connection if the old one had gone stale.
    async fn exchange(
        &self,
        question: &Question,
        key: &ApiKey,
        trust: &TlsTrust,
    ) -> Result<Response, Unreachable> {
        let transport = Transport::to(&question.url, trust);
        let client = self.client(transport, question.connection)?;
        let send = || {
            let request = client
                .get(question.url.clone())
                .header(KEY_HEADER, key.header());
            match &question.known {
                Some(tag) => request.header(IF_NONE_MATCH, tag.clone()),
                None => request,
            }
            .send()
        };
        let outcome = match send().await {
            Err(error) if failure::is_stale_connection(&error) => send().await,
            outcome => outcome,
        };
        outcome.map_err(|error| failure::unreachable(error, self.limits()))
    }

    async fn read(&self, mut response: Response, limit: usize) -> Result<Answer, Unreachable> {
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| failure::unreachable(error, self.limits()))?
        {
            if body.len() + chunk.len() > limit {
                let detail = format!("more than {limit} bytes");
                return Err(Unreachable {
                    cause: UnreachableCause::TooLarge,
                    detail,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status(),
            tag: response.headers().get(ETAG).cloned(),
            body,
        })
    }

    /// Blocks for as long as it takes to read the system's authorities, once in the life of the process.
    fn client(
        &self,
        transport: Transport,
        connections: Connections,
    ) -> Result<Client, Unreachable> {
        // A panic elsewhere cannot leave the map half changed.
        let mut clients = self
            .shared
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let purpose = (transport, connections);
        if let Some(client) = clients.get(&purpose) {
            return Ok(client.clone());
        }
        let client =
            build(&purpose.0, connections, self.limits()).map_err(|error| Unreachable {
                cause: UnreachableCause::Tls,
                detail: words::one_line(&error),
            })?;
        clients.insert(purpose, client.clone());
        Ok(client)
    }
}

impl Transport {
    fn to(url: &Url, trust: &TlsTrust) -> Self {
        match url.scheme() {
            "https" => Self::Tls(trust.clone()),
            _ => Self::Plain,
        }
    }
}

fn build(
    transport: &Transport,
    connections: Connections,
    limits: &Limits,
) -> Result<Client, ClientError> {
    let tls = match transport {
        Transport::Plain => tls::no_trust()?,
        Transport::Tls(trust) => tls::config(trust)?,
    };
    let idle_connections = match connections {
        Connections::Kept => usize::MAX,
        Connections::Single => 0,
    };
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(USER_AGENT)
        // Versions up to 1.5 may answer 500 without it (Babel's parsing of a missing language).
        .default_headers(HeaderMap::from_iter([(
            ACCEPT_LANGUAGE,
            HeaderValue::from_static("en"),
        )]))
        .connect_timeout(limits.connect)
        .pool_max_idle_per_host(idle_connections)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        // Printers are on the local network; a proxy of the environment must not see their keys.
        .no_proxy()
        .build()?;
    Ok(client)
}
