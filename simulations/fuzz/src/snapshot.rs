//! Snapshots that somebody gives: `docs/spec/snapshots.md`. The first byte says whether it is a manifest or a chunk.

use falaj_consensus::verify::RealChecker;
use falaj_ledger::snapshot::{
    CHUNK_BYTES_MAX, CHUNKS_MAX, MANIFEST_BYTES_MAX, Manifest, ProvenManifest,
};
use falaj_ledger::testing::genesis_governed;
use falaj_ledger::trust::Trust;
use std::sync::LazyLock;

use crate::form::{chosen, one_form_of};

/// Made once: the keys of its genesis take longer than a decoder.
static TRUST: LazyLock<Trust> = LazyLock::new(|| Trust::of_genesis(&genesis_governed()));

/// The manifest of a small chain, which its chunks in the corpus are of.
static PROVEN: LazyLock<ProvenManifest> = LazyLock::new(|| {
    let bytes = include_bytes!("../corpus/snapshot/manifest");
    let manifest = Manifest::from_bytes(chosen(bytes).1).expect("the corpus holds a manifest");
    let proven = manifest.verify(&TRUST, &[], &RealChecker);
    proven.expect("its certificates lead from genesis")
});

/// A manifest has one form and one verdict; bytes are at most one chunk of a proven manifest, in one form.
///
/// # Panics
/// If a manifest has another form or two verdicts, or if a chunk's place takes other bytes than its own.
pub fn target(data: &[u8]) {
    let (kind, bytes) = chosen(data);
    if kind == 0 {
        manifest(bytes);
    } else {
        chunk(bytes);
    }
}

fn manifest(bytes: &[u8]) {
    let read = |bytes: &[u8]| Manifest::from_bytes(bytes).ok();
    one_form_of(bytes, read, Manifest::to_bytes);
    let Some(manifest) = read(bytes) else {
        return;
    };
    assert!(manifest.to_bytes().len() <= MANIFEST_BYTES_MAX);
    assert!(manifest.parts().len() <= CHUNKS_MAX);
    let verdict = || {
        let verified = manifest.clone().verify(&TRUST, &[], &RealChecker);
        verified
            .map(|proven| proven.chunks())
            .map_err(|error| error.code())
    };
    let first = verdict();
    assert_eq!(first, verdict(), "two verdicts");
    if let Ok(chunks) = first {
        assert_eq!(chunks, manifest.parts().len(), "a part without a place");
    }
}

fn chunk(bytes: &[u8]) {
    let proven = &*PROVEN;
    let fits = |bytes: &[u8]| -> Vec<usize> {
        let places = 0..proven.chunks();
        places
            .filter(|at| proven.check_chunk(*at, bytes).is_ok())
            .collect()
    };
    let found = fits(bytes);
    assert!(proven.check_chunk(proven.chunks(), bytes).is_err());
    if found.is_empty() {
        return;
    }
    assert_eq!(found.len(), 1, "one chunk in two places");
    assert!(bytes.len() <= CHUNK_BYTES_MAX);
    let (_, cut) = bytes.split_last().expect("a chunk has a head");
    assert_eq!(fits(cut), Vec::<usize>::new(), "cut by a byte");
    let longer = [bytes, &[0]].concat();
    assert_eq!(fits(&longer), Vec::<usize>::new(), "a byte behind it");
}
