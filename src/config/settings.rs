//! The whole file: settings, defaults, and the machines under them.

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::census::Census;
use super::field::{At, Field};
use super::files::{self, Folders};
use super::keys;
use super::machine::{self, Defaults, millis};
use super::mistake::{Report, quoted};
use super::valid::{Config, DataSource, JobLog};
use super::written::{self, File};
use super::{DEFAULT_PORT, access, data_source, label};

const DEFAULT_POLL_INTERVAL: Duration = Duration::from_secs(1);
const DEFAULT_HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);
const DEFAULT_STALE_AFTER: Duration = Duration::from_secs(60);

/// Beside the config file.
const DEFAULT_STATE_DIR: &str = "umati-bridge-state";

/// `None` is reported.
pub(super) fn resolve(file: File, folders: &Folders, report: &mut Report) -> Option<Config> {
    let File { settings, machines } = file;
    let mes_ids = settings.mes.as_given().and_then(|at| ids(&at.value));
    let public_hostname = hostname(settings.public_hostname, report);
    let state_dir = state_dir(settings.state_dir, folders, report);
    let access = access::resolve(
        access::Written {
            listen: settings.listen,
            allow_anonymous: settings.allow_anonymous,
            mes: settings.mes,
            operators: settings.operators,
        },
        report,
    );

    let source = data_source::resolve(settings.source, DataSource::default(), report);
    let poll_interval = settings.poll_interval_ms.value();
    let heartbeat = settings.heartbeat_interval_ms.value();
    let defaults = Defaults {
        port: settings.umati_server_port.value().unwrap_or(DEFAULT_PORT),
        source: source.unwrap_or_default(),
        poll_interval: poll_interval.map_or(DEFAULT_POLL_INTERVAL, millis),
        heartbeat_interval: heartbeat.map_or(DEFAULT_HEARTBEAT_INTERVAL, millis),
    };
    let mut census = Census::default();
    let machines: Vec<_> = machines
        .into_iter()
        .map(|written| machine::resolve(written, defaults, folders, &mut census, report))
        .collect();
    census.judge(mes_ids.as_ref(), report);

    let access = access?;
    source?;
    Some(Config {
        machines: machines.into_iter().collect::<Option<_>>()?,
        listen: access.listen,
        public_hostname,
        state_dir: state_dir?,
        stale_after: settings
            .stale_after_ms
            .value()
            .map_or(DEFAULT_STALE_AFTER, millis),
        allow_anonymous: access.allow_anonymous,
        job_log: job_log(settings.job_log),
        mes: access.mes,
        operators: access.operators,
    })
}

fn job_log(written: Field<written::JobLog>) -> JobLog {
    let written = written.value().unwrap_or_default();
    let default = JobLog::default();
    JobLog {
        orders: written.orders.value().unwrap_or(default.orders),
        days: written.days.value().unwrap_or(default.days),
    }
}

/// `None` if one of them is wrong: it may be the one that a machine names.
fn ids(mes: &[written::MesInstance]) -> Option<HashSet<u32>> {
    mes.iter()
        .map(|entry| entry.id.as_given().map(|id| id.value))
        .collect()
}

fn hostname(field: Field<String>, report: &mut Report) -> Option<String> {
    let At { value, place } = label::optional(keys::PUBLIC_HOSTNAME, field, report)?;
    let is_name = value.len() <= 253
        && value.split('.').all(|part| {
            !part.is_empty()
                && part.len() <= 63
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        });
    if is_name || value.parse::<IpAddr>().is_ok() {
        return Some(value);
    }
    let what = format!("{} is not a host name", quoted(&value));
    let remedy = "write a name or an IP address alone, without opc.tcp:// and without a port, \
                  for example \"bridge.example.org\"";
    report.mistake(&place, what, remedy);
    None
}

fn state_dir(field: Field<String>, folders: &Folders, report: &mut Report) -> Option<PathBuf> {
    let Some(At { value, place }) = label::optional(keys::STATE_DIR, field, report) else {
        return Some(folders.config.join(DEFAULT_STATE_DIR));
    };
    let path = folders.config.join(value);
    if path.exists() && !path.is_dir() {
        let what = format!("{} is there, but it is not a folder", files::shown(&path));
        report.mistake(&place, what, "name a folder; it is made when it is missing");
        return None;
    }
    Some(path)
}
