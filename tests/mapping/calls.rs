//! What clients may send to the methods, and what they get.

use opcua::types::{
    Array, ByteString, ByteStringBody, DataValue, ExtensionObject, LocalizedText, NodeId,
    StatusCode, UAString, Variant, VariantScalarTypeId,
};
use proptest::prelude::*;
use umati_bridge::machine::*;
use umati_bridge::umati::calls::*;
use umati_bridge::umati::isa95::types::*;
use umati_bridge::umati::isa95::{Encoded, codec, states};
use umati_bridge::umati::namespaces as ns;

use crate::samples::{self, MES_ORDER, PRINT};
use crate::support::{instance, t};

fn comment(texts: &[&str]) -> Variant {
    let texts = texts.iter().map(|text| LocalizedText::new("en", text));
    Variant::from(texts.collect::<Vec<_>>())
}

fn argument(order: &JobOrder) -> Variant {
    ExtensionObject::new(order.clone()).into()
}

fn store(order: &JobOrder) -> Result<Call, CallFault> {
    parse(JobMethod::Store, &[argument(order), comment(&[])])
}

fn invalid(results: &[StatusCode]) -> Result<Call, CallFault> {
    Err(CallFault::Arguments(ArgumentFault::Invalid(
        results.to_vec(),
    )))
}

fn asks(request: OrderRequest, comment: Option<&str>) -> Result<Call, CallFault> {
    Ok(Call::Ask(Request::Order {
        request,
        comment: comment.map(str::to_owned),
    }))
}

#[test]
fn methods_are_found_by_their_place_and_by_their_declaration() {
    for method in JobMethod::CONTROL.into_iter().chain(JobMethod::RESULTS) {
        assert_eq!(JobMethod::of(&method.path()), Some(method));
        let elsewhere = method.path().replace("JobOrder", "Other");
        assert_eq!(JobMethod::of(&elsewhere), None);
    }
    let instance = instance(&samples::machine(), 0);
    let blueprint = instance.blueprint();
    let declared = |method: JobMethod, namespace, id: u32| {
        let object = blueprint.find(method.object()).unwrap();
        let found = blueprint.method(object, &NodeId::new(namespace, id))?;
        JobMethod::of(&blueprint.node(found).path)
    };
    let store = JobMethod::Store;
    assert_eq!(declared(store, ns::JOB_CONTROL, 7001), Some(store));
    assert_eq!(
        declared(store, ns::JOB_CONTROL, 7006),
        None,
        "Stop is not served"
    );
    let by_id = JobMethod::RequestJobResponseByJobOrderID;
    assert_eq!(declared(store, ns::JOB_CONTROL, 7002), None);
    for (namespace, id) in [
        (ns::JOB_CONTROL, 7002),
        (ns::JOBS, 7001),
        (ns::ADDITIVE_MANUFACTURING, 7001),
    ] {
        assert_eq!(declared(by_id, namespace, id), Some(by_id));
    }
    assert_eq!(JobMethod::of("Store"), None);
}

/// The nodes of the types say the same as [`JobMethod`].
#[test]
fn each_method_of_a_machine_is_an_instance_of_its_declarations() {
    use umati_bridge::umati::blueprint::NodeKind;
    let instance = instance(&samples::machine(), 0);
    let mut methods = 0;
    for (_, node) in instance.blueprint().iter() {
        let method = JobMethod::of(&node.path);
        let NodeKind::Method { declarations } = &node.kind else {
            assert_eq!(method, None, "{}", node.path);
            continue;
        };
        methods += 1;
        let method = method.unwrap_or_else(|| panic!("{} is not served", node.path));
        assert_eq!(node.needs_control, method.needs_control());
        assert!(!declarations.is_empty(), "{}", node.path);
        let inputs = instance.resolve(&format!("{}/InputArguments", node.path));
        let inputs = instance.value(inputs.unwrap()).value.as_ref().unwrap();
        let Variant::Array(arguments) = inputs else {
            panic!("{inputs:?}");
        };
        let given = vec![Variant::Boolean(true); arguments.values.len()];
        let fault = parse(method, &given).unwrap_err();
        let wrong = vec![StatusCode::BadTypeMismatch; given.len()];
        assert_eq!(fault, CallFault::Arguments(ArgumentFault::Invalid(wrong)));
    }
    assert_eq!(methods, 12);
}

