//! Read, Write and RegisterNodes on the machines, and the namespaces.

use opcua::types::{
    AttributeId, BrowseDirection, DataTypeId, DataValue, LocalizedText, NodeClass, NodeId,
    NumericRange, ObjectId, QualifiedName, ReadValueId, StatusCode, TimestampsToReturn, UAString,
    VariableId, Variant, WriteValue,
};
use umati_bridge::umati::namespaces as ns;

use super::bench::*;
use super::browse::{browse, description, find, references};

#[tokio::test(flavor = "multi_thread")]
async fn attributes_are_what_the_specification_says() {
    use AttributeId as A;
    let bench = Bench::start().await;
    let client = bench.connect().await;
    bench.set(DOUBLE, good(20.5));
    let variable = node(0, DOUBLE);
    let root = node(0, "");
    let expected: Vec<(&NodeId, A, Variant)> = vec![
        (&root, A::NodeId, root.clone().into()),
        (&root, A::NodeClass, (NodeClass::Object as i32).into()),
        (
            &root,
            A::BrowseName,
            QualifiedName::new(ns::INSTANCES, "Machine 0").into(),
        ),
        (
            &root,
            A::DisplayName,
            LocalizedText {
                locale: UAString::null(),
                text: UAString::from("Machine 0"),
            }
            .into(),
        ),
        (&root, A::EventNotifier, 1u8.into()),
        (&root, A::WriteMask, 0u32.into()),
        (&variable, A::NodeClass, (NodeClass::Variable as i32).into()),
        (
            &variable,
            A::BrowseName,
            QualifiedName::new(ns::INSTANCES, DOUBLE).into(),
        ),
        (&variable, A::Value, 20.5.into()),
        (
            &variable,
            A::DataType,
            NodeId::from(DataTypeId::Double).into(),
        ),
        (&variable, A::ValueRank, (-1).into()),
        (&variable, A::AccessLevel, 1u8.into()),
        (&variable, A::UserAccessLevel, 1u8.into()),
        (&variable, A::MinimumSamplingInterval, 0.0.into()),
        (&variable, A::Historizing, false.into()),
    ];
    for (id, attribute, value) in expected {
        let read = client.read(id.clone(), attribute).await;
        assert_eq!(read.value, Some(value), "{id} {attribute:?}");
        assert_eq!(read.status(), StatusCode::Good);
        assert!(read.server_timestamp.is_some());
    }
    for (id, attribute, status) in [
        (root.clone(), A::Value, StatusCode::BadAttributeIdInvalid),
        (root.clone(), A::DataType, StatusCode::BadAttributeIdInvalid),
        (
            variable.clone(),
            A::EventNotifier,
            StatusCode::BadAttributeIdInvalid,
        ),
        (
            variable.clone(),
            A::Executable,
            StatusCode::BadAttributeIdInvalid,
        ),
        (node(7, ""), A::NodeId, StatusCode::BadNodeIdUnknown),
        (node(0, "Nowhere"), A::Value, StatusCode::BadNodeIdUnknown),
        (
            NodeId::new(ns::INSTANCES, "m0/"),
            A::NodeId,
            StatusCode::BadNodeIdUnknown,
        ),
        (
            NodeId::new(ns::INSTANCES, 1u32),
            A::NodeId,
            StatusCode::BadNodeIdUnknown,
        ),
    ] {
        assert_eq!(
            client.read(id.clone(), attribute).await.status(),
            status,
            "{id} {attribute:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_comes_with_status_range_and_the_timestamps_asked_for() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let lost = client.read(node(0, DOUBLE), AttributeId::Value).await;
    assert_eq!(lost.status(), StatusCode::BadWaitingForInitialData);

    bench.set(ARRAY, good(vec![1.0, 2.0, 3.0]));
    bench.set(STRING, good("benchy"));
    let read = async |path: &str, range: NumericRange, timestamps| -> DataValue {
        let wanted = ReadValueId {
            index_range: range,
            ..ReadValueId::new(node(0, path), AttributeId::Value)
        };
        client
            .session
            .read(&[wanted], timestamps, 0.0)
            .await
            .unwrap()
            .remove(0)
    };
    let both = TimestampsToReturn::Both;
    let part = read(ARRAY, NumericRange::Range(1, 2), both).await;
    assert_eq!(part.value, Some(vec![2.0, 3.0].into()));
    let part = read(STRING, NumericRange::Range(0, 2), both).await;
    assert_eq!(part.value, Some("ben".into()));
    let beyond = read(ARRAY, NumericRange::Index(9), both).await;
    assert_eq!(beyond.status(), StatusCode::BadIndexRangeNoData);
    bench.set(INT32, good(1));
    let scalar = read(INT32, NumericRange::Index(0), both).await;
    assert_eq!(scalar.status(), StatusCode::BadIndexRangeNoData);

    for (timestamps, source, server) in [
        (TimestampsToReturn::Both, true, true),
        (TimestampsToReturn::Source, true, false),
        (TimestampsToReturn::Server, false, true),
        (TimestampsToReturn::Neither, false, false),
    ] {
        let value = read(INT32, NumericRange::None, timestamps).await;
        assert_eq!(value.source_timestamp.is_some(), source, "{timestamps:?}");
        assert_eq!(value.server_timestamp.is_some(), server, "{timestamps:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_values_of_one_machine_in_one_read_belong_to_one_instant() {
    let bench = Bench::serve(machines(2, &plan())).await;
    let client = bench.connect().await;
    // A writer that always changes two values under one lock, as a machine's task does.
    let machine = bench.machines[0].clone();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let writer = std::thread::spawn(move || {
        let mut number = 0;
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            number += 1;
            let mut instance = machine.write().unwrap();
            let _ = instance.set(INT32, good(number)).unwrap();
            let _ = instance.set(DOUBLE, good(f64::from(number))).unwrap();
        }
    });
    // Many nodes between the two, of another machine among them, so that a writer has time to come in between.
    let mut wanted = vec![(node(0, INT32), AttributeId::Value)];
    for _ in 0..200 {
        wanted.push((node(1, STRING), AttributeId::Value));
        wanted.push((node(0, STRING), AttributeId::DisplayName));
    }
    wanted.push((node(0, DOUBLE), AttributeId::Value));
    for _ in 0..100 {
        let values = client.read_many(&wanted).await;
        let double = match values.first().and_then(|v| v.value.clone()) {
            Some(Variant::Int32(number)) => Some(Variant::Double(f64::from(number))),
            // The writer has not begun: neither has a value.
            nothing => nothing,
        };
        assert_eq!(values.last().and_then(|v| v.value.clone()), double);
        assert_eq!(values[1].status(), StatusCode::BadWaitingForInitialData);
        assert_eq!(values[2].status(), StatusCode::Good);
    }
    drop(stop);
    writer.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_structures_have_encodings() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    bench.set(INT32, good(1));
    for (path, attribute) in [(INT32, AttributeId::Value), ("", AttributeId::BrowseName)] {
        let wanted = ReadValueId {
            data_encoding: QualifiedName::new(0, "Default XML"),
            ..ReadValueId::new(node(0, path), attribute)
        };
        let read = client
            .session
            .read(&[wanted], TimestampsToReturn::Both, 0.0)
            .await
            .unwrap();
        assert_eq!(
            read[0].status(),
            StatusCode::BadDataEncodingInvalid,
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_written() {
    let mut plan = plan();
    plan.access(STRING, 3);
    let bench = Bench::serve(machines(1, &plan)).await;
    let client = bench.connect().await;
    let write = async |id: NodeId, attribute: AttributeId| {
        let value = WriteValue::new(id, attribute, NumericRange::None, DataValue::new_now("x"));
        client.session.write(&[value]).await.unwrap()[0]
    };
    assert_eq!(
        write(node(0, DOUBLE), AttributeId::Value).await,
        StatusCode::BadNotWritable
    );
    assert_eq!(
        write(node(0, STRING), AttributeId::Value).await,
        StatusCode::BadUserAccessDenied
    );
    assert_eq!(
        write(node(0, ""), AttributeId::DisplayName).await,
        StatusCode::BadNotWritable
    );
    assert_eq!(
        write(node(0, ""), AttributeId::Value).await,
        StatusCode::BadAttributeIdInvalid
    );
    assert_eq!(
        write(node(0, "No"), AttributeId::Value).await,
        StatusCode::BadNodeIdUnknown
    );
    let level = client
        .read(node(0, STRING), AttributeId::UserAccessLevel)
        .await;
    assert_eq!(
        level.value,
        Some(1u8.into()),
        "what the user may do, not what is declared"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_nodes_are_unknown_to_each_service() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let result = browse(&client, description(&node(9, "X"), BrowseDirection::Both)).await;
    assert_eq!(result.status_code, StatusCode::BadNodeIdUnknown);
    let subscription = client.subscribe().await;
    let created = subscription.create(vec![request(&node(9, "X"))]).await;
    assert_eq!(created[0].status, StatusCode::BadNodeIdUnknown);
    let known = client
        .session
        .register_nodes(&[node(0, DOUBLE)])
        .await
        .unwrap();
    assert_eq!(known, [node(0, DOUBLE)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_namespace_array_is_the_table_of_the_program() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let read = client
        .read(VariableId::Server_NamespaceArray.into(), AttributeId::Value)
        .await;
    let Some(Variant::Array(array)) = read.value else {
        panic!("{read:?}")
    };
    let uris: Vec<String> = array.values.iter().map(ToString::to_string).collect();
    assert_eq!(uris[0], "http://opcfoundation.org/UA/");
    assert_eq!(uris[usize::from(ns::SERVER)], APPLICATION_URI);
    assert_eq!(
        uris[usize::from(ns::DI)..=usize::from(ns::VENDOR)],
        ns::TYPE_URIS
    );
    assert_eq!(
        uris[usize::from(ns::INSTANCES)],
        ns::instances_uri(APPLICATION_URI)
    );
    assert_eq!(uris.len(), usize::from(ns::INSTANCES) + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_namespace_is_described_once() {
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let below = references(
        &client,
        &ObjectId::Server_Namespaces.into(),
        BrowseDirection::Forward,
    )
    .await;
    let mut described: Vec<u16> = below
        .iter()
        .filter(|r| r.node_class == NodeClass::Object)
        .map(|r| r.browse_name.namespace_index)
        .collect();
    described.sort_unstable();
    assert_eq!(described, Vec::from_iter(0..=ns::INSTANCES));
    let uri = NodeId::new(ns::VENDOR, "Namespaces/13/NamespaceUri");
    let read = client.read(uri, AttributeId::Value).await;
    assert_eq!(
        read.value,
        Some(ns::instances_uri(APPLICATION_URI).as_str().into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_can_be_executed_and_has_no_type() {
    use AttributeId as A;
    const RESULTS: &str = "MachineryBuildingBlocks/JobManagement/JobOrderResults";
    let plan = plan().include(RESULTS).clone();
    let bench = Bench::serve(machines(1, &plan)).await;
    let client = bench.connect().await;
    let method = node(0, &format!("{RESULTS}/RequestJobResponseByJobOrderID"));
    for (attribute, expected) in [
        (A::NodeClass, Variant::from(NodeClass::Method as i32)),
        (A::Executable, true.into()),
        (A::UserExecutable, true.into()),
    ] {
        let read = client.read(method.clone(), attribute).await;
        assert_eq!(read.value, Some(expected), "{attribute:?}");
    }
    for attribute in [A::Value, A::DataType, A::EventNotifier] {
        let read = client.read(method.clone(), attribute).await;
        assert_eq!(
            read.status,
            Some(StatusCode::BadAttributeIdInvalid),
            "{attribute:?}"
        );
    }
    let held = references(&client, &node(0, RESULTS), BrowseDirection::Forward).await;
    let found = find(&held, "RequestJobResponseByJobOrderID");
    assert_eq!(found.node_id.node_id, method);
    assert!(found.type_definition.node_id.is_null());
    assert_eq!(found.node_class, NodeClass::Method);
}

/// Clients decode structures by these, so each names its binary encoding.
#[tokio::test(flavor = "multi_thread")]
async fn the_structures_of_jobs_are_defined() {
    use opcua::types::StructureDefinition;
    use umati_bridge::umati::isa95::types::*;
    let bench = Bench::start().await;
    let client = bench.connect().await;
    let types = [
        (Property::DATA_TYPE, Property::BINARY, 5),
        (Parameter::DATA_TYPE, Parameter::BINARY, 5),
        (Equipment::DATA_TYPE, Equipment::BINARY, 6),
        (State::DATA_TYPE, State::BINARY, 3),
        (WorkMaster::DATA_TYPE, WorkMaster::BINARY, 3),
        (JobOrder::DATA_TYPE, JobOrder::BINARY, 11),
        (Material::DATA_TYPE, Material::BINARY, 9),
        (Personnel::DATA_TYPE, Personnel::BINARY, 6),
        (PhysicalAsset::DATA_TYPE, PhysicalAsset::BINARY, 6),
        (JobResponse::DATA_TYPE, JobResponse::BINARY, 11),
        (JobOrderAndState::DATA_TYPE, JobOrderAndState::BINARY, 2),
        (RunInfo::DATA_TYPE, RunInfo::BINARY, 4),
    ];
    for (data_type, binary, fields) in types {
        let id = NodeId::from(data_type);
        let read = client
            .read(id.clone(), AttributeId::DataTypeDefinition)
            .await;
        let Some(Variant::ExtensionObject(object)) = read.value else {
            panic!("{id}: {read:?}");
        };
        let definition: &StructureDefinition = object.inner_as().unwrap();
        assert_eq!(definition.default_encoding_id, NodeId::from(binary), "{id}");
        let told = definition.fields.as_ref().map_or(0, Vec::len);
        assert_eq!(told, fields, "{id}");
    }
}
