//! Rules of mixed kinds, as rule sets out there hold them.

use std::fmt::Write as _;

/// A file of this many rules. All log, so that none of them ends the run.
pub(crate) fn file(rules: usize) -> String {
    let mut text = String::new();
    for number in 0..rules {
        let expression = expression(number);
        writeln!(
            text,
            "[[rules]]\nid = \"r{number}\"\nexpression = '''{expression}'''\naction = \"log\"\n"
        )
        .expect("a String takes all");
    }
    text
}

const PATHS: [&str; 12] = [
    "wp-admin",
    "phpmyadmin",
    ".git/config",
    ".env",
    "cgi-bin",
    "actuator",
    "console",
    "server-status",
    "xmlrpc",
    "vendor/phpunit",
    "solr",
    "manager/html",
];
const WORDS: [&str; 12] = [
    "union select",
    "<script",
    "../..",
    "etc/passwd",
    "cmd.exe",
    "base64_decode",
    "xp_cmdshell",
    "onerror=",
    "${jndi",
    "phpinfo",
    "waitfor delay",
    "php://input",
];
const AGENTS: [&str; 8] =
    ["sqlmap", "nikto", "masscan", "zgrab", "python-requests", "curl/7", "dirbuster", "nuclei"];
const PATTERNS: [&str; 10] = [
    r"(?i)union\s+(all\s+)?select\s+{}",
    r"(?i)<(script|iframe|svg{})[^>]*>",
    r"(?i)\b(exec|system|passthru{})\s*\(",
    r"\.(php|asp|jsp|cgi)[0-9]?{}$",
    r"(?i)(\.\./|\.\.\\){2,}{}",
    r"^/api/v[0-9]+/internal{}/",
    r"(?i)(select|insert|update|delete)\b.{0,40}\bfrom{}\b",
    r"(?i)on(load|error|click|focus{})\s*=",
    r"\$\{(jndi|env|sys{}):",
    r"(?i)(cat|ls|wget|curl){}\s+[-/]",
];
/// Where user input comes in.
const VALUES: [&str; 5] = [
    "http.request.uri.query",
    "http.request.uri.path",
    "http.user_agent",
    "http.request.body.raw",
    "http.referer",
];
const ARRAYS: [&str; 4] = [
    "http.request.uri.args.values",
    "http.request.headers.values",
    "http.request.body.form.values",
    "http.request.uri.args.names",
];

fn pick<'a>(from: &[&'a str], number: usize) -> &'a str {
    from[number % from.len()]
}

/// Of twenty rules: seven contain or equal, five regular expressions, three over arrays, two wildcards, two
/// of addresses, one of numbers; no two are the same.
fn expression(number: usize) -> String {
    let (value, array) = (pick(&VALUES, number / 20), pick(&ARRAYS, number / 20));
    let (path, word, agent) =
        (pick(&PATHS, number / 20), pick(&WORDS, number / 20), pick(&AGENTS, number / 20));
    let pattern = pick(&PATTERNS, number / 7).replace("{}", &format!("(?:x{number})?"));
    let (a, b) = (number / 250, number % 250);
    match number % 20 {
        0 => format!(r#"http.request.uri.path contains "/{path}/{number}""#),
        1 => format!(
            r#"http.request.uri.query contains "{word}{number}" and http.request.method ne "HEAD""#
        ),
        2 => format!(r#"lower(http.user_agent) contains "{agent}/{number}""#),
        3 => format!(
            r#"http.request.uri.path eq "/{path}-{number}" or http.request.uri.path eq "/{number}/{path}""#
        ),
        4 => format!(
            r#"http.host eq "www.shop.example" and starts_with(http.request.uri.path, "/{path}{number}")"#
        ),
        5 => format!(r#"http.request.uri.path.extension in {{"bak{number}" "old" "swp" "sql"}}"#),
        6 => format!(r#"lower(url_decode({value})) contains "{word}""#),
        7..=11 => format!(r#"{value} matches r"{pattern}""#),
        12 => format!(r#"any(lower({array}[*])[*] contains "{word}")"#),
        13 => format!(r#"any({array}[*] matches r"{pattern}")"#),
        14 => format!(r#"any(http.request.headers["x-custom-{number}"][*] eq "1")"#),
        15 => format!(r#"http.request.full_uri wildcard "https://*.example/*{path}*{number}""#),
        16 => format!(r#"http.request.uri.path wildcard r"/{number}/*.php""#),
        17 => format!("ip.src in {{10.{a}.{b}.0/24 192.0.2.{b} 2001:db8:{number}::/48}}"),
        18 => format!(r#"ip.src eq 203.0.113.{b} and http.request.method eq "POST""#),
        _ => format!(
            "http.request.body.size > {} or len(http.request.uri.query) > {}",
            1_000_000 + number,
            3_000 + number
        ),
    }
}
