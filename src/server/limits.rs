//! How much a client may ask for, sized by what the plant has to show.
//!
//! What a client reads in `Server/ServerCapabilities` and what the server enforces come from these numbers alone.

use opcua::server::{Limits, OperationalLimits, SubscriptionLimits};

/// Largest request whose decoding the stack of a worker bears.
///
/// Reading 10,000 nodes by string NodeId takes about 900 kB. The library has one number for both directions, and
/// answers need more (see `MAX_MESSAGE_SIZE`), so the front door enforces this one.
pub const MAX_REQUEST_SIZE: usize = 1024 * 1024;

/// Stack that one level of nesting takes in the library's decoder, and in dropping what it decoded.
const STACK_PER_LEVEL: usize = if cfg!(debug_assertions) { 2048 } else { 512 };

/// Stack of the runtime's worker threads; set it with `tokio::runtime::Builder::thread_stack_size`.
///
/// The library decodes a DiagnosticInfo inside a DiagnosticInfo, one byte a level, by recursion without a limit.
/// This much bears any request of [`MAX_REQUEST_SIZE`]. The memory is only reserved: a thread that does not recurse
/// touches a few kilobytes of it.
#[cfg(target_pointer_width = "64")]
pub const WORKER_STACK_SIZE: usize = MAX_REQUEST_SIZE * STACK_PER_LEVEL;
/// A 32-bit process cannot reserve that much a thread; this bears requests of 64 kB.
#[cfg(not(target_pointer_width = "64"))]
pub const WORKER_STACK_SIZE: usize = 64 * 1024 * STACK_PER_LEVEL;

/// Largest answer: 20,000 references of a Browse take about 4 MB, a Read of 10,000 structures as much.
pub(super) const MAX_MESSAGE_SIZE: usize = 16 * 1024 * 1024;
/// Chunks for [`MAX_MESSAGE_SIZE`]: each has 64 kB, less what its header, signature and padding take.
pub(super) const MAX_CHUNKS: usize = MAX_MESSAGE_SIZE.div_ceil(64_000);
/// For arrays in both directions, and for the references that one Browse gives without a continuation point:
/// gateways are known that ignore continuation points.
pub(super) const MAX_ARRAY_LENGTH: usize = 100_000;
/// What one Browse gives over all of its nodes without continuation points: as much as fits into one answer.
pub(super) const MAX_REFERENCES_PER_REQUEST: usize = MAX_MESSAGE_SIZE / 256;
pub(super) const MAX_STRING_LENGTH: usize = 1024 * 1024;
const MAX_OPERATIONS_PER_CALL: usize = 10_000;

/// Sessions, discoveries, and clients that come back before their old connection is found to be dead.
pub(super) const MAX_CONNECTIONS: usize = 500;
/// One computer that goes mad leaves room for the others.
pub(super) const MAX_CONNECTIONS_OF_ONE_ADDRESS: usize = 100;
/// Connections over which nobody has logged in yet. Each costs at most 128 kB.
pub(super) const MAX_STRANGERS: usize = 150;
pub(super) const MAX_STRANGERS_OF_ONE_ADDRESS: usize = 40;
/// Connections that are told to go, and that may take a second for it.
pub(super) const MAX_CONNECTIONS_GOING: usize = 50;
/// Files that the process needs besides: its own, and the connections of a machine to its OctoPrint.
const FILES_OF_ITS_OWN: usize = 100;
const FILES_PER_MACHINE: usize = 3;
/// The client's socket, and both ends of the one inside.
const FILES_PER_CONNECTION: usize = 3;

/// Discovery and a login take four requests, and with a wrong password or a renewed list a few more.
pub(super) const MAX_STRANGER_REQUESTS: usize = 16;
/// CreateSession with a chain of certificates, or ActivateSession with a user's; in the smallest chunks, of 8 kB.
pub(super) const MAX_STRANGER_REQUEST_SIZE: usize = 32 * 1024;
pub(super) const MAX_STRANGER_CHUNKS: usize = 8;
/// A client may wait for 200 Publish responses, and for some answers besides.
pub(super) const MAX_REQUESTS_AT_A_TIME: usize = 250;

