//! A reader of lines, with a tenant that has everything dropped that would have to be sealed.

use std::sync::Arc;

use wafpass::collector::catalogue::{IngestPolicy, TenantSettings};
use wafpass::collector::ingest::Rules;
use wafpass::collector::{EventTime, Intake, TenantId};

/// 2026-11-22T00:30:00Z.
const NOW: EventTime = EventTime(1_795_307_400_000_000_000);

pub fn read(intake: Intake, line: &[u8]) {
    let tenant = TenantId::new("acme").expect("an id");
    let policy = IngestPolicy { drop_matched_data: true, ..IngestPolicy::default() };
    let settings = Arc::new(TenantSettings { policy, ..TenantSettings::default() });
    let rules = Rules::new(tenant, intake, &[7; 32], NOW).with_settings(settings, NOW);
    let Ok(event) = rules.read(line) else { return };
    for text in [&event.rest, &event.metadata] {
        assert!(!text.contains(['\n', '\r']));
        assert!(text.is_empty() || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
    }
}