#[test]
fn a_machine_without_control_has_no_method_that_acts() {
    let mut machine = samples::machine();
    machine.nameplate.control = false;
    let instance = instance(&machine, 0);
    for method in JobMethod::CONTROL {
        assert_eq!(instance.resolve(&method.path()), None, "{method:?}");
    }
    for method in JobMethod::RESULTS {
        assert!(instance.resolve(&method.path()).is_some(), "{method:?}");
    }
    let restricted = instance.blueprint().iter().any(|(_, n)| n.needs_control);
    assert!(!restricted);
}

#[test]
fn an_order_is_taken_with_all_of_its_fields() {
    let order = samples::full_job_order(MES_ORDER);
    let document = codec::encode(&order).unwrap();
    let expected = NewOrder {
        id: OrderId(MES_ORDER.into()),
        file: FileRef::parse("local/parts/bracket.gcode").unwrap(),
        document: document.clone().into(),
        priority: -3,
    };
    assert_eq!(
        store(&order),
        asks(OrderRequest::Store(expected.clone()), None)
    );
    // As it comes off the wire where nobody knows the type.
    let raw = ByteStringBody::new(
        ByteString::from(document),
        NodeId::new(ns::JOB_CONTROL, 5014_u32),
    );
    let raw = Variant::from(ExtensionObject::new(raw));
    assert_eq!(
        parse(JobMethod::Update, &[raw, comment(&[" ", "why"])]),
        asks(OrderRequest::Update(expected), Some("why"))
    );
}

#[test]
fn orders_are_named_by_their_id() {
    let id = OrderId("a".into());
    let inputs = [Variant::from("a"), comment(&["stop it"])];
    type Made = fn(OrderId) -> OrderRequest;
    let cases: [(JobMethod, Made); 7] = [
        (JobMethod::Start, OrderRequest::Start),
        (JobMethod::RevokeStart, OrderRequest::RevokeStart),
        (JobMethod::Pause, OrderRequest::Pause),
        (JobMethod::Resume, OrderRequest::Resume),
        (JobMethod::Abort, OrderRequest::Abort),
        (JobMethod::Cancel, OrderRequest::Cancel),
        (JobMethod::Clear, OrderRequest::Clear),
    ];
    for (method, request) in cases {
        let parsed = parse(method, &inputs);
        assert_eq!(parsed, asks(request(id.clone()), Some("stop it")));
    }
}

#[test]
fn the_number_of_arguments_is_checked_first() {
    let id = Variant::from("a");
    let fault = |inputs: &[Variant]| match parse(JobMethod::Pause, inputs) {
        Err(CallFault::Arguments(fault)) => fault,
        other => panic!("{other:?}"),
    };
    let missing = fault(std::slice::from_ref(&id));
    assert_eq!(missing.status(), StatusCode::BadArgumentsMissing);
    let many = fault(&[id, comment(&[]), comment(&[])]);
    assert_eq!(many.status(), StatusCode::BadTooManyArguments);
    assert!(many.argument_results().is_empty());
}

#[test]
fn each_argument_is_judged_by_itself() {
    use StatusCode as S;
    let long = "x".repeat(256);
    let fits = "ö".repeat(255);
    let numbers = Variant::from(vec![1, 2]);
    let table = Variant::Array(Box::new(Array {
        value_type: VariantScalarTypeId::LocalizedText,
        values: vec![LocalizedText::from("a").into(); 4],
        dimensions: Some(vec![2, 2]),
    }));
    let many = comment(&["a"; 65]);
    let cases = [
        (Variant::from(1), comment(&[]), S::BadTypeMismatch, S::Good),
        (Variant::Empty, comment(&[]), S::BadTypeMismatch, S::Good),
        ("".into(), comment(&[]), S::BadOutOfRange, S::Good),
        (
            UAString::null().into(),
            comment(&[]),
            S::BadOutOfRange,
            S::Good,
        ),
        (long.into(), comment(&[]), S::BadOutOfRange, S::Good),
        ("a\nb".into(), comment(&[]), S::BadOutOfRange, S::Good),
        (
            "a".into(),
            Variant::from("why"),
            S::Good,
            S::BadTypeMismatch,
        ),
        ("a".into(), numbers.clone(), S::Good, S::BadTypeMismatch),
        ("a".into(), table, S::Good, S::BadTypeMismatch),
        ("a".into(), many, S::Good, S::BadOutOfRange),
        (
            "a".into(),
            comment(&[&"x".repeat(5000)]),
            S::Good,
            S::BadOutOfRange,
        ),
        (true.into(), numbers, S::BadTypeMismatch, S::BadTypeMismatch),
    ];
    for (id, comment, first, second) in cases {
        let said = format!("{id:?} {comment:?}");
        let result = parse(JobMethod::Abort, &[id, comment]);
        assert_eq!(result, invalid(&[first, second]), "{said}");
    }
    for comment in [Variant::Empty, comment(&[])] {
        assert!(parse(JobMethod::Abort, &[fits.as_str().into(), comment]).is_ok());
    }
}