/// Sessions of clients that are connected.
pub(super) const MAX_SESSIONS: usize = 100;
/// One user, or all who say no name, leave room for the others.
pub(super) const MAX_SESSIONS_OF_ONE_USER: usize = 80;
/// What the library keeps: also those that nobody has logged in to, few of each application
/// (`front_door::unfinished`), and those whose client is gone and may come back: a client that crashes twice a second
/// leaves 1,200 of them.
const SESSIONS_KEPT: usize = 5_000;
const MIN_SUBSCRIPTIONS_PER_SESSION: usize = 50;
pub(super) const MAX_QUEUE_SIZE: usize = 1000;
/// A session survives a loss of connection for at most this long.
pub(super) const MAX_SESSION_TIMEOUT_MS: u64 = 10 * 60 * 1000;
pub(super) const MIN_SAMPLING_INTERVAL_MS: f64 = 10.0;
const MIN_PUBLISHING_INTERVAL_MS: f64 = 50.0;
/// Items that are gone and that the library keeps, up to 250 bytes each, before the server begins anew, which ends
/// all sessions: those of a client that subscribes to 1,000 items anew each hour, for 40 days.
pub(super) const MAX_STALE_ITEMS: usize = 1_000_000;
/// The same while nobody is connected, so that it troubles nobody.
pub(super) const MAX_STALE_ITEMS_ALONE: usize = 100_000;
/// The library looks at subscriptions in this rhythm, so each publishing interval is up to this much longer.
pub(super) const TICK_MS: u64 = 10;

/// A client that has the whole tree in one message must wait for it, and holds it in memory twice.
const MAX_NOTIFICATIONS_PER_PUBLISH: usize = 5_000;
const MIN_ITEMS_PER_SUBSCRIPTION: usize = 20_000;
/// A fully modelled printer has up to 200 variables; twice that, for the tools and sensors that appear later.
const ITEMS_PER_MACHINE: usize = 400;

/// What one subscription may watch: every variable of every machine.
pub(super) fn items_per_subscription(machines: usize) -> usize {
    MIN_ITEMS_PER_SUBSCRIPTION.max(machines.saturating_mul(ITEMS_PER_MACHINE))
}

/// What one session may subscribe to: gateways make a subscription for each machine, and some for themselves.
pub(super) fn subscriptions_per_session(machines: usize) -> usize {
    MIN_SUBSCRIPTIONS_PER_SESSION.saturating_add(machines)
}

/// How many connections are taken by a process that may open so many files, if that is known.
pub(super) fn connections(files: Option<usize>, machines: usize) -> usize {
    const FEWEST: usize = 20;
    let Some(files) = files else {
        return MAX_CONNECTIONS;
    };
    let others = machines
        .saturating_mul(FILES_PER_MACHINE)
        .saturating_add(FILES_OF_ITS_OWN);
    let left = files.saturating_sub(others) / FILES_PER_CONNECTION;
    left.clamp(FEWEST, MAX_CONNECTIONS)
}

/// How many files this process may open, where the system tells.
pub(super) fn open_files() -> Option<usize> {
    soft_limit(&std::fs::read_to_string("/proc/self/limits").ok()?)
}

