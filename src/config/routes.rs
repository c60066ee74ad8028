//! `enforcement` and `[[routes]]`: what is asked on which path.

use http::Method;

use super::fault::Faults;
use super::schema::{Mode, RouteTable};
use crate::route::{Enforcement, Route, Routes};

impl From<Mode> for Enforcement {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Enforce => Self::Enforce,
            Mode::ReportOnly => Self::ReportOnly,
            Mode::Exempt => Self::Exempt,
        }
    }
}

pub(super) fn routes(rest: Mode, tables: &[RouteTable], faults: &mut Faults<'_>) -> Option<Routes> {
    let rest = faults.take("enforcement", Routes::new(rest.into()));
    let mut routes = rest.clone().unwrap_or_default();
    for (place, table) in tables.iter().enumerate() {
        let at = format!("routes[{place}]");
        let Some((key, route)) = route(table, &at, faults) else { continue };
        match routes.clone().with(route) {
            Ok(more) => routes = more,
            Err(error) => faults.add_error(&format!("{at}.{key}"), &error),
        }
    }
    rest.map(|_| routes)
}

/// A route, and the key that names its path.
fn route(table: &RouteTable, at: &str, faults: &mut Faults<'_>) -> Option<(&'static str, Route)> {
    let methods = methods(table, at, faults);
    let Some(mode) = table.enforcement else {
        let fault = "this route does not say what is asked on it";
        let way_out = "write enforcement = \"enforce\", \"report-only\" or \"exempt\"";
        faults.add(&format!("{at}.enforcement"), fault, way_out);
        return None;
    };
    let (key, route) = match (&table.path, &table.prefix) {
        (Some(path), None) => ("path", Route::exact(path, mode.into())),
        (None, Some(prefix)) => {
            refuse_everything(prefix, mode, at, faults);
            ("prefix", Route::prefix(prefix, mode.into()))
        }
        (None, None) => {
            faults.add(
                at,
                "this route has no path",
                "write path = \"/health\", or prefix = \"/assets/\"",
            );
            return None;
        }
        (Some(_), Some(_)) => {
            let fault = "a route has a `path` or a `prefix`, and not both";
            faults.add(&format!("{at}.prefix"), fault, "make two routes of it");
            return None;
        }
    };
    let route = faults.take(&format!("{at}.{key}"), route)?;
    Some((key, methods.into_iter().fold(route, Route::method)))
}

/// A loosened `/` is the loosening of everything, which has a place of its own.
fn refuse_everything(prefix: &str, mode: Mode, at: &str, faults: &mut Faults<'_>) {
    let at = format!("{at}.prefix");
    match mode {
        Mode::Exempt if prefix == "/" => faults.add(
            &at,
            "every path begins with /: everything would be exempt, and nothing verified",
            "exempt single paths",
        ),
        Mode::ReportOnly if prefix == "/" => faults.add(
            &at,
            "every path begins with /: everybody would get through everywhere",
            "say so where it is seen: enforcement = \"report-only\" in the first lines",
        ),
        _ => {}
    }
}

fn methods(table: &RouteTable, at: &str, faults: &mut Faults<'_>) -> Vec<Method> {
    let Some(names) = &table.methods else {
        return Vec::new();
    };
    if names.is_empty() {
        let fault = "a route for no method holds for no request";
        faults.add(&format!("{at}.methods"), fault, "leave `methods` out for any method");
    }
    let mut methods = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let at = format!("{at}.methods[{place}]");
        let is_lower = name.bytes().any(|byte| byte.is_ascii_lowercase());
        match Method::from_bytes(name.as_bytes()) {
            Ok(_) if is_lower => faults.add(
                &at,
                format!("the method {name:?} is not one that clients send: case counts"),
                format!("write \"{}\"", name.to_ascii_uppercase()),
            ),
            Ok(method) => methods.push(method),
            Err(_) => faults.add(
                &at,
                format!("the method {name:?} is not one"),
                "write it as it is sent, such as \"GET\"",
            ),
        }
    }
    methods
}