#[test]
fn a_file_must_be_named_as_files_are_named() {
    let named = |ids: &[&str]| {
        let masters = ids.iter().map(|id| WorkMaster {
            id: (*id).into(),
            ..WorkMaster::default()
        });
        JobOrder {
            job_order_id: "a".into(),
            work_master_id: Some(masters.collect::<Vec<_>>().into()),
            ..JobOrder::default()
        }
    };
    let refused = Err(CallFault::Refused(Refusal::InvalidRequest));
    let long = format!("local/{}", "x".repeat(1024));
    for ids in [
        &[][..],
        &[""],
        &["benchy.gcode"],
        &["/benchy.gcode"],
        &["local/"],
        &["local/../secret"],
        &["local/a/./b"],
        &["local/a//b"],
        &["local/a\0b"],
        &[&long],
    ] {
        assert_eq!(store(&named(ids)), refused, "{ids:?}");
    }
    let without = JobOrder {
        job_order_id: "a".into(),
        ..JobOrder::default()
    };
    assert_eq!(store(&without), refused);
    assert!(store(&named(&["sdcard/BENCHY~1.GCO", ""])).is_ok());
}

#[test]
fn an_order_that_is_too_large_or_hides_something_is_refused() {
    let with = |value: Variant| {
        let mut order = samples::full_job_order("a");
        let parameter = Parameter {
            id: "p".into(),
            value,
            ..Parameter::default()
        };
        order.job_order_parameters = Some(vec![parameter].into());
        order
    };
    let range = invalid(&[StatusCode::BadOutOfRange, StatusCode::Good]);
    let kind = invalid(&[StatusCode::BadTypeMismatch, StatusCode::Good]);
    assert_eq!(store(&with("x".repeat(MAX_DOCUMENT).into())), range);
    assert!(store(&with("x".repeat(MAX_DOCUMENT / 2).into())).is_ok());
    let wrapped = DataValue::new_now(1);
    assert_eq!(store(&with(wrapped.clone().into())), kind);
    let inner = Variant::Variant(Box::new(wrapped.into()));
    assert_eq!(store(&with(vec![inner].into())), kind);
    let mut nameless = samples::full_job_order("a");
    nameless.job_order_id = UAString::null();
    assert_eq!(store(&nameless), range);
    let other = ExtensionObject::new(
        samples::full_job_order("a")
            .material_requirements
            .unwrap()
            .0
            .remove(0),
    );
    assert_eq!(parse(JobMethod::Store, &[other.into(), comment(&[])]), kind);
    let null = ExtensionObject::null();
    assert_eq!(parse(JobMethod::Store, &[null.into(), comment(&[])]), kind);
}

#[test]
fn each_refusal_has_its_bit() {
    let all = [
        (Ok(()), 0),
        (Err(Refusal::UnknownOrder), 1),
        (Err(Refusal::InvalidState), 3),
        (Err(Refusal::UnableToAccept), 4),
        (Err(Refusal::InvalidRequest), 32),
        (Err(Refusal::PrinterNotConnected), 33),
        (Err(Refusal::Busy), 34),
        (Err(Refusal::FileNotFound), 35),
        (Err(Refusal::Unreachable), 36),
        (Err(Refusal::KeyNotPermitted), 38),
        (Err(Refusal::TimedOut), 39),
        (Err(Refusal::NotStored), 40),
    ];
    for (outcome, bit) in all {
        assert_eq!(return_status(outcome), 1 << bit, "{outcome:?}");
    }
}

fn look(method: JobMethod, inputs: &[Variant], machine: &Machine) -> (Vec<JobResponse>, u64) {
    let Ok(Call::Look(query)) = parse(method, inputs) else {
        panic!("{inputs:?}");
    };
    let outputs = responses(&instance(machine, 0), &query);
    let [found, Variant::UInt64(status)] = &outputs[..] else {
        panic!("{outputs:?}");
    };
    let objects = match found {
        Variant::Array(array) => array.values.clone(),
        Variant::ExtensionObject(object) if object.is_null() => Vec::new(),
        one => vec![one.clone()],
    };
    let decoded = objects.into_iter().map(|object| match object {
        Variant::ExtensionObject(object) => Encoded::of(&object).unwrap().decode().unwrap(),
        other => panic!("{other:?}"),
    });
    (decoded.collect(), *status)
}

