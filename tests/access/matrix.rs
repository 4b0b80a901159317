//! The matrix: each service, asked by somebody of each role, about own machines, those of others, and what never was.

use std::collections::BTreeSet;

use opcua::types::{
    AttributeId, BrowseDescription, BrowseDirection, BrowsePath, BrowseResultMask, DataValue,
    NodeId, ObjectId, QualifiedName, ReferenceTypeId, RelativePath, RelativePathElement,
    StatusCode as S, WriteValue,
};
use umati_bridge::umati::namespaces as ns;

use super::bench::*;
use super::client::*;
use super::shop::MACHINES;

/// What a caller may do with a machine.
#[derive(Debug, Clone, Copy, PartialEq)]
enum May {
    Nothing,
    Observe,
    Control,
}
use May::{Control, Nothing, Observe};

/// By caller: what they may do with each of [`MACHINES`].
const CALLERS: [(&str, [May; 4]); 4] = [
    (MES_1, [Control, Nothing, Nothing, Control]),
    (MES_2, [Nothing, Observe, Nothing, Observe]),
    (OPERATOR, [Control, Control, Control, Control]),
    (VISITOR, [Observe, Observe, Observe, Observe]),
];

/// A machine that never was, and a place that never was of the machine that all callers know.
const ABSENT: [&str; 2] = ["of-3", "of-both/Nowhere"];

#[derive(Debug, Clone, Copy)]
enum Ask {
    BrowseForward,
    BrowseInverse,
    BrowseInPages,
    BrowseForStore,
    ReadValue,
    ReadName,
    ReadStore,
    WriteAssetId,
    WriteName,
    WriteProgram,
    TranslateToAssetId,
    TranslateToStore,
    RegisterNodes,
    RegisterStore,
    WatchValue,
    WatchName,
    WatchStore,
    ListenToMachine,
    ListenToResults,
    CallStore,
    CallStoreOfType,
    CallRequestResponse,
    CallVariable,
}

/// What is answered to those who may control, observe, or not know of the machine. BadNotFound: a list comes back
/// without what was asked for.
#[rustfmt::skip]
const ANSWERS: [(Ask, S, S, S); 23] = [
    //                         control             observe                 nothing
    (Ask::BrowseForward,       S::Good,            S::Good,                S::BadNodeIdUnknown),
    (Ask::BrowseInverse,       S::Good,            S::Good,                S::BadNodeIdUnknown),
    (Ask::BrowseInPages,       S::Good,            S::Good,                S::BadNodeIdUnknown),
    (Ask::BrowseForStore,      S::Good,            S::BadNotFound,         S::BadNodeIdUnknown),
    (Ask::ReadValue,           S::Good,            S::Good,                S::BadNodeIdUnknown),
    (Ask::ReadName,            S::Good,            S::Good,                S::BadNodeIdUnknown),
    (Ask::ReadStore,           S::Good,            S::BadNodeIdUnknown,    S::BadNodeIdUnknown),
    (Ask::WriteAssetId,        S::Good,            S::BadUserAccessDenied, S::BadNodeIdUnknown),
    (Ask::WriteName,           S::BadNotWritable,  S::BadNotWritable,      S::BadNodeIdUnknown),
    (Ask::WriteProgram,        S::BadNotWritable,  S::BadNotWritable,      S::BadNodeIdUnknown),
    (Ask::TranslateToAssetId,  S::Good,            S::Good,                S::BadNoMatch),
    (Ask::TranslateToStore,    S::Good,            S::BadNoMatch,          S::BadNoMatch),
    (Ask::RegisterNodes,       S::Good,            S::Good,                S::BadNotFound),
    (Ask::RegisterStore,       S::Good,            S::BadNotFound,         S::BadNotFound),
    (Ask::WatchValue,          S::Good,            S::Good,                S::BadNodeIdUnknown),
    (Ask::WatchName,           S::Good,            S::Good,                S::BadNodeIdUnknown),
    (Ask::WatchStore,          S::Good,            S::BadNodeIdUnknown,    S::BadNodeIdUnknown),
    (Ask::ListenToMachine,     S::Good,            S::Good,                S::BadNodeIdUnknown),
    (Ask::ListenToResults,     S::Good,            S::Good,                S::BadNodeIdUnknown),
    (Ask::CallStore,           S::Good,            S::BadMethodInvalid,    S::BadNodeIdUnknown),
    (Ask::CallStoreOfType,     S::Good,            S::BadMethodInvalid,    S::BadNodeIdUnknown),
    (Ask::CallRequestResponse, S::Good,            S::Good,                S::BadNodeIdUnknown),
    (Ask::CallVariable,        S::BadMethodInvalid, S::BadMethodInvalid,   S::BadNodeIdUnknown),
];

/// The status, and the whole answer as it came: what is of others must not differ from what never was by any word.
pub type Answer = (S, String);

fn whole<T: std::fmt::Debug>(status: S, answer: T) -> Answer {
    (status, format!("{answer:?}"))
}

