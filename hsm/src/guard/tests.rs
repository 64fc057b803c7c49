//! Tests of the guard by topic.

mod format;
mod loading;
mod model;
mod sets;
