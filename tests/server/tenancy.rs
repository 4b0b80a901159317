//! Who may see what: two MES instances, an operator and a visitor, each service, their own machines and those of others.

use std::sync::{Arc, LazyLock, Mutex};

use opcua::client::{EventCallback, IdentityToken};
use opcua::types::{
    AttributeId, BrowseDirection, CallMethodRequest, DataTypeId, DataValue, ExtensionObject,
    MessageSecurityMode, MonitoredItemCreateRequest, MonitoringMode, MonitoringParameters, NodeId,
    ObjectId, QualifiedName, ReadValueId, StatusCode, TimestampsToReturn, Variant, WriteValue,
};
use umati_bridge::password::Hash;
use umati_bridge::server::{Audience, Login, Role, Served, Settings, Sight, User, Viewer};
use umati_bridge::umati::namespaces as ns;

use super::bench::*;
use super::browse::{browse, description, machines_folder, references};
use super::browse_paths::path;
use super::model_change::any_event;

const PASSWORD: &str = "open sesame";
const POLICY: &str = "Basic256Sha256";
const MODE: MessageSecurityMode = MessageSecurityMode::SignAndEncrypt;

static HASH: LazyLock<String> = LazyLock::new(|| Hash::of(PASSWORD).unwrap().expose());

/// The callers and the machines that they may see: `m0` is of instance 1, `m1` of instance 2, `m2` of both, `m3` of
/// nobody but the operators.
const MATRIX: [(&str, [bool; 4]); 4] = [
    ("mes1", [true, false, true, false]),
    ("mes2", [false, true, true, false]),
    ("anna", [true, true, true, true]),
    ("", [true, true, true, true]),
];
/// A machine that never was.
const ABSENT: usize = 9;

fn users(settings: &mut Settings) {
    let user = |name: &str, role, sight| User {
        viewer: Viewer {
            name: name.to_owned(),
            role,
            sight,
        },
        login: Login::Password {
            user: name.to_owned(),
            hash: Hash::parse(&HASH).unwrap(),
        },
    };
    settings.users = [
        user("mes1", Role::Control, Sight::Instance(1)),
        user("mes2", Role::Observe, Sight::Instance(2)),
        user("anna", Role::Operator, Sight::All),
    ]
    .into_iter()
    .collect();
}

async fn bench() -> Bench {
    let audiences = [
        Audience::Instances(vec![1]),
        Audience::Instances(vec![2]),
        Audience::Instances(vec![1, 2]),
        Audience::Operators,
    ];
    let served = machines(4, &plan())
        .into_iter()
        .zip(audiences)
        .map(|(instance, audience)| Served {
            instance,
            audience,
            commands: None,
        })
        .collect();
    let bench = Bench::serve_to(served, |settings| {
        users(settings);
        settings.allow_anonymous = true;
    })
    .await;
    for machine in 0..4 {
        bench.set_on(machine, DOUBLE, good(1.5));
    }
    bench
}

fn identity(user: &str) -> IdentityToken {
    match user {
        "" => IdentityToken::Anonymous,
        user => IdentityToken::new_user_name(user, PASSWORD),
    }
}

async fn log_in(bench: &Bench, user: &str) -> Client {
    Client::log_in(&bench.url, POLICY, MODE, identity(user))
        .await
        .unwrap_or_else(|| panic!("{user} is let in"))
}

/// What each service says of a machine.
async fn answers(client: &Client, machine: usize) -> Vec<(&'static str, StatusCode)> {
    let session = &client.session;
    let root = node(machine, "");
    let double = node(machine, DOUBLE);
    let mut answers = Vec::new();
    for direction in [BrowseDirection::Forward, BrowseDirection::Inverse] {
        let browsed = browse(client, description(&root, direction)).await;
        answers.push(("Browse", browsed.status_code));
    }
    for (name, attribute) in [
        ("Read the value", AttributeId::Value),
        ("Read the name", AttributeId::BrowseName),
    ] {
        let read = client.read(double.clone(), attribute).await;
        answers.push((name, read.status()));
    }
    let write = WriteValue {
        node_id: double.clone(),
        attribute_id: AttributeId::Value as u32,
        value: DataValue::value_only(2.5),
        ..WriteValue::default()
    };
    answers.push(("Write", session.write(&[write]).await.unwrap()[0]));
    let name = QualifiedName::new(ns::INSTANCES, DOUBLE);
    let translated = session
        .translate_browse_paths_to_node_ids(&[path(&root, &[name])])
        .await
        .unwrap();
    answers.push(("TranslateBrowsePaths", translated[0].status_code));
    let registered = session.register_nodes(std::slice::from_ref(&double)).await;
    let registered = match registered {
        Ok(ids) if ids == [double.clone()] => StatusCode::Good,
        Ok(_) => StatusCode::Uncertain,
        Err(error) => error.status(),
    };
    answers.push(("RegisterNodes", registered));
    let subscription = client.subscribe().await;
    for (name, request) in [
        ("CreateMonitoredItems, a value", request(&double)),
        ("CreateMonitoredItems, events", listen(&root)),
    ] {
        answers.push((name, subscription.create(vec![request]).await[0].status));
    }
    let called = session
        .call_one(CallMethodRequest {
            object_id: root,
            method_id: double,
            input_arguments: None,
        })
        .await
        .unwrap();
    answers.push(("Call", called.status_code));
    answers
}

