//! Clients that subscribe to a thousand items and go, over and over, in every way in which a client can go: what one
//! publication costs stays as it was, memory is bounded, and the bridge tells what it carries.
//!
//! ```text
//! UMATI_LEAK_CYCLES=10000 cargo test --test bridge leaks:: -- --ignored --nocapture
//! ```

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opcua::client::services::{
    CreateMonitoredItems, CreateSubscription, DeleteMonitoredItems, DeleteSubscriptions,
    TransferSubscriptions,
};
use opcua::client::{ClientBuilder, DataChangeCallback, IdentityToken, Session, UARequest};
use opcua::types::{
    AttributeId, BrowseDescription, BrowseDirection, BrowseResultMask, Error, MessageSecurityMode,
    MonitoredItemCreateRequest, NodeClass, NodeId, ReadValueId, ReferenceTypeId, StatusCode,
    TimestampsToReturn, UserTokenPolicy, Variant,
};
use tempfile::TempDir;
use tokio::task::AbortHandle;
use tokio::time::sleep;
use umati_bridge::octoprint::simulator::printer_name;
use umati_bridge::umati::namespaces as ns;

use crate::common::PATIENCE;
use crate::common::bridge::Bridge;
use crate::plant::block_on;

const PRINTERS: u32 = 10;
const ITEMS: usize = 1_000;
/// After which the session of a client is over that says nothing.
const STAYS: Duration = Duration::from_secs(60);
const GOES: Duration = Duration::from_secs(5);
const PUBLISHING_INTERVAL: Duration = Duration::from_millis(50);
/// Publishing intervals that a subscription outlives without a Publish request: 10 seconds, or hardly any.
const MANY: u32 = 200;
const FEW: u32 = 3;
/// Those of the stage.
const SESSIONS: usize = 3;
/// Processor time is compared over this long.
const WINDOW: Duration = Duration::from_secs(5);
/// As `server::limits` has them.
const MAX_STALE_ITEMS: usize = 1_000_000;
const MAX_STALE_ITEMS_ALONE: usize = 100_000;
/// What the library keeps of an item that is gone, in a map that has just doubled.
const BYTES_PER_STALE_ITEM: usize = 250;
const RESIDENT_SLACK: usize = 40 << 20;

/// How a client lets go of its items. After a transfer another does, as the library may still let go of what the
/// session had.
const WAYS: [Way; 6] = [
    Way::DeleteItems,
    Way::DeleteSubscription,
    Way::Transfer,
    Way::CloseSession,
    Way::Vanish,
    Way::Expire,
];

#[derive(Debug, Clone, Copy)]
enum Way {
    /// All but one, and that with the subscription.
    DeleteItems,
    DeleteSubscription,
    CloseSession,
    /// The connection is cut; session and subscription time out.
    Vanish,
    /// The session goes on and does not publish; the subscription expires, and then the session is closed.
    Expire,
    /// Another session takes over the subscription, and deletes it.
    Transfer,
}

