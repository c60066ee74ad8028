//! Makes the evaluator without a tracer, which `benches/rules` counts the instructions of beside the real one.
//!
//! The engine's source is put into one file, and into it the evaluator's source once more, with everything
//! about tracers taken out: the type parameter, the argument, every call of it, and every type of it, which
//! becomes `()`. Nobody writes that twin by hand, so it cannot be made to look worse than it has to be, or fall
//! behind.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Expr, ExprPath, File, FnArg, GenericArgument, GenericParam, Generics, Item, Pat, PathArguments,
    Signature, Type, WherePredicate, parse_quote,
};

/// What the evaluator does without: reading files and requests, and sets of rules.
const LEFT_OUT: [&str; 4] = ["prefilter", "request", "rule_file", "rule_set"];

fn main() {
    let source = Path::new("../src/rules");
    println!("cargo::rerun-if-changed={}", source.display());
    println!("cargo::rerun-if-changed=build.rs");
    let mut engine = inlined(&source.join("mod.rs"), source);
    add_twin(&mut engine, &source.join("eval"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo sets it")).join("engine.rs");
    // As a module: a file that is included cannot begin with documentation of its own.
    let items = &engine.items;
    let text = quote::quote!(#[allow(warnings, clippy::all)] pub mod rules { #(#items)* });
    fs::write(out, text.to_string()).expect("a folder to write to");
}

/// A source file with its modules in it, and without its tests.
fn inlined(path: &Path, folder: &Path) -> File {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut file =
        syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file.attrs.clear();
    file.items.retain(|item| !is_test(item) && !is_left_out(item));
    for item in &mut file.items {
        let Item::Mod(module) = item else { continue };
        if module.content.is_some() {
            continue;
        }
        let name = module.ident.to_string();
        let (own, beside) = (folder.join(&name).join("mod.rs"), folder.join(format!("{name}.rs")));
        let path = if own.exists() { own } else { beside };
        let content = inlined(&path, &folder.join(&name));
        module.semi = None;
        module.content = Some((Default::default(), content.items));
    }
    file
}

fn is_test(item: &Item) -> bool {
    let attributes = match item {
        Item::Mod(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        _ => return false,
    };
    let tests =
        |attribute: &syn::Attribute| attribute.to_token_stream().to_string().contains("cfg (test)");
    attributes.iter().any(tests)
}

fn is_left_out(item: &Item) -> bool {
    match item {
        Item::Mod(module) => LEFT_OUT.contains(&module.ident.to_string().as_str()),
        Item::Use(item) => {
            let text = item.tree.to_token_stream().to_string();
            LEFT_OUT.iter().any(|name| text.starts_with(&format!("self :: {name} ::")))
        }
        _ => false,
    }
}

/// Puts the twin into the module of the evaluator, where it can see what the evaluator sees.
fn add_twin(engine: &mut File, folder: &Path) {
    let mut root = inlined(&folder.join("mod.rs"), folder);
    // The record, and who asks for it.
    let is_of_records = |item: &Item| match item {
        Item::Mod(module) => {
            ["compose", "recorder", "test", "tracer"].iter().any(|name| module.ident == name)
        }
        Item::Impl(_) => true,
        Item::Use(item) => {
            let text = item.tree.to_token_stream().to_string();
            [
                "self :: recorder",
                "self :: tracer",
                "self :: flow :: element",
                "crate :: rules :: trace",
            ]
            .iter()
            .any(|path| text.starts_with(path))
        }
        _ => false,
    };
    root.items.retain(|item| !is_of_records(item));
    Strip.visit_file_mut(&mut root);
    let items = &root.items;
    let twin: Item = parse_quote! {
        pub mod twin {
            mod test { pub(in crate::rules::eval) use crate::rules::eval::test::*; }
            mod tracer {
                pub(super) trait Tracer {}
                pub(super) type Subject<'v> =
                    (super::flow::Flow<'v>, (), Option<std::ops::Range<usize>>);
            }
            /// Whether the condition holds.
            pub fn run(program: &Program, facts: &Facts<'_>) -> bool {
                holds(&program.root, facts).0
            }
            #(#items)*
        }
    };
    let eval = engine.items.iter_mut().find_map(|item| match item {
        Item::Mod(module) if module.ident == "eval" => Some(module),
        _ => None,
    });
    let eval = eval.expect("the engine has an evaluator");
    eval.vis = parse_quote!(pub);
    eval.content.as_mut().expect("inlined").1.push(twin);
}

/// Takes out everything about tracers.
struct Strip;

const TRACER: &str = "T";
const ARGUMENT: &str = "tracer";

fn begins_with_tracer(path: &syn::Path) -> bool {
    path.segments.first().is_some_and(|segment| segment.ident == TRACER)
}

fn is_argument(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(path) if path.path.is_ident(ARGUMENT))
}

impl VisitMut for Strip {
    fn visit_generics_mut(&mut self, generics: &mut Generics) {
        let is_tracer = |parameter: &GenericParam| matches!(parameter, GenericParam::Type(it) if it.ident == TRACER);
        generics.params =
            std::mem::take(&mut generics.params).into_iter().filter(|it| !is_tracer(it)).collect();
        if let Some(clause) = &mut generics.where_clause {
            let is_of_tracer = |predicate: &WherePredicate| match predicate {
                WherePredicate::Type(it) => it.bounded_ty.to_token_stream().to_string() == TRACER,
                _ => false,
            };
            let predicates = std::mem::take(&mut clause.predicates).into_iter();
            clause.predicates = predicates.filter(|it| !is_of_tracer(it)).collect();
        }
        visit_mut::visit_generics_mut(self, generics);
    }

    fn visit_path_arguments_mut(&mut self, arguments: &mut PathArguments) {
        if let PathArguments::AngleBracketed(given) = arguments {
            let is_tracer =
                |argument: &GenericArgument| argument.to_token_stream().to_string() == TRACER;
            given.args =
                std::mem::take(&mut given.args).into_iter().filter(|it| !is_tracer(it)).collect();
            if given.args.is_empty() {
                *arguments = PathArguments::None;
                return;
            }
        }
        visit_mut::visit_path_arguments_mut(self, arguments);
    }

    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::Path(path) = ty {
            let by_trait =
                path.qself.as_ref().is_some_and(|it| it.ty.to_token_stream().to_string() == TRACER);
            if by_trait || begins_with_tracer(&path.path) {
                *ty = parse_quote!(());
                return;
            }
        }
        visit_mut::visit_type_mut(self, ty);
    }

    fn visit_signature_mut(&mut self, signature: &mut Signature) {
        let is_tracer = |input: &FnArg| match input {
            FnArg::Typed(input) => {
                matches!(&*input.pat, Pat::Ident(name) if name.ident == ARGUMENT)
            }
            FnArg::Receiver(_) => false,
        };
        let inputs = std::mem::take(&mut signature.inputs).into_iter();
        signature.inputs = inputs.filter(|input| !is_tracer(input)).collect();
        visit_mut::visit_signature_mut(self, signature);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Call(call) => {
                if matches!(&*call.func, Expr::Path(path) if begins_with_tracer(&path.path)) {
                    *expr = parse_quote!(());
                    return;
                }
                let arguments: Punctuated<_, _> = std::mem::take(&mut call.args);
                call.args =
                    arguments.into_iter().filter(|argument| !is_argument(argument)).collect();
            }
            Expr::MethodCall(call) if is_argument(&call.receiver) => {
                *expr = parse_quote!(());
                return;
            }
            // `T::RECORDS`: nothing is.
            Expr::Path(ExprPath { path, .. }) if begins_with_tracer(path) => {
                *expr = parse_quote!(false);
                return;
            }
            _ => {}
        }
        visit_mut::visit_expr_mut(self, expr);
    }
}
