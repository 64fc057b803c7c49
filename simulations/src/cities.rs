//! Cities that validators stand in, and how long a message takes from one to another.
//!
//! Invariant: integers throughout, so that every machine and build computes the same delay.
//! Shape: the great circle between two cities, stretched as cables and routes are, at the speed of light in fibre. It is the shortest
//! delay of the link; what else delays a message comes to it.
//! Units: coordinates in hundredths of a degree, north and east positive; metres; nanoseconds.
//! Source: I. N. Bozkurt et al., "Dissecting Latency in the Internet's Fiber Infrastructure" (2018), for the stretch of 2.1;
//! R. W. Sinnott, "Virtues of the Haversine" (1984).

mod arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much longer than the great circle the way of a message is, if nobody says.
pub const STRETCH_PERCENT: u64 = 210;

/// The mean radius.
const EARTH_M: u64 = 6_371_000;
/// Two thirds of the speed of light in vacuum.
const FIBRE_NS_PER_M: u64 = 5;

macro_rules! cities {
    ($($name:ident: $latitude:literal, $longitude:literal;)*) => {
        /// A city.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        #[expect(missing_docs, reason = "a city is what it is called")]
        pub enum City {
            $($name,)*
        }

        impl City {
            /// Every city.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Latitude and longitude.
            const fn place(self) -> (i32, i32) {
                match self {
                    $(Self::$name => ($latitude, $longitude),)*
                }
            }
        }
    };
}

cities! {
    AbuDhabi: 2445, 5438;
    Amsterdam: 5237, 490;
    Beijing: 3990, 11641;
    Cairo: 3004, 3124;
    CapeTown: -3392, 1842;
    Chicago: 4188, -8763;
    Doha: 2529, 5153;
    Dubai: 2520, 5527;
    Frankfurt: 5011, 868;
    HongKong: 2232, 11417;
    Istanbul: 4101, 2898;
    Johannesburg: -2620, 2804;
    KuwaitCity: 2938, 4798;
    London: 5151, -13;
    Manama: 2623, 5059;
    Mumbai: 1908, 7288;
    Muscat: 2359, 5841;
    Nairobi: -129, 3682;
    NewYork: 4071, -7401;
    Paris: 4886, 235;
    Riyadh: 2471, 4668;
    SanFrancisco: 3777, -12242;
    SaoPaulo: -2355, -4663;
    Singapore: 135, 10382;
    Stockholm: 5933, 1807;
    Sydney: -3387, 15121;
    Tokyo: 3568, 13965;
    Toronto: 4365, -7938;
    Zurich: 4738, 854;
}

impl City {
    /// The shortest way to another city, over the surface.
    #[must_use]
    pub fn distance_m(self, other: Self) -> u64 {
        arc::radians(self.place(), other.place()).times(2 * EARTH_M) / 2
    }

    /// How long a message takes to another city, at least, on a way that is so many per cent of the shortest.
    #[must_use]
    pub fn delay_ns(self, other: Self, stretch_percent: u64) -> u64 {
        self.distance_m(other) * FIBRE_NS_PER_M * stretch_percent / 100
    }
}

#[cfg(test)]
mod tests;
