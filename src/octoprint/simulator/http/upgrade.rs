//! `GET /sockjs/websocket`: from HTTP to the push interface.

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::{Answer, reply};
use super::endpoint::Endpoint;
use super::wire::WireFate;
use super::{Service, misbehave};
use crate::octoprint::simulator::push::{Visit, attend};

/// Clients say little, and a large fleet has a buffer for each of them.
const READ_BUFFER: usize = 2048;

/// Opens a push socket. Keys mean nothing here: the client authenticates on the socket.
pub(super) async fn upgrade(
    State(service): State<Service>,
    ConnectInfo(wire): ConnectInfo<WireFate>,
    Path(name): Path<String>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Some(member) = service.simulator.member(&name) else {
        return Answer::not_found().into_response();
    };
    member.ledger.request(Endpoint::Push);
    let open = || match upgrade {
        Err(_) => refused(
            StatusCode::BAD_REQUEST,
            "Can \"Upgrade\" only to \"WebSocket\".",
        ),
        Ok(_) if is_foreign(&headers) => {
            refused(StatusCode::FORBIDDEN, "Cross origin websockets not allowed")
        }
        Ok(upgrade) => {
            let clock = service.simulator.clock();
            let visit = Visit::new(member, clock, &wire, &service.shutdown);
            upgrade
                .read_buffer_size(READ_BUFFER)
                .on_upgrade(|socket| attend(visit, socket))
        }
    };
    let response = match member.fault(Endpoint::Push) {
        None => open(),
        Some(fault) => misbehave(&service, member, Endpoint::Push, fault, &wire, open).await,
    };
    if wire.delivers() {
        member.ledger.answer(Endpoint::Push, response.status());
    }
    response
}

/// As the web server refuses by itself.
fn refused(status: StatusCode, text: &'static str) -> Response {
    reply(status, "text/html; charset=UTF-8", text)
}

/// Whether a page of another server asks; who is no browser sends no `Origin`.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    text(ORIGIN.as_str()).is_some_and(|origin| {
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        text(HOST.as_str()) != Some(host)
    })
}
