//! The simulated OctoPrints on the network: one HTTP server, one base path a printer.
//!
//! Every request takes the same way: which printer, which endpoint, is there a fault, who asks, may they, answer.

mod bodies;
pub mod endpoint;
pub mod fault;
mod files;
mod request;
pub mod users;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::header::{CONNECTION, CONTENT_TYPE, HOST, LOCATION};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::routing::any;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::fleet::{Member, Simulator};
use endpoint::{Endpoint, Needs};
use fault::Fault;
use files::Depth;
use users::User;
use wire::{WireFate, WireListener};

/// How long requests under way may take to end once the server shall stop.
const DRAIN: Duration = Duration::from_secs(1);

const FORBIDDEN: &str = "You don't have the permission to access the requested resource. It is either read-protected or not readable by the server.";
const NOT_FOUND: &str = "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.";
const LOGIN_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>OctoPrint Login</title></head><body>Please log in</body></html>\n";

#[derive(Clone)]
struct Service {
    simulator: Arc<Simulator>,
    shutdown: CancellationToken,
}

/// One request, as far as an answer depends on it.
struct Asked {
    endpoint: Endpoint,
    /// Path of the file, where the endpoint is about one.
    file: String,
    query: BTreeMap<String, String>,
    user: User,
    /// Address of this OctoPrint as the client sees it.
    base: String,
    body: Bytes,
}

/// Serves until `shutdown`; requests under way then get a moment to end.
pub async fn serve(
    simulator: Arc<Simulator>,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let service = Service {
        simulator,
        shutdown: shutdown.clone(),
    };
    let router = Router::new()
        .route("/{printer}/", any(root))
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
        return error(StatusCode::NOT_FOUND, NOT_FOUND);
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let asked = Asked {
        endpoint: Endpoint::of(&method, &path),
        file: path
            .strip_prefix("api/files/local/")
            .unwrap_or_default()
            .to_owned(),
        user: member
            .keys_accepted()
            .then(|| User::of(&headers, &query))
            .unwrap_or(User::Guest),
        query,
        base: format!("http://{}/{name}", host.unwrap_or("localhost")),
        body,
    };
    member.ledger.request(asked.endpoint);
    let response = match member.fault(asked.endpoint) {
        None => answer(&service.simulator, member, &asked, None),
        Some(fault) => misbehave(&service, member, &asked, fault, &wire).await,
    };
    member.ledger.answer(asked.endpoint, response.status());
    response
}

/// Commits a fault; those that concern the connection only are told to the wire.
async fn misbehave(
    service: &Service,
    member: &Member,
    asked: &Asked,
    fault: Fault,
    wire: &WireFate,
) -> Response {
    let right = |fault| answer(&service.simulator, member, asked, fault);
    match fault {
        Fault::Hang => {
            tokio::select! {
                () = member.hang(asked.endpoint) => {}
                () = service.shutdown.cancelled() => {}
            }
            wire.sever();
            right(None)
        }
        Fault::Slow(late) => {
            tokio::select! {
                () = tokio::time::sleep(late) => {}
                () = service.shutdown.cancelled() => {}
            }
            right(None)
        }
        Fault::Close => {
            wire.sever();
            right(None)
        }
        Fault::Truncate => {
            wire.halve();
            right(None)
        }
        Fault::Garbage => {
            wire.garble();
            let mut response = right(None);
            let close = axum::http::HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
            response
        }
        Fault::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let page = format!("<html><body><h1>{status}</h1></body></html>\n");
            reply(status, "text/html; charset=utf-8", page)
        }
        Fault::Html => html(),
        Fault::Forbidden => error(StatusCode::FORBIDDEN, FORBIDDEN),
        Fault::Redirect(address) => {
            let mut response = reply(StatusCode::FOUND, "text/html", "");
            if let Ok(address) = address.parse() {
                response.headers_mut().insert(LOCATION, address);
            }
            response
        }
        Fault::Body(body) => reply(StatusCode::OK, "application/json", body),
        Fault::Huge(size) => {
            let mut body = vec![b' '; size.max(2)];
            body[0] = b'"';
            body[size.max(2) - 1] = b'"';
            reply(StatusCode::OK, "application/json", body)
        }
        Fault::WrongTypes | Fault::Replace(..) => right(Some(&fault)),
    }
}

