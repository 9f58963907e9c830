//! What a rule writes.

/// What a rule writes, of terminals and rules by their number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Terminal(usize),
    Rule(usize),
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    Repeat(Box<Node>, u32, Option<u32>),
}

impl Node {
    /// The empty text.
    pub(super) fn empty() -> Self {
        Node::Sequence(Vec::new())
    }

    /// One after the other, without sequences within the sequence.
    ///
    /// `u (s u)*` is written as `(u s)* u`: both have the same texts, but an automaton reads every `u` of the
    /// second in the same states.
    pub(super) fn sequence(items: impl IntoIterator<Item = Node>) -> Self {
        let mut out = Vec::new();
        for item in items {
            match item {
                Node::Sequence(within) => within.into_iter().for_each(|item| push(&mut out, item)),
                item => push(&mut out, item),
            }
        }
        match out.len() {
            1 => out.swap_remove(0),
            _ => Node::Sequence(out),
        }
    }

    /// One of these, without choices within the choice.
    pub(super) fn choice(parts: impl IntoIterator<Item = Node>) -> Self {
        let mut out = Vec::new();
        for part in parts {
            match part {
                Node::Choice(within) => out.extend(within),
                part => out.push(part),
            }
        }
        match out.len() {
            1 => out.swap_remove(0),
            _ => Node::Choice(out),
        }
    }

    /// Between `least` and `most` times.
    pub(super) fn repeat(self, least: u32, most: Option<u32>) -> Self {
        match (least, most) {
            (1, Some(1)) => self,
            _ => Node::Repeat(Box::new(self), least, most),
        }
    }

    /// Any number of times.
    pub(super) fn many(self) -> Self {
        self.repeat(0, None)
    }

    /// Its parts.
    pub(super) fn parts(&self) -> &[Node] {
        match self {
            Node::Terminal(_) | Node::Rule(_) => &[],
            Node::Sequence(parts) | Node::Choice(parts) => parts,
            Node::Repeat(part, ..) => std::slice::from_ref(part),
        }
    }

    /// Number of its parts, and theirs.
    pub(super) fn size(&self) -> usize {
        1 + self.parts().iter().map(Node::size).sum::<usize>()
    }

    /// Its alternatives, where it is a choice, or may be left out.
    pub(super) fn alternatives(&self) -> Option<Vec<Node>> {
        match self {
            Node::Choice(parts) => Some(parts.clone()),
            Node::Repeat(part, 0, Some(1)) => Some(vec![(**part).clone(), Node::empty()]),
            _ => None,
        }
    }
}

fn push(out: &mut Vec<Node>, item: Node) {
    if let Node::Repeat(part, least, None) = &item {
        let inside = match &**part {
            Node::Sequence(parts) => parts.as_slice(),
            part => std::slice::from_ref(part),
        };
        let pairs = out.iter().rev().zip(inside.iter().rev());
        let common = pairs.take_while(|(a, b)| a == b).count();
        if common > 0 && common < inside.len() {
            let behind = out.split_off(out.len() - common);
            let before = &inside[..inside.len() - common];
            let part = Node::sequence(behind.iter().chain(before).cloned());
            out.push(part.repeat(*least, None));
            out.extend(behind);
            return;
        }
    }
    out.push(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_repeated_behind_itself_is_written_once_more_at_the_end() {
        let [u, s, t] = [0, 1, 2].map(Node::Terminal);
        let more = Node::sequence([s.clone(), u.clone()]).many();
        let found = Node::sequence([t.clone(), u.clone(), more, t.clone()]);
        let first = Node::sequence([u.clone(), s.clone()]).many();
        assert_eq!(found, Node::Sequence(vec![t.clone(), first, u.clone(), t.clone()]));
        // Nothing is left between, or nothing is common.
        let stays = Node::Sequence(vec![u.clone(), u.clone().many()]);
        assert_eq!(Node::sequence([u.clone(), u.clone().many()]), stays);
        let more = Node::sequence([s, t.clone()]).many();
        assert_eq!(Node::sequence([u.clone(), more.clone()]), Node::Sequence(vec![u, more]));
    }
}
