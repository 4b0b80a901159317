//! The companion specifications as NodeSet2 files, compiled into the binary.
//!
//! Always holds: the files stand in the order of [`namespaces::TYPE_URIS`], each after those that it requires, and
//! **no node of a file is lost**. What the library cannot read as it stands is put right by `repair`; a file
//! that it still cannot read ends the start. Origin and checksum of each file: `nodesets/README.md`.

mod repair;

use opcua::nodes::{ImportedItem, NodeSet2Import, NodeSetImport, NodeSetNamespaceMapper};
use opcua::xml::XmlError;
use opcua::xml::schema::ua_node_set::load_nodeset2_file;

use super::namespaces;

/// Language taken where a NodeSet offers several.
const LOCALE: &str = "en";

/// Name and text of each file, by namespace index from [`namespaces::DI`] to [`namespaces::VENDOR`].
pub const FILES: [(&str, &str); namespaces::TYPE_URIS.len()] = [
    (
        "Opc.Ua.Di.NodeSet2.xml",
        include_str!("../../../nodesets/Opc.Ua.Di.NodeSet2.xml"),
    ),
    (
        "Opc.Ua.IA.NodeSet2.xml",
        include_str!("../../../nodesets/Opc.Ua.IA.NodeSet2.xml"),
    ),
    (
        "Opc.Ua.Machinery.NodeSet2.xml",
        include_str!("../../../nodesets/Opc.Ua.Machinery.NodeSet2.xml"),
    ),
    (
        "Opc.Ua.IRDI.NodeSet2.xml",
        include_str!("../../../nodesets/Opc.Ua.IRDI.NodeSet2.xml"),
    ),
    (
        "Opc.Ua.PADIM.NodeSet2.xml",
        include_str!("../../../nodesets/Opc.Ua.PADIM.NodeSet2.xml"),
    ),
    (
        "Opc.Ua.Machinery.ProcessValues.NodeSet2.xml",
        include_str!("../../../nodesets/Opc.Ua.Machinery.ProcessValues.NodeSet2.xml"),
    ),
    (
        "opc.ua.isa95-jobcontrol.nodeset2.xml",
        include_str!("../../../nodesets/opc.ua.isa95-jobcontrol.nodeset2.xml"),
    ),
    (
        "Opc.Ua.Machinery.Jobs.Nodeset2.xml",
        include_str!("../../../nodesets/Opc.Ua.Machinery.Jobs.Nodeset2.xml"),
    ),
    (
        "Opc.Ua.MachineTool.NodeSet2.xml",
        include_str!("../../../nodesets/Opc.Ua.MachineTool.NodeSet2.xml"),
    ),
    (
        "Opc.Ua.AdditiveManufacturing.Nodeset2.xml",
        include_str!("../../../nodesets/Opc.Ua.AdditiveManufacturing.Nodeset2.xml"),
    ),
    (
        "UmatiBridge.NodeSet2.xml",
        include_str!("../../../nodesets/UmatiBridge.NodeSet2.xml"),
    ),
];

/// Why the compiled-in NodeSets cannot be served. Only a changed file in `nodesets/` can cause one.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("nodesets/{file}: {source}")]
    Xml {
        file: &'static str,
        source: XmlError,
    },
    #[error("nodesets/{file}: no <UANodeSet> element")]
    NoNodeSet { file: &'static str },
    #[error("nodesets/{file}: no <Model ModelUri=\"{expected}\">")]
    WrongModel {
        file: &'static str,
        expected: &'static str,
    },
}

/// One companion specification, read and repaired, ready for import into an address space.
///
/// Unlike the library's own import it claims only the namespace that the file defines (so that each namespace has
/// one owner) and prints nothing.
pub struct NodeSet {
    model_uri: &'static str,
    /// `<NamespaceUris>`: position + 1 is the namespace index inside the file.
    namespace_uris: Vec<String>,
    import: NodeSet2Import,
}

impl NodeSetImport for NodeSet {
    fn register_namespaces(&self, namespaces: &mut NodeSetNamespaceMapper) {
        for (index_in_file, uri) in (1u16..).zip(&self.namespace_uris) {
            namespaces.add_namespace(uri, index_in_file);
        }
    }

    fn get_own_namespaces(&self) -> Vec<String> {
        vec![self.model_uri.to_owned()]
    }

    fn load<'a>(
        &'a self,
        namespaces: &'a NodeSetNamespaceMapper,
    ) -> Box<dyn Iterator<Item = ImportedItem> + 'a> {
        Box::new(repair::loaded(self.import.load(namespaces).collect()).into_iter())
    }
}

/// Reads all files anew, in load order. The parsed XML takes some 12 MB: drop it after the import.
pub fn imports() -> Result<Vec<NodeSet>, LoadError> {
    FILES
        .iter()
        .zip(namespaces::TYPE_URIS)
        .map(|(&(file, text), model_uri)| read(file, text, model_uri))
        .collect()
}

fn read(
    file: &'static str,
    text: &'static str,
    model_uri: &'static str,
) -> Result<NodeSet, LoadError> {
    let mut content = load_nodeset2_file(&repair::text(text))
        .map_err(|source| LoadError::Xml { file, source })?
        .node_set
        .ok_or(LoadError::NoNodeSet { file })?;
    let models = content.models.iter().flat_map(|table| &table.models);
    if !models.into_iter().any(|model| model.model_uri == model_uri) {
        return Err(LoadError::WrongModel {
            file,
            expected: model_uri,
        });
    }
    repair::parsed(&mut content.nodes);
    Ok(NodeSet {
        model_uri,
        namespace_uris: content
            .namespace_uris
            .as_ref()
            .map(|table| table.uris.clone())
            .unwrap_or_default(),
        import: NodeSet2Import::new_nodeset(LOCALE, content, Vec::new()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &'static str) -> String {
        match read("X.xml", text, "urn:x") {
            Ok(_) => panic!("should be refused"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_unfit_file_is_named() {
        assert!(refusal("<UANodeSet>").starts_with("nodesets/X.xml: "));
        assert_eq!(
            refusal("<Other/>"),
            "nodesets/X.xml: no <UANodeSet> element"
        );
        assert_eq!(
            refusal(r#"<UANodeSet><Models><Model ModelUri="urn:y"/></Models></UANodeSet>"#),
            r#"nodesets/X.xml: no <Model ModelUri="urn:x">"#
        );
    }
}
