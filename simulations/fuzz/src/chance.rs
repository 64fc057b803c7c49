//! Inputs spoilt by chance, the same ones on every machine: what a test can afford of what a fuzzer does.
//!
//! Invariant: everything follows from the seed, by `SplitMix64`.

/// A source of chance.
pub(crate) struct Chance(u64);

/// Numbers at which lengths, counts and places go wrong.
const EDGES: [u64; 8] = [0, 1, 127, 128, 255, 0xffff, 0xffff_ffff, u64::MAX];

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).expect("below a usize")
    }

    /// The input with one to four changes.
    pub(crate) fn spoil(&mut self, input: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(4) {
            self.change(&mut bytes);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            bytes.push(self.byte());
            return;
        }
        let at = self.below(bytes.len());
        match self.below(7) {
            0 => bytes[at] ^= 1 << self.below(8),
            1 => bytes[at] = self.byte(),
            2 => bytes.truncate(at),
            3 => bytes.insert(at, self.byte()),
            4 => {
                bytes.remove(at);
            }
            5 => self.edge(bytes, at),
            _ => self.repeat(bytes, at),
        }
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// A number of 1, 2, 4 or 8 bytes at its edge.
    fn edge(&mut self, bytes: &mut [u8], at: usize) {
        let edge = EDGES[self.below(EDGES.len())].to_le_bytes();
        let width = (1 << self.below(4)).min(bytes.len() - at);
        bytes[at..at + width].copy_from_slice(&edge[..width]);
    }

    /// A piece of the input once more.
    fn repeat(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let end = at + 1 + self.below((bytes.len() - at).min(64));
        let piece = bytes[at..end].to_vec();
        let to = self.below(bytes.len());
        bytes.splice(to..to, piece);
    }
}
