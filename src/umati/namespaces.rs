//! The namespace table: fixed order, so that a namespace index is a constant of this program.
//!
//! Order = load order of the NodeSets (each file's requirements stand before it); the server library puts
//! the core at 0 and the ApplicationUri at 1. A test compares this table with a running server's NamespaceArray.

/// OPC UA core.
pub const UA: u16 = 0;
/// The server's own namespace (its ApplicationUri).
pub const SERVER: u16 = 1;
/// Devices, OPC 10000-100.
pub const DI: u16 = 2;
/// Industrial Automation, OPC 10000-200.
pub const IA: u16 = 3;
/// Machinery, OPC 40001-1.
pub const MACHINERY: u16 = 4;
/// IRDI dictionary.
pub const IRDI: u16 = 5;
/// PA-DIM, OPC 30081.
pub const PADIM: u16 = 6;
/// Process Values, OPC 40001-2.
pub const PROCESS_VALUES: u16 = 7;
/// ISA-95 Job Control V2, OPC 10031-4.
pub const JOB_CONTROL: u16 = 8;
/// Machinery Job Management, OPC 40001-3.
pub const JOBS: u16 = 9;
/// Machine Tools, OPC 40501-1.
pub const MACHINE_TOOL: u16 = 10;
/// Additive Manufacturing, OPC 40540.
pub const ADDITIVE_MANUFACTURING: u16 = 11;
/// Our own types (`nodesets/UmatiBridge.NodeSet2.xml`).
pub const VENDOR: u16 = 12;
/// Our instances: every machine and the bridge object.
pub const INSTANCES: u16 = 13;

/// URIs of the namespaces that are the same on every installation, by index from [`DI`] to [`VENDOR`].
pub const TYPE_URIS: [&str; 11] = [
    "http://opcfoundation.org/UA/DI/",
    "http://opcfoundation.org/UA/IA/",
    "http://opcfoundation.org/UA/Machinery/",
    "http://opcfoundation.org/UA/Dictionary/IRDI",
    "http://opcfoundation.org/UA/PADIM/",
    "http://opcfoundation.org/UA/Machinery/ProcessValues/",
    "http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/",
    "http://opcfoundation.org/UA/Machinery/Jobs/",
    "http://opcfoundation.org/UA/MachineTool/",
    "http://opcfoundation.org/UA/AdditiveManufacturing/",
    "urn:umati-bridge:types",
];

/// The instance namespace of a server: unique per installation, because aggregating servers keep it.
pub fn instances_uri(application_uri: &str) -> String {
    format!("{application_uri}:machines")
}
