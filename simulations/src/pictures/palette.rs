//! The colours of all pictures, each with a name, for light and for dark surroundings.
//!
//! Invariant: a light colour is nobody else's, so that a plot drawn in light colours can be given the names instead.

use std::fmt::Write as _;

/// A colour by its name, as it is on white, and as it is on black.
pub(super) struct Colour {
    name: &'static str,
    light: (u8, u8, u8),
    dark: (u8, u8, u8),
}

macro_rules! palette {
    ($($constant:ident = $name:literal, $light:expr, $dark:expr;)*) => {
        $(pub(super) const $constant: Colour = Colour { name: $name, light: $light, dark: $dark };)*
        const ALL: &[Colour] = &[$($constant,)*];
    };
}

palette! {
    PAPER = "paper", (255, 255, 255), (17, 21, 27);
    CARD = "card", (245, 247, 250), (25, 31, 39);
    LINE = "line", (208, 215, 222), (58, 67, 79);
    MUTED = "muted", (87, 96, 106), (154, 165, 177);
    INK = "ink", (27, 31, 36), (230, 235, 241);
    GOOD = "good", (26, 127, 55), (70, 190, 105);
    WARN = "warn", (154, 103, 0), (219, 166, 53);
    BAD = "bad", (201, 37, 45), (255, 113, 105);
    PROPOSAL = "proposal", (9, 105, 218), (96, 165, 250);
    PREVOTE = "prevote", (14, 124, 123), (64, 196, 190);
    PRECOMMIT = "precommit", (130, 80, 223), (188, 150, 255);
    CERTIFICATE = "certificate", (188, 76, 0), (247, 152, 83);
    DATA = "data", (130, 139, 149), (122, 133, 146);
}

impl Colour {
    /// Its three parts, on white.
    pub(super) const fn rgb(&self) -> (u8, u8, u8) {
        self.light
    }

    /// The same as drawings have it.
    pub(super) fn hex(&self) -> String {
        hex(self.light)
    }
}

fn hex((red, green, blue): (u8, u8, u8)) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// The colours as variables of a style sheet: light ones, and dark ones where that is wanted.
pub(super) fn variables() -> String {
    let list = |of: fn(&Colour) -> (u8, u8, u8)| {
        ALL.iter().fold(String::new(), |mut text, colour| {
            let _ = write!(text, "--{}:{};", colour.name, hex(of(colour)));
            text
        })
    };
    let (light, dark) = (list(|colour| colour.light), list(|colour| colour.dark));
    format!(
        ":root{{color-scheme:light dark;{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    )
}

/// A drawing in light colours, with the variables instead.
pub(super) fn by_name(svg: &str) -> String {
    ALL.iter().fold(svg.to_owned(), |svg, colour| {
        svg.replace(
            &format!("\"{}\"", hex(colour.light)),
            &format!("\"var(--{})\"", colour.name),
        )
    })
}

/// A style sheet with the light colours instead of the variables.
pub(super) fn by_colour(style: &str) -> String {
    ALL.iter().fold(style.to_owned(), |style, colour| {
        style.replace(&format!("var(--{})", colour.name), &hex(colour.light))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: no two names share a light colour, or one would be taken for the other.
    #[test]
    fn light_colours_differ() {
        let lights: std::collections::BTreeSet<_> = ALL.iter().map(|colour| colour.light).collect();
        assert_eq!(lights.len(), ALL.len());
        let style = by_colour(&by_name(&format!("fill=\"{}\"", hex(BAD.light))));
        assert_eq!(style, format!("fill=\"{}\"", hex(BAD.light)));
    }
}
