//! Who comes before whom: orders, cycles and closures of a dependency graph.
//!
//! Pure functions over `key -> keys that it depends on`. Keys that are depended on and not in the
//! graph are left out of every answer.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::PluginId;

/// From each key to the keys that it depends on.
pub(crate) type Graph = BTreeMap<PluginId, Vec<PluginId>>;

/// The part of a graph that is about `keys`; those that it does not know depend on nothing.
pub(crate) fn among<'a>(graph: &Graph, keys: impl Iterator<Item = &'a PluginId>) -> Graph {
    keys.map(|key| (key.clone(), graph.get(key).cloned().unwrap_or_default())).collect()
}

/// Dependencies before dependents, otherwise in the order of the keys. Keys on a cycle come as if
/// the edge that closes it were not there.
pub(crate) fn dependencies_first(graph: &Graph) -> Vec<PluginId> {
    let mut done = BTreeSet::new();
    let mut order = Vec::with_capacity(graph.len());
    for start in graph.keys() {
        // Depth first with a stack of our own: chains may be long.
        let mut stack = vec![(start, 0)];
        if !done.insert(start) {
            continue;
        }
        while let Some((key, next)) = stack.pop() {
            match graph.get(key).and_then(|dependencies| dependencies.get(next)) {
                Some(dependency) => {
                    stack.push((key, next + 1));
                    if let Some((dependency, _)) = graph.get_key_value(dependency)
                        && done.insert(dependency)
                    {
                        stack.push((dependency, 0));
                    }
                }
                None => order.push(key.clone()),
            }
        }
    }
    order
}

/// The keys from which a way of dependencies never ends: those on a cycle, and those that lead to one.
pub(crate) fn endless(graph: &Graph) -> BTreeSet<PluginId> {
    let mut dependents: BTreeMap<&PluginId, Vec<&PluginId>> = BTreeMap::new();
    let mut open: BTreeMap<&PluginId, usize> = BTreeMap::new();
    for (key, dependencies) in graph {
        let known = dependencies.iter().filter(|dependency| graph.contains_key(*dependency));
        for dependency in known.clone() {
            dependents.entry(dependency).or_default().push(key);
        }
        open.insert(key, known.count());
    }
    let mut ends: Vec<&PluginId> =
        open.iter().filter(|(_, count)| **count == 0).map(|(key, _)| *key).collect();
    while let Some(end) = ends.pop() {
        open.remove(end);
        for dependent in dependents.get(end).into_iter().flatten() {
            if let Some(count) = open.get_mut(dependent) {
                *count -= 1;
                if *count == 0 {
                    ends.push(dependent);
                }
            }
        }
    }
    open.into_keys().cloned().collect()
}

/// The cycle that `key` is on, beginning and ending with it.
pub(crate) fn cycle_of(graph: &Graph, key: &PluginId) -> Option<Vec<PluginId>> {
    // The shortest way from the key back to itself.
    let mut came_from: BTreeMap<&PluginId, &PluginId> = BTreeMap::new();
    let mut edge = vec![key];
    while !edge.is_empty() {
        let mut next = Vec::new();
        for from in edge {
            for to in graph.get(from).into_iter().flatten() {
                if to == key {
                    let mut cycle = vec![key.clone()];
                    let mut at = from;
                    while at != key {
                        cycle.push(at.clone());
                        // Every key that was reached, but the first, came from somewhere.
                        at = came_from.get(at).copied().unwrap_or(key);
                    }
                    cycle.push(key.clone());
                    cycle.reverse();
                    return Some(cycle);
                }
                if graph.contains_key(to) && !came_from.contains_key(to) {
                    came_from.insert(to, from);
                    next.push(to);
                }
            }
        }
        edge = next;
    }
    None
}

/// Everything that depends on one of `keys`, directly or by others; without `keys` themselves
/// unless they depend on each other.
pub(crate) fn dependents_of(graph: &Graph, keys: &BTreeSet<PluginId>) -> BTreeSet<PluginId> {
    let mut dependents: BTreeMap<&PluginId, Vec<&PluginId>> = BTreeMap::new();
    for (key, dependencies) in graph {
        for dependency in dependencies {
            dependents.entry(dependency).or_default().push(key);
        }
    }
    let mut found = BTreeSet::new();
    let mut edge: Vec<&PluginId> = keys.iter().collect();
    while let Some(key) = edge.pop() {
        for dependent in dependents.get(key).into_iter().flatten() {
            if found.insert((*dependent).clone()) {
                edge.push(dependent);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> PluginId {
        PluginId::new(text).unwrap()
    }

    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        edges
            .iter()
            .map(|(key, dependencies)| {
                (id(key), dependencies.iter().map(|text| id(text)).collect())
            })
            .collect()
    }

    fn names(keys: impl IntoIterator<Item = PluginId>) -> String {
        let names: Vec<String> = keys.into_iter().map(|key| key.to_string()).collect();
        names.join(" ")
    }

    #[test]
    fn dependencies_come_first_and_ties_by_name() {
        let graph = graph(&[("a", &["z"]), ("b", &[]), ("y", &["b", "gone"]), ("z", &["y"])]);
        assert_eq!(names(dependencies_first(&graph)), "b y z a");
    }

    #[test]
    fn a_cycle_does_not_stop_the_order() {
        let graph = graph(&[("a", &["b"]), ("b", &["a"]), ("c", &["a"])]);
        let order = dependencies_first(&graph);
        assert_eq!(order.len(), 3);
        assert_eq!(names(order.last().cloned()), "c");
    }

    #[test]
    fn cycles_are_named_in_order() {
        let graph =
            graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["a"]), ("e", &["e"])]);
        assert_eq!(names(cycle_of(&graph, &id("a")).unwrap()), "a b c a");
        assert_eq!(names(cycle_of(&graph, &id("b")).unwrap()), "b c a b");
        assert_eq!(names(cycle_of(&graph, &id("e")).unwrap()), "e e");
        assert_eq!(cycle_of(&graph, &id("d")), None);
    }

    #[test]
    fn a_way_is_endless_on_a_cycle_and_before_it() {
        let graph = graph(&[
            ("a", &["b"]),
            ("b", &["c", "d", "d"]),
            ("c", &["b"]),
            ("d", &["e", "gone"]),
            ("e", &[]),
        ]);
        assert_eq!(names(endless(&graph)), "a b c");
    }

    #[test]
    fn dependents_reach_as_far_as_it_goes() {
        let graph = graph(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &[])]);
        assert_eq!(names(dependents_of(&graph, &BTreeSet::from([id("a")]))), "b c");
        assert_eq!(names(dependents_of(&graph, &BTreeSet::from([id("d")]))), "");
    }
}
