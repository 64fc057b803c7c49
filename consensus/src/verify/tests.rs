//! Every rule of `verify` has its test here, named after it; the arithmetic of signatures is proven in `tests/it`.

mod cast;
mod certificate;
mod evidence;
mod proposal;
mod vote;
