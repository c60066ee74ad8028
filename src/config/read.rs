//! From text to the schema: every fault of syntax, names and types, each at its place.

use serde::Deserialize;
use toml::de::{DeTable, Deserializer, Error};

use super::fault::{Faults, SHOWS_ALL};
use super::place::{self, Entry, Lines, Places};
use super::schema::Document;

/// How like a name has to be to what was written, to be suggested.
const LIKE: f64 = 0.8;

/// Longest name that is repeated: no key is as long, and every secret is longer.
const LONGEST_NAME: usize = 32;

/// Lists of tables.
const LISTS: [&str; 2] = ["keys.inline", "routes"];

/// Keys that cannot be read, and are told, before the rest is left alone.
const MOST_STRUCK: usize = 50;

/// What was read.
pub(super) struct Reading {
    /// Without the keys that could not be read.
    pub(super) document: Document,
    pub(super) places: Places,
    /// What could not be read: where, what, and the way out.
    pub(super) misread: Vec<Misread>,
}

/// A fault of syntax, names or types.
pub(super) struct Misread {
    pub(super) at: (usize, usize),
    pub(super) fault: String,
    pub(super) way_out: String,
    /// Whether the rest was not read either.
    pub(super) is_of_syntax: bool,
}

/// Reads what can be read: a key that cannot is struck out, and the rest is read again, so that one
/// look finds all faults.
pub(super) fn read(text: &str) -> Reading {
    let lines = Lines::of(text);
    let (parsed, errors) = DeTable::parse_recoverable(text);
    if let Some(error) = errors.first() {
        // One fault of syntax makes others of what follows it.
        let misread = vec![not_toml(error, &lines)];
        return Reading { document: Document::default(), places: Places::default(), misread };
    }
    let entries = place::entries(parsed.get_ref());
    let mut places = Places::new(&entries, text);
    let mut misread = Vec::new();
    let mut left = parsed;
    loop {
        match Document::deserialize(Deserializer::from(left.clone())) {
            Ok(document) => return Reading { document, places, misread },
            Err(error) => {
                let offset = error.span().unwrap_or_default().start;
                let entry = place::key_at(&entries, offset);
                misread.push(judge(&error, entry, &lines, &mut places));
                let Some(entry) = entry.filter(|_| misread.len() < MOST_STRUCK) else {
                    return Reading { document: Document::default(), places, misread };
                };
                place::strike(left.get_mut(), &entry.key);
            }
        }
    }
}

impl Misread {
    pub(super) fn tell(self, faults: &mut Faults<'_>) {
        faults.add_at(self.at, self.fault, self.way_out);
    }
}

fn not_toml(error: &Error, lines: &Lines<'_>) -> Misread {
    let at = lines.place(error.span().unwrap_or_default().start);
    let message = error.message();
    let way_out = match message {
        "duplicate key" => "write each key and each [table] once",
        _ => "mend the line; texts stand in quotes, tables in [ ]",
    };
    // Whoever left out the quotes need not know that there are two kinds of them.
    let message = message.strip_suffix(", expected literal string").unwrap_or(message);
    let fault = format!("not TOML: {}", message.escape_debug());
    Misread { at, fault, way_out: way_out.into(), is_of_syntax: true }
}

/// What is wrong with a key. Repeats no value: it may be a secret.
fn judge(error: &Error, entry: Option<&Entry>, lines: &Lines<'_>, places: &mut Places) -> Misread {
    let Some(entry) = entry else {
        let fault = "the file is no configuration".into();
        return Misread { at: (1, 1), fault, way_out: SHOWS_ALL.into(), is_of_syntax: true };
    };
    let (at, path) = (lines.place(entry.key.start), &entry.path);
    places.strike(path);
    let message = error.message();
    let (fault, way_out) = if message.starts_with("unknown field") {
        // The very name of another table is meant rather than one that is like it.
        let is_collectors = path.starts_with("collector.");
        let home = home_of(entry.name()).filter(|_| !is_collectors);
        let meant = likest(entry.name(), message).filter(|_| home.is_none());
        if let Some(meant) = meant {
            places.strike(&sibling(path, meant));
        }
        if let Some(home) = home {
            places.strike(&within(home, entry.name()));
        }
        let way_out = match (meant, home) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, Some(home)) => format!("it belongs into {home}"),
            (None, None) => format!("leave it out, or write one of: {}", known(message).join(", ")),
        };
        (format!("there is no `{}`", told(path, entry.name())), way_out)
    } else if message.starts_with("unknown variant") {
        let given = message.split('`').nth(1).unwrap_or_default();
        let way_out = match likest(given, message) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("write one of: {}", quoted(&known(message))),
        };
        (format!("`{path}` cannot have this value"), way_out)
    } else {
        (format!("`{path}` cannot have this value"), format!("write {}", expected(path, message)))
    };
    Misread { at, fault, way_out, is_of_syntax: false }
}

/// The names that serde says it expects.
fn known(message: &str) -> Vec<&str> {
    let (_, names) = message.rsplit_once(", expected ").unwrap_or_default();
    names.split('`').skip(1).step_by(2).filter(|name| !name.starts_with('$')).collect()
}

/// The name that was meant, if one is like what was written.
fn likest<'m>(given: &str, message: &'m str) -> Option<&'m str> {
    let ranked = known(message).into_iter().map(|name| (strsim::jaro_winkler(given, name), name));
    let (like, name) = ranked.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (like > LIKE).then_some(name)
}

