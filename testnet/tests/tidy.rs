//! Facts about the repository itself, asserted: layout, layering, licences, links, headers and the scripts of the Makefile.
//!
//! Invariant: what `docs/ARCHITECTURE.md` says about who may use whom is read from the real dependency graph, of each
//! package alone; a workspace build unifies features and proves nothing.
//! Errors: a failed assertion lists every offender with its file, so that one run is enough to mend them all.

#[path = "tidy/arrows.rs"]
mod arrows;
#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/layout.rs"]
mod layout;
#[path = "tidy/markdown.rs"]
mod markdown;
#[path = "tidy/repository.rs"]
mod repository;
#[path = "tidy/scripts.rs"]
mod scripts;
#[path = "tidy/sources.rs"]
mod sources;
#[path = "tidy/tags.rs"]
mod tags;
