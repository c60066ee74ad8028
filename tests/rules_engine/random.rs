//! Rules and requests at random, from few words, so that they meet.

use std::net::IpAddr;

use proptest::prelude::*;
use wafpass::rules::{Facts, List, Map, Scheme, Type, Value};

/// One field of each type that matters, and a list of each kind.
pub(crate) fn scheme() -> Scheme {
    let mut scheme = Scheme::default();
    let bytes = || Type::Bytes;
    for (name, ty) in [
        ("my.flag", Type::Bool),
        ("my.int", Type::Int),
        ("my.s", bytes()),
        ("my.t", bytes()),
        ("my.ip", Type::Ip),
        ("my.list", bytes().array()),
        ("my.ints", Type::Int.array()),
        ("my.flags", Type::Bool.array()),
        ("my.map", bytes().map()),
        ("my.multi", bytes().array().map()),
        ("my.nested", bytes().array().array()),
    ] {
        scheme.register(name, ty).unwrap();
    }
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    scheme.add_list("ints", List::Ints(vec![(1, 2), (5, 9)])).unwrap();
    scheme
        .add_list("ips", List::Ips(vec![(ip("10.0.0.0"), ip("10.0.0.1")), (ip("::1"), ip("::2"))]))
        .unwrap();
    scheme.add_list("bytes", List::Bytes(vec![b"ab".to_vec(), b"".to_vec()])).unwrap();
    scheme
}

/// Texts that functions have something to do with.
fn word() -> BoxedStrategy<String> {
    prop_oneof![
        8 => "[abAB%,+]{0,5}",
        1 => "(%[46][12]|%2[5C0]|[ab]){0,4}",
        1 => Just(r#"{"a":"ab","b":[1,"A\u0062"],"a,":7}"#.to_owned()),
        1 => Just("YWI=".to_owned()),
        1 => Just("https://a.b/ab?a=b&b=a".to_owned()),
    ]
    .boxed()
}

fn bytes() -> BoxedStrategy<Value<'static>> {
    prop_oneof![9 => word().prop_map(String::into_bytes), 1 => prop::collection::vec(any::<u8>(), 0..4)]
        .prop_map(|bytes| Value::Bytes(bytes.into()))
        .boxed()
}

