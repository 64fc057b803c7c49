//! The suite that every backend owes, on a token, with every algorithm.

use falaj_consensus::crypto::Algorithm;
use falaj_consensus::verify::RealChecker;
use falaj_hsm::testing;

use crate::bench::in_child;

// A key of each algorithm in a real token passes what the software key passes: every purpose, threads, and the life of a signer.
#[test]
fn every_algorithm_passes_the_suite() {
    in_child("suite::every_algorithm_passes_the_suite", |bench| {
        for algorithm in Algorithm::ALL {
            let key = bench.key(algorithm, algorithm.name());
            testing::suite(&bench.open(key), &RealChecker);
        }
    });
}
