//! Filters: every field, every test, taken in and left out.

use wafpass::collector::query::{Condition, Filter, PageQuery, Sense, Test};
use wafpass::collector::{Field, FieldKind, Intake, NewEvent, SealedText};

use super::{Lab, Turns};
use crate::support::compare::{Pair, page_of};
use crate::support::events::{acme, event, value};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

const SENSES: [Sense; 2] = [Sense::Include, Sense::Exclude];

/// Texts that SQL, patterns and C strings would take for something else.
const ODD: [&str; 22] = [
    "", " ", "a", "A", "ab", "ba", "a%", "a_b", "axb", "a\\b", "a*b", "a?b", "[ab]", "'", "\"",
    "a\0b", "a\nb", "ä", "Ä", "末", "😀", "ß",
];

fn ask(field: Field, test: Test, sense: Sense) -> PageQuery {
    let conditions = vec![Condition { field, test, sense }];
    PageQuery { filter: Filter { conditions, ..Filter::default() }, ..page_of(5) }
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// An event for each value of a field, and two without it.
fn events_with(field: Field, values: &[&str]) -> Vec<NewEvent> {
    let mut events = vec![event(0, 1_000), event(90_000, 1_001)];
    for (number, value) in values.iter().enumerate() {
        let mut event = event(i64::try_from(number % 4).unwrap(), number as u128);
        event.fields.set(field, value);
        events.push(event);
    }
    events
}

fn values_of(field: Field) -> &'static [&'static str] {
    match field.kind() {
        FieldKind::Integer => &["0", "1", "10", "403", "2147483648", "4294967295"],
        FieldKind::Address => &[
            "0.0.0.0",
            "10.0.0.1",
            "10.255.255.255",
            "11.0.0.0",
            "255.255.255.255",
            "::",
            "::1",
            "2001:db8::",
            "2001:db8::ffff",
            "ffff::",
        ],
        _ => &ODD,
    }
}

pub(crate) async fn every_field_by_its_values<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    // All fields at once: each event has the n-th value of every one of them.
    let mut events = vec![event(0, 1_000), event(90_000, 1_001)];
    for number in 0..ODD.len() {
        let mut event = event(i64::try_from(number % 4).unwrap(), number as u128);
        for field in Field::ALL {
            let values = values_of(field);
            event.fields.set(field, values[number % values.len()]);
        }
        events.push(event);
    }
    pair.put(&*store, &acme, events).await;
    let mut turns = Turns::<L>::new();
    for field in Field::ALL {
        let values = values_of(field);
        for sense in SENSES {
            for value in values.iter().filter(|_| turns.is_due()) {
                pair.same_pages(&*store, &acme, ask(field, Test::AnyOf(texts(&[value])), sense))
                    .await;
            }
            for several in [texts(&values[..3]), texts(&["nowhere"]), Vec::new()] {
                pair.same_pages(&*store, &acme, ask(field, Test::AnyOf(several), sense)).await;
            }
        }
    }
}

pub(crate) async fn every_text_by_prefix<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    pair.put(&*store, &acme, all_texts()).await;
    let mut turns = Turns::<L>::new();
    for field in Field::ALL.into_iter().filter(|field| field.kind() == FieldKind::Text) {
        for prefix in ODD.iter().filter(|_| turns.is_due()) {
            pair.same_pages(
                &*store,
                &acme,
                ask(field, Test::Prefix(texts(&[prefix])), Sense::Include),
            )
            .await;
        }
        for sense in SENSES {
            pair.same_pages(
                &*store,
                &acme,
                ask(field, Test::Prefix(texts(&["a%", "ä", "x"])), sense),
            )
            .await;
            pair.same_pages(&*store, &acme, ask(field, Test::Prefix(Vec::new()), sense)).await;
            // The last character there is, and the last byte that a prefix may end in.
            pair.same_pages(
                &*store,
                &acme,
                ask(field, Test::Prefix(texts(&["\u{10ffff}", "\u{7f}"])), sense),
            )
            .await;
        }
    }
}

