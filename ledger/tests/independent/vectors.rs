//! The committed vectors of encoding, signatures and trees, computed anew by the other program.

use crate::python::verifier;

const SAYS: &str = "\
consensus/tests/vectors/encoding.txt 54 right, 0 wrong
consensus/tests/vectors/signatures.txt 91 right, 0 wrong
ledger/tests/vectors/state-root.txt 23 right, 0 wrong
docs/spec/vectors/light-client.json 123 right, 0 wrong
";

/// Goal: the pages alone lead to the bytes, hashes, verdicts and roots that the code is held to.
#[test]
fn the_pages_suffice_for_every_committed_vector() {
    let output = verifier(&["--vectors", "."]);
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert_eq!((said.as_ref(), complained.as_ref()), (SAYS, ""));
    assert!(output.status.success());
}
