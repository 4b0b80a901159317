//! The simulated OctoPrints on the network: one HTTP server, one base path a printer.
//!
//! Every request takes the same way: which printer, which endpoint, who asks, is there a fault, answer. It is counted
//! at both ends.

mod answer;
pub(super) mod bodies;
pub(super) mod endpoint;
pub(super) mod fault;
mod files;
mod request;
mod upgrade;
pub(super) mod users;
pub(super) mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::header::{CONNECTION, HOST, IF_NONE_MATCH, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::fleet::Simulator;
use super::member::Member;
use answer::{Answer, Asked, reply};
use endpoint::Endpoint;
use fault::Fault;
use users::User;
use wire::{WireFate, WireListener};

/// How long requests under way may take to end once the server shall stop.
const DRAIN: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Service {
    simulator: Arc<Simulator>,
    shutdown: CancellationToken,
}

impl Simulator {
    /// Serves all printers at `http://<listener>/printer-0001/` and so on, until `shutdown`; requests under way then
    /// get a moment to end.
    ///
    /// # Errors
    /// None today: errors of single connections end only those.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> std::io::Result<()> {
        let service = Service {
            simulator: self,
            shutdown: shutdown.clone(),
        };
        let router = Router::new()
            .route("/{printer}/", any(root))
            .route("/{printer}/sockjs/websocket", get(upgrade::upgrade))
            .route("/{printer}/{*path}", any(inside))
            .with_state(service)
            .into_make_service_with_connect_info::<WireFate>();
        let stop = shutdown.clone().cancelled_owned();
        let server = axum::serve(WireListener(listener), router).with_graceful_shutdown(stop);
        let too_late = async {
            shutdown.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! {
            result = server => result,
            () = too_late => Ok(()),
        }
    }
}

/// `{*path}` does not match an empty path.
async fn root(
    service: State<Service>,
    wire: ConnectInfo<WireFate>,
    method: Method,
    Path(printer): Path<String>,
    query: Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = Path((printer, String::new()));
    inside(service, wire, method, path, query, headers, body).await
}

async fn inside(
    State(service): State<Service>,
    ConnectInfo(wire): ConnectInfo<WireFate>,
    method: Method,
    Path((name, path)): Path<(String, String)>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(member) = service.simulator.member(&name) else {
        return Answer::not_found().into_response();
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let file = path.strip_prefix("api/files/local/").unwrap_or_default();
    let asked = Asked {
        endpoint: Endpoint::of(&method, &path),
        file: file.to_owned(),
        user: if member.keys_accepted() {
            User::of(&headers, &query)
        } else {
            User::Guest
        },
        query,
        known: headers.get(IF_NONE_MATCH).cloned(),
        base: format!("http://{}/{name}", host.unwrap_or("localhost")),
        body,
    };
    member.ledger.request(asked.endpoint);
    let right = || Answer::to(&asked, member, service.simulator.clock());
    let response = match member.fault(asked.endpoint) {
        None => right().into_response(),
        Some(fault @ (Fault::WrongTypes | Fault::Replace(..))) => match right() {
            Answer::Json(body) | Answer::Tagged(body) => Answer::Json(fault::spoil(&fault, body)),
            other => other,
        }
        .into_response(),
        Some(fault) => {
            let right = || right().into_response();
            misbehave(&service, member, asked.endpoint, fault, &wire, right).await
        }
    };
    if wire.delivers() {
        member.ledger.answer(asked.endpoint, response.status());
    }
    response
}

/// Commits a fault; what no HTTP server would do is left to the wire.
async fn misbehave(
    service: &Service,
    member: &Member,
    endpoint: Endpoint,
    fault: Fault,
    wire: &WireFate,
    right: impl FnOnce() -> Response,
) -> Response {
    match fault {
        Fault::Hang => {
            tokio::select! {
                () = member.hang(endpoint) => {}
                () = service.shutdown.cancelled() => {}
            }
            wire.sever();
            right()
        }
        Fault::Slow(late) => {
            tokio::select! {
                () = tokio::time::sleep(late) => {}
                () = service.shutdown.cancelled() => {}
            }
            right()
        }
        Fault::Late(late) => {
            let then = right();
            tokio::select! {
                () = tokio::time::sleep(late) => {}
                () = service.shutdown.cancelled() => {}
            }
            then
        }
        Fault::Ignore if endpoint.is_command() => Answer::Done.into_response(),
        Fault::Close => {
            wire.sever();
            right()
        }
        Fault::Truncate => {
            wire.halve();
            right()
        }
        Fault::Garbage => {
            wire.garble();
            let close = (CONNECTION, HeaderValue::from_static("close"));
            ([close], right()).into_response()
        }
        Fault::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let page = format!("<html><body><h1>{status}</h1></body></html>\n");
            reply(status, "text/html; charset=utf-8", page)
        }
        Fault::Html => Answer::LoginPage.into_response(),
        Fault::Forbidden => Answer::forbidden().into_response(),
        Fault::Redirect(address) => (StatusCode::FOUND, [(LOCATION, address)]).into_response(),
        Fault::Body(body) => reply(StatusCode::OK, "application/json", body),
        Fault::Huge(size) => {
            let body = format!("\"{}\"", " ".repeat(size.saturating_sub(2)));
            reply(StatusCode::OK, "application/json", body)
        }
        Fault::Ignore | Fault::WrongTypes | Fault::Replace(..) => right(),
    }
}