fn all_texts() -> Vec<NewEvent> {
    let mut events = vec![event(0, 1_000)];
    let more =
        ["\u{10ffff}", "\u{10ffff}x", "\u{7f}", "/admin/login", "/ADMIN/x", "aab", "aXbXb", "ÄB"];
    for (number, value) in ODD.iter().chain(&more).enumerate() {
        let mut event = event(i64::try_from(number % 4).unwrap(), number as u128);
        for field in Field::ALL.into_iter().filter(|field| field.kind() == FieldKind::Text) {
            event.fields.set(field, value);
        }
        events.push(event);
    }
    events
}

pub(crate) async fn every_text_by_wildcard<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    pair.put(&*store, &acme, all_texts()).await;
    let patterns = [
        "", "*", "**", "a*", "*a", "*a*", "a*b", "A*B", "*A*", "a%", "%", "a_b", "_", "a\\b",
        "*\\*", "a?b", "[ab]", "[*]", "/admin/*", "*/x", "a*b*b", "*\n*", "*\0*", "a\0b", "ä", "Ä",
        "ä*", "*末*", "*😀", "'", "*\"*", "nowhere*",
    ];
    for pattern in patterns {
        let query = ask(Field::Path, Test::Wildcard(texts(&[pattern])), Sense::Include);
        pair.same_pages(&*store, &acme, query).await;
    }
    for field in Field::ALL.into_iter().filter(|field| field.kind() == FieldKind::Text) {
        for sense in SENSES {
            let query = ask(field, Test::Wildcard(texts(&["/admin/*", "*a_*", "ä"])), sense);
            pair.same_pages(&*store, &acme, query).await;
            pair.same_pages(&*store, &acme, ask(field, Test::Wildcard(Vec::new()), sense)).await;
        }
    }
}

pub(crate) async fn addresses_by_network<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    let addresses = [
        "0.0.0.0",
        "9.255.255.255",
        "10.0.0.0",
        "10.0.0.1",
        "10.255.255.255",
        "11.0.0.0",
        "203.0.113.127",
        "203.0.113.128",
        "255.255.255.255",
        "::",
        "::1",
        "::a00:1",
        "2001:db8::",
        "2001:db8::7",
        "2001:db8:0:1::",
        "2001:db7:ffff::",
        "ffff::",
    ];
    pair.put(&*store, &acme, events_with(Field::ClientIp, &addresses)).await;
    let networks = [
        "0.0.0.0/0",
        "10.0.0.0/8",
        "10.9.9.9/8",
        "10.0.0.1/32",
        "203.0.113.128/25",
        "255.255.255.255/32",
        "::/0",
        "::/96",
        "::1/128",
        "2001:db8::/32",
        "2001:db8::/64",
        "2001:db8::7/128",
        "8000::/1",
        "192.0.2.0/24",
    ];
    for network in networks {
        for sense in SENSES {
            let test = Test::InNetworks(vec![network.parse().unwrap()]);
            pair.same_pages(&*store, &acme, ask(Field::ClientIp, test, sense)).await;
        }
    }
    let several = ["10.0.0.0/8", "10.0.0.0/16", "2001:db8::/48"].map(|one| one.parse().unwrap());
    for sense in SENSES {
        let test = Test::InNetworks(several.to_vec());
        pair.same_pages(&*store, &acme, ask(Field::ClientIp, test, sense)).await;
        pair.same_pages(&*store, &acme, ask(Field::ClientIp, Test::InNetworks(Vec::new()), sense))
            .await;
    }
}

pub(crate) async fn by_door_and_by_matched_data<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    let blobs =
        [None, Some(SealedText::Blob(vec![3])), Some(SealedText::Other("truncated".to_owned()))];
    let mut events = Vec::new();
    for intake in Intake::ALL {
        for blob in &blobs {
            let mut event = event(events.len() as i64, events.len() as u128);
            (event.intake, event.blob) = (intake, blob.clone());
            // Sealed here, but not what a rule matched.
            event.sealed_request = Some(vec![4]);
            events.push(event);
        }
    }
    pair.put(&*store, &acme, events).await;
    let doors = [
        vec![],
        vec![Intake::Logpush],
        vec![Intake::Native, Intake::ModSecurity],
        Intake::ALL.to_vec(),
    ];
    for intakes in doors {
        for matched_data in [None, Some(true), Some(false)] {
            let filter = Filter { intakes: intakes.clone(), matched_data, ..Filter::default() };
            pair.same_pages(&*store, &acme, PageQuery { filter, ..page_of(3) }).await;
        }
    }
}