/// The soft limit in the text of `/proc/self/limits` (proc(5)).
fn soft_limit(limits: &str) -> Option<usize> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The limits of a server of so many machines.
pub(super) fn limits(machines: usize) -> Limits {
    let items = items_per_subscription(machines);
    let subscriptions = subscriptions_per_session(machines);
    Limits {
        max_array_length: MAX_ARRAY_LENGTH,
        max_string_length: MAX_STRING_LENGTH,
        max_byte_string_length: MAX_STRING_LENGTH,
        max_message_size: MAX_MESSAGE_SIZE,
        max_chunk_count: MAX_CHUNKS,
        max_sessions: SESSIONS_KEPT,
        // There is neither Query nor history.
        max_query_continuation_points: 0,
        max_history_continuation_points: 0,
        subscriptions: SubscriptionLimits {
            max_subscriptions_per_session: subscriptions,
            // OPC 10000-7, Enhanced DataChange Subscription 2017: at least 10 Publish requests a session.
            max_pending_publish_requests: 200,
            max_publish_requests_per_subscription: 10,
            min_sampling_interval_ms: MIN_SAMPLING_INTERVAL_MS,
            min_publishing_interval_ms: MIN_PUBLISHING_INTERVAL_MS,
            max_monitored_items_per_sub: items,
            max_monitored_item_queue_size: MAX_QUEUE_SIZE,
            max_notifications_per_publish: MAX_NOTIFICATIONS_PER_PUBLISH as u64,
            // One round of all items must fit: what does not fit is dropped, and with it a first value.
            max_queued_notifications: 20 + items.div_ceil(MAX_NOTIFICATIONS_PER_PUBLISH),
            ..SubscriptionLimits::default()
        },
        operational: OperationalLimits {
            max_nodes_per_translate_browse_paths_to_node_ids: MAX_OPERATIONS_PER_CALL,
            max_nodes_per_read: MAX_OPERATIONS_PER_CALL,
            max_nodes_per_write: MAX_OPERATIONS_PER_CALL,
            max_nodes_per_browse: MAX_OPERATIONS_PER_CALL,
            max_nodes_per_register_nodes: MAX_OPERATIONS_PER_CALL,
            max_monitored_items_per_call: MAX_OPERATIONS_PER_CALL,
            max_subscriptions_per_call: subscriptions,
            max_references_per_browse_node: MAX_ARRAY_LENGTH,
            ..OperationalLimits::default()
        },
        ..Limits::default()
    }
}

#[cfg(test)]
mod tests {
    use opcua::types::{BinaryDecodable, ContextOwned, Variant};

    use super::*;

    #[test]
    fn a_client_can_subscribe_to_each_machine_on_its_own() {
        for machines in [1, 50, 1000] {
            let limits = limits(machines).subscriptions;
            // One more for the bridge.
            assert!(limits.max_subscriptions_per_session > machines);
        }
    }

    /// Scaled down, as the stack that is touched stays resident.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_worker_survives_the_deepest_request() {
        const SCALE: usize = 32;
        const DIAGNOSTIC_INFO: u8 = 25;
        const HAS_INNER: u8 = 0x40;
        let decode = || {
            let mut bytes = vec![HAS_INNER; MAX_REQUEST_SIZE / SCALE];
            bytes[0] = DIAGNOSTIC_INFO;
            bytes.push(0);
            let context = ContextOwned::default();
            drop(Variant::decode(&mut bytes.as_slice(), &context.context()));
        };
        std::thread::Builder::new()
            .stack_size(WORKER_STACK_SIZE / SCALE)
            .spawn(decode)
            .unwrap()
            .join()
            .unwrap();
    }

    #[test]
    fn connections_are_bounded_by_the_files_that_may_be_open() {
        assert_eq!(connections(None, 1), MAX_CONNECTIONS);
        assert_eq!(connections(Some(20_000), 1_000), MAX_CONNECTIONS);
        assert_eq!(connections(Some(1_024), 8), 300);
        assert_eq!(connections(Some(256), 100), 20);
        let table = "Limit                     Soft Limit           Hard Limit           Units\n\
                     Max processes             1000                 2000                 processes\n\
                     Max open files            1024                 4096                 files\n";
        assert_eq!(soft_limit(table), Some(1024));
        assert_eq!(soft_limit("Max open files            unlimited"), None);
    }

    #[test]
    fn one_subscription_holds_every_variable() {
        assert_eq!(items_per_subscription(1), 20_000);
        assert_eq!(items_per_subscription(1_000), 400_000);
        let limits = limits(1_000).subscriptions;
        assert!(
            limits.max_queued_notifications * MAX_NOTIFICATIONS_PER_PUBLISH
                > limits.max_monitored_items_per_sub,
            "the first values of all items fit in the queue"
        );
    }
}