/// The path, without a name that is too long for one: it may be a secret that lost its place.
fn told(path: &str, name: &str) -> String {
    let shown = if name.len() > LONGEST_NAME { "…" } else { name };
    sibling(path, shown).escape_debug().to_string()
}

fn sibling(path: &str, name: &str) -> String {
    match path.rsplit_once('.') {
        Some((table, _)) => format!("{table}.{name}"),
        None => name.into(),
    }
}

/// The path of a key in the table that [`home_of`] names.
fn within(home: &str, name: &str) -> String {
    match home.strip_prefix('[').and_then(|home| home.strip_suffix(']')) {
        Some(table) => format!("{table}.{name}"),
        None => name.into(),
    }
}

/// The table of a key that is often written somewhere else.
fn home_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "max_age" | "skew" | "uses" | "preset" | "attempts" => "[freshness]",
        "evidence" => "[waf]",
        "required_headers" | "strip_prefix" | "query" | "host" | "body" => "[signature]",
        "capacity" | "capacity_per_key" | "restart_barrier" | "backend" => "[replay]",
        "url" | "url_env" | "url_file" | "ca_file" | "on_failure" => "[replay.redis]",
        "body_cap" => "[limits]",
        "status" => "[refusal]",
        "logged_per_second" => "[telemetry]",
        "watch" | "poll" => "[reload]",
        "audience" | "enforcement" => "the first lines, before every [table]",
        _ => return None,
    })
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// What serde expects, in the words of this file.
fn expected(path: &str, message: &str) -> String {
    let (_, expected) = message.rsplit_once("expected ").unwrap_or_default();
    let word = expected.split(' ').next().unwrap_or_default();
    match (word, expected) {
        _ if LISTS.contains(&path) => format!("[[{path}]], once for each, with keys of its own"),
        ("", _) => "what `wafpass config example` shows".into(),
        ("u8", _) if path.ends_with(".node") => {
            "a whole number from 0 to 255, without quotes".into()
        }
        // Attempts, origins and uses.
        ("u8", _) => "a whole number from 1 to 15, without quotes".into(),
        ("u16", _) => "a status such as 403, without quotes".into(),
        ("u32" | "u64" | "usize", _) => "a whole number, not below 0, without quotes".into(),
        ("struct", _) => format!("a table: [{path}], with keys of its own"),
        (_, "a string" | "string" | "path string") => "a text in quotes".into(),
        (_, "a boolean") => "true or false".into(),
        (_, "a sequence") => "a list in [ ]".into(),
        ("string", _) => "one of the words that `wafpass config example` shows, in quotes".into(),
        _ => expected.escape_debug().to_string().replace("\\\"", "\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(text: &str) -> Vec<String> {
        let reading = read(text);
        let line = |misread: &Misread| {
            let (line, column) = misread.at;
            format!("{line}:{column}: {} / {}", misread.fault, misread.way_out)
        };
        {
            let mut found: Vec<_> = reading.misread.iter().collect();
            found.sort_by_key(|misread| misread.at);
            found.into_iter().map(line).collect()
        }
    }

    #[test]
    fn all_faults_are_found_in_one_look() {
        let text = "\
audiense = \"shop\"
max_age = 5
[freshness]
preset = \"cloudfornt\"
skew = \"hunter2, expected u8\"
[waf]
evidence = \"hunter2\"
[refusal]
status = 70000
[replay]
restart_barrier = \"off\"
redis = 1
[[routes]]
path = 1
paths = 1
[reload]
watch = \"yes\"
";
        assert_eq!(
            tell(text),
            [
                "1:1: there is no `audiense` / did you mean `audience`?",
                "2:1: there is no `max_age` / it belongs into [freshness]",
                "4:1: `freshness.preset` cannot have this value / did you mean \"cloudfront\"?",
                "5:1: `freshness.skew` cannot have this value / write a time such as \"90s\", \"5m\" or \"1h\", or whole seconds",
                "7:1: `waf.evidence` cannot have this value / write one of: \"required\", \"not-required\"",
                "9:1: `refusal.status` cannot have this value / write a status such as 403, without quotes",
                "11:1: `replay.restart_barrier` cannot have this value / write one of: \"on\", \"with-skew\", \"insecure-off\"",
                "12:1: `replay.redis` cannot have this value / write a table: [replay.redis], with keys of its own",
                "14:1: `routes[0].path` cannot have this value / write a text in quotes",
                "15:1: there is no `routes[0].paths` / did you mean `path`?",
                "17:1: `reload.watch` cannot have this value / write true or false",
            ]
        );
    }

    #[test]
    fn what_may_be_a_secret_is_no_name() {
        let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        for text in [format!("{secret} = 1"), format!("[keys]\n{secret} = 1")] {
            let told = tell(&text).concat();
            assert!(told.contains("…`") && !told.contains(secret), "{told}");
        }
    }

    #[test]
    fn what_is_no_toml_is_told_without_its_text() {
        for text in ["a = ", "a = hunter2", "[a", "a = 1\na = 2", "a = \"hunter2", "= hunter2"] {
            let told = tell(text);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told.concat().contains("not TOML") && !told.concat().contains("hunter2"));
        }
    }
}