fn listen(id: &NodeId) -> MonitoredItemCreateRequest {
    MonitoredItemCreateRequest {
        item_to_monitor: ReadValueId::new(id.clone(), AttributeId::EventNotifier),
        monitoring_mode: MonitoringMode::Reporting,
        requested_parameters: MonitoringParameters {
            client_handle: 0,
            sampling_interval: 0.0,
            filter: ExtensionObject::from_message(any_event()),
            // What clients get that ask for none.
            queue_size: 0,
            discard_oldest: true,
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_of_others_is_answered_like_one_that_never_was() {
    let bench = bench().await;
    for (user, sees) in MATRIX {
        let client = log_in(&bench, user).await;
        let of_none = answers(&client, ABSENT).await;
        for (machine, sees) in sees.into_iter().enumerate() {
            let answers = answers(&client, machine).await;
            if sees {
                for (service, status) in answers {
                    assert_ne!(
                        status,
                        StatusCode::BadNodeIdUnknown,
                        "{user:?} m{machine} {service}"
                    );
                }
            } else {
                assert_eq!(answers, of_none, "{user:?} m{machine}");
            }
        }
    }
}

/// The names of the machines in the folder, taken one reference at a time.
async fn listed(client: &Client) -> Vec<String> {
    let forward = description(&machines_folder(), BrowseDirection::Forward);
    let mut results = client.session.browse(&[forward], 1, None).await.unwrap();
    let mut names = Vec::new();
    loop {
        let result = results.remove(0);
        assert_eq!(result.status_code, StatusCode::Good);
        names.extend(
            (result.references.into_iter().flatten())
                .filter(|r| r.node_id.node_id.namespace == ns::INSTANCES)
                .map(|r| r.node_id.node_id.identifier.to_string()),
        );
        if result.continuation_point.is_null() {
            names.sort();
            return names;
        }
        results = (client.session)
            .browse_next(false, &[result.continuation_point])
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_name_the_machines_of_the_caller_only() {
    let bench = bench().await;
    for (user, sees) in MATRIX {
        let client = log_in(&bench, user).await;
        let expected: Vec<String> = (0..4)
            .filter(|&n| sees[n])
            .map(|n| format!("s=m{n}"))
            .collect();
        assert_eq!(listed(&client).await, expected, "{user:?}");
        // The machines hang from `Server` as event sources, too.
        let server = references(&client, &ObjectId::Server.into(), BrowseDirection::Forward).await;
        let notifiers = server
            .iter()
            .filter(|r| r.node_id.node_id.namespace == ns::INSTANCES)
            .count();
        assert_eq!(notifiers, expected.len(), "{user:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_machine_reach_those_who_may_know_of_it_each_once_even_with_the_smallest_queue()
{
    let bench = bench().await;
    let mut listeners = Vec::new();
    for (user, sees) in MATRIX {
        let client = log_in(&bench, user).await;
        let told = Arc::new(Mutex::new(Vec::<Vec<Variant>>::new()));
        let log = told.clone();
        let callback = EventCallback::new(move |fields, _| log.lock().unwrap().extend(fields));
        let subscription = client
            .session
            .create_subscription(PUBLISHING, 600, 20, 0, 0, true, callback)
            .await
            .unwrap();
        let created = client
            .session
            .create_monitored_items(
                subscription,
                TimestampsToReturn::Neither,
                vec![listen(&ObjectId::Server.into())],
            )
            .await
            .unwrap();
        assert_eq!(created[0].result.status_code, StatusCode::Good);
        listeners.push((user, sees, client, told));
    }
    // All of them at once: no queue of one takes them.
    for machine in 0..4 {
        let before = bench.machines[machine].read().unwrap().blueprint().clone();
        let mut larger = plan();
        add_variable(&mut larger, "Chamber", DataTypeId::Double, -1);
        let shape = blueprint(&larger);
        bench.machines[machine].write().unwrap().reshape(shape);
        bench
            .publisher
            .model_changed(&format!("m{machine}"), &before);
    }
    for (user, sees, _client, told) in &listeners {
        let expected: Vec<String> = (0..4)
            .filter(|&n| sees[n])
            .map(|n| format!("Machine {n} has new nodes"))
            .collect();
        let messages = || -> Vec<String> {
            let told = told.lock().unwrap();
            told.iter()
                .map(|fields| match &fields[2] {
                    Variant::LocalizedText(text) => text.text.to_string(),
                    other => panic!("{other:?}"),
                })
                .collect()
        };
        eventually(&format!("{user:?} {expected:?}"), || {
            (messages().len() >= expected.len()).then_some(())
        })
        .await;
        assert_eq!(messages(), expected, "{user:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_login_is_not_let_in() {
    let bench = Bench::serve_to(
        machines(1, &plan()).into_iter().map(Served::from).collect(),
        users,
    )
    .await;
    let none = MessageSecurityMode::None;
    for (what, policy, mode, identity) in [
        ("anonymous", POLICY, MODE, identity("")),
        ("anonymous over None", "None", none, identity("")),
        ("a password over None", "None", none, identity("anna")),
    ] {
        let client = Client::log_in(&bench.url, policy, mode, identity).await;
        assert!(client.is_none(), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_and_others_get_in_meanwhile() {
    let bench = bench().await;
    let wrong = || IdentityToken::new_user_name("mes1", "guess");
    for _ in 0..3 {
        let client = Client::log_in(&bench.url, POLICY, MODE, wrong()).await;
        assert!(client.is_none());
    }
    log_in(&bench, "anna").await;
    let unknown = IdentityToken::new_user_name("nobody", PASSWORD);
    let client = Client::log_in(&bench.url, POLICY, MODE, unknown).await;
    assert!(client.is_none());
}
