//! Graphs.

use std::path::Path;

use serde_json::{Value, json};

use super::hash::Hasher;
use super::ratings::write_records;
use super::{Items, Modality};
use crate::DataError;

/// An edge from one node to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// The place of the node it leaves, in [`Graph::nodes`].
    pub from: u32,
    /// The place of the node it enters.
    pub to: u32,
    /// Its weight; 1 where none is given.
    pub weight: f64,
}

/// A graph of named nodes; each edge is an item, and parts keep all nodes. Edges have a direction; of a
/// graph without directions, each edge stands once.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    nodes: Vec<String>,
    edges: Vec<Edge>,
}

impl Graph {
    /// A graph of nodes and edges.
    ///
    /// # Errors
    /// An edge of a node that is not there, or a weight that is not finite.
    pub fn new(nodes: Vec<String>, edges: Vec<Edge>) -> Result<Self, DataError> {
        for edge in &edges {
            if edge.from.max(edge.to) as usize >= nodes.len() {
                let expected = format!("of {} nodes", nodes.len());
                return Err(DataError::part("edges", expected, format!("{edge:?}")));
            }
            if !edge.weight.is_finite() {
                return Err(DataError::part("edges", "finite weights", edge.weight));
            }
        }
        Ok(Self { nodes, edges })
    }

    /// Names of the nodes.
    pub fn nodes(&self) -> &[String] {
        &self.nodes
    }

    /// The edges.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }
}

impl Items for Graph {
    fn len(&self) -> usize {
        self.edges.len()
    }

    fn select(&self, rows: &[usize]) -> Self {
        let edges = rows.iter().map(|&r| self.edges[r]).collect();
        Self { nodes: self.nodes.clone(), edges }
    }

    fn concat(parts: Vec<Self>) -> Result<Self, DataError> {
        let mut parts = parts.into_iter();
        let Some(mut all) = parts.next() else {
            return Err(DataError::part("parts", "one or more", 0));
        };
        for part in parts {
            if part.nodes != all.nodes {
                return Err(DataError::part("parts", "of the same nodes", "others"));
            }
            all.edges.extend(part.edges);
        }
        Ok(all)
    }

    fn sha256(&self) -> String {
        let mut hash = Hasher::new(Modality::Graph);
        hash.texts(&self.nodes);
        let pair = |e: &Edge| u64::from(e.from) << 32 | u64::from(e.to);
        hash.numbers(self.edges.iter().map(pair));
        hash.floats(self.edges.iter().map(|e| e.weight));
        hash.finish()
    }

    fn describe(&self) -> Value {
        let mut degrees = vec![0usize; self.nodes.len()];
        for edge in &self.edges {
            degrees[edge.from as usize] += 1;
            degrees[edge.to as usize] += 1;
        }
        json!({
            "modality": "graph",
            "examples": self.len(),
            "nodes": self.nodes.len(),
            "edges": self.edges.len(),
            "loops": self.edges.iter().filter(|e| e.from == e.to).count(),
            "largest_degree": degrees.iter().max(),
            "sha256": self.sha256(),
        })
    }

    /// `.csv`: a row an edge, with the columns `from`, `to` and `weight`.
    fn write(&self, path: &Path) -> Result<(), DataError> {
        let rows = self.edges.iter().map(|e| {
            let (from, to) = (&self.nodes[e.from as usize], &self.nodes[e.to as usize]);
            vec![from.clone(), to.clone(), e.weight.to_string()]
        });
        write_records(path, &["from", "to", "weight"], rows)
    }
}