impl Ask {
    async fn of(self, client: &Client, machine: &str) -> Answer {
        let root = node(machine, "");
        let asset_id = node(machine, ASSET_ID);
        let control = node(machine, CONTROL);
        let store = node(machine, &format!("{CONTROL}/Store"));
        match self {
            Self::BrowseForward => browse(client, &root, BrowseDirection::Forward, 0).await,
            Self::BrowseInverse => browse(client, &root, BrowseDirection::Inverse, 0).await,
            Self::BrowseInPages => browse(client, &root, BrowseDirection::Forward, 1).await,
            Self::BrowseForStore => {
                let (status, listed) = browse(client, &control, BrowseDirection::Forward, 3).await;
                match status {
                    S::Good if !listed.contains("/Store ") => (S::BadNotFound, listed),
                    status => (status, listed),
                }
            }
            Self::ReadValue => read(client, asset_id, AttributeId::Value).await,
            Self::ReadName => read(client, root, AttributeId::DisplayName).await,
            Self::ReadStore => read(client, store, AttributeId::BrowseName).await,
            Self::WriteAssetId => whole(client.write_asset_id(machine, "written").await, ()),
            Self::WriteName => write(client, root, AttributeId::DisplayName).await,
            Self::WriteProgram => {
                let program = node(machine, "Production/ActiveProgram/Name");
                write(client, program, AttributeId::Value).await
            }
            Self::TranslateToAssetId => {
                let names = [(ns::DI, "Identification"), (ns::DI, "AssetId")];
                translate(client, &root, &names).await
            }
            Self::TranslateToStore => {
                translate(client, &control, &[(ns::JOB_CONTROL, "Store")]).await
            }
            Self::RegisterNodes => register(client, root).await,
            Self::RegisterStore => register(client, store).await,
            Self::WatchValue => watch(client, watching(&asset_id, AttributeId::Value)).await,
            Self::WatchName => watch(client, watching(&root, AttributeId::DisplayName)).await,
            Self::WatchStore => watch(client, watching(&store, AttributeId::BrowseName)).await,
            Self::ListenToMachine => watch(client, listening(&root)).await,
            Self::ListenToResults => watch(client, listening(&node(machine, RESULTS))).await,
            Self::CallStore => {
                let result = client.store(machine, "an order").await;
                whole(result.status_code, result)
            }
            Self::CallStoreOfType => {
                let declared = NodeId::new(ns::JOB_CONTROL, 7001u32);
                let result = client.call(control, declared, stored("another")).await;
                whole(result.status_code, result)
            }
            Self::CallRequestResponse => {
                let results = node(machine, RESULTS);
                let path = format!("{RESULTS}/RequestJobResponseByJobOrderID");
                let method = node(machine, &path);
                let result = client.call(results, method, vec!["none".into()]).await;
                whole(result.status_code, result)
            }
            Self::CallVariable => {
                let result = client.call(root, asset_id, Vec::new()).await;
                whole(result.status_code, result)
            }
        }
    }
}

/// All pages, with so many references each (0: as many as the server gives).
pub async fn browse(client: &Client, id: &NodeId, direction: BrowseDirection, page: u32) -> Answer {
    let what = BrowseDescription {
        node_id: id.clone(),
        browse_direction: direction,
        reference_type_id: ReferenceTypeId::References.into(),
        include_subtypes: true,
        node_class_mask: 0,
        result_mask: BrowseResultMask::All as u32,
    };
    let mut result = client.session.browse(&[what], page, None).await.unwrap();
    let mut listed = String::new();
    loop {
        let page = result.remove(0);
        for reference in page.references.into_iter().flatten() {
            listed += &format!("{} ", reference.node_id.node_id);
        }
        if page.continuation_point.is_null() {
            return (page.status_code, listed);
        }
        let next = [page.continuation_point];
        result = client.session.browse_next(false, &next).await.unwrap();
    }
}

async fn read(client: &Client, id: NodeId, attribute: AttributeId) -> Answer {
    let mut value = client.read(id, attribute).await;
    // Told with errors although nobody asked for it.
    value.server_timestamp = None;
    whole(value.status.unwrap_or(S::Good), value)
}

async fn write(client: &Client, id: NodeId, attribute: AttributeId) -> Answer {
    let write = WriteValue {
        node_id: id,
        attribute_id: attribute as u32,
        value: DataValue::value_only("mine"),
        ..WriteValue::default()
    };
    whole(client.session.write(&[write]).await.unwrap()[0], ())
}

pub async fn translate(client: &Client, start: &NodeId, names: &[(u16, &str)]) -> Answer {
    let elements = names.iter().map(|&(namespace, name)| RelativePathElement {
        reference_type_id: ReferenceTypeId::HierarchicalReferences.into(),
        is_inverse: false,
        include_subtypes: true,
        target_name: QualifiedName::new(namespace, name),
    });
    let path = BrowsePath {
        starting_node: start.clone(),
        relative_path: RelativePath {
            elements: Some(elements.collect()),
        },
    };
    let session = &client.session;
    let found = session.translate_browse_paths_to_node_ids(&[path]).await;
    let found = found.unwrap().remove(0);
    whole(found.status_code, found)
}