#[test]
#[ignore = "takes a minute; with UMATI_LEAK_CYCLES=10000, an hour"]
fn clients_that_come_and_go_leave_no_cost_and_bounded_memory() {
    let cycles = std::env::var("UMATI_LEAK_CYCLES").ok();
    let cycles = cycles.map_or(240, |it| it.parse().expect("a number"));
    block_on(async {
        let bridge = Bridge::demo(PRINTERS);
        let mut stage = Stage::set(&bridge).await;
        stage.cycle(Way::DeleteItems).await.expect("served");
        let before = Measured::of(&bridge, &stage).await;

        let mut renewals = 0;
        for n in 0..cycles {
            // The server may begin anew, which ends all sessions; so does the next attempt, if it was about to.
            if let Err(error) = stage.cycle(WAYS[n % WAYS.len()]).await {
                println!("cycle {n}: {error}");
                renewals += 1;
                stage = Stage::set(&bridge).await;
            }
        }
        stage.until_only_the_subscriber_is_left().await;
        let after = Measured::of(&bridge, &stage).await;
        println!(
            "before {before:?}\nafter  {after:?}\n{cycles} cycles of {ITEMS} items, {renewals} broken"
        );

        let carried = |it: &Measured| (it.sessions, it.items);
        assert_eq!(carried(&after), carried(&before));
        // Once when the old server ends, and once if the stage was set while it gave notice.
        let most = 2 * (cycles * ITEMS / MAX_STALE_ITEMS);
        assert!(renewals <= most, "{renewals}");
        assert!(after.stale <= MAX_STALE_ITEMS + 10 * ITEMS, "{after:?}");
        // Two servers were there at once, and what the old one had the allocator keeps for the next.
        let (servers, most_stale) = match renewals {
            0 => (1, after.stale),
            _ => (2, MAX_STALE_ITEMS),
        };
        let items = most_stale * BYTES_PER_STALE_ITEM;
        let most = before.resident * servers + items + RESIDENT_SLACK;
        assert!(after.resident <= most, "{before:?} {after:?}");
        // It was 46 times as much after 120 cycles before the bridge had its own registry.
        assert!(after.ticks <= before.ticks * 3 + 50, "{before:?} {after:?}");

        // Nobody is troubled by a server that begins anew while nobody is connected.
        while stage.told("StaleItems").await <= MAX_STALE_ITEMS_ALONE {
            let more = stage.cycle(Way::DeleteSubscription).await;
            more.expect("served");
        }
        let begun = beginnings(&bridge);
        stage.leave().await;
        let stage = until_it_began_anew(&bridge, begun).await;
        println!("anew   {:?}", Measured::of(&bridge, &stage).await);
        assert!(!bridge.log().contains("panicked"), "{}", bridge.log());
    });
}

/// How often the server began anew.
fn beginnings(bridge: &Bridge) -> usize {
    let told = "the server begins anew, to free";
    bridge.log().matches(told).count()
}

/// Once more than so often.
async fn until_it_began_anew(bridge: &Bridge, begun: usize) -> Stage {
    let deadline = Instant::now() + PATIENCE;
    while beginnings(bridge) <= begun {
        assert!(Instant::now() < deadline, "{}", bridge.log());
        sleep(Duration::from_millis(100)).await;
    }
    let stage = Stage::set(bridge).await;
    // It is told once a second.
    while stage.told("StaleItems").await > MAX_STALE_ITEMS_ALONE {
        assert!(Instant::now() < deadline, "the old server serves still");
        sleep(Duration::from_millis(100)).await;
    }
    stage
}

/// What the bridge tells of itself, and what the system tells of it.
#[derive(Debug)]
struct Measured {
    sessions: usize,
    items: usize,
    stale: usize,
    resident: usize,
    /// Hundredths of a second of processor time over [`WINDOW`], with one subscriber to a thousand items.
    ticks: u64,
}

impl Measured {
    async fn of(bridge: &Bridge, stage: &Stage) -> Self {
        let began = ticks(bridge);
        sleep(WINDOW).await;
        Self {
            ticks: ticks(bridge) - began,
            sessions: stage.told("Sessions").await,
            items: stage.told("MonitoredItems").await,
            stale: stage.told("StaleItems").await,
            resident: stage.told("ResidentMemory").await,
        }
    }
}

/// proc(5), fields 14 and 15.
fn ticks(bridge: &Bridge) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", bridge.id())).expect("it runs");
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let fields = fields.split_whitespace().skip(11).take(2);
    fields.map(|it| it.parse::<u64>().expect("a number")).sum()
}

/// A subscriber that stays, and clients that come and go.
struct Stage {
    endpoint: String,
    pki: TempDir,
    nodes: Vec<NodeId>,
    subscriber: Client,
    one: Client,
    other: Client,
}

