#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| umati_bridge::fuzzing::trust(bytes));
