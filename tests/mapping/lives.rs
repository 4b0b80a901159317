//! What holds of the nodes of a machine whatever it is told, by whichever way, and however the clocks are set.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use opcua::types::DateTime;
use proptest::prelude::*;

use crate::agreement::assert_states_agree;
use crate::anything::{any_life, new_machine, ten_o_clock};
use crate::complete::assert_complete;
use crate::support::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn states_agree_values_are_honest_and_their_time_never_runs_backwards(life in any_life()) {
        let mut machine = new_machine();
        let mut at = ten_o_clock();
        let mut latest = at;
        let mut instance = mapping().instantiate(&machine, at).unwrap();
        let mut stamps: BTreeMap<String, DateTime> = BTreeMap::new();
        for (observation, step) in life {
            at += TimeDelta::milliseconds(step);
            latest = latest.max(at);
            let what = format!("{observation:?}");
            machine.apply(observation, at);
            mapping().refresh(&mut instance, &machine, at);

            assert_states_agree(&instance);
            assert_complete(&what, &instance);
            for path in variables(&instance) {
                let Some(stamp) = data(&instance, &path).source_timestamp else {
                    continue;
                };
                prop_assert!(stamp <= latest.into(), "{}: {} lies in the future", what, path);
                let before = stamps.insert(path.clone(), stamp);
                prop_assert!(before.is_none_or(|it| it <= stamp), "{}: {} runs back", what, path);
            }
        }
    }
}
