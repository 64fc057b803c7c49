//! The table is whole, and hunts do what they say.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Goal: forty mutations and more, spread over everything that decides, each with a name of its own and somewhere to show.
#[test]
fn the_table_is_whole() {
    let names: BTreeSet<_> = Mutation::ALL.iter().map(|one| one.name()).collect();
    assert!(names.len() >= 40 && names.len() == Mutation::ALL.len());
    let mut areas: BTreeMap<Area, u32> = BTreeMap::new();
    for mutation in Mutation::ALL {
        let case = case(*mutation);
        assert!(!mutation.breaks().is_empty() && !case.suits.is_empty());
        *areas.entry(case.area).or_default() += 1;
    }
    for area in Area::ALL {
        assert!(
            areas.get(&area).is_some_and(|count| *count >= 3),
            "{}",
            area.name()
        );
    }
}

/// Goal: the table in the guide is this one.
#[test]
fn the_guide_has_the_table() {
    let guide = include_str!("../../../docs/guide/selfcheck.md");
    for mutation in Mutation::ALL {
        let (name, breaks, oracle) = (mutation.name(), mutation.breaks(), case(*mutation).oracle);
        let row = format!("| `{name}` | {breaks} | {oracle} |");
        assert!(guide.contains(&row), "{row}");
    }
}

/// Goal: a mutation is caught by its oracle, twice in the same way, and is over when the hunt is.
#[test]
fn a_hunt_catches_and_ends() {
    let caught = hunt(Mutation::SupplyMisstated);
    assert_eq!(caught, hunt(Mutation::SupplyMisstated));
    let named = caught.named.expect("it shows at once");
    assert_eq!((named.oracle, named.seeds), ("conservation", 1));
    assert!(
        caught
            .shortest
            .is_some_and(|least| least.events <= named.events)
    );
    let seed = 1;
    assert_eq!(real(seed).verdict, Verdict::SafeLive);
}

/// Goal: the real code is hunted under every scenario that a mutation is hunted under.
#[test]
fn every_suit_has_its_turn() {
    let turns: BTreeSet<_> = (0..64).map(Suit::of_seed).collect();
    assert_eq!(turns.len(), Suit::ALL.len());
    for mutation in Mutation::ALL {
        assert!(
            case(*mutation)
                .suits
                .iter()
                .all(|suit| turns.contains(suit))
        );
    }
}
