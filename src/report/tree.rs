//! Who depends on whom and who imports what: as a tree for a person, and for Graphviz.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;

use super::Person;
use super::line::Line;
use super::person::{BAD, BOLD, DIM, PLAIN};
use super::text::short_path;
use crate::model::{Candidate, PluginId, PluginImports};

/// A plugin, or a file that one imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node<'a> {
    Plugin(&'a PluginId),
    File(&'a Path),
}

/// From each node to those that it needs: dependencies, then imports.
type Graph<'a> = BTreeMap<Node<'a>, Vec<Node<'a>>>;

fn graph<'a>(plugins: &[&'a Candidate], imports: &'a [PluginImports]) -> Graph<'a> {
    let mut graph = Graph::new();
    for plugin in plugins {
        let needs = graph.entry(Node::Plugin(&plugin.id)).or_default();
        for id in &plugin.metadata.dependencies {
            add(needs, Node::Plugin(id));
        }
    }
    for plugin in imports {
        for step in &plugin.steps {
            let from = if step.file == plugin.entry {
                Node::Plugin(&plugin.id)
            } else {
                Node::File(&step.file)
            };
            add(graph.entry(from).or_default(), Node::File(&step.imports));
            graph.entry(Node::File(&step.imports)).or_default();
        }
    }
    graph
}

fn add<'a>(needs: &mut Vec<Node<'a>>, node: Node<'a>) {
    if !needs.contains(&node) {
        needs.push(node);
    }
}

impl<W: Write> Person<W> {
    /// Who depends on whom, as a tree: below each plugin those that it needs, and the own and shared
    /// modules that it imports.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn tree(&mut self, plugins: &[&Candidate], imports: &[PluginImports]) -> io::Result<()> {
        let graph = graph(plugins, imports);
        let needed: BTreeSet<Node<'_>> = graph.values().flatten().copied().collect();
        let is_plugin = |node: &&Node<'_>| matches!(node, Node::Plugin(_));
        let tops = graph.keys().filter(|node| !needed.contains(*node));
        // What is on a cycle has no top, so it comes last.
        let all: Vec<Node<'_>> = tops.chain(graph.keys()).filter(is_plugin).copied().collect();
        let mut told = String::new();
        let mut shown = BTreeSet::new();
        for top in all {
            if !shown.contains(&top) {
                told += &self.branch(&graph, top, &mut shown);
            }
        }
        self.write(&told)
    }

    fn branch<'a>(
        &self,
        graph: &Graph<'a>,
        top: Node<'a>,
        shown: &mut BTreeSet<Node<'a>>,
    ) -> String {
        let mut told = String::new();
        // A stack of our own: chains may be long. With each node, what stands before it.
        let mut stack = vec![(top, String::new(), "", "")];
        while let Some((node, before, mark, below)) = stack.pop() {
            let needs = graph.get(&node);
            let again = !shown.insert(node);
            let line = Line::default().paint(DIM, format!("{before}{mark}"));
            let line = match node {
                Node::Plugin(id) if needs.is_none() => {
                    line.add(id.as_str()).add(" ").paint(BAD, "(not there)")
                }
                Node::Plugin(id) => line.paint(BOLD, id.as_str()),
                Node::File(path) => line.join(self.path(PLAIN, path)),
            };
            let needs = needs.map(Vec::as_slice).unwrap_or_default();
            let seen = again && !needs.is_empty();
            let line = if seen { line.paint(DIM, " (see above)") } else { line };
            told += &line.render(self.unbroken());
            if again {
                continue;
            }
            for (at, need) in needs.iter().enumerate().rev() {
                let last = at + 1 == needs.len();
                let (mark, gap) =
                    if last { ("└── ", "    ") } else { ("├── ", "│   ") };
                stack.push((*need, format!("{before}{below}"), mark, gap));
            }
        }
        told
    }
}

/// The same in the language of Graphviz, with paths as seen from `base`. An id that is depended on and
/// not there is dashed; files are ovals, and what leads to one is an import.
pub fn dot(plugins: &[&Candidate], imports: &[PluginImports], base: &Path) -> String {
    let graph = graph(plugins, imports);
    let name = |node: &Node<'_>| match node {
        // An id holds nothing that would have to be escaped.
        Node::Plugin(id) => format!("\"{id}\""),
        Node::File(path) => {
            let path = short_path(path, base).replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{path}\"")
        }
    };
    let mut text = String::from("digraph plugins {\n    rankdir=LR;\n    node [shape=box];\n");
    let all: BTreeSet<&Node<'_>> = graph.keys().chain(graph.values().flatten()).collect();
    for node in all {
        let style = match node {
            Node::Plugin(_) if !graph.contains_key(node) => " [style=dashed]",
            Node::Plugin(_) => "",
            Node::File(_) => " [shape=oval]",
        };
        text += &format!("    {}{style};\n", name(node));
    }
    for (node, needs) in &graph {
        for need in needs {
            let style = if matches!(need, Node::File(_)) { " [style=dotted]" } else { "" };
            text += &format!("    {} -> {}{style};\n", name(node), name(need));
        }
    }
    text + "}\n"
}
