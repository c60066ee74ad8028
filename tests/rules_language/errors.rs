//! What is said of what does not parse: `errors.txt` has each text with the place, the fault and the way out.

use std::fmt::Write;

use snapbox::{assert_data_eq, file};

use crate::common::refused;

/// Texts that do not parse, each for one reason.
const REFUSED: &[&str] = &[
    // Nothing, or half of something.
    "",
    " \n ",
    "ssl and",
    "ssl and\n  ",
    "and ssl",
    "ssl or or ssl",
    "not",
    "(ssl",
    "(ssl\n  and my.bool",
    "ssl)",
    "()",
    "ssl my.bool",
    "my.int 5",
    "http.host",
    "http.host eq",
    "http.host and ssl",
    "ssl;",
    "http.host eq \"a\" # comment",
    "ssl // comment",
    "# comment\nssl",
    // Names.
    "http.hots eq \"a\"",
    "HTTP.Host eq \"a\"",
    "user_agent eq \"a\"",
    "http.request.header[\"a\"][0] eq \"b\"",
    "cf.bot_management.score lt 30",
    "true",
    "ssl and false",
    "lowr(http.host) eq \"a\"",
    "md5(http.host) eq \"a\"",
    "lower eq \"a\"",
    "any",
    "any(my.bools) == true",
    "len(any(my.bools)) eq 1",
    "http.host(1)",
    "my.int in $int",
    "my.int in $nowhere",
    "my.int in $",
    "my.bytes in $ints",
    // Operators of other languages.
    "my.int = 1",
    "my.int === 1",
    "my.int !== 1",
    "my.int <> 1",
    "my.int => 1",
    "my.int =< 1",
    "my.int <== 1",
    "my.bytes =~ \"a\"",
    "my.bytes !~ \"a\"",
    "my.bytes ~~ \"a\"",
    "my.bytes like \"a%\"",
    "my.bytes is \"a\"",
    "my.bytes equals \"a\"",
    "my.bytes contain \"a\"",
    "my.bytes contians \"a\"",
    "my.bytes starts_with \"a\"",
    "my.bytes not contains \"a\"",
    "ip.src not in {1.2.3.4}",
    "ssl & my.bool",
    "ssl | my.bool",
    "ssl &&& my.bool",
    "ssl ^ my.bool",
    "ssl AND my.bool",
    "my.int + 1 == 2",
    "my.int * 2 == 2",
    "my.bytes strict \"a\"",
    "my.bytes wildcard strict \"a\"",
    // Types.
    "ssl == true",
    "ssl eq 1",
    "starts_with(http.host, \"a\") == true",
    "my.bools == true",
    "my.bytes & 1",
    "my.bytes == 1",
    "my.int == \"1\"",
    "my.int contains \"1\"",
    "my.int matches \"1\"",
    "ip.src == \"1.2.3.4\"",
    "ip.src contains \"1\"",
    "ip.src in {\"1.2.3.4\"}",
    "ip.src == 10.0.0.0/8",
    "http.host == http.referer",
    "my.bytes == lower(http.host)",
    "my.strings == \"a\"",
    "my.strings",
    "my.strings_by_name == \"a\"",
    "http.request.headers == \"a\"",
    "http.request.headers[\"a\"] == \"b\"",
    "http.request.headers.names[*] == \"a\"",
    "my.bools",
    "my.tables",
    "any(my.tables)",
    "my.tables[*]",
    "any(my.tables[*])",
    "ssl and http.request.headers.names[*] == \"a\"",
    "my.strings[*] == \"a\" or any(my.bools)",
    "any(ssl)",
    "all(my.bytes == \"a\")",
    "any(any(my.bools))",
    "not my.bools",
    "any(my.bools",
    "any()",
    // Indexes.
    "my.strings[",
    "my.strings[] == \"a\"",
    "my.strings[-1] == \"a\"",
    "my.strings[a] == \"a\"",
    "my.strings[1.5] == \"a\"",
    "my.strings['a'] == \"a\"",
    "my.strings[\"a\"] == \"a\"",
    "my.strings[4294967296] == \"a\"",
    "my.strings_by_name[0] == \"a\"",
    "my.bytes[0] == \"a\"",
    "my.strings[0][0] == \"a\"",
    "my.strings [0] == \"a\"",
    "ssl [0]",
    // Integers.
    "my.int == 08",
    "my.int == 0x",
    "my.int == 0xg",
    "my.int == -0x1",
    "my.int == -",
    "my.int == 1a",
    "my.int == 1.5",
    "my.int == 9223372036854775808",
    "my.int == -9223372036854775809",
    "my.int in {5..1}",
    "my.int in {-1..-5}",
    "my.int in {1, 2}",
    "my.int in {1 2",
    "my.int in {\"1\"}",
    "my.int in [1 2]",
    "my.int in (1 2)",
    "my.int in 1",
    "my.int in {1 $ints}",
    "my.int == {1}",
    // Addresses.
    "ip.src == 1.2.3",
    "ip.src == 1.2.3.256",
    "ip.src == 01.2.3.4",
    "ip.src == fe80::1%eth0",
    "ip.src == 1.2.3.4x",
    "ip.src in {10.0.0.1/8}",
    "ip.src in {2001:db8::1/32}",
    "ip.src in {10.0.0.0/33}",
    "ip.src in {10.0.0.0/}",
    "ip.src in {10.0.0.0/+8}",
    "ip.src in {10.0.0.0/255.0.0.0}",
    "ip.src in {10.0.0.0.0/8}",
    "ip.src in {10.0.0.9..10.0.0.1}",
    "ip.src in {10.0.0.1..::1}",
    "ip.src in {10.0.0.0/8..11.0.0.0}",
    "ip.src in {10.0.0.1-10.0.0.9}",
    // Strings.
    "http.host eq 'a'",
    "http.host eq \u{201c}a\u{201d}",
    "http.host eq a",
    "http.host eq \"a",
    "http.host eq \"a\\\"",
    "http.host eq \"a\\",
    "http.host eq r#\"a\"",
    "http.host eq r#a",
    r#"http.host eq "a\nb""#,
    r#"http.host eq "a\tb""#,
    r#"http.host eq "a\rb""#,
    r#"http.host eq "a\d""#,
    r#"http.host eq "a\é""#,
    r#"http.host eq "a\x4""#,
    r#"http.host eq "a\xg0""#,
    r#"http.host eq "a\x+4""#,
    r#"http.host eq "a\08""#,
    r#"http.host eq "a\400""#,
    "http.host contains 61",
    "http.host contains 61:",
    "http.host contains 61:6",
    "http.host contains 61:62x",
    "http.host in {\"a\", \"b\"}",
    "http.host in {a b}",
    "http.host in \"a\"",
    // Regular expressions and wildcards.
    "http.host matches a",
    "http.host matches /a/",
    "http.host matches 61:62",
    "http.host matches \"(a\"",
    "http.host matches \"a)\"",
    "http.host matches \"[a\"",
    "http.host matches \"*a\"",
    "http.host matches \"a{2,1}\"",
    r#"http.host matches "a(?=b)""#,
    r#"http.host matches "(?<!a)b""#,
    r#"http.host matches "(a)\1""#,
    r#"http.host matches "\"\"(a""#,
    r##"http.host matches r#"""(a"#"##,
    r#"http.host matches "\p{Greek}""#,
    r#"http.host matches "(?u)\p{Gerek}""#,
    r#"http.host matches "\xZZ""#,
    "http.host matches \"a{1000}{1000}\"",
    "http.host wildcard 61:62",
    "http.host wildcard \"a**\"",
    r#"http.host wildcard r"a\b""#,
    r#"http.host wildcard "a\*b""#,
    "http.host wildcard \"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*\"",
    // Calls.
    "lower() == \"a\"",
    "lower(http.host == \"a\"",
    "lower(http.host, http.host) == \"a\"",
    "lower(\"A\") == \"a\"",
    "lower(my.int) == \"a\"",
    "lower(my.strings) == \"a\"",
    "lower(my.strings[*]) == \"a\"",
    "lower(my.strings_by_name) == \"a\"",
    "lower http.host == \"a\"",
    "lower(http.host,) == \"a\"",
    "lower(,http.host) == \"a\"",
    "substring(http.host) == \"a\"",
    "substring(http.host, \"1\") == \"a\"",
    "substring(http.host, 1, my.ints[*]) == \"a\"",
    "substring(http.host, len(my.strings[*])) == \"a\"",
    "substring(http.host, 1, 2, 3) == \"a\"",
    "join(http.host, \",\") == \"a\"",
    "len(my.int) == 1",
    "to_string(http.host) == \"a\"",
    "to_string(1) == \"1\"",
    "concat(\"a\") == \"a\"",
    "concat(http.host, 1) == \"a\"",
    "concat(http.host, my.strings) == \"a\"",
    "concat(my.strings, \"a\")[0] == \"a\"",
    "has_key(my.strings, \"a\")",
    "has_value(http.request.headers, \"a\")",
    "has_value(my.ints, \"a\")",
    "has_value(my.strings, 5)",
    "cidr(1.2.3.4, 24, 64) == 1.2.3.0",
    "cidr(ip.src, 0, 64) == 1.2.3.0",
    "cidr(ip.src, 24, 129) == 1.2.3.0",
    "cidr(ip.src, my.int, 64) == 1.2.3.0",
    "cidr6(ip.src) == ::",
    "split(http.host, \"\", 5)[0] == \"a\"",
    "split(http.host, \",\")[0] == \"a\"",
    "split(http.host, \",\", 129)[0] == \"a\"",
    "url_decode(http.host, \"x\") == \"a\"",
    "url_decode(http.host, \"uu\") == \"a\"",
    "encode_base64(http.host, \"a\") == \"a\"",
    "bit_slice(http.host, 8, 8) == 1",
    "bit_slice(http.host, 0, 33) == 1",
    "bit_slice(http.host, 0, 2041) == 1",
    "lookup_json_string(http.host) == \"a\"",
    "lookup_json_string(http.host, -1) == \"a\"",
    "lookup_json_string(http.host, http.referer) == \"a\"",
    "remove_query_args(http.host, \"a\") == \"b\"",
    "regex_replace(http.host, \"(\", \"\") == \"a\"",
    "regex_replace(http.host, \"\\d\", \"\") == \"a\"",
    "regex_replace(http.host, \"\\xff\", \"\") == \"a\"",
    "regex_replace(http.host, \"a\", \"${1}\") == \"a\"",
    "regex_replace(http.host, \"(a)\", \"$1\") == \"a\"",
    "wildcard_replace(http.host, \"**\", \"\") == \"a\"",
    "wildcard_replace(http.host, \"*\", \"${2}\") == \"a\"",
    "is_timed_hmac_valid_v0(http.host, http.host, 10, 20)",
    "is_timed_hmac_valid_v0(\"k\", http.host, -1, 20)",
    // Lines, tabs and characters of other widths.
    "ssl and\r\n\thttp.host eq \"é\" and\r\n\thttp.hots eq \"a\"",
    "http.host eq \"日本語\" and http.hots eq \"a\"",
    "http.host eq \"e\u{301}\" and http.hots eq \"a\"",
    "http.host eq \"\u{202e}\u{1b}[0m\" and http.hots eq \"a\"",
    "ssl and \u{1f600}",
    "ssl\u{a0}and ssl",
    "ssl and `a`",
];

