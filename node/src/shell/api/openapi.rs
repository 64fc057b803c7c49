//! The OpenAPI 3.1 document, made of the very routes that are served.
//!
//! Invariant: a path is served if and only if it is in the document; every operation says that it may answer with a problem.
//! Source: OpenAPI 3.1.0.

use std::collections::BTreeMap;
use utoipa::OpenApi as _;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{AllOf, OneOf, Schema};
use utoipa::openapi::{Content, InfoBuilder, OpenApi, Ref, RefOr, Response};

use super::problem::ProblemBody;

/// What a problem's body is called in the document.
const PROBLEM: &str = "ProblemBody";

/// The head of the document, to which the routes are added.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(ProblemBody)))]
struct Head;

/// The document before its routes.
pub(super) fn head() -> OpenApi {
    let mut head = Head::openapi();
    head.info = InfoBuilder::new()
        .title("Falaj")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The client API of a Falaj node. Only a receipt under a certificate is an answer; everything else is advice.",
        ))
        .license(Some(utoipa::openapi::License::new("Apache-2.0")))
        .build();
    head
}

/// The document with its routes: what every operation has in common is added here.
pub(super) fn finished(mut document: OpenApi) -> OpenApi {
    if let Some(components) = &mut document.components {
        open_variants(&mut components.schemas);
    }
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            let responses = &mut operation.responses.responses;
            responses
                .entry("default".to_owned())
                .or_insert_with(|| RefOr::T(problem()));
        }
    }
    document
}

/// A variant of an enum with a tag beside its fields cannot itself refuse the tag: JSON Schema has no way to say "but for that one".
fn open_variants(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let variants: Vec<String> = schemas.values().flat_map(variants).collect();
    for name in variants {
        if let Some(RefOr::T(Schema::Object(object))) = schemas.get_mut(&name) {
            object.additional_properties = None;
        }
    }
}

/// Names of the schemas that an enum joins with its tag.
fn variants(schema: &RefOr<Schema>) -> Vec<String> {
    let RefOr::T(Schema::OneOf(OneOf { items, .. })) = schema else {
        return Vec::new();
    };
    let joined = items.iter().filter_map(|item| match item {
        RefOr::T(Schema::AllOf(AllOf { items, .. })) => Some(items),
        RefOr::T(_) | RefOr::Ref(_) => None,
    });
    let names = joined.flatten().filter_map(|item| match item {
        RefOr::Ref(reference) => reference.ref_location.rsplit('/').next(),
        RefOr::T(_) => None,
    });
    names.map(str::to_owned).collect()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    item.get.iter_mut().chain(&mut item.post)
}

fn problem() -> Response {
    let mut response = Response::new("Why there is no such answer.");
    let content = Content::new(Some(Ref::from_schema_name(PROBLEM)));
    response
        .content
        .insert("application/problem+json".to_owned(), RefOr::T(content));
    response
}
