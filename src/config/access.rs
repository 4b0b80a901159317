//! Who may reach the servers, and as whom: the listening address against the logins.
//!
//! Without logins, this computer alone may reach the servers; with them, nobody comes in without one. Either rule
//! yields only to the operator's explicit word, which is repeated at every start.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use super::field::{At, Field};
use super::keys;
use super::label;
use super::login;
use super::mistake::{Place, Report, quoted};
use super::valid::{Login, MesInstance, MesRole, Operator};
use super::written;

/// What the settings say about access, as it is written.
pub(super) struct Written {
    pub listen: Field<String>,
    pub allow_anonymous: Field<bool>,
    pub mes: Field<Vec<written::MesInstance>>,
    pub operators: Field<Vec<written::Operator>>,
}

/// What they mean.
pub(super) struct Access {
    pub listen: IpAddr,
    pub allow_anonymous: bool,
    pub mes: Vec<MesInstance>,
    pub operators: Vec<Operator>,
}

/// `None` is reported.
pub(super) fn resolve(written: Written, report: &mut Report) -> Option<Access> {
    let has_logins = has_entries(&written.mes) || has_entries(&written.operators);
    let listen = match &written.listen {
        Field::Absent => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        Field::Wrong => None,
        Field::Given(at) => address(at, report),
    };
    if let Some(listen) = listen {
        exposure(listen, &written, has_logins, report);
    }
    let allow_anonymous = written.allow_anonymous.value().unwrap_or(false);
    let mut unique = Unique::default();
    let mes = written.mes.value().unwrap_or_default();
    let mes: Vec<_> = mes
        .into_iter()
        .map(|entry| instance(entry, &mut unique, report))
        .collect();
    let operators = written.operators.value().unwrap_or_default();
    let operators: Vec<_> = operators
        .into_iter()
        .map(|entry| operator(entry, &mut unique, report))
        .collect();
    Some(Access {
        listen: listen?,
        allow_anonymous,
        mes: mes.into_iter().collect::<Option<_>>()?,
        operators: operators.into_iter().collect::<Option<_>>()?,
    })
}

fn address(listen: &At<String>, report: &mut Report) -> Option<IpAddr> {
    let text = listen.value.trim();
    if text.eq_ignore_ascii_case("localhost") {
        return Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let address = text.parse().ok();
    if address.is_none() {
        let what = format!("{} is not an IP address", quoted(text));
        let remedy = "write the address of a network interface without a port, for example \"127.0.0.1\"; \
                      the port is `umati_server_port`";
        report.mistake(&listen.place, what, remedy);
    }
    address
}

/// A section that is wrong as a whole was meant to hold some.
fn has_entries<T>(section: &Field<Vec<T>>) -> bool {
    match section {
        Field::Absent => false,
        Field::Wrong => true,
        Field::Given(at) => !at.value.is_empty(),
    }
}

fn exposure(listen: IpAddr, written: &Written, has_logins: bool, report: &mut Report) {
    let is_network = !listen.to_canonical().is_loopback();
    let allowed = written.allow_anonymous.as_given().filter(|at| at.value);
    match (allowed, &written.listen) {
        (Some(_), Field::Given(listens)) if is_network => report.warning(
            &listens.place,
            format!("everybody who reaches {listen} sees every machine: `allow_anonymous` is true"),
            "write \"listen\": \"127.0.0.1\" if that is not meant",
        ),
        (Some(allowed), _) if has_logins => report.warning(
            &allowed.place,
            "everybody on this computer sees every machine without a login: `allow_anonymous` is true",
            "remove it, so that only `mes` and `operators` get in",
        ),
        (None, Field::Given(listens)) if is_network && !has_logins => report.mistake(
            &listens.place,
            format!("`listen` opens the server to the network at {listen}, and nobody would have to log in"),
            "write \"listen\": \"127.0.0.1\", or say who may log in with `mes` and `operators`, or write \
             \"allow_anonymous\": true if everybody there may see every machine",
        ),
        _ => {}
    }
}

fn instance(
    entry: written::MesInstance,
    unique: &mut Unique,
    report: &mut Report,
) -> Option<MesInstance> {
    let id = entry
        .id
        .required(keys::MES_INSTANCE_ID, &entry.place, report);
    if let Some(id) = &id {
        unique.claim(format!("the MES id {}", id.value), &id.place, report);
    }
    let name = label::required(keys::NAME, entry.name, &entry.place, report);
    let role = role(entry.role, report);
    let login = login::resolve(entry.login, &entry.place, report);
    let login = login.inspect(|login| unique.claim_login(login, &entry.place, report));
    Some(MesInstance {
        id: id?.value,
        name: name?.value,
        role: role?,
        login: login?,
    })
}

/// `None` is reported.
fn role(written: Field<String>, report: &mut Report) -> Option<MesRole> {
    let At { value, place } = match written {
        Field::Absent => return Some(MesRole::Observe),
        Field::Wrong => return None,
        Field::Given(at) => at,
    };
    match value.trim() {
        "observe" => Some(MesRole::Observe),
        "control" => Some(MesRole::Control),
        other => {
            let what = format!("{} is not a role", quoted(other));
            let remedy = "write \"role\": \"observe\", or \"role\": \"control\" for a MES that starts and aborts prints";
            report.mistake(&place, what, remedy);
            None
        }
    }
}

fn operator(
    entry: written::Operator,
    unique: &mut Unique,
    report: &mut Report,
) -> Option<Operator> {
    let name = label::required(keys::OPERATOR_NAME, entry.name, &entry.place, report);
    let login = login::resolve(entry.login, &entry.place, report);
    let login = login.inspect(|login| unique.claim_login(login, &entry.place, report));
    Some(Operator {
        name: name?.value,
        login: login?,
    })
}

/// What only one entry may have, and which entry has it.
#[derive(Default)]
struct Unique(HashMap<String, Place>);

impl Unique {
    fn claim_login(&mut self, login: &Login, entry: &Place, report: &mut Report) {
        let claimed = match login {
            Login::Password { user, .. } => format!("the user {}", quoted(user)),
            Login::Certificate(thumbprint) => {
                let digits: String = thumbprint
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                format!("the certificate {digits}")
            }
        };
        self.claim(claimed, entry, report);
    }

    fn claim(&mut self, claimed: String, place: &Place, report: &mut Report) {
        if let Some(first) = self.0.get(&claimed) {
            let what = format!("{claimed} is already taken by {}", first.path_and_line());
            report.mistake(place, what, "give each entry its own");
        } else {
            self.0.insert(claimed, place.clone());
        }
    }
}