/// The right answer, or what `fault` makes of it.
fn answer(
    simulator: &Simulator,
    member: &Member,
    asked: &Asked,
    fault: Option<&Fault>,
) -> Response {
    if asked.endpoint.is_command() && asked.user == User::Guest {
        return error(StatusCode::BAD_REQUEST, "CSRF validation failed");
    }
    if let Needs::Permission(permission) = asked.endpoint.needs()
        && !asked.user.may(permission)
    {
        return error(StatusCode::FORBIDDEN, FORBIDDEN);
    }
    let right = if asked.endpoint.is_command() {
        return command(simulator, member, asked);
    } else {
        match look_up(simulator, member, asked) {
            Ok(body) => body,
            Err(response) => return response,
        }
    };
    let body = match fault {
        Some(fault) => fault::spoil(fault, right),
        None => right,
    };
    json_reply(StatusCode::OK, &body)
}

/// The body of a GET; whatever is not a 200 with JSON is an `Err`.
fn look_up(simulator: &Simulator, member: &Member, asked: &Asked) -> Result<Value, Response> {
    let clock = simulator.clock();
    let printer = member.printer(clock);
    let body = match asked.endpoint {
        Endpoint::Root => return Err(html()),
        Endpoint::Version => bodies::version(),
        Endpoint::Server => bodies::server(),
        Endpoint::CurrentUser => asked.user.describe(),
        Endpoint::Job => bodies::job(&printer),
        Endpoint::Printer if !printer.state().flags().operational => {
            return Err(error(StatusCode::CONFLICT, "Printer is not operational"));
        }
        Endpoint::Printer => {
            let excluded = request::excluded(&asked.query);
            bodies::printer(&printer, clock, excluded, request::history(&asked.query))
        }
        Endpoint::PrinterError => bodies::printer_error(&printer, asked.user),
        Endpoint::Connection => bodies::connection(&printer),
        Endpoint::PrinterProfiles => bodies::printer_profiles(printer.hardware(), &asked.base),
        Endpoint::Files => {
            let depth = if request::is_true(asked.query.get("recursive")) {
                Depth::Recursive
            } else {
                Depth::TopOnly
            };
            files::list(&printer, clock, &asked.base, depth)
        }
        Endpoint::File => match printer.file(&asked.file) {
            Some(model) => files::file(&printer, clock, &asked.base, model),
            None => return Err(error(StatusCode::NOT_FOUND, NOT_FOUND)),
        },
        _ => return Err(error(StatusCode::NOT_FOUND, NOT_FOUND)),
    };
    Ok(body)
}

fn command(simulator: &Simulator, member: &Member, asked: &Asked) -> Response {
    let command = match request::command(asked.endpoint, &asked.file, &asked.body) {
        Ok(command) => command,
        Err(bad) => return error(StatusCode::BAD_REQUEST, &bad.to_string()),
    };
    let user = asked.user.name().unwrap_or_default();
    match member.printer(simulator.clock()).obey(command, user) {
        Ok(()) => reply(StatusCode::NO_CONTENT, "text/plain", ""),
        Err(refusal) => error(refusal.status(), &refusal.to_string()),
    }
}

fn html() -> Response {
    reply(StatusCode::OK, "text/html; charset=utf-8", LOGIN_PAGE)
}

fn error(status: StatusCode, text: &str) -> Response {
    json_reply(status, &json!({ "error": text }))
}

/// Indented by two and ended by a newline, as OctoPrint writes it.
fn json_reply(status: StatusCode, body: &Value) -> Response {
    reply(status, "application/json", format!("{body:#}\n"))
}

fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let content_type = axum::http::HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
