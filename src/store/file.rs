//! The file: three tables, one transaction for whatever is new, and a version of the schema.
//!
//! | table | key | value (JSON, see `record`) |
//! |---|---|---|
//! | `orders` | machine, JobOrderID | the order with its job |
//! | `machines` | machine | checkpoint, tags, when it was last configured |
//! | `meta` | `schema` | the version, as text |

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{Database, ReadableTable, TableDefinition};

use super::error::StoreError;
use super::record::{MachineRecord, OrderRecord};
use crate::machine::{Checkpoint, Order, OrderId, Saved, Tag, Timestamp, WrittenTag};

/// The version that this program writes. A change that older programs would misread makes the next one, together
/// with a step in `migrate`.
const SCHEMA: u32 = 1;

const ORDERS: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("orders");
const MACHINES: TableDefinition<&str, &[u8]> = TableDefinition::new("machines");
const META: TableDefinition<&str, &str> = TableDefinition::new("meta");

/// Small: everything is read once, and then only written.
const CACHE: usize = 4 * 1024 * 1024;

/// What is new of one machine.
#[derive(Debug, Default)]
pub(super) struct News {
    /// `None` for an order that is gone.
    pub orders: BTreeMap<OrderId, Option<Order>>,
    pub tags: Option<BTreeMap<Tag, WrittenTag>>,
    pub checkpoint: Option<Checkpoint>,
}

/// The open file. After a failed write it is closed, and opened again for the next.
pub(super) struct File {
    path: PathBuf,
    database: Mutex<Option<Database>>,
}

/// What can go wrong with redb, before it is told which file it was.
enum Trouble {
    Redb(Box<redb::Error>),
    Newer(u32),
    Record(String),
}

impl<E: Into<redb::Error>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Redb(Box::new(error.into()))
    }
}

impl File {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let database = open(path)?;
        Ok(Self {
            path: path.to_owned(),
            database: Mutex::new(Some(database)),
        })
    }

    /// One pass over everything, and one transaction that stamps who was asked for.
    pub(super) fn load(
        &self,
        wanted: &[&str],
        now: Timestamp,
        before: Timestamp,
    ) -> Result<BTreeMap<String, Saved>, StoreError> {
        self.with(|database| {
            let writing = database.begin_write()?;
            let mut found = BTreeMap::new();
            {
                let mut machines = writing.open_table(MACHINES)?;
                let mut orders = writing.open_table(ORDERS)?;
                let mut of_machines = orders_by_machine(&orders)?;
                for &machine in wanted {
                    let known = match machines.get(machine)? {
                        Some(value) => decode::<MachineRecord>(value.value())?,
                        None => MachineRecord::default(),
                    };
                    let known = known.seen(now);
                    machines.insert(machine, encode(&known)?.as_slice())?;
                    let orders = of_machines.remove(machine).unwrap_or_default();
                    found.insert(machine.to_owned(), known.into_saved(orders));
                }
                let mut forgotten = Vec::new();
                for entry in machines.iter()? {
                    let (key, value) = entry?;
                    if decode::<MachineRecord>(value.value())?.is_unseen_since(before) {
                        forgotten.push(key.value().to_owned());
                    }
                }
                for machine in &forgotten {
                    machines.remove(machine.as_str())?;
                    orders.retain(|(of, _), _| of != machine.as_str())?;
                }
            }
            writing.commit()?;
            Ok(found)
        })
    }

    pub(super) fn write(&self, news: &BTreeMap<String, News>) -> Result<(), StoreError> {
        self.with(|database| {
            let writing = database.begin_write()?;
            {
                let mut orders = writing.open_table(ORDERS)?;
                let mut machines = writing.open_table(MACHINES)?;
                for (machine, news) in news {
                    for (id, order) in &news.orders {
                        let key = (machine.as_str(), id.0.as_str());
                        match order {
                            Some(order) => {
                                let record = encode(&OrderRecord::from(order))?;
                                orders.insert(key, record.as_slice())?;
                            }
                            None => drop(orders.remove(key)?),
                        }
                    }
                    let known = match machines.get(machine.as_str())? {
                        Some(value) => decode::<MachineRecord>(value.value())?,
                        None => MachineRecord::default(),
                    };
                    let known = known.with(news.checkpoint.as_ref(), news.tags.as_ref());
                    machines.insert(machine.as_str(), encode(&known)?.as_slice())?;
                }
            }
            writing.commit()?;
            Ok(())
        })
    }

    /// Works on the file. It is closed after a failure, because redb refuses to go on then.
    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, Trouble>) -> Result<T, StoreError> {
        let mut held = self.database();
        if held.is_none() {
            *held = Some(open(&self.path)?);
        }
        let Some(database) = held.as_ref() else {
            return Err(StoreError::Absent);
        };
        let worked = caught(&self.path, || work(database));
        if worked.is_err() {
            // Closing a damaged file may panic like reading it.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| *held = None));
        }
        worked
    }

    /// Lets go of the file; the next use opens it again.
    pub(super) fn close(&self) {
        *self.database() = None;
    }

    fn database(&self) -> MutexGuard<'_, Option<Database>> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The orders of each machine, the oldest first.
