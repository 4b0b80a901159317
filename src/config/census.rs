//! What is judged over all machines together: ids and URLs that occur twice, MES instances that nobody is.

use std::collections::{HashMap, HashSet};

use url::Url;

use super::field::At;
use super::identity::Identity;
use super::keys;
use super::mistake::{Place, Report, quoted};

/// What is noted of each machine, usable or not, while the file is read.
#[derive(Default)]
pub(super) struct Census {
    citizens: Vec<Citizen>,
}

/// One machine; `None` where that is unknown because of a mistake.
pub(super) struct Citizen {
    pub machine: Place,
    pub identity: Option<Identity>,
    pub url: Option<At<Url>>,
    pub mes_ids: Option<At<Vec<u32>>>,
}

impl Citizen {
    fn describe(&self) -> String {
        let url = self
            .url
            .as_ref()
            .map_or("no usable url", |url| url.value.as_str());
        format!("{}, {url}", self.machine.path_and_line())
    }
}

impl Census {
    pub(super) fn note(&mut self, citizen: Citizen) {
        self.citizens.push(citizen);
    }

    /// `mes` holds the ids of the `mes` section if there is one.
    pub(super) fn judge(&self, mes: Option<&HashSet<u32>>, report: &mut Report) {
        self.ids(report);
        self.urls(report);
        if let Some(mes) = mes {
            self.mes_ids(mes, report);
        }
    }

    fn ids(&self, report: &mut Report) {
        let mut owners: HashMap<&str, &Citizen> = HashMap::new();
        for citizen in &self.citizens {
            let Some(identity) = &citizen.identity else {
                continue;
            };
            let Some(first) = owners.insert(&identity.id, citizen) else {
                continue;
            };
            let from = |identity: &Identity| match identity.source {
                keys::ID => "",
                keys::CUSTOM_NAME => ", from `custom_name`",
                _ => ", from `url`",
            };
            let what = format!(
                "two machines have the id {}: {}{}; and {}{}",
                quoted(&identity.id),
                first.describe(),
                first.identity.as_ref().map_or("", from),
                citizen.describe(),
                from(identity),
            );
            let remedy = format!(
                "give one of them an `id` of its own: {}",
                keys::ID.written()
            );
            report.mistake(&identity.place, what, remedy);
        }
    }

    fn urls(&self, report: &mut Report) {
        let mut owners: HashMap<&str, &Citizen> = HashMap::new();
        for citizen in &self.citizens {
            let Some(url) = &citizen.url else {
                continue;
            };
            if let Some(first) = owners.insert(url.value.as_str(), citizen) {
                let what = format!("this is also the url of {}", first.machine.path_and_line());
                let remedy = "remove one of them: one printer would be shown as two machines";
                report.warning(&url.place, what, remedy);
            }
        }
    }

    fn mes_ids(&self, mes: &HashSet<u32>, report: &mut Report) {
        for At { value, place } in self.citizens.iter().filter_map(|c| c.mes_ids.as_ref()) {
            for id in value.iter().filter(|id| !mes.contains(id)) {
                let what = format!("no entry of `mes` has the id {id}");
                let remedy =
                    format!("add one: \"mes\": [ {{ \"id\": {id}, … }} ], or correct `mes_id`");
                report.warning(place, what, remedy);
            }
        }
    }
}
