//! Whether a binding is that of the row it stands in.

use serde_json::Value;

use super::super::Binding;
use super::moment::Moment;
use super::name::{Column, Name};
use super::scan::Note;

/// Compares `binding` with what the row says of itself, member by member and to the row's precision.
/// What the row does not say is not compared; what it says in a way that is not understood differs.
pub(super) fn is_of(binding: &Binding<'_>, row: &[Note], text: &[u8]) -> bool {
    let value = |note: &Note| -> Option<Value> {
        serde_json::from_slice(text.get(note.value.clone())?).ok()
    };
    // Many more rows than those of AWS WAF have a `timestamp` of some sort.
    let is_aws = |time: &Note| {
        let is_request = |note: &Note| note.name == Name::Row(Column::HttpRequest);
        row.iter().any(|note| note.node == time.node && is_request(note))
    };
    let index = binding.event_id().rsplit_once('/');
    row.iter().all(|note| {
        let Name::Row(column) = note.name else { return true };
        let Some(value) = value(note) else { return false };
        let text = value.as_str();
        match column {
            // In Cloudflare's shape the event id is `RayID/MatchIndex`.
            Column::Ray => index.is_some_and(|(ray, _)| text == Some(ray)),
            Column::MatchIndex => index.is_some_and(|(_, index)| match &value {
                Value::String(text) => text == index,
                Value::Number(number) => number.to_string() == index,
                _ => false,
            }),
            Column::Rule => text == Some(binding.rule_id()),
            Column::AwsTime if !is_aws(note) => true,
            Column::Time | Column::AwsTime => {
                Moment::read(&value).is_some_and(|moment| moment.holds(binding.timestamp_ms()))
            }
            Column::HttpRequest => is_id(&value, "requestId", binding),
            Column::Transaction => is_id(&value, "id", binding),
        }
    })
}

/// Whether the event's id is a member of `value`; where there is no such member there is nothing to compare.
fn is_id(value: &Value, member: &str, binding: &Binding<'_>) -> bool {
    value.get(member).is_none_or(|id| id.as_str() == Some(binding.event_id()))
}

#[cfg(test)]
mod tests {
    use super::super::limits::MAX_DEPTH;
    use super::super::scan::Scan;
    use super::*;

    fn is_of_row(row: &str) -> bool {
        let binding = Binding::new("acme", "7d0f/2", "100173", 1_795_307_400_123).unwrap();
        let text = format!(r#"{{{row}}}"#);
        let mut scan = Scan::default();
        scan.read(&text, MAX_DEPTH).unwrap();
        is_of(&binding, &scan.notes, text.as_bytes())
    }

    #[test]
    fn each_member_has_to_agree() {
        for (row, is_of) in [
            (
                r#""RayID": "7d0f", "MatchIndex": 2, "RuleID": "100173", "Datetime": "2026-11-22T00:30:00Z""#,
                true,
            ),
            (
                r#""rayName": "7d0f", "matchIndex": "2", "ruleId": "100173", "datetime": 1795307400123000000"#,
                true,
            ),
            (r#""RayID": "7d0f""#, true),
            (r#""RayID": "7d0e", "MatchIndex": 2, "RuleID": "100173""#, false),
            (r#""RayID": "7d0f", "MatchIndex": 1"#, false),
            (r#""RayID": "7d0f", "RuleID": "100174""#, false),
            (r#""RayID": "7d0f", "Datetime": "2026-11-22T00:30:01Z""#, false),
            (r#""RayID": "7d0f", "Datetime": "yesterday""#, false),
            (r#""RayID": "7d0f", "rayname": "7d0e""#, false),
            (r#""RayID": null"#, false),
            (r#""Action": "block""#, true),
            (r#""timestamp": 1, "transaction": {"id": "7d0f/2"}"#, true),
            (r#""transaction": {"id": "7d0f/3"}"#, false),
            (
                r#""timestamp": 1795307400123, "httpRequest": {"requestId": "7d0f/2"}, "terminatingRuleId": "100173""#,
                true,
            ),
            (r#""timestamp": 1795307400124, "httpRequest": {"requestId": "7d0f/2"}"#, false),
            (r#""httpRequest": {"requestId": "other"}"#, false),
        ] {
            assert_eq!(is_of_row(row), is_of, "{row}");
        }
    }
}
