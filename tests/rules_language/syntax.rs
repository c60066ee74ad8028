//! What parses, and what it says: each text with the expression that it prints as.

use wafpass::rules::Type;
use wafpass::rules::ast::{Comparison, ExprKind, Shape};
use wafpass::rules::parse;

use crate::common::{printed, scheme};

/// Asserts what each text prints as; an empty one, that it prints as itself.
fn print_as(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let expected = if expected.is_empty() { text } else { expected };
        assert_eq!(printed(text), **expected, "{text}");
    }
}

fn comparison(text: &str) -> Comparison {
    match parse(text, &scheme()).unwrap().kind {
        ExprKind::Compare { comparison, .. } => comparison,
        other => panic!("{other:?}"),
    }
}

#[test]
fn operators_have_two_spellings() {
    print_as(&[
        ("my.int eq 1", "my.int == 1"),
        ("my.int ne 1", "my.int != 1"),
        ("my.int lt 1", "my.int < 1"),
        ("my.int le 1", "my.int <= 1"),
        ("my.int gt 1", "my.int > 1"),
        ("my.int ge 1", "my.int >= 1"),
        ("my.int == 1", ""),
        ("my.int != 1", ""),
        ("my.int < 1", ""),
        ("my.int <= 1", ""),
        ("my.int > 1", ""),
        ("my.int >= 1", ""),
        ("my.int & 1", ""),
        ("my.int bitwise_and 1", "my.int & 1"),
        ("my.bytes ~ \"a\"", "my.bytes matches \"a\""),
        ("my.bytes contains \"a\"", ""),
        ("my.bytes wildcard \"a*\"", ""),
        ("my.bytes strict wildcard \"a*\"", ""),
        ("my.bytes strict  \n wildcard \"a*\"", "my.bytes strict wildcard \"a*\""),
        ("ssl && my.bool || my.bool ^^ ssl", "ssl and my.bool or my.bool xor ssl"),
        ("!ssl", "not ssl"),
        ("! ssl", "not ssl"),
    ]);
}

#[test]
fn symbols_need_no_space_and_words_need_a_boundary() {
    print_as(&[
        ("my.int==1&&my.int<=2||!ssl", "my.int == 1 and my.int <= 2 or not ssl"),
        ("my.int in{1 2}", "my.int in {1 2}"),
        ("my.bytes eq\"a\"", "my.bytes == \"a\""),
        ("my.bytes matches\"a\"and(ssl)or not(ssl)", "my.bytes matches \"a\" and ssl or not ssl"),
        ("my.int&1", "my.int & 1"),
        ("notes eq \"a\"", "notes == \"a\""),
        ("not notes eq \"a\"", "not notes == \"a\""),
        (" \t\r\n ssl \t\r\n and \t\r\n my.bool \t\r\n ", "ssl and my.bool"),
        ("any ( my.strings[ * ] == \"a\" )", "any(my.strings[*] == \"a\")"),
        ("my.strings_by_name[ \"a\" ] == \"a\"", "my.strings_by_name[\"a\"] == \"a\""),
        ("lower ( http.host ) == \"a\"", "lower(http.host) == \"a\""),
    ]);
}

#[test]
fn not_binds_more_than_and_than_xor_than_or() {
    print_as(&[
        ("ssl and my.bool or ssl and my.bool", ""),
        ("(ssl and my.bool) or (ssl and my.bool)", "ssl and my.bool or ssl and my.bool"),
        ("ssl and (my.bool or ssl) and my.bool", ""),
        ("ssl or my.bool xor ssl and my.bool", ""),
        ("ssl or (my.bool xor (ssl and my.bool))", "ssl or my.bool xor ssl and my.bool"),
        ("(ssl or my.bool) xor ssl", ""),
        ("(ssl xor my.bool) and ssl", ""),
        ("not ssl and my.bool", ""),
        ("not (ssl and my.bool)", ""),
        ("not my.int == 1", ""),
        ("not (my.int == 1)", "not my.int == 1"),
        ("not my.int == 1 or ssl", ""),
        ("not not ssl", ""),
        ("!!(ssl)", "not not ssl"),
        ("not any(my.bools)", ""),
    ]);
    // Not of the comparison, not of the value.
    let ExprKind::Not(inner) = parse("not my.bytes == \"a\"", &scheme()).unwrap().kind else {
        panic!()
    };
    assert!(matches!(inner.kind, ExprKind::Compare { .. }));
}