async fn register(client: &Client, id: NodeId) -> Answer {
    match client
        .session
        .register_nodes(std::slice::from_ref(&id))
        .await
    {
        Ok(registered) if registered == [id] => whole(S::Good, ()),
        // The library leaves out what is not there.
        Ok(registered) => whole(S::BadNotFound, registered),
        Err(error) => whole(error.status(), error.to_string()),
    }
}

async fn watch(client: &Client, request: opcua::types::MonitoredItemCreateRequest) -> Answer {
    let subscription = client.subscribe().await;
    let status = subscription.create(request).await;
    let session = &client.session;
    session.delete_subscription(subscription.id).await.unwrap();
    whole(status, ())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_answers_as_the_role_allows_and_of_others_as_if_they_never_were() {
    let bench = Bench::start().await;
    let mut wrong = Vec::new();
    for (caller, rights) in CALLERS {
        let client = Client::log_in(&bench.url, caller).await;
        for (ask, control, observe, nothing) in ANSWERS {
            let mut of_none = Vec::new();
            for machine in ABSENT {
                let answer = ask.of(&client, machine).await;
                if answer.0 != nothing {
                    wrong.push(format!("{caller:?} {ask:?} {machine}: {answer:?}"));
                }
                of_none.push(answer);
            }
            for ((machine, _), may) in MACHINES.into_iter().zip(rights) {
                let answer = ask.of(&client, machine).await;
                let (expected, is_wrong) = match may {
                    Control => (control, answer.0 != control),
                    Observe => (observe, answer.0 != observe),
                    Nothing => (nothing, answer != of_none[0]),
                };
                if is_wrong {
                    wrong.push(format!(
                        "{caller:?} {ask:?} {machine} ({may:?}): {answer:?}, not {expected}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The object is the caller's, the method is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_method_of_another_machine_is_none_of_this_one() {
    let bench = Bench::start().await;
    let client = Client::log_in(&bench.url, MES_1).await;
    let mut answers = Vec::new();
    for machine in ["of-2", "of-3"] {
        let method = node(machine, &format!("{CONTROL}/Store"));
        let answer = client
            .call(node("of-1", CONTROL), method, stored("an order"))
            .await;
        assert_eq!(answer.status_code, S::BadMethodInvalid, "{machine}");
        answers.push(answer);
    }
    assert_eq!(answers[0], answers[1]);
}

/// A path may lead from one machine up and down to another.
#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_to_a_machine_of_others() {
    let bench = Bench::start().await;
    let folder = NodeId::new(ns::MACHINERY, 1001u32);
    for (caller, rights) in CALLERS {
        let client = Client::log_in(&bench.url, caller).await;
        let absent = translate(&client, &folder, &[(ns::INSTANCES, "of-3")]).await;
        assert_eq!(absent.0, S::BadNoMatch);
        for ((machine, _), may) in MACHINES.into_iter().zip(rights) {
            let found = translate(&client, &folder, &[(ns::INSTANCES, machine)]).await;
            if may == Nothing {
                assert_eq!(found, absent, "{caller:?} {machine}");
            } else {
                assert_eq!(found.0, S::Good, "{caller:?} {machine}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_name_the_machines_of_the_caller_only() {
    let bench = Bench::start().await;
    let folder = NodeId::new(ns::MACHINERY, 1001u32);
    for (caller, rights) in CALLERS {
        let client = Client::log_in(&bench.url, caller).await;
        let expected: Vec<String> = MACHINES
            .into_iter()
            .zip(rights)
            .filter(|(_, may)| *may != Nothing)
            .map(|((machine, _), _)| node(machine, "").to_string())
            .collect();
        // The machines hang from `Server` as event sources, too.
        for from in [folder.clone(), ObjectId::Server.into()] {
            for page in [0, 1] {
                let (status, listed) = browse(&client, &from, BrowseDirection::Forward, page).await;
                assert_eq!(status, S::Good);
                let ours = format!("ns={};", ns::INSTANCES);
                let listed: Vec<&str> = listed
                    .split(' ')
                    .filter(|id| id.starts_with(&ours))
                    .collect();
                assert_eq!(listed, expected, "{caller:?} from {from}");
            }
        }
    }
}

/// The names of the machines that the folder of all machines lists.
pub async fn names_of_machines(client: &Client) -> BTreeSet<String> {
    let folder = NodeId::new(ns::MACHINERY, 1001u32);
    let (status, listed) = browse(client, &folder, BrowseDirection::Forward, 0).await;
    assert_eq!(status, S::Good);
    let ours = format!("ns={};s=", ns::INSTANCES);
    let ids = listed.split(' ').filter_map(|id| id.strip_prefix(&ours));
    ids.map(str::to_owned).collect()
}