fn array(of: BoxedStrategy<Value<'static>>) -> BoxedStrategy<Value<'static>> {
    prop::collection::vec(of, 0..4).prop_map(Value::Array).boxed()
}

fn map(of: BoxedStrategy<Value<'static>>) -> BoxedStrategy<Value<'static>> {
    prop::collection::vec(("[ab]", of), 0..3)
        .prop_map(|members| {
            let mut map = Map::new();
            members.into_iter().for_each(|(key, value)| map.insert(key.into_bytes(), value));
            Value::Map(map)
        })
        .boxed()
}

/// A value for each field, or none.
pub(crate) fn facts() -> impl Strategy<Value = Facts<'static>> {
    let ips =
        ["10.0.0.1", "10.0.0.2", "::1", "2001:db8::7"].map(|ip| ip.parse::<IpAddr>().unwrap());
    let values = [
        ("my.flag", any::<bool>().prop_map(Value::Bool).boxed()),
        ("my.int", (-3_i64..9).prop_map(Value::Int).boxed()),
        ("my.s", bytes()),
        ("my.t", bytes()),
        ("my.ip", prop::sample::select(ips.to_vec()).prop_map(Value::Ip).boxed()),
        ("my.list", array(bytes())),
        ("my.ints", array((-3_i64..9).prop_map(Value::Int).boxed())),
        ("my.flags", array(any::<bool>().prop_map(Value::Bool).boxed())),
        ("my.map", map(bytes())),
        ("my.multi", map(array(bytes()))),
        ("my.nested", array(array(bytes()))),
    ];
    let (names, values): (Vec<_>, Vec<_>) = values.into_iter().unzip();
    let values: Vec<_> =
        values.into_iter().map(|value| prop::option::weighted(0.9, value)).collect();
    values.prop_map(move |values| {
        let scheme = scheme();
        let mut facts = Facts::unknown(&scheme);
        for (name, value) in names.iter().zip(values) {
            if let Some(value) = value {
                facts.set(&scheme, scheme.field(name).unwrap().0, value).unwrap();
            }
        }
        facts
    })
}

/// A literal that values are likely to have.
fn literal() -> BoxedStrategy<String> {
    prop_oneof![3 => "[abAB]{0,2}", 1 => "[ab%,+]{1,3}"]
        .prop_map(|word| format!("\"{word}\""))
        .boxed()
}

fn one_of(texts: &[&str]) -> BoxedStrategy<String> {
    prop::sample::select(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).boxed()
}

fn int() -> BoxedStrategy<String> {
    (-3_i64..9).prop_map(|int| int.to_string()).boxed()
}

/// An operand of type Bytes.
fn one_bytes(depth: u32) -> BoxedStrategy<String> {
    let fields = one_of(&[
        "my.s",
        "my.s",
        "my.t",
        "my.list[0]",
        "my.list[2]",
        r#"my.map["a"]"#,
        r#"my.multi["a"][0]"#,
        "my.nested[0][1]",
    ]);
    if depth == 0 {
        return fields;
    }
    let inner = || one_bytes(depth - 1);
    prop_oneof![
        4 => fields,
        1 => inner().prop_map(|a| format!("lower({a})")),
        1 => inner().prop_map(|a| format!("upper({a})")),
        1 => (inner(), inner()).prop_map(|(a, b)| format!("concat({a}, \"x\", {b})")),
        1 => (inner(), int()).prop_map(|(a, start)| format!("substring({a}, {start})")),
        1 => (inner(), int(), int()).prop_map(|(a, start, end)| format!("substring({a}, {start}, {end})")),
        1 => inner().prop_map(|a| format!("remove_bytes({a}, \"aB\")")),
        1 => inner().prop_map(|a| format!("url_decode({a})")),
        1 => inner().prop_map(|a| format!("url_decode({a}, \"r\")")),
        1 => many(depth - 1).prop_map(|a| format!("join({a}, \",\")")),
        1 => (inner(), 0..3).prop_map(|(a, at)| format!("split({a}, \",\", 3)[{at}]")),
        1 => inner().prop_map(|a| format!("regex_replace({a}, \"a(b*)\", \"<${{1}}>\")")),
        1 => inner().prop_map(|a| format!("wildcard_replace({a}, \"*a*\", \"${{2}}x${{1}}\")")),
        1 => inner().prop_map(|a| format!("encode_base64({a})")),
        1 => inner().prop_map(|a| format!("decode_base64({a})")),
        1 => inner().prop_map(|a| format!("sha256({a})")),
        1 => inner().prop_map(|a| format!("lookup_json_string({a}, \"a\")")),
        1 => inner().prop_map(|a| format!("lookup_json_string({a}, \"b\", 1)")),
        1 => one_int(depth - 1).prop_map(|a| format!("to_string({a})")),
        1 => Just("to_string(cidr(my.ip, 24, 64))".to_owned()),
        1 => Just("to_string(my.flag)".to_owned()),
    ]
    .boxed()
}

/// An operand of type Int.
fn one_int(depth: u32) -> BoxedStrategy<String> {
    let fields = one_of(&["my.int", "my.int", "my.ints[0]"]);
    if depth == 0 {
        return fields;
    }
    prop_oneof![
        2 => fields,
        1 => one_bytes(depth - 1).prop_map(|a| format!("len({a})")),
        1 => many(depth - 1).prop_map(|a| format!("len({a})")),
        1 => one_bytes(depth - 1).prop_map(|a| format!("lookup_json_integer({a}, \"b\", 0)")),
        1 => one_bytes(depth - 1).prop_map(|a| format!("bit_slice({a}, 2, 9)")),
    ]
    .boxed()
}

/// An operand of type Array(Bytes).
fn many(depth: u32) -> BoxedStrategy<String> {
    let fields = one_of(&["my.list", "my.list", r#"my.multi["a"]"#, "my.nested[0]"]);
    if depth == 0 {
        return fields;
    }
    prop_oneof![
        3 => fields,
        1 => one_bytes(depth - 1).prop_map(|a| format!("split({a}, \",\", 3)")),
        1 => (many(depth - 1), many(depth - 1)).prop_map(|(a, b)| format!("concat({a}, {b})")),
        1 => each_bytes(depth - 1).prop_map(|a| format!("lower({a})")),
        1 => each_bytes(depth - 1).prop_map(|a| format!("url_decode({a}, \"r\")")),
        1 => each_bytes(depth - 1).prop_map(|a| format!("concat({a}, \"x\", my.t)")),
        1 => each_bytes(depth - 1).prop_map(|a| format!("lookup_json_string({a}, \"a\")")),
    ]
    .boxed()
}

/// An operand of several values of type Bytes.
fn each_bytes(depth: u32) -> BoxedStrategy<String> {
    let fields = one_of(&[
        "my.list[*]",
        "my.list[*]",
        "my.map[*]",
        r#"my.multi["a"][*]"#,
        "my.multi[*][0]",
        "my.multi[*][*]",
        "my.nested[*][*]",
        "my.nested[*][1]",
    ]);
    if depth == 0 {
        return fields;
    }
    prop_oneof![
        2 => fields,
        1 => many(depth - 1).prop_map(|a| format!("{a}[*]")),
        1 => each_bytes(depth - 1).prop_map(|a| format!("split({a}, \",\", 2)[*][*]")),
        1 => each_bytes(depth - 1).prop_map(|a| format!("split({a}, \",\", 2)[*][1]")),
    ]
    .boxed()
}

/// What bytes are compared with.
fn of_bytes() -> BoxedStrategy<String> {
    prop_oneof![
        3 => literal().prop_map(|it| format!("contains {it}")),
        2 => (one_of(&["==", "ne", "lt", "le", "gt", "ge"]), literal()).prop_map(|(op, it)| format!("{op} {it}")),
        1 => literal().prop_map(|it| format!("== {it}")),
        2 => one_of(&["a+b", "(?i)a.", "^b", "b*", "a|b%", "(?i)AB|B", "^$", "[ab]{2}$"])
            .prop_map(|it| format!("matches \"{it}\"")),
        1 => one_of(&["*a*", "a*", "*B", "", "a*b"]).prop_map(|it| format!("wildcard \"{it}\"")),
        1 => one_of(&["*a*", "A*", "*B"]).prop_map(|it| format!("strict wildcard \"{it}\"")),
        1 => (literal(), literal()).prop_map(|(a, b)| format!("in {{{a} {b}}}")),
        1 => Just("in $bytes".to_owned()),
    ]
    .boxed()
}

fn of_int() -> BoxedStrategy<String> {
    prop_oneof![
        (one_of(&["==", "ne", "lt", "le", "gt", "ge", "&"]), int())
            .prop_map(|(op, it)| format!("{op} {it}")),
        Just("in {1..3 7}".to_owned()),
        Just("in $ints".to_owned()),
    ]
    .boxed()
}

fn of_ip() -> BoxedStrategy<String> {
    one_of(&["== 10.0.0.1", "ne ::1", "lt 10.0.0.2", "ge ::1", "in {10.0.0.0/31 ::1}", "in $ips"])
}

/// A comparison with one answer.
fn one_test() -> BoxedStrategy<String> {
    let ends = one_of(&["starts_with", "ends_with"]);
    prop_oneof![
        6 => (one_bytes(2), of_bytes()).prop_map(|(a, b)| format!("{a} {b}")),
        2 => (one_int(2), of_int()).prop_map(|(a, b)| format!("{a} {b}")),
        1 => of_ip().prop_map(|test| format!("my.ip {test}")),
        1 => of_ip().prop_map(|test| format!("cidr(my.ip, 31, 127) {test}")),
        1 => one_of(&["my.flag", "my.flags[1]", r#"has_key(my.multi, "a")"#, "has_key(my.map, my.s)"]),
        1 => (ends, one_bytes(1), literal()).prop_map(|(end, a, b)| format!("{end}({a}, {b})")),
        1 => (many(1), literal()).prop_map(|(a, b)| format!("has_value({a}, {b})")),
        1 => Just("has_value(my.map, my.s)".to_owned()),
        1 => Just("has_value(my.ints, my.int)".to_owned()),
    ]
    .boxed()
}

/// A comparison with an answer for each element.
fn each_test() -> BoxedStrategy<String> {
    prop_oneof![
        6 => (each_bytes(2), of_bytes()).prop_map(|(a, b)| format!("{a} {b}")),
        1 => of_int().prop_map(|b| format!("my.ints[*] {b}")),
        1 => (each_bytes(1), of_int()).prop_map(|(a, b)| format!("len({a})[*] {b}")),
        1 => one_of(&["my.flags", "my.flags[*]", r#"starts_with(my.list[*], "a")"#, r#"has_value(my.multi[*], "a")[*]"#]),
    ]
    .boxed()
}

fn logic(leaf: BoxedStrategy<String>, levels: u32) -> BoxedStrategy<String> {
    leaf.prop_recursive(levels, 12, 3, |inner| {
        let op = one_of(&["and", "or", "xor", "&&", "||", "^^"]);
        prop_oneof![
            3 => (op, prop::collection::vec(inner.clone(), 2..4))
                .prop_map(|(op, operands)| format!("({})", operands.join(&format!(" {op} ")))),
            1 => inner.prop_map(|operand| format!("not {operand}")),
        ]
    })
    .boxed()
}

/// A whole rule.
pub(crate) fn condition() -> BoxedStrategy<String> {
    let each = logic(each_test(), 2);
    let quantified =
        (one_of(&["any", "all"]), each).prop_map(|(word, each)| format!("{word}({each})"));
    logic(prop_oneof![2 => one_test(), 1 => quantified].boxed(), 3)
}