#[test]
fn a_response_is_found_by_its_order() {
    let method = JobMethod::RequestJobResponseByJobOrderID;
    let ask = |id: &str| look(method, &[id.into()], &samples::machine());
    let (found, status) = ask(PRINT);
    assert_eq!(found[0].job_order_id.as_ref(), PRINT);
    assert_eq!(status, 1);
    assert_eq!(ask(MES_ORDER), (vec![], 1 << 3), "it waits");
    assert_eq!(ask("nobody's"), (vec![], 1 << 1));
}

#[test]
fn responses_are_found_by_the_state_of_their_order() {
    let mut machine = samples::machine();
    let mut paused = samples::printed("paused", JobPhase::Paused(t(0)));
    paused.state = OrderState::Interrupted(Interruption::Suspended);
    machine.book = Book::from_orders(vec![samples::completed(PRINT), paused]);
    let method = JobMethod::RequestJobResponseByJobOrderState;
    let ask = |states: Vec<State>| {
        let objects: Vec<_> = states.into_iter().map(ExtensionObject::new).collect();
        let (found, status) = look(method, &[objects.into()], &machine);
        assert_eq!(status, 1);
        let ids = found.iter().map(|r| r.job_order_id.to_string());
        ids.collect::<Vec<_>>()
    };
    let of = |state| states::states(state).0;
    assert_eq!(ask(vec![states::top_level(OrderState::Ended)]), [PRINT]);
    let interrupted = |why| of(OrderState::Interrupted(why));
    assert_eq!(ask(interrupted(Interruption::Suspended)), ["paused"]);
    assert_eq!(ask(interrupted(Interruption::Held)), [""; 0]);
    assert_eq!(
        ask(interrupted(Interruption::Held)[..1].to_vec()),
        ["paused"]
    );
    assert_eq!(ask(of(OrderState::Running)), [""; 0]);
    let mut translated = states::top_level(OrderState::Ended);
    translated.state_text = LocalizedText::new("de", "Beendet");
    assert_eq!(ask(vec![translated]), [PRINT]);
}

#[test]
fn a_state_begins_with_its_top_level() {
    let method = JobMethod::RequestJobResponseByJobOrderState;
    let ask = |states: Vec<State>| {
        let objects: Vec<_> = states.into_iter().map(ExtensionObject::new).collect();
        parse(method, &[objects.into()])
    };
    let held = states::states(OrderState::Interrupted(Interruption::Held)).0;
    let range = invalid(&[StatusCode::BadOutOfRange]);
    assert_eq!(ask(vec![]), range);
    assert_eq!(ask(vec![held[1].clone()]), range);
    assert_eq!(ask(vec![held[0].clone(), held[0].clone()]), range);
    let many = [vec![held[0].clone()], vec![held[1].clone(); 16]].concat();
    assert_eq!(ask(many), range);
    assert_eq!(
        parse(method, &[Variant::from(3)]),
        invalid(&[StatusCode::BadTypeMismatch])
    );
}

#[test]
fn parameters_in_parameters_end_somewhere() {
    let mut parameter = Parameter::default();
    for _ in 0..100 {
        parameter = Parameter {
            subparameters: Some(vec![parameter].into()),
            ..Parameter::default()
        };
    }
    let mut order = samples::full_job_order("a");
    order.job_order_parameters = Some(vec![parameter].into());
    let body = codec::encode(&order).unwrap();
    assert_eq!(codec::decode::<JobOrder>(&body), None);
}

proptest! {
    #[test]
    fn no_bytes_upset_the_decoder(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        position in any::<prop::sample::Index>(),
        replaced in any::<u8>(),
    ) {
        let _ = codec::decode::<JobOrder>(&bytes);
        let mut body = codec::encode(&samples::full_job_order("a")).unwrap();
        let position = position.index(body.len());
        prop_assert_eq!(codec::decode::<JobOrder>(&body[..position]), None);
        body[position] = replaced;
        if let Some(order) = codec::decode::<JobOrder>(&body) {
            let _ = store(&order);
        }
    }
}
