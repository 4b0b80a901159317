//! One machine: from what is written to what is valid.

use std::time::Duration;

use super::census::{Census, Citizen};
use super::field::{At, Field};
use super::files::Folders;
use super::identity::{self, Identity};
use super::keys::{self, Key};
use super::mistake::{Report, quoted};
use super::valid::{DataSource, Identification, MachineConfig};
use super::{api_key, base_url, data_source, label, tls, written};

/// What holds for machines that do not say otherwise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Defaults {
    pub port: u16,
    pub source: DataSource,
    pub poll_interval: Duration,
    pub heartbeat_interval: Duration,
}

/// `None` is reported; the census hears of the machine in any case.
pub(super) fn resolve(
    written: written::Machine,
    defaults: Defaults,
    folders: &Folders,
    census: &mut Census,
    report: &mut Report,
) -> Option<MachineConfig> {
    let place = &written.place;
    let is_octoprint = kind(written.kind.required(keys::TYPE, place, report), report);
    let url = written.url.required(keys::URL, place, report);
    let url = url.and_then(|at| {
        base_url::parse(&at, report).map(|value| At {
            value,
            place: at.place,
        })
    });
    let name = label::optional(keys::CUSTOM_NAME, written.custom_name, report);
    let identity = identity(written.id, name.as_ref(), url.as_ref(), report);
    let mes_ids = written.mes_id.required(keys::MES_ID, place, report);
    let mes_ids = mes_ids.map(|ids| each_once(ids, report));
    let url_value = url.as_ref().map(|at| at.value.clone());
    let key = api_key::resolve(
        written.api_key,
        written.authentication_file_path,
        place,
        folders,
        report,
    );
    let source = data_source::resolve(written.source, defaults.source, report);
    let poll_interval = written.poll_interval_ms.value();
    let poll_interval = poll_interval.map_or(defaults.poll_interval, millis);
    let heartbeat = written.heartbeat_interval_ms.value();
    let heartbeat = heartbeat.map_or(defaults.heartbeat_interval, millis);
    let tls = tls::resolve(written.tls, url_value.as_ref(), folders, report);
    let mut text =
        |key: Key, field: Field<String>| label::optional(key, field, report).map(|at| at.value);
    let identification = Identification {
        manufacturer: text(keys::MANUFACTURER, written.manufacturer),
        model: text(keys::MODEL, written.model),
        serial_number: text(keys::SERIAL_NUMBER, written.serial_number),
        product_code: text(keys::PRODUCT_CODE, written.product_code),
        year_of_construction: written.year_of_construction.value(),
        location: text(keys::LOCATION, written.location),
        asset_id: text(keys::ASSET_ID, written.asset_id),
    };
    let citizen = Citizen {
        machine: written.place,
        identity,
        url,
        mes_ids,
    };
    let machine = is_octoprint.and_then(|Octoprint| {
        let id = citizen.identity.as_ref()?.id.clone();
        Some(MachineConfig {
            name: name.map_or_else(|| id.clone(), |at| at.value),
            id,
            url: url_value?,
            key: key?,
            mes_ids: citizen.mes_ids.as_ref()?.value.clone(),
            port: written.umati_server_port.value().unwrap_or(defaults.port),
            source: source?,
            poll_interval,
            heartbeat_interval: heartbeat.max(poll_interval),
            control: written.control.value().unwrap_or(false),
            identification,
            tls: tls?,
        })
    });
    census.note(citizen);
    machine
}

pub(super) fn millis(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}

/// The one type of machine that there is.
struct Octoprint;

fn kind(written: Option<At<String>>, report: &mut Report) -> Option<Octoprint> {
    let At { value, place } = written?;
    if value.trim().eq_ignore_ascii_case("OCTOPRINT") {
        return Some(Octoprint);
    }
    let what = format!(
        "{} is not a type of machine that this version can read",
        quoted(&value)
    );
    report.mistake(&place, what, keys::TYPE.write_it());
    None
}

/// An `id` that is unusable is a mistake of its own: no other identity takes its place.
fn identity(
    id: Field<String>,
    name: Option<&At<String>>,
    url: Option<&At<url::Url>>,
    report: &mut Report,
) -> Option<Identity> {
    match (id, name, url) {
        (Field::Given(id), ..) => identity::explicit(id, report),
        (Field::Wrong, ..) => None,
        (Field::Absent, Some(name), _) => identity::from_name(name, report),
        (Field::Absent, None, Some(url)) => Some(identity::from_url(&url.value, &url.place)),
        (Field::Absent, None, None) => None,
    }
}

fn each_once(ids: At<Vec<u32>>, report: &mut Report) -> At<Vec<u32>> {
    if ids.value.is_empty() {
        let what = "`mes_id` is empty: no MES instance gets this machine";
        report.warning(&ids.place, what, keys::MES_ID.write_it());
    }
    let mut once: Vec<u32> = Vec::new();
    for id in ids.value {
        if !once.contains(&id) {
            once.push(id);
        }
    }
    At {
        value: once,
        place: ids.place,
    }
}
