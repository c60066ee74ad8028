//! Runs a CloudFront Function: the file as it is, in QuickJS instead of at an edge location.
//!
//! Each run has a runtime of its own, so nothing is left for the next one, and limits that stand for
//! CloudFront's. What the function asks of CloudFront is in `runtime.js`; the MAC is computed here.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use rquickjs::prelude::Func;
use rquickjs::{
    CatchResultExt, Context, Ctx, Function as JsFunction, Module, Object, Promise, Runtime,
};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The edge signer, byte for byte what is published to CloudFront.
pub(super) const EDGE_SIGNER: &str = include_str!("../../../../edge/cloudfront-function/index.js");

const RUNTIME: &str = include_str!("runtime.js");

/// What CloudFront allows a function (`Maximum memory`, 2 MB); the engine itself is in it here.
const MEMORY_BYTES: usize = 2 * 1024 * 1024;

/// Enough for any sane function, and far below the stack of the thread.
const STACK_BYTES: usize = 256 * 1024;

/// CloudFront stops a function after about 1 ms of processor time. This is wall-clock time, on a
/// machine that is busy with other things, and it covers starting the engine.
const RUN_TIME: Duration = Duration::from_millis(500);

/// A function as it is set up at the edge.
#[derive(Clone)]
pub(super) struct Function {
    /// Its source. CloudFront calls its global `handler`.
    pub(super) code: &'static str,
    /// The key-value store that it is associated with.
    pub(super) kvs: BTreeMap<String, String>,
    /// What its `Date` says, in Unix seconds; the system's clock if absent.
    pub(super) now: Option<i64>,
}

/// What CloudFront hands to a viewer-request function.
#[derive(Serialize)]
pub(super) struct Event {
    pub(super) version: &'static str,
    pub(super) context: EventContext,
    pub(super) viewer: Viewer,
    pub(super) request: EventRequest,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventContext {
    pub(super) distribution_domain_name: &'static str,
    pub(super) distribution_id: &'static str,
    pub(super) event_type: &'static str,
    pub(super) request_id: String,
}

#[derive(Serialize)]
pub(super) struct Viewer {
    pub(super) ip: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventRequest {
    pub(super) method: String,
    pub(super) uri: String,
    /// A method in the function's eyes; it returns undefined for `None`.
    pub(super) raw_query_string: Option<String>,
    pub(super) querystring: Fields,
    pub(super) headers: Fields,
    pub(super) cookies: Fields,
}

/// Headers, cookies or query parameters by name.
pub(super) type Fields = BTreeMap<String, Field>;

/// A value, and all of them where there are several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Field {
    pub(super) value: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) multi_value: Vec<OneValue>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OneValue {
    pub(super) value: String,
}

/// Puts one more value into `fields`, as CloudFront does: the first is `value`.
pub(super) fn add_field(fields: &mut Fields, name: &str, value: &str) {
    let one = OneValue { value: value.to_owned() };
    match fields.get_mut(name) {
        None => {
            fields.insert(name.to_owned(), Field { value: one.value, multi_value: Vec::new() });
        }
        Some(field) => {
            if field.multi_value.is_empty() {
                field.multi_value.push(OneValue { value: field.value.clone() });
            }
            field.multi_value.push(one);
        }
    }
}

/// What the function made of the event.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Answer {
    /// A response: the request goes no further.
    #[serde(rename_all = "camelCase")]
    Response {
        status_code: u16,
        #[serde(default)]
        headers: Fields,
    },
    /// The request, as it goes on to the origin.
    Request { headers: Fields },
}

/// A function that failed altogether. CloudFront answers 503.
#[derive(Debug, thiserror::Error)]
#[error("the edge function failed: {0}")]
pub(super) struct Fault(String);

impl Function {
    /// Runs the function over one event. Blocks for a few milliseconds.
    ///
    /// Returns its answer and the lines that it logged.
    pub(super) fn run(&self, event: &Event) -> Result<(Answer, Vec<String>), Fault> {
        let fault = |error: &dyn ToString| Fault(error.to_string());
        let event = serde_json::to_string(event).map_err(|error| fault(&error))?;
        let settings = serde_json::json!({ "kvs": self.kvs, "now": self.now }).to_string();

        let runtime = Runtime::new().map_err(|error| fault(&error))?;
        runtime.set_memory_limit(MEMORY_BYTES);
        runtime.set_max_stack_size(STACK_BYTES);
        runtime.set_interrupt_handler(Some(Box::new(after(RUN_TIME))));
        let context = Context::full(&runtime).map_err(|error| fault(&error))?;
        let log = Rc::default();
        let answer = context.with(|ctx| {
            let answer = self.invoke(&ctx, settings, event, &log);
            answer.catch(&ctx).map_err(|error| fault(&error))
        })?;
        let answer = serde_json::from_str(&answer).map_err(|error| fault(&error))?;
        Ok((answer, log.take()))
    }

    fn invoke(
        &self,
        ctx: &Ctx<'_>,
        settings: String,
        event: String,
        log: &Rc<RefCell<Vec<String>>>,
    ) -> rquickjs::Result<String> {
        ctx.globals().set("wafpassHost", host(ctx, settings, Rc::clone(log))?)?;
        let (runtime, loaded) = Module::declare(ctx.clone(), "runtime", RUNTIME)?.eval()?;
        loaded.finish::<()>()?;
        for name in ["crypto", "cloudfront"] {
            let source = format!("export {{ {name} as default }} from 'runtime';");
            Module::declare(ctx.clone(), name, source)?;
        }
        // CloudFront finds `handler` by its name; a module has to say that it gives it away.
        let code = format!("{}\nexport {{ handler }};\n", self.code);
        let (function, loaded) = Module::declare(ctx.clone(), "function", code)?.eval()?;
        loaded.finish::<()>()?;
        let handler: JsFunction<'_> = function.get("handler")?;
        let invoke: JsFunction<'_> = runtime.get("invoke")?;
        invoke.call::<_, Promise<'_>>((handler, event))?.finish()
    }
}

/// What `runtime.js` gets from Rust. Bytes cross the border as base64.
fn host<'js>(
    ctx: &Ctx<'js>,
    settings: String,
    log: Rc<RefCell<Vec<String>>>,
) -> rquickjs::Result<Object<'js>> {
    let host = Object::new(ctx.clone())?;
    host.set("settings", settings)?;
    host.set("log", Func::from(move |line: String| log.borrow_mut().push(line)))?;
    host.set("utf8", Func::from(|text: String| Base64::encode_string(text.as_bytes())))?;
    host.set("text", Func::from(|bytes: String| text(&bytes)))?;
    host.set("hmac", Func::from(|key: String, message: String| hmac_sha256(&key, &message)))?;
    Ok(host)
}

fn text(bytes: &str) -> Option<String> {
    Some(String::from_utf8_lossy(&Base64::decode_vec(bytes).ok()?).into_owned())
}

fn hmac_sha256(key: &str, message: &str) -> Option<String> {
    let (key, message) = (Base64::decode_vec(key).ok()?, Base64::decode_vec(message).ok()?);
    let mac = Hmac::<Sha256>::new_from_slice(&key).ok()?.chain_update(&message);
    Some(Base64::encode_string(&mac.finalize().into_bytes()))
}

/// Says whether `limit` has passed since it was made.
#[expect(
    clippy::disallowed_methods,
    reason = "a deadline for the engine; no decision on a request"
)]
fn after(limit: Duration) -> impl FnMut() -> bool {
    let started = Instant::now();
    move || started.elapsed() > limit
}

#[cfg(test)]
mod tests;
