//! Bytes that the system draws.

use ring::rand::{SecureRandom as _, SystemRandom};

use super::Failure;

/// So many bytes.
pub(super) fn bytes<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Failure::new(70, "the system gives no random bytes"))?;
    Ok(bytes)
}
