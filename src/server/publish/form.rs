//! In which form a truth is handed to a monitored item of the library.
//!
//! An item that the client gave no DataChangeFilter should report changes of value **or status** (OPC 10000-4
//! §7.22.2), but the library compares the value alone, so a change of status is lost. There is no way to give the
//! item a filter. Therefore a truth whose value the item already holds is handed over in another form of it:
//!
//! | truth | forms | what the client sees |
//! |---|---|---|
//! | Good | the value | the value |
//! | Uncertain, Double or Float | the neighbouring floating-point numbers | the value, but for its last bit |
//! | Uncertain, other types | the value | the value |
//! | Bad | null as `Variant::Empty`, null as no value | null |
//!
//! So a Good number is always exact, and never equal to the Uncertain one before it. Where the item holds each
//! form already (an integer, a Boolean, a text whose status changes), a null stands in between: the item first
//! reports that there is no value, then the truth. This is [`Choice::Detour`].

use opcua::types::{DataValue, NumericRange, StatusCode, Variant};

/// What an item has accepted last: the value that the next one must differ from, and the status that went with it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Held {
    pub value: Option<Variant>,
    pub status: StatusCode,
}

/// A value to hand over, and what the item will hold after.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Form {
    pub hand: Option<Variant>,
    pub held: Held,
}

/// How to tell an item the truth.
#[derive(Debug, PartialEq)]
pub(super) enum Choice {
    /// The item has told it.
    Told,
    Hand(Form),
    /// Hand over this null first, and the truth once it has left.
    Detour(Form),
}

/// What to hand to an item without a filter that holds `held`.
pub(super) fn choose(held: Option<&Held>, truth: &DataValue, range: &NumericRange) -> Choice {
    let mut forms = forms(truth, range);
    let Some(held) = held else {
        return Choice::Hand(forms.swap_remove(0));
    };
    if forms.iter().any(|form| form.held == *held) {
        return Choice::Told;
    }
    match forms.into_iter().find(|form| form.held.value != held.value) {
        Some(form) => Choice::Hand(form),
        None => Choice::Detour(detour(held, truth.status(), range)),
    }
}

/// The truth as it is, for items whose filter looks at the status.
pub(super) fn exact(truth: &DataValue, range: &NumericRange) -> Form {
    form(truth.value.clone(), truth.status(), range)
}

fn forms(truth: &DataValue, range: &NumericRange) -> Vec<Form> {
    let status = truth.status();
    if status.is_bad() {
        // A range of null would turn the status into one about the range.
        return if matches!(range, NumericRange::None) {
            vec![
                form(Some(Variant::Empty), status, range),
                form(None, status, range),
            ]
        } else {
            vec![form(None, status, range)]
        };
    }
    if status.is_uncertain()
        && let Some(neighbours) = truth.value.as_ref().and_then(neighbours)
    {
        return neighbours
            .into_iter()
            .map(|value| form(Some(value), status, range))
            .collect();
    }
    vec![exact(truth, range)]
}

/// The numbers next to a finite number. Zero moves by an epsilon: its true neighbours are denormal, and print as
/// nonsense.
fn neighbours(value: &Variant) -> Option<[Variant; 2]> {
    match *value {
        Variant::Double(0.0) => Some([f64::EPSILON.into(), (-f64::EPSILON).into()]),
        Variant::Double(v) if v.abs() < f64::MAX => {
            Some([v.next_up().into(), v.next_down().into()])
        }
        Variant::Float(0.0) => Some([f32::EPSILON.into(), (-f32::EPSILON).into()]),
        Variant::Float(v) if v.abs() < f32::MAX => Some([v.next_up().into(), v.next_down().into()]),
        _ => None,
    }
}

/// A null that differs from what is held, with a status that fits where the way leads.
fn detour(held: &Held, towards: StatusCode, range: &NumericRange) -> Form {
    let status = if towards.is_good() {
        StatusCode::BadWaitingForInitialData
    } else {
        StatusCode::BadNoCommunication
    };
    let null = match held.value {
        Some(Variant::Empty) => None,
        _ => Some(Variant::Empty),
    };
    form(null, status, range)
}