#[test]
fn each_fault_is_named_with_its_place_and_a_way_out() {
    let mut told = String::new();
    for text in REFUSED {
        writeln!(told, "{:#}\n", refused(text)).unwrap();
    }
    assert_data_eq!(told, file!["errors.txt"].raw());
}

#[test]
fn every_fault_is_one_line_and_says_what_to_do() {
    for text in REFUSED {
        let error = refused(text);
        assert!(!error.fault().contains('\n') && !error.way_out().contains('\n'), "{text}");
        assert!(!error.fault().is_empty() && !error.way_out().is_empty(), "{text}");
        assert_eq!(error.to_string().lines().count(), 2, "{text}");
        assert_eq!(format!("{error:#}").lines().count(), 4, "{text}");
        assert!(text.get(error.span()).is_some(), "{text} {:?}", error.span());
        let safe = |character: char| {
            character == '\n'
                || !character.is_control() && !('\u{202a}'..='\u{202e}').contains(&character)
        };
        assert!(format!("{error:#}").chars().all(safe), "{text}");
    }
}

#[test]
fn no_error_repeats_a_key() {
    let behind = "http.host, 10, 20, 8)";
    for text in [
        format!("is_timed_hmac_valid_v0(\"topsecret\", {behind} eq true"),
        format!("is_timed_hmac_valid_v0(\"topsecret\", {behind} contains \"a\""),
        format!("split(to_string(is_timed_hmac_valid_v0(\"topsecret\", {behind}), \"a\", 2) == 1"),
        format!("is_timed_hmac_valid_v0(topsecret, {behind}"),
        format!("is_timed_hmac_valid_v0(5topsecret, {behind}"),
        format!("is_timed_hmac_valid_v0('topsecret', {behind}"),
        format!("is_timed_hmac_valid_v0(\u{201c}topsecret\u{201d}, {behind}"),
        format!("is_timed_hmac_valid_v0(\"a\"topsecret\", {behind}"),
        format!("is_timed_hmac_valid_v0(\"a\" topsecret, {behind}"),
        format!("is_timed_hmac_valid_v0(\"topsecret\\q\", {behind}"),
        format!("is_timed_hmac_valid_v0(\"topsecret, {}", behind.replace('"', "")),
        format!("is_timed_hmac_valid_v0(\"topsecret\", {behind} and"),
    ] {
        let error = refused(&text);
        assert!(!format!("{error:#} {error:?}").contains("topsecret"), "{text}\n{error:#}");
        assert!(text.get(error.span()).is_some(), "{text} {:?}", error.span());
    }
}

