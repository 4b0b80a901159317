//! What stands in a config file: typed, with places, every dialect brought into one shape. Checked here
//! are types, number ranges, and that there is a machine at all; all other rules, and the defaults, belong to the
//! modules that make [`Config`](super::Config).

use std::ops::RangeInclusive;

use jsonc_parser::ast::{Object, Value};

use super::field::{At, Field};
use super::keys;
use super::mistake::{Place, Report};
use super::reader::{Node, Reader, Section};
use super::secret::Secret;
use super::source::Source;

/// 0 lets the system choose a free port; the line that ends the start names it.
const PORTS: RangeInclusive<u16> = 0..=65_535;
const POLL_INTERVAL_MS: RangeInclusive<u32> = 100..=3_600_000;
const HEARTBEAT_INTERVAL_MS: RangeInclusive<u32> = 1_000..=3_600_000;
const STALE_AFTER_MS: RangeInclusive<u32> = 1_000..=86_400_000;
const LOGGED_ORDERS: RangeInclusive<u16> = 1..=1000;
const LOGGED_DAYS: RangeInclusive<u16> = 1..=3650;
const YEARS: RangeInclusive<u16> = 1900..=2100;

/// A whole file.
pub(super) struct File {
    pub settings: Settings,
    pub machines: Vec<Machine>,
}

/// The top level beside `machines`.
#[derive(Default)]
pub(super) struct Settings {
    pub umati_server_port: Field<u16>,
    pub listen: Field<String>,
    pub public_hostname: Field<String>,
    pub state_dir: Field<String>,
    pub source: Field<String>,
    pub poll_interval_ms: Field<u32>,
    pub heartbeat_interval_ms: Field<u32>,
    pub stale_after_ms: Field<u32>,
    pub allow_anonymous: Field<bool>,
    pub job_log: Field<JobLog>,
    pub mes: Field<Vec<MesInstance>>,
    pub operators: Field<Vec<Operator>>,
}

/// One machine of any dialect.
pub(super) struct Machine {
    pub place: Place,
    pub kind: Field<String>,
    pub url: Field<String>,
    pub api_key: Field<Secret>,
    /// May be the key itself.
    pub authentication_file_path: Field<Secret>,
    pub custom_name: Field<String>,
    pub mes_id: Field<Vec<u32>>,
    pub umati_server_port: Field<u16>,
    pub id: Field<String>,
    pub source: Field<String>,
    pub poll_interval_ms: Field<u32>,
    pub heartbeat_interval_ms: Field<u32>,
    pub control: Field<bool>,
    pub tls: Field<Tls>,
    pub manufacturer: Field<String>,
    pub model: Field<String>,
    pub serial_number: Field<String>,
    pub product_code: Field<String>,
    pub year_of_construction: Field<u16>,
    pub location: Field<String>,
    pub asset_id: Field<String>,
}

pub(super) struct Tls {
    pub ca_file: Field<String>,
    pub fingerprint: Field<String>,
}

#[derive(Default)]
pub(super) struct JobLog {
    pub orders: Field<u16>,
    pub days: Field<u16>,
}

pub(super) struct MesInstance {
    pub place: Place,
    pub id: Field<u32>,
    pub name: Field<String>,
    pub role: Field<String>,
    pub login: Login,
}

pub(super) struct Operator {
    pub place: Place,
    pub name: Field<String>,
    pub login: Login,
}

pub(super) struct Login {
    pub user: Field<String>,
    pub password_hash: Field<Secret>,
    pub certificate: Field<String>,
}

impl File {
    /// Reads one machine, a list of machines, or an object with `machines` and settings. `None` is reported.
    pub(super) fn read(root: &Value<'_>, source: &Source, report: &mut Report) -> Option<Self> {
        let reader = &mut Reader { source, report };
        let root = reader.root(root);
        let (settings, machines) = match root.value {
            Value::Array(list) => {
                let place = root.place.clone();
                let value = reader.elements(&place, list);
                (Settings::default(), At { value, place })
            }
            Value::Object(object) if is_one_machine(object) => {
                let place = root.place.clone();
                let value = vec![root];
                (Settings::default(), At { value, place })
            }
            _ => {
                let remedy = keys::MACHINES.write_it();
                let object = reader.object(&root, &keys::TOP_LEVEL, remedy)?;
                let settings = Settings::read(&object, reader);
                let machines = object.list(keys::MACHINES, reader);
                let machines = machines.required(keys::MACHINES, &object.place, reader.report);
                (settings, machines?)
            }
        };
        let write_one = "write a machine: { \"type\": \"OCTOPRINT\", … }";
        if machines.value.is_empty() {
            let what = "the list of machines is empty";
            reader.report.mistake(&machines.place, what, write_one);
        }
        let machine = |node| {
            let remedy = write_one.to_owned();
            let object = reader.object(&node, &keys::MACHINE, remedy)?;
            Some(Machine::read(&object, reader))
        };
        Some(Self {
            settings,
            machines: machines.value.into_iter().filter_map(machine).collect(),
        })
    }
}