impl Stage {
    /// Waits for a server that has just begun anew.
    async fn set(bridge: &Bridge) -> Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match Self::try_set(bridge).await {
                Ok(stage) => return stage,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    async fn try_set(bridge: &Bridge) -> Result<Self, Error> {
        let endpoint = bridge.endpoint().to_owned();
        let pki = TempDir::new().expect("a folder");
        // Only an encrypted session without a name may take over a subscription.
        let one = Client::connect(&endpoint, &pki, true, STAYS).await?;
        let other = Client::connect(&endpoint, &pki, true, STAYS).await?;
        let subscriber = Client::connect(&endpoint, &pki, false, STAYS).await?;
        let nodes = subscriber.variables().await?;
        let nothing = DataChangeCallback::new(|_, _| {});
        let id = subscriber
            .session
            .create_subscription(Duration::from_millis(100), 600, 30, 0, 0, true, nothing)
            .await?;
        let wanted = nodes.iter().cloned().map(MonitoredItemCreateRequest::from);
        let both = TimestampsToReturn::Both;
        (subscriber.session)
            .create_monitored_items(id, both, wanted.collect())
            .await?;
        Ok(Self {
            endpoint,
            pki,
            nodes,
            subscriber,
            one,
            other,
        })
    }

    async fn cycle(&mut self, way: Way) -> Result<(), Error> {
        match way {
            Way::DeleteItems => {
                let (id, mut items) = self.one.subscribe(&self.nodes, MANY).await?;
                items.pop();
                DeleteMonitoredItems::new(id, &self.one.session)
                    .items_to_delete(items)
                    .send(self.one.session.channel())
                    .await?;
                self.one.delete_subscription(id).await
            }
            Way::DeleteSubscription => {
                let (id, _) = self.one.subscribe(&self.nodes, MANY).await?;
                self.one.delete_subscription(id).await
            }
            Way::CloseSession => {
                let client = Client::connect(&self.endpoint, &self.pki, false, GOES).await?;
                client.subscribe(&self.nodes, MANY).await?;
                client.session.disconnect().await
            }
            Way::Vanish => {
                let client = Client::connect(&self.endpoint, &self.pki, false, GOES).await?;
                client.subscribe(&self.nodes, MANY).await?;
                Ok(())
            }
            Way::Expire => {
                let client = Client::connect(&self.endpoint, &self.pki, false, GOES).await?;
                match client.subscribe(&self.nodes, FEW).await {
                    // On a busy computer it expires before it has items.
                    Err(error) if error.status() == StatusCode::BadSubscriptionIdInvalid => {}
                    other => drop(other?),
                }
                sleep(PUBLISHING_INTERVAL * (2 * FEW)).await;
                client
                    .session
                    .disconnect_without_delete_subscriptions()
                    .await
            }
            Way::Transfer => {
                let (id, _) = self.one.subscribe(&self.nodes, MANY).await?;
                let moved = TransferSubscriptions::new(&self.other.session)
                    .subscription_ids(vec![id])
                    .send(self.other.session.channel())
                    .await?;
                let moved = moved.results.into_iter().flatten().next();
                let status = moved.expect("a result").status_code;
                assert!(status.is_good(), "{status}");
                self.other.delete_subscription(id).await
            }
        }
    }

    /// What the bridge tells of itself.
    async fn told(&self, name: &str) -> usize {
        let node = NodeId::new(ns::INSTANCES, format!("UmatiBridge/{name}"));
        let wanted = [ReadValueId::new(node, AttributeId::Value)];
        let both = TimestampsToReturn::Both;
        let read = self.subscriber.session.read(&wanted, both, 0.0).await;
        match read.expect("an answer")[0].value {
            Some(Variant::UInt32(number)) => number as usize,
            Some(Variant::UInt64(number)) => number as usize,
            ref other => panic!("{name}: {other:?}"),
        }
    }

    async fn until_only_the_subscriber_is_left(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = (
                self.told("Sessions").await,
                self.told("MonitoredItems").await,
            );
            if left == (SESSIONS, ITEMS) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "sessions and items are left: {left:?}"
            );
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn leave(self) {
        for client in [&self.one, &self.other, &self.subscriber] {
            // It may begin anew at once.
            let _ = client.session.disconnect().await;
        }
    }
}

/// A session that is cut off with the value.
struct Client {
    session: Arc<Session>,
    connection: AbortHandle,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Client {
    async fn connect(
        endpoint: &str,
        pki: &TempDir,
        encrypted: bool,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let (policy, mode) = if encrypted {
            ("Basic256Sha256", MessageSecurityMode::SignAndEncrypt)
        } else {
            ("None", MessageSecurityMode::None)
        };
        let mut client = ClientBuilder::new()
            .application_name("MES")
            .application_uri("urn:mes")
            .pki_dir(pki.path())
            .create_sample_keypair(encrypted)
            .trust_server_certs(true)
            .session_retry_limit(0)
            .recreate_subscriptions(false)
            .session_timeout(timeout.as_millis() as u32)
            .client()
            .expect("a client");
        let security = (endpoint, policy, mode, UserTokenPolicy::anonymous());
        let (session, event_loop) = client
            .connect_to_matching_endpoint(security, IdentityToken::Anonymous)
            .await?;
        let mut running = event_loop.spawn();
        let connection = running.abort_handle();
        let connected = tokio::select! {
            connected = session.wait_for_connection() => connected,
            _ = &mut running => false,
        };
        // Who has lost a connection comes as somebody new, with new subscriptions.
        session.disable_reconnects();
        let client = Self {
            session,
            connection,
        };
        if connected {
            Ok(client)
        } else {
            Err(Error::new(StatusCode::BadNotConnected, "cut off"))
        }
    }

    /// By hand, so that nobody publishes, and it expires after so many publishing intervals.
    async fn subscribe(&self, nodes: &[NodeId], lives: u32) -> Result<(u32, Vec<u32>), Error> {
        let made = CreateSubscription::new(&self.session)
            .publishing_interval(PUBLISHING_INTERVAL)
            .max_lifetime_count(lives)
            .max_keep_alive_count(1)
            .publishing_enabled(true)
            .send(self.session.channel())
            .await?;
        let id = made.subscription_id;
        let wanted = nodes.iter().cloned().map(MonitoredItemCreateRequest::from);
        let made = CreateMonitoredItems::new(id, &self.session)
            .items_to_create(wanted.collect())
            .send(self.session.channel())
            .await?;
        let made = made.results.into_iter();
        Ok((id, made.map(|it| it.result.monitored_item_id).collect()))
    }

    async fn delete_subscription(&self, id: u32) -> Result<(), Error> {
        DeleteSubscriptions::new(&self.session)
            .subscription(id)
            .send(self.session.channel())
            .await
            .map(drop)
    }

    /// A thousand variables of the machines.
    async fn variables(&self) -> Result<Vec<NodeId>, Error> {
        let machines = (1..=PRINTERS).map(|number| printer_name(number as usize));
        let mut next: Vec<_> = machines.map(|it| NodeId::new(ns::INSTANCES, it)).collect();
        let mut variables = Vec::new();
        while !next.is_empty() {
            let wanted: Vec<_> = next.drain(..).map(below).collect();
            let found = self.session.browse(&wanted, 0, None).await?;
            for found in found.into_iter().flat_map(|it| it.references).flatten() {
                let id = found.node_id.node_id;
                if id.namespace != ns::INSTANCES || variables.contains(&id) {
                    continue;
                }
                match found.node_class {
                    NodeClass::Variable => variables.push(id.clone()),
                    NodeClass::Object => {}
                    _ => continue,
                }
                next.push(id);
            }
        }
        variables.truncate(ITEMS);
        assert_eq!(variables.len(), ITEMS);
        Ok(variables)
    }
}

fn below(node_id: NodeId) -> BrowseDescription {
    BrowseDescription {
        node_id,
        browse_direction: BrowseDirection::Forward,
        reference_type_id: ReferenceTypeId::Aggregates.into(),
        include_subtypes: true,
        node_class_mask: 0,
        result_mask: BrowseResultMask::NodeClass as u32,
    }
}