pub(crate) async fn all_conditions_at_once<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    let mut events = Vec::new();
    let mut runner = TestRunner::deterministic();
    for number in 0..200_u128 {
        let mut event = event(i64::try_from(number % 11).unwrap() * 9_000, number);
        for field in [Field::Action, Field::Host, Field::Path, Field::ClientIp, Field::ClientAsn] {
            event.fields.set(field, &value(field).new_tree(&mut runner).unwrap().current());
        }
        events.push(event);
    }
    pair.put(&*store, &acme, events).await;
    let condition = |field, test, sense| Condition { field, test, sense };
    let conditions = [
        condition(Field::Action, Test::AnyOf(texts(&["a", "A", "ab"])), Sense::Include),
        condition(Field::Host, Test::AnyOf(texts(&["ä", "a_b"])), Sense::Exclude),
        condition(Field::Path, Test::Wildcard(texts(&["a*"])), Sense::Include),
        condition(Field::Path, Test::Wildcard(texts(&["*\\*"])), Sense::Exclude),
        condition(
            Field::ClientIp,
            Test::InNetworks(vec!["203.0.113.0/24".parse().unwrap()]),
            Sense::Exclude,
        ),
        condition(Field::ClientAsn, Test::AnyOf(texts(&["7", "403"])), Sense::Include),
    ];
    for mask in 0..1_usize << conditions.len() {
        let chosen = conditions.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
        let filter = Filter {
            conditions: chosen.map(|(_, one)| one.clone()).collect(),
            ..Filter::default()
        };
        pair.same_pages(&*store, &acme, PageQuery { filter, ..page_of(40) }).await;
    }
}

pub(crate) async fn values_that_a_field_cannot_have_equal_nothing<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    let mut events = events_with(Field::ClientIp, &["203.0.113.7", "2001:db8::7", "::"]);
    for event in &mut events {
        event.fields.set(Field::ClientAsn, "7");
    }
    pair.put(&*store, &acme, events).await;
    let odd = [
        "",
        "007",
        "7 ",
        "+7",
        "-7",
        "7.0",
        "0x7",
        "4294967303",
        "::ffff:203.0.113.7",
        "2001:DB8::7",
        "203.0.113.007",
        "x",
        "0",
        "'",
    ];
    for field in [Field::ClientIp, Field::ClientAsn] {
        for sense in SENSES {
            for value in odd {
                pair.same_pages(&*store, &acme, ask(field, Test::AnyOf(texts(&[value])), sense))
                    .await;
            }
            for test in [Test::Prefix(texts(&["7", "2"])), Test::Wildcard(texts(&["*"]))] {
                pair.same_pages(&*store, &acme, ask(field, test, sense)).await;
            }
        }
    }
    for sense in SENSES {
        let test = Test::InNetworks(vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
        pair.same_pages(&*store, &acme, ask(Field::ClientAsn, test, sense)).await;
    }
}

pub(crate) async fn nothing_in_a_value_is_taken_for_sql<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    let attacks = [
        "' OR 1=1 --",
        "\"; DROP TABLE events; --",
        "\\' OR 1=1 #",
        "{p0:String}",
        "?1",
        ":name",
        "\\",
        "a'b\"c`d",
    ];
    pair.put(&*store, &acme, events_with(Field::Host, &attacks)).await;
    for attack in attacks {
        for test in [
            Test::AnyOf(texts(&[attack])),
            Test::Prefix(texts(&[attack])),
            Test::Wildcard(texts(&[attack])),
        ] {
            pair.same_pages(&*store, &acme, ask(Field::Host, test.clone(), Sense::Include)).await;
            pair.same_pages(&*store, &acme, ask(Field::Path, test, Sense::Include)).await;
        }
    }
}
