//! The companion NodeSets, as they are compiled in: complete, unchanged, and with the values that count.

use std::collections::{BTreeMap, HashMap};

use opcua::nodes::{ImportedItem, NodeBase, NodeSetImport, NodeSetNamespaceMapper, NodeType};
use opcua::types::{
    DataEncoding, DataTypeDefinition, NamespaceMap, NodeId, NumericRange, TimestampsToReturn,
    Variant,
};
use sha2::{Digest, Sha256};
use umati_bridge::umati::namespaces;
use umati_bridge::umati::nodesets::{self, FILES};

/// All nodes by NodeId, loaded as a server loads them: the ApplicationUri stands at index 1.
fn load_all() -> HashMap<NodeId, ImportedItem> {
    let mut map = NamespaceMap::new();
    map.add_namespace("urn:a-server");
    let mut nodes = HashMap::new();
    for nodeset in nodesets::imports().unwrap() {
        let mut mapper = NodeSetNamespaceMapper::new(&mut map);
        nodeset.register_namespaces(&mut mapper);
        for item in nodeset.load(&mapper) {
            let id = item.node.as_node().node_id().clone();
            assert!(nodes.insert(id.clone(), item).is_none(), "{id} twice");
        }
    }
    for (index, uri) in (namespaces::DI..).zip(namespaces::TYPE_URIS) {
        assert_eq!(map.get_index(uri), Some(index), "{uri}");
    }
    nodes
}

fn value(item: &ImportedItem) -> Option<Variant> {
    let NodeType::Variable(variable) = &item.node else {
        panic!("{:?} is no variable", item.node);
    };
    let (range, encoding) = (NumericRange::None, DataEncoding::Binary);
    variable
        .value(TimestampsToReturn::Both, &range, &encoding, 0.0)
        .value
}

/// The `<UA…>` elements of a file, parsed independently of the library.
fn elements<'a>(
    document: &'a roxmltree::Document<'a>,
) -> impl Iterator<Item = roxmltree::Node<'a, 'a>> {
    document
        .root_element()
        .children()
        .filter(|node| node.tag_name().name().starts_with("UA"))
}

#[test]
fn no_node_is_lost() {
    let mut loaded = BTreeMap::<u16, usize>::new();
    for id in load_all().keys() {
        *loaded.entry(id.namespace).or_default() += 1;
    }
    for (index, (file, text)) in (namespaces::DI..).zip(FILES) {
        let document = roxmltree::Document::parse(text.trim_start_matches('\u{feff}')).unwrap();
        let written = elements(&document).count();
        assert!(written > 0);
        assert_eq!(loaded.remove(&index), Some(written), "{file}");
    }
    assert_eq!(loaded, BTreeMap::new());
}

#[test]
fn every_value_of_the_files_is_loaded() {
    let nodes = load_all();
    for (index, (file, text)) in (namespaces::DI..).zip(FILES) {
        let document = roxmltree::Document::parse(text.trim_start_matches('\u{feff}')).unwrap();
        let uris: Vec<&str> = document
            .descendants()
            .filter(|node| node.tag_name().name() == "Uri")
            .map(|node| node.text().unwrap())
            .collect();
        let own = namespaces::TYPE_URIS[usize::from(index - namespaces::DI)];
        let own_in_file = uris.iter().position(|uri| *uri == own).unwrap() + 1;
        for element in elements(&document).filter(|e| e.tag_name().name() == "UAVariable") {
            let has_value = element
                .children()
                .any(|child| child.tag_name().name() == "Value");
            let text_id = element.attribute("NodeId").unwrap();
            let prefix = format!("ns={own_in_file};");
            let mut id: NodeId = text_id.strip_prefix(&prefix).unwrap().parse().unwrap();
            id.namespace = index;
            let got = value(&nodes[&id]);
            assert_eq!(
                has_value,
                got.is_some_and(|v| !matches!(v, Variant::Empty)),
                "{file} {text_id}"
            );
        }
    }
}

