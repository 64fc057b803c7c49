//! A program's part that has no `std`: the light client under a panic handler of its own.
//!
//! Goal: with panics that abort (`make no-std`), the handler below is the only one. If anything that the light client links had the
//! standard library in it, there would be two, and the compiler would refuse.
#![no_std]

use falaj_light::{Bundle, Trust, verify};

/// Whether bytes are a bundle that holds.
#[must_use]
pub fn holds(trust: &Trust, bytes: &[u8]) -> bool {
    Bundle::from_bytes(bytes).is_ok_and(|bundle| verify(trust, &bundle).is_ok())
}

#[cfg(panic = "abort")]
#[panic_handler]
fn halt(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