/// Without `machines`, but with a key that only a machine has.
fn is_one_machine(object: &Object<'_>) -> bool {
    let mut names = object.properties.iter().map(|p| p.name.as_str());
    names.clone().all(|name| name != keys::MACHINES.name)
        && names.any(|name| keys::MACHINE.knows(name) && !keys::TOP_LEVEL.knows(name))
}

impl Settings {
    fn read(object: &Section<'_>, reader: &mut Reader<'_>) -> Self {
        let mes = object.list(keys::MES, reader).map(|entries| {
            let entries = entries.into_iter();
            entries
                .filter_map(|node| MesInstance::read(&node, reader))
                .collect()
        });
        let operators = object.list(keys::OPERATORS, reader).map(|entries| {
            let entries = entries.into_iter();
            entries
                .filter_map(|node| Operator::read(&node, reader))
                .collect()
        });
        Self {
            umati_server_port: port(object, reader),
            listen: object.text(keys::LISTEN, reader),
            public_hostname: object.text(keys::PUBLIC_HOSTNAME, reader),
            state_dir: object.text(keys::STATE_DIR, reader),
            source: object.text(keys::SOURCE, reader),
            poll_interval_ms: object.number(keys::POLL_INTERVAL_MS, POLL_INTERVAL_MS, reader),
            heartbeat_interval_ms: object.number(
                keys::HEARTBEAT_INTERVAL_MS,
                HEARTBEAT_INTERVAL_MS,
                reader,
            ),
            stale_after_ms: object.number(keys::STALE_AFTER_MS, STALE_AFTER_MS, reader),
            allow_anonymous: object.flag(keys::ALLOW_ANONYMOUS, reader),
            job_log: JobLog::read(object, reader),
            mes,
            operators,
        }
    }
}

fn port(object: &Section<'_>, reader: &mut Reader<'_>) -> Field<u16> {
    object.number(keys::UMATI_SERVER_PORT, PORTS, reader)
}

impl Machine {
    fn read(object: &Section<'_>, reader: &mut Reader<'_>) -> Self {
        Self {
            place: object.place.clone(),
            kind: object.text(keys::TYPE, reader),
            url: object.text(keys::URL, reader),
            api_key: object.text(keys::API_KEY, reader).map(Secret::new),
            authentication_file_path: object
                .text(keys::AUTHENTICATION_FILE_PATH, reader)
                .map(Secret::new),
            custom_name: object.text(keys::CUSTOM_NAME, reader),
            mes_id: object.numbers(keys::MES_ID, 0..=u32::MAX, reader),
            umati_server_port: port(object, reader),
            id: object.text(keys::ID, reader),
            source: object.text(keys::SOURCE, reader),
            poll_interval_ms: object.number(keys::POLL_INTERVAL_MS, POLL_INTERVAL_MS, reader),
            heartbeat_interval_ms: object.number(
                keys::HEARTBEAT_INTERVAL_MS,
                HEARTBEAT_INTERVAL_MS,
                reader,
            ),
            control: object.flag(keys::CONTROL, reader),
            tls: Tls::read(object, reader),
            manufacturer: object.text(keys::MANUFACTURER, reader),
            model: object.text(keys::MODEL, reader),
            serial_number: object.text(keys::SERIAL_NUMBER, reader),
            product_code: object.text(keys::PRODUCT_CODE, reader),
            year_of_construction: object.number(keys::YEAR_OF_CONSTRUCTION, YEARS, reader),
            location: object.text(keys::LOCATION, reader),
            asset_id: object.text(keys::ASSET_ID, reader),
        }
    }
}

impl Tls {
    fn read(machine: &Section<'_>, reader: &mut Reader<'_>) -> Field<Self> {
        machine
            .section(keys::TLS, &keys::MACHINE_TLS, reader)
            .map(|object| Self {
                ca_file: object.text(keys::CA_FILE, reader),
                fingerprint: object.text(keys::FINGERPRINT, reader),
            })
    }
}

impl JobLog {
    fn read(settings: &Section<'_>, reader: &mut Reader<'_>) -> Field<Self> {
        settings
            .section(keys::JOB_LOG, &keys::JOB_LOG_SECTION, reader)
            .map(|object| Self {
                orders: object.number(keys::ORDERS, LOGGED_ORDERS, reader),
                days: object.number(keys::DAYS, LOGGED_DAYS, reader),
            })
    }
}

impl MesInstance {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let object = reader.object(node, &keys::MES_INSTANCE, keys::MES.write_it())?;
        Some(Self {
            id: object.number(keys::MES_INSTANCE_ID, 0..=u32::MAX, reader),
            name: object.text(keys::NAME, reader),
            role: object.text(keys::ROLE, reader),
            login: Login::read(&object, reader),
            place: object.place,
        })
    }
}

impl Operator {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let object = reader.object(node, &keys::OPERATOR, keys::OPERATORS.write_it())?;
        Some(Self {
            name: object.text(keys::OPERATOR_NAME, reader),
            login: Login::read(&object, reader),
            place: object.place,
        })
    }
}

impl Login {
    fn read(object: &Section<'_>, reader: &mut Reader<'_>) -> Self {
        Self {
            user: object.text(keys::USER, reader),
            password_hash: object.text(keys::PASSWORD_HASH, reader).map(Secret::new),
            certificate: object.text(keys::CERTIFICATE, reader),
        }
    }
}
