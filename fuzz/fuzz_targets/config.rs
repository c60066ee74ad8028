//! `wafpass.toml`: no text makes the reader panic, what does not load says where and why, and no secret
//! comes back in a fault.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wafpass::config::{Config, KeyFile};

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fuzz_target!(|text: &str| {
    let lines = text.split('\n').count();
    match Config::parse(text, "wafpass.toml") {
        Ok(config) => {
            assert!(!config.audience().is_empty());
            assert!(config.replay_capacity().total > 0);
            assert!(!config.files().is_empty());
            let _ = config.loosened();
        }
        Err(fault) => {
            assert!(!fault.faults().is_empty());
            for fault in fault.faults() {
                assert!((1..=lines).contains(&fault.line()) && fault.column() >= 1);
                assert!(!fault.fault().contains('\n') && !fault.way_out().contains('\n'));
            }
        }
    }
    // A key of the right form beside whatever else there is.
    let with_key = format!("keys.inline = [{{ kid = 5, key = \"{SECRET}\" }}]\n{text}");
    if let Err(fault) = Config::parse(&with_key, "wafpass.toml") {
        assert!(!fault.to_string().contains(SECRET) || text.contains(SECRET));
    }
    let _ = KeyFile::parse(text);
});
