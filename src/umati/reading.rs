//! Values with their quality: the only place where a value for a client is made.
//!
//! Always holds: Good and Uncertain carry a value, Bad carries none. A null value under any other status than Bad
//! cannot be made, and Bad always has `Some(Variant::Empty)`, because the server library turns an absent value
//! into Good.

use opcua::types::{DataValue, DateTime, StatusCode, UAString, Variant};

use crate::machine::Timestamp;

/// The value of a variable with status and timestamps.
#[derive(Debug, Clone)]
pub struct Reading(DataValue);

/// A value that is certain. `source`: when the source took it.
pub fn good(value: impl Into<Variant>, source: Timestamp) -> Reading {
    with_value(StatusCode::Good, value.into(), source)
}

/// A value that is doubted for the reason that `status` tells, for example Uncertain_LastUsableValue.
/// A status that is not Uncertain is taken as plain Uncertain.
pub fn uncertain(status: StatusCode, value: impl Into<Variant>, source: Timestamp) -> Reading {
    let status = if status.is_uncertain() {
        status
    } else {
        StatusCode::Uncertain
    };
    with_value(status, value.into(), source)
}

/// No value, for the reason that `status` tells. A status that is not Bad is taken as plain Bad.
pub fn bad(status: StatusCode, source: Timestamp) -> Reading {
    let status = if status.is_bad() {
        status
    } else {
        StatusCode::Bad
    };
    stamped(status, Variant::Empty, Some(source.into()))
}

/// What a variable has before the first data: Bad_WaitingForInitialData, without a time.
pub fn waiting() -> Reading {
    stamped(StatusCode::BadWaitingForInitialData, Variant::Empty, None)
}

fn with_value(status: StatusCode, value: Variant, source: Timestamp) -> Reading {
    match value {
        // Nothing is known: no status but Bad may say so.
        Variant::Empty => bad(StatusCode::BadNoData, source),
        // A null String reads as "no value" in some clients; an empty one is a value.
        Variant::String(text) if text.is_null() => {
            stamped(status, UAString::from("").into(), Some(source.into()))
        }
        value => stamped(status, value, Some(source.into())),
    }
}

fn stamped(status: StatusCode, value: Variant, at: Option<DateTime>) -> Reading {
    Reading(DataValue {
        value: Some(value),
        status: Some(status),
        source_timestamp: at,
        server_timestamp: at,
        ..DataValue::default()
    })
}

impl Reading {
    /// When the bridge learned it, if that differs from when the source took it.
    pub fn received(mut self, at: Timestamp) -> Self {
        self.0.server_timestamp = Some(at.into());
        self
    }

    /// The value as clients get it.
    pub fn data_value(&self) -> &DataValue {
        &self.0
    }

    /// The value as clients get it, without a copy.
    pub fn into_data_value(self) -> DataValue {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    #[test]
    fn a_value_comes_with_status_and_both_timestamps() {
        let later = at() + std::time::Duration::from_secs(5);
        let reading = good(21.5, at()).received(later);
        let value = reading.data_value();
        assert_eq!(value.value, Some(Variant::Double(21.5)));
        assert_eq!(value.status, Some(StatusCode::Good));
        assert_eq!(value.source_timestamp, Some(at().into()));
        assert_eq!(value.server_timestamp, Some(later.into()));
    }

    #[test]
    fn no_status_but_bad_goes_without_a_value() {
        for reading in [
            good(Variant::Empty, at()),
            uncertain(StatusCode::UncertainLastUsableValue, Variant::Empty, at()),
        ] {
            assert_eq!(reading.0.status, Some(StatusCode::BadNoData));
            assert_eq!(reading.0.value, Some(Variant::Empty));
        }
        assert_eq!(
            good(UAString::null(), at()).0.value,
            Some(Variant::from(""))
        );
    }

    #[test]
    fn bad_carries_empty_and_never_none() {
        for reading in [
            bad(StatusCode::BadNoCommunication, at()),
            bad(StatusCode::Good, at()),
            waiting(),
        ] {
            assert_eq!(reading.0.value, Some(Variant::Empty));
            assert!(reading.0.status.is_some_and(|status| status.is_bad()));
        }
    }

    #[test]
    fn uncertain_keeps_its_reason_and_its_value() {
        let reading = uncertain(StatusCode::UncertainInitialValue, 0i32, at());
        assert_eq!(reading.0.status, Some(StatusCode::UncertainInitialValue));
        assert_eq!(reading.0.value, Some(Variant::Int32(0)));
        let reading = uncertain(StatusCode::Good, 0i32, at());
        assert_eq!(reading.0.status, Some(StatusCode::Uncertain));
    }
}
