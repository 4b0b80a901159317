//! Answers of a real OctoPrint 1.11.8, and how an answer is compared with them.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::stage::Answer;

pub fn recorded(situation: &str, endpoint: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/payloads/1.11.8")
        .join(situation)
        .join(format!("{endpoint}.json"));
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// Every path of a body with the JSON type that stands there; array elements share one path.
pub fn shape(body: &Value) -> BTreeSet<String> {
    fn walk(path: &str, value: &Value, into: &mut BTreeSet<String>) {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(number) if number.is_f64() => "float",
            Value::Number(_) => "int",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        into.insert(format!("{path}: {kind}"));
        match value {
            Value::Array(items) => {
                for item in items {
                    walk(&format!("{path}[]"), item, into);
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    walk(&format!("{path}/{name}"), field, into);
                }
            }
            _ => {}
        }
    }
    let mut paths = BTreeSet::new();
    walk("", body, &mut paths);
    paths
}

pub fn assert_like(answer: &Answer, recording: &Value) {
    assert_eq!(json!(answer.status), recording["status"]);
    assert_eq!(json!(answer.content_type), recording["content_type"]);
    assert_eq!(
        shape(&answer.json()),
        shape(&recording["body"]),
        "of {}",
        recording["request"]
    );
}