#[test]
fn what_is_too_long_is_refused() {
    let set = "1 ".repeat(1_025);
    for (text, fault) in [
        (
            format!("ssl{}", " ".repeat(16_382)),
            "the expression has 16385 bytes, and 16384 are the most",
        ),
        (format!("my.int in {{{set}}}"), "the set has more than 1024 elements"),
        (
            format!("my.bytes eq \"{}\"", "a".repeat(4_097)),
            "a string has 4097 bytes, and 4096 are the most",
        ),
        (
            format!("my.bytes matches \"{}\"", "a".repeat(4_097)),
            "a string has 4097 bytes, and 4096 are the most",
        ),
        (
            format!("my.bytes eq r\"{}\"", "a".repeat(4_097)),
            "a string has 4097 bytes, and 4096 are the most",
        ),
        (
            format!("my.bytes eq {}61", "61:".repeat(4_096)),
            "a string has 4097 bytes, and 4096 are the most",
        ),
        (format!("my.bytes eq r{}\"a\"", "#".repeat(256)), "a raw string has more than 255 #"),
        (
            format!("concat(my.bytes{}) == \"a\"", ", \"a\"".repeat(32)),
            "a call takes 32 arguments at most",
        ),
    ] {
        assert_eq!(refused(&text).fault(), fault);
    }
}