fn orders_by_machine(
    orders: &impl ReadableTable<(&'static str, &'static str), &'static [u8]>,
) -> Result<BTreeMap<String, Vec<Order>>, Trouble> {
    let mut found: BTreeMap<String, Vec<Order>> = BTreeMap::new();
    for entry in orders.iter()? {
        let (key, value) = entry?;
        let (machine, _) = key.value();
        let order = decode::<OrderRecord>(value.value())?.into_order();
        found.entry(machine.to_owned()).or_default().push(order);
    }
    for orders in found.values_mut() {
        orders.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    }
    Ok(found)
}

/// Opens the file, makes the tables if it is new, and checks whose it is.
fn open(path: &Path) -> Result<Database, StoreError> {
    make_private(path).map_err(|source| StoreError::Io {
        path: path.to_owned(),
        source: Arc::new(source),
    })?;
    caught(path, || {
        let database = Database::builder().set_cache_size(CACHE).create(path)?;
        let writing = database.begin_write()?;
        {
            let mut meta = writing.open_table(META)?;
            let found = match meta.get("schema")? {
                None => 0,
                Some(text) => text
                    .value()
                    .parse()
                    .map_err(|_| Trouble::Record(format!("its schema is {:?}", text.value())))?,
            };
            match found {
                newer if newer > SCHEMA => return Err(Trouble::Newer(newer)),
                SCHEMA => {}
                _ => drop(meta.insert("schema", SCHEMA.to_string().as_str())?),
            }
            writing.open_table(ORDERS)?;
            writing.open_table(MACHINES)?;
        }
        writing.commit()?;
        Ok(database)
    })
}

/// The file is for its owner alone from the moment it exists.
fn make_private(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path).map(drop)
}

/// redb checks what it reads by assertions here and there: a damaged file can make it panic.
fn caught<T>(path: &Path, work: impl FnOnce() -> Result<T, Trouble>) -> Result<T, StoreError> {
    let damaged = |reason: String| StoreError::Damaged {
        path: path.to_owned(),
        reason,
    };
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(Trouble::Newer(found))) => Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: SCHEMA,
        }),
        Ok(Err(Trouble::Record(reason))) => Err(damaged(reason)),
        Ok(Err(Trouble::Redb(error))) => Err(match *error {
            redb::Error::DatabaseAlreadyOpen => StoreError::InUse {
                path: path.to_owned(),
            },
            redb::Error::Io(source) if !is_damage(&source) => StoreError::Io {
                path: path.to_owned(),
                source: Arc::new(source),
            },
            error => damaged(error.to_string()),
        }),
        Err(_) => Err(damaged("it contradicts itself".to_owned())),
    }
}

/// The system has nothing against the file, but what stands in it does not fit.
fn is_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    )
}

fn encode(record: &impl serde::Serialize) -> Result<Vec<u8>, Trouble> {
    serde_json::to_vec(record).map_err(|error| Trouble::Record(error.to_string()))
}

fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Trouble> {
    serde_json::from_slice(bytes).map_err(|error| Trouble::Record(error.to_string()))
}
