//! Scenario files of the simulator: `docs/guide/scenarios.md`.

use falaj_simulations::scenario::file::File;

/// A file that is taken says the same after it was written out, and no seed's scenario of it panics to draw.
///
/// # Panics
/// If it says something else.
pub fn target(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _ = File::points(text);
    let Ok(file) = File::parse(text) else {
        return;
    };
    let again = File::parse(&file.to_text()).expect("what is written is a file");
    assert_eq!(again.to_text(), file.to_text(), "says something else");
    let _ = file.expanded().to_text();
}