/// `DI` and `MachineTool` break their base64 into lines, with LF and indentation.
#[test]
fn type_dictionaries_keep_their_base64_value() {
    let nodes = load_all();
    for (namespace, file, browse_name) in [
        (namespaces::DI, "Opc.Ua.Di.NodeSet2.xml", "Opc.Ua.Di"),
        (
            namespaces::MACHINE_TOOL,
            "Opc.Ua.MachineTool.NodeSet2.xml",
            "MachineTool",
        ),
    ] {
        let (_, text) = FILES.iter().find(|(name, _)| *name == file).unwrap();
        let document = roxmltree::Document::parse(text).unwrap();
        let mut checked = 0;
        for element in document
            .descendants()
            .filter(|node| node.tag_name().name() == "ByteString" && node.has_children())
        {
            let variable = element.ancestors().nth(2).unwrap();
            let id = variable.attribute("NodeId").unwrap();
            let mut id: NodeId = id.split_once(';').unwrap().1.parse().unwrap();
            id.namespace = namespace;
            let Some(Variant::ByteString(bytes)) = value(&nodes[&id]) else {
                panic!("{browse_name} {id} has lost its value");
            };
            let expected = decode_base64(element.text().unwrap());
            assert!(expected.len() > 100);
            assert_eq!(bytes.value.as_deref(), Some(&*expected), "{file} {id}");
            checked += 1;
        }
        assert_eq!(checked, 2, "{file}: BinarySchema and XmlSchema");
    }
}

/// Written here so that the test does not decode with what it tests.
fn decode_base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.bytes() {
        let Some(sextet) = ALPHABET.iter().position(|&a| a == byte) else {
            assert!(byte == b'=' || byte.is_ascii_whitespace());
            continue;
        };
        bits = (bits << 6) | sextet as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

/// PADIM has the only `<Matrix>` values: i=1161 and i=1165.
#[test]
fn matrix_values_keep_elements_and_dimensions() {
    let nodes = load_all();
    for (id, rows) in [(1161u32, 27u32), (1165, 4)] {
        let Some(Variant::Array(array)) = value(&nodes[&NodeId::new(namespaces::PADIM, id)]) else {
            panic!("i={id} has lost its value");
        };
        assert_eq!(array.dimensions, Some(vec![rows, 1]));
        assert_eq!(array.values.len(), rows as usize);
        assert!(array.values.iter().all(|v| {
            matches!(v, Variant::NodeId(id) if id.namespace == namespaces::IRDI && nodes.contains_key(id))
        }));
    }
}

#[test]
fn structures_name_their_binary_encoding() {
    let nodes = load_all();
    let mut structures = 0;
    for item in nodes.values() {
        let NodeType::DataType(data_type) = &item.node else {
            continue;
        };
        let Some(DataTypeDefinition::Structure(definition)) = data_type.data_type_definition()
        else {
            continue;
        };
        if data_type.is_abstract() {
            continue;
        }
        structures += 1;
        let encoding = nodes
            .get(&definition.default_encoding_id)
            .unwrap_or_else(|| panic!("{} has no encoding", data_type.browse_name()));
        assert_eq!(
            encoding.node.as_node().browse_name().name.as_ref(),
            "Default Binary"
        );
    }
    assert!(structures > 15, "{structures}");
}

#[test]
fn readme_lists_every_file_with_its_checksum() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/nodesets");
    let readme = std::fs::read_to_string(format!("{folder}/README.md")).unwrap();
    // Ours, the last, is versioned here and not taken from elsewhere.
    for (file, text) in FILES[..FILES.len() - 1].iter() {
        let sum: String = Sha256::digest(text.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let row = readme
            .lines()
            .find(|line| line.contains(&format!("`{file}`")))
            .unwrap_or_else(|| panic!("nodesets/README.md has no row for {file}"));
        assert!(row.contains(&sum), "{file} is {sum}, but its row is: {row}");
    }
    let on_disk = std::fs::read_dir(folder).unwrap().filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.extension().is_some_and(|extension| extension == "xml")
    });
    assert_eq!(on_disk.count(), FILES.len(), "each file is compiled in");
}
