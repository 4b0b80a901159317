//! What `Server/ServerCapabilities` says beyond what the library fills in: the same numbers as are enforced.

use opcua::server::ServerHandle;
use opcua::server::node_manager::memory::CoreNodeManager;
use opcua::types::{DataValue, ExtensionObject, NodeId, QualifiedName, VariableId, Variant};

use super::{journal, limits};

/// Writes the limits into the core namespace, where the library would leave null.
pub(super) fn tell_the_truth(handle: &ServerHandle, machines: usize) {
    let number = |n: usize| Variant::from(u32::try_from(n).unwrap_or(u32::MAX));
    let items = limits::items_per_subscription(machines);
    let per_session = limits::subscriptions_per_session(machines);
    let subscriptions = limits::MAX_SESSIONS.saturating_mul(per_session);
    let truths: Vec<(NodeId, Variant)> = [
        (
            VariableId::Server_ServerCapabilities_MaxSessions,
            number(limits::MAX_SESSIONS),
        ),
        (
            VariableId::Server_ServerCapabilities_MaxSubscriptions,
            number(subscriptions),
        ),
        (
            VariableId::Server_ServerCapabilities_MaxSubscriptionsPerSession,
            number(per_session),
        ),
        (
            VariableId::Server_ServerCapabilities_MaxMonitoredItems,
            number(subscriptions.saturating_mul(items)),
        ),
        (
            VariableId::Server_ServerCapabilities_MaxMonitoredItemsPerSubscription,
            number(items),
        ),
        (
            VariableId::Server_ServerCapabilities_MaxMonitoredItemsQueueSize,
            number(limits::MAX_QUEUE_SIZE),
        ),
        (
            VariableId::Server_ServerCapabilities_MaxSelectClauseParameters,
            number(limits::MAX_ARRAY_LENGTH),
        ),
        (
            VariableId::Server_ServerCapabilities_MaxWhereClauseParameters,
            number(limits::MAX_ARRAY_LENGTH),
        ),
        (
            VariableId::Server_ServerCapabilities_ConformanceUnits,
            Variant::from(Vec::<QualifiedName>::new()),
        ),
        (
            VariableId::Server_ServerCapabilities_SoftwareCertificates,
            Variant::from(Vec::<ExtensionObject>::new()),
        ),
        (
            VariableId::Server_ServerCapabilities_LocaleIdArray,
            Variant::from(vec!["en".to_owned()]),
        ),
        (
            VariableId::Server_ServerDiagnostics_EnabledFlag,
            Variant::from(true),
        ),
        (VariableId::Server_Auditing, Variant::from(false)),
    ]
    .into_iter()
    .map(|(id, value)| (id.into(), value))
    .collect();

    let Some(core) = handle.node_managers().get_of_type::<CoreNodeManager>() else {
        journal::capability_untold(&"all of them", &"there is no core namespace");
        return;
    };
    for (id, value) in truths {
        let told = core.set_value(handle.subscriptions(), &id, None, DataValue::new_now(value));
        if let Err(status) = told {
            journal::capability_untold(&id, &status);
        }
    }
}
