//! Fields and lists that an application adds.

use wafpass::rules::functions::Function;
use wafpass::rules::{Knows, List, Scheme, SchemeError, Type, parse};

#[test]
fn fields_are_registered_once_under_names_that_are_names() {
    let mut scheme = Scheme::default();
    let id = scheme.register("cf.bot_management.score", Type::Int).unwrap();
    let field = scheme.field_at(id).unwrap();
    assert_eq!(
        (field.name(), field.ty(), field.knows()),
        ("cf.bot_management.score", &Type::Int, Knows::Application)
    );
    assert!(parse("cf.bot_management.score lt 30", &scheme).is_ok());
    for (name, expected) in [
        ("cf.bot_management.score", SchemeError::FieldTaken),
        ("http.host", SchemeError::FieldTaken),
        ("", SchemeError::FieldName),
        (".a", SchemeError::FieldName),
        ("a.", SchemeError::FieldName),
        ("a..b", SchemeError::FieldName),
        ("a-b", SchemeError::FieldName),
        ("a b", SchemeError::FieldName),
        ("1a", SchemeError::FieldName),
        ("a.1", SchemeError::FieldName),
        ("é", SchemeError::FieldName),
        ("not", SchemeError::Reserved),
        ("any", SchemeError::Reserved),
        ("xor", SchemeError::Reserved),
        ("lower", SchemeError::Reserved),
        ("true", SchemeError::Reserved),
    ] {
        assert_eq!(scheme.register(name, Type::Bool), Err(expected), "{name}");
    }
    assert_eq!(scheme.register(&"a".repeat(129), Type::Bool), Err(SchemeError::FieldName));
    let deep = Type::Bytes.array().array().array().map();
    assert_eq!(scheme.register("a", deep), Err(SchemeError::TypeDepth));
    assert!(scheme.register("a", Type::Bytes.array().array().map()).is_ok());
}

#[test]
fn a_scheme_has_room_for_so_many() {
    let mut scheme = Scheme::default();
    let room = 1_024 - scheme.fields().count();
    for number in 0..room {
        scheme.register(&format!("my.f{number}"), Type::Bool).unwrap();
    }
    assert_eq!(scheme.register("my.last", Type::Bool), Err(SchemeError::Fields));
}

#[test]
fn lists_are_added_once_under_names_that_are_names() {
    let mut scheme = Scheme::default();
    scheme.add_list("cf.botnets_2", List::Ints(vec![(1, 1)])).unwrap();
    let descending = List::Ips(vec![([10, 0, 0, 9].into(), [10, 0, 0, 1].into())]);
    let mixed = List::Ips(vec![([10, 0, 0, 9].into(), "::1".parse().unwrap())]);
    for (name, list, expected) in [
        ("cf.botnets_2", List::Bytes(vec![]), SchemeError::ListTaken),
        ("", List::Bytes(vec![]), SchemeError::ListName),
        ("A", List::Bytes(vec![]), SchemeError::ListName),
        ("a-b", List::Bytes(vec![]), SchemeError::ListName),
        (".a", List::Bytes(vec![]), SchemeError::ListName),
        ("a.", List::Bytes(vec![]), SchemeError::ListName),
        ("a", List::Ints(vec![(2, 1)]), SchemeError::ListOrder),
        ("a", descending, SchemeError::ListOrder),
        ("a", mixed, SchemeError::ListOrder),
        ("a", List::Ints(vec![(1, 1); 100_001]), SchemeError::ListElements),
    ] {
        assert_eq!(scheme.add_list(name, list), Err(expected), "{name}");
    }
    assert!(scheme.list("nowhere").is_none());
    let (id, _) = scheme.list("cf.botnets_2").unwrap();
    assert_eq!(scheme.list_at(id).unwrap().0, "cf.botnets_2");
}

#[test]
fn every_error_has_a_fault_and_a_way_out() {
    for error in [
        SchemeError::FieldName,
        SchemeError::Reserved,
        SchemeError::FieldTaken,
        SchemeError::TypeDepth,
        SchemeError::Fields,
        SchemeError::ListName,
        SchemeError::ListTaken,
        SchemeError::ListOrder,
        SchemeError::ListElements,
        SchemeError::Lists,
    ] {
        assert_eq!(error.to_string().lines().count(), 2, "{error}");
    }
}

#[test]
fn every_name_is_a_name_of_its_own() {
    let scheme = Scheme::default();
    for function in Function::ALL {
        assert_eq!(Function::from_name(function.name()), Some(*function));
        assert_eq!(function.signature().function, *function);
        assert!(scheme.field(function.name()).is_none());
    }
    let mut names: Vec<_> = scheme.fields().map(|(_, field)| field.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), scheme.fields().count());
}