#[test]
fn chains_of_one_operator_are_flat() {
    let operands = |text| match parse(text, &scheme()).unwrap().kind {
        ExprKind::Logical { operands, .. } => operands.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(operands("ssl and ssl and ssl and ssl"), 4);
    assert_eq!(operands("ssl and (ssl and (ssl and ssl))"), 4);
    assert_eq!(operands("((ssl xor ssl) xor ssl) xor ssl"), 4);
    assert_eq!(operands("ssl or ssl and ssl or ssl"), 3);
    print_as(&[("(ssl or my.bool) or (ssl or my.bool)", "ssl or my.bool or ssl or my.bool")]);
}

#[test]
fn integers() {
    for (text, expected) in [
        ("0", 0),
        ("10", 10),
        ("-10", -10),
        ("-0", 0),
        ("0x0", 0),
        ("0x1f", 31),
        ("0xFF", 255),
        ("017", 15),
        ("00", 0),
        ("0777", 511),
        ("9223372036854775807", i64::MAX),
        ("-9223372036854775808", i64::MIN),
        ("0x7fffffffffffffff", i64::MAX),
    ] {
        assert_eq!(
            comparison(&format!("my.int & {text}")),
            Comparison::BitwiseAnd(expected),
            "{text}"
        );
        let set = Comparison::InInts(vec![(expected, expected)]);
        assert_eq!(comparison(&format!("my.int in {{{text}}}")), set, "{text}");
    }
    let set = Comparison::InInts(vec![(1, 1), (-20, -10), (83, 239), (5, 5)]);
    assert_eq!(comparison("my.int in {1 -20..-10 0123..0xef\n5..5}"), set);
    print_as(&[("my.int in {1 -20..-10 5..5}", "my.int in {1 -20..-10 5}"), ("my.int in {}", "")]);
}

#[test]
fn strings() {
    for (text, expected) in [
        (r#""""#, &b""[..]),
        (r#""a b""#, b"a b"),
        (r#""\"\\""#, b"\"\\"),
        (r#""\x0a\x0D\x7f\xFF""#, b"\x0a\x0d\x7f\xff"),
        (r#""\012\377\000""#, b"\n\xff\0"),
        ("\"é日本\t\n\"", "é日本\t\n".as_bytes()),
        (r#"r"""#, b""),
        (r#"r"\n\""#, b"\\n\\"),
        (r##"r#"a"b"#"##, b"a\"b"),
        (r###"r##"a"#b"##"###, b"a\"#b"),
        (r##"r#"""""#"##, b"\"\"\""),
        ("61:62", b"ab"),
        ("61-62.63:64", b"abcd"),
        ("00:FF:aB", b"\0\xff\xab"),
    ] {
        let found = comparison(&format!("my.bytes contains {text}"));
        assert_eq!(found, Comparison::Contains(expected.to_vec()), "{text}");
        let set = Comparison::InBytes(vec![expected.to_vec(), b"z".to_vec()]);
        assert_eq!(comparison(&format!("my.bytes in {{{text} \"z\"}}")), set, "{text}");
    }
    let hashes = "#".repeat(255);
    let raw = format!("my.bytes contains r{hashes}\"a\"#\"{hashes}");
    assert_eq!(comparison(&raw), Comparison::Contains(b"a\"#".to_vec()));
    print_as(&[
        (r#"my.bytes == "\x41\102C""#, r#"my.bytes == "ABC""#),
        ("my.bytes == \"\t\u{202e}é\u{1b}\"", r#"my.bytes == "\x09\xe2\x80\xaeé\x1b""#),
        (r#"my.bytes == "'""#, ""),
        (r#"my.bytes == ff:fe"#, r#"my.bytes == "\xff\xfe""#),
        (r#"my.bytes in {"a""b"r"c"}"#, r#"my.bytes in {"a" "b" "c"}"#),
    ]);
}

#[test]
fn regular_expressions_keep_their_escapes() {
    for (text, expected) in [
        (r#""\n+.""#, r"\n+."),
        (r#""\x00\d\\""#, r"\x00\d\\"),
        (r#""a\"b""#, r#"a"b"#),
        (r#""["']\"["]""#, r#"["']"["]"#),
        (r#""[\"]""#, r#"[\"]"#),
        (r#""[a-z"\]]+\d{1,10}\"""#, r#"[a-z"\]]+\d{1,10}""#),
        (r#""\[\"]""#, r#"\["]"#),
        (r##"r#"a"b\d"#"##, r#"a"b\d"#),
        (r#""(?i)(?-u)é?""#, r"(?i)(?-u)é?"),
        (r#""(?u)\p{Greek}\w""#, r"(?u)\p{Greek}\w"),
        ("\"(?x) a # c\n b\"", "(?x) a # c\n b"),
    ] {
        let found = comparison(&format!("my.bytes matches {text}"));
        assert_eq!(found, Comparison::Matches(expected.into()), "{text}");
    }
}

#[test]
fn regular_expressions_print_quoted_where_quotes_can_say_them() {
    print_as(&[
        (r#"my.bytes matches r"a\d""#, r#"my.bytes matches "a\d""#),
        (r##"my.bytes matches r#"a"b"#"##, r#"my.bytes matches "a\"b""#),
        (r##"my.bytes matches r#"["]"#"##, r#"my.bytes matches "["]""#),
        // Outside a class, quotes would take the backslash away.
        (r##"my.bytes matches r#"a\"b"#"##, ""),
        (r###"my.bytes matches r##"\"#"##"###, ""),
        // The literal's class ends at the first `]`, as in the open-source engine.
        (r##"my.bytes matches r#"[[:alpha:]"]"#"##, r#"my.bytes matches "[[:alpha:]\"]""#),
        (r#"my.bytes matches """#, ""),
    ]);
}

#[test]
fn wildcards_are_strings_first() {
    let pattern = |text: &str| match comparison(&format!("my.bytes wildcard {text}")) {
        Comparison::Wildcard { pattern, .. } => pattern,
        other => panic!("{other:?}"),
    };
    assert_eq!(pattern(r#""a*""#), b"a*");
    assert_eq!(pattern(r#""\x2a\\*""#), br"*\*");
    assert_eq!(pattern(r#"r"*\*\\""#), br"*\*\\");
    assert_eq!(pattern(r#""\xff*""#), b"\xff*");
    print_as(&[(r#"my.bytes wildcard r"\*""#, r#"my.bytes wildcard "\\*""#)]);
}

#[test]
fn addresses() {
    print_as(&[
        ("ip.src == 1.2.3.4", ""),
        ("ip.src == 2001:db8:0:0::1", "ip.src == 2001:db8::1"),
        ("ip.src == ::ffff:1.2.3.4", ""),
        ("ip.src ne ::", "ip.src != ::"),
        ("ip.src < 10.0.0.1", ""),
        ("ip.src in {10.0.0.0/8}", "ip.src in {10.0.0.0..10.255.255.255}"),
        ("ip.src in {0.0.0.0/0}", "ip.src in {0.0.0.0..255.255.255.255}"),
        ("ip.src in {::/0}", "ip.src in {::..ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff}"),
        ("ip.src in {1.2.3.4/32 ::1/128}", "ip.src in {1.2.3.4 ::1}"),
        (
            "ip.src in {2001:db8::/32}",
            "ip.src in {2001:db8::..2001:db8:ffff:ffff:ffff:ffff:ffff:ffff}",
        ),
        (
            "ip.src in {::1..::2 10.0.0.1..10.0.0.9 ::ffff:12.34.56.78/127}",
            "ip.src in {::1..::2 10.0.0.1..10.0.0.9 ::ffff:12.34.56.78..::ffff:12.34.56.79}",
        ),
        ("ip.src in {}", ""),
    ]);
}

#[test]
fn lists() {
    print_as(&[
        ("my.int in $ints", ""),
        ("ip.src in $office.ips", ""),
        ("my.bytes in $words or ssl", ""),
        ("any(my.strings[*] in $words)", ""),
    ]);
}

#[test]
fn indexes() {
    print_as(&[
        ("my.strings[0] == \"a\"", ""),
        ("my.strings[0x10] == \"a\"", "my.strings[16] == \"a\""),
        ("my.strings[4294967295] == \"a\"", ""),
        ("my.strings_by_name[\"a\\\"\"] == \"a\"", ""),
        ("my.strings_by_name[r\"a\\\"] == \"a\"", "my.strings_by_name[\"a\\\\\"] == \"a\""),
        ("my.strings_by_name[\"\\xff\"] == \"a\"", ""),
        ("any(my.strings_by_name[*] == \"a\")", ""),
        ("http.request.headers[\"host\"][0] == \"a\"", ""),
        ("any(http.request.headers[*][0] == \"a\")", ""),
        ("all(http.request.headers[*][*] == \"a\")", ""),
        ("my.tables[0][1]", ""),
        ("any(my.tables[0])", ""),
        ("any(my.tables[*][*])", ""),
        ("any(my.tables[*][0])", ""),
        ("any(my.bools_by_name[*])", ""),
        ("my.bools_by_name[\"a\"]", ""),
        ("my.bools[0]", ""),
    ]);
}

#[test]
fn quantifiers_take_any_condition_over_several_values() {
    print_as(&[
        ("any(my.bools)", ""),
        ("all(my.bools[*])", ""),
        ("any(not my.bools)", ""),
        ("any(my.bools and my.strings[*] == \"a\" or my.ints[*] in {1})", ""),
        ("any((my.strings[*] == \"a\"))", "any(my.strings[*] == \"a\")"),
        ("any(starts_with(my.strings[*], \"a\"))", ""),
        ("any(starts_with(my.strings[*], \"a\")[*])", ""),
        ("any(ends_with(my.strings[*], my.bytes))", ""),
        ("not all(not my.bools)", ""),
        ("any(my.ips[*] in {10.0.0.0/8})", "any(my.ips[*] in {10.0.0.0..10.255.255.255})"),
    ]);
    let expression = parse("any(my.strings[*] == \"a\")", &scheme()).unwrap();
    assert_eq!(expression.shape, Shape::One);
    let ExprKind::Quantified { operand, .. } = expression.kind else { panic!() };
    let ExprKind::Compare { operand: value, .. } = operand.kind else { panic!() };
    assert_eq!((operand.shape, value.shape, value.ty), (Shape::Each, Shape::Each, Type::Bytes));
}

#[test]
fn functions_are_mapped_over_their_first_argument() {
    print_as(&[
        ("any(lower(my.strings[*])[*] == \"a\")", ""),
        ("any(lower(url_decode(my.strings[*])[*])[*] contains \"a\")", ""),
        ("lower(my.strings[*])[0] == \"a\"", ""),
        ("len(lower(my.strings[*])) > 2", ""),
        ("any(len(my.strings[*])[*] > 2)", ""),
        ("any(split(my.strings[*], \",\", 3)[*][*] == \"a\")", ""),
        ("join(split(my.bytes, \",\", 128), \";\") == \"a\"", ""),
        ("any(join(http.request.headers[*], \",\")[*] == \"a\")", ""),
        ("any(to_string(my.ints[*])[*] == \"1\")", ""),
        ("substring(my.bytes, -2) == \"a\" and substring(my.bytes, 0, my.int) == \"b\"", ""),
        ("has_value(my.ints, 5) and has_value(my.ips, ::1) and has_value(my.ips, 10.0.0.1)", ""),
        ("has_value(my.ips, abcd::1) and has_value(my.strings_by_name, my.bytes)", ""),
        ("has_key(http.request.headers, lower(my.bytes))", ""),
        ("cidr(ip.src, 24, 48) in {10.0.0.0/24}", "cidr(ip.src, 24, 48) in {10.0.0.0..10.0.0.255}"),
        ("cidr6(ip.src, 48) == 2001:db8::", ""),
        ("to_string(ip.src) == \"1.2.3.4\" and to_string(ssl) == \"true\"", ""),
        ("concat(\"a\", my.bytes, r\"b\") == \"a\"", "concat(\"a\", my.bytes, \"b\") == \"a\""),
        ("concat(61:62, my.bytes) == \"a\"", "concat(\"ab\", my.bytes) == \"a\""),
        ("any(concat(my.strings, my.strings)[*] == \"a\")", ""),
        ("any(concat(my.bools, my.bools))", ""),
        ("any(concat(my.strings[*], \"/\", my.bytes)[*] == \"a\")", ""),
        ("lookup_json_integer(my.bytes, \"a\", 0, \"b\") == 1", ""),
        ("lookup_json_string(my.bytes, 4294967295) == \"a\"", ""),
        ("regex_replace(\"/foo\", \"^/(f)\", \"${1}$$\") == \"a\"", ""),
        ("wildcard_replace(my.bytes, \"/*/*\", \"${2}/${1}\", \"s\") == \"a\"", ""),
        ("url_decode(my.bytes, \"ur\") == \"a\" and url_decode(my.bytes, \"\") == \"\"", ""),
        ("encode_base64(sha256(my.bytes), \"up\") == \"a\"", ""),
        ("bit_slice(my.bytes, 0, 32) == 1", ""),
        ("remove_query_args(raw.http.request.uri.query, \"a\", \"b\") == \"\"", ""),
        (
            "is_timed_hmac_valid_v0(\"k\", http.request.uri, 10, http.request.timestamp.sec, 8, \"s\")",
            "",
        ),
        ("not is_timed_hmac_valid_v0(\"k\", concat(http.request.uri, \"-\"), 10, 1484063787)", ""),
        ("uuidv4(my.bytes) == \"a\" or sha512(\"a\") == \"b\" or upper(my.bytes) == \"A\"", ""),
        ("remove_bytes(my.bytes, \"\\x00\") == \"a\" or decode_base64(my.bytes) == \"\"", ""),
    ]);
}

#[test]
fn the_example_of_the_article_parses() {
    print_as(&[(
        r#"http.request.version eq "HTTP/1.1" and
  (http.request.uri.path matches "\n+." or
   http.request.uri.query matches "\x00+.")"#,
        r#"http.request.version == "HTTP/1.1" and (http.request.uri.path matches "\n+." or http.request.uri.query matches "\x00+.")"#,
    )]);
}