/// What the library makes of a value: it takes the item's index range out of it.
fn form(hand: Option<Variant>, status: StatusCode, range: &NumericRange) -> Form {
    let held = match (&hand, range) {
        (None, _) | (_, NumericRange::None) => Held {
            value: hand.clone(),
            status,
        },
        (Some(value), range) => match value.range_of(range) {
            Ok(part) => Held {
                value: Some(part),
                status,
            },
            Err(reason) => Held {
                value: Some(Variant::Empty),
                status: reason,
            },
        },
    };
    Form { hand, held }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNCERTAIN: StatusCode = StatusCode::UncertainNoCommunicationLastUsableValue;

    fn truth(value: impl Into<Variant>, status: StatusCode) -> DataValue {
        DataValue {
            value: Some(value.into()),
            status: Some(status),
            ..DataValue::default()
        }
    }

    /// Tells an item a sequence of truths and returns each value that it was handed.
    fn tell(truths: &[DataValue]) -> Vec<(Option<Variant>, StatusCode)> {
        let mut held: Option<Held> = None;
        let mut handed = Vec::new();
        for truth in truths {
            loop {
                let choice = choose(held.as_ref(), truth, &NumericRange::None);
                let (form, arrived) = match choice {
                    Choice::Told => break,
                    Choice::Hand(form) => (form, true),
                    Choice::Detour(form) => (form, false),
                };
                assert_ne!(
                    held.as_ref().map(|h| &h.value),
                    Some(&form.held.value),
                    "the library would drop it"
                );
                held = Some(form.held.clone());
                handed.push((form.hand, form.held.status));
                if arrived {
                    break;
                }
            }
        }
        handed
    }

    #[test]
    fn a_number_keeps_its_value_within_one_bit_and_is_exact_when_good() {
        let handed = tell(&[
            truth(20.5, StatusCode::Good),
            truth(20.5, UNCERTAIN),
            truth(20.5, StatusCode::UncertainLastUsableValue),
            truth(20.5, StatusCode::Good),
        ]);
        let values: Vec<f64> = handed
            .iter()
            .map(|(value, _)| match value {
                Some(Variant::Double(v)) => *v,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(values[0], 20.5);
        assert_eq!(values[1], 20.5_f64.next_up());
        assert_eq!(values[2], 20.5_f64.next_down());
        assert_eq!(values[3], 20.5);
    }

    #[test]
    fn a_good_number_that_happens_to_equal_the_moved_one_takes_the_detour() {
        let moved = 20.5_f64.next_up();
        let handed = tell(&[truth(20.5, UNCERTAIN), truth(moved, StatusCode::Good)]);
        assert_eq!(
            handed[1..],
            [
                (Some(Variant::Empty), StatusCode::BadWaitingForInitialData),
                (Some(moved.into()), StatusCode::Good),
            ]
        );
    }

    #[test]
    fn zero_stays_a_number_that_prints_as_zero() {
        let handed = tell(&[truth(0.0, StatusCode::Good), truth(0.0, UNCERTAIN)]);
        let Some(Variant::Double(moved)) = handed[1].0 else {
            panic!("{handed:?}")
        };
        assert!(moved.is_normal());
        assert_eq!(format!("{moved:.6}"), "0.000000");
    }

    #[test]
    fn an_integer_goes_through_null_and_ends_exact() {
        let handed = tell(&[truth(7, StatusCode::Good), truth(7, UNCERTAIN)]);
        assert_eq!(
            handed[1..],
            [
                (Some(Variant::Empty), StatusCode::BadNoCommunication),
                (Some(Variant::Int32(7)), UNCERTAIN),
            ]
        );
    }

    #[test]
    fn each_bad_status_is_a_null_unlike_the_one_before() {
        let bad = |status| DataValue {
            value: Some(Variant::Empty),
            status: Some(status),
            ..DataValue::default()
        };
        let handed = tell(&[
            bad(StatusCode::BadNoCommunication),
            bad(StatusCode::BadOutOfService),
            bad(StatusCode::BadDeviceFailure),
        ]);
        let values: Vec<_> = handed.into_iter().map(|(value, _)| value).collect();
        assert_eq!(values, [Some(Variant::Empty), None, Some(Variant::Empty)]);
    }

    #[test]
    fn what_was_told_is_not_told_again() {
        assert_eq!(
            tell(&[truth(20.5, UNCERTAIN), truth(20.5, UNCERTAIN)]).len(),
            1
        );
        assert_eq!(
            tell(&[truth("a", UNCERTAIN), truth("a", UNCERTAIN)]).len(),
            1
        );
    }

    #[test]
    fn a_bad_status_survives_an_index_range() {
        let range = NumericRange::Index(1);
        let bad = truth(Variant::Empty, StatusCode::BadNoCommunication);
        let Choice::Hand(form) = choose(None, &bad, &range) else {
            panic!("nothing was held")
        };
        assert_eq!(form.held.status, StatusCode::BadNoCommunication);
    }
}
