//! Where an MES finds what these tests look at: browse names below a machine, as `docs/mapping.md` lists them.

pub const TOOL: &str = "Monitoring/Process/Tool0Temperature/AnalogSignal";
pub const SETPOINT: &str = "Monitoring/Process/Tool0Temperature/ProcessValueSetpoint";
pub const BED: &str = "Monitoring/Process/BedTemperature/AnalogSignal";
pub const ITEM_STATE: &str = "MachineryBuildingBlocks/MachineryItemState/CurrentState/Number";
pub const OPERATION_MODE: &str = "Monitoring/MachineTool/OperationMode";
pub const PROGRAM: &str = "Production/ActiveProgram/State/CurrentState/Number";
pub const JOB: &str = "Production/ActiveProgram/JobIdentifier";
pub const ORDERS: &str = "MachineryBuildingBlocks/JobManagement/JobOrderControl/JobOrderList";
pub const RESPONSES: &str =
    "MachineryBuildingBlocks/JobManagement/JobOrderResults/JobOrderResponseList";
pub const ASSET_ID: &str = "Identification/AssetId";
pub const SERVER_REACHABLE: &str = "OctoPrint/ServerReachable";
pub const KEY_VALID: &str = "OctoPrint/KeyValid";
pub const PRINTER_CONNECTED: &str = "OctoPrint/PrinterConnected";
pub const DIAGNOSIS: &str = "OctoPrint/Diagnosis";
pub const READY: &str = "OctoPrint/Flags/Ready";
pub const STATE_TEXT: &str = "OctoPrint/StateText";
pub const ERROR_TEXT: &str = "OctoPrint/LastError/Text";
pub const PROGRESS: &str = "OctoPrint/Progress";
pub const DATA_SOURCE: &str = "OctoPrint/DataSource";
pub const DATA_SOURCE_REASON: &str = "OctoPrint/DataSourceReason";
pub const UPDATED: &str = "OctoPrint/LastUpdate";

/// The bridge's own object, below `Objects`.
pub const BRIDGE: &str = "UmatiBridge";
pub const MACHINES: &str = "UmatiBridge/Machines";
pub const MACHINES_ONLINE: &str = "UmatiBridge/MachinesOnline";
pub const LAST_POLL: &str = "UmatiBridge/LastPoll";

/// Numbers of the states of ActiveProgram, OPC 40501-1.
pub mod program {
    pub const INITIALIZING: u32 = 0;
    pub const RUNNING: u32 = 1;
    pub const ENDED: u32 = 2;
    pub const INTERRUPTED: u32 = 3;
    pub const ABORTED: u32 = 4;
}

/// Numbers of the states of MachineryItemState, OPC 40001-1.
pub mod item {
    pub const NOT_AVAILABLE: u32 = 0;
    pub const OUT_OF_SERVICE: u32 = 1;
    pub const NOT_EXECUTING: u32 = 2;
    pub const EXECUTING: u32 = 3;
}
