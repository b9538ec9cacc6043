/// A rooted tree in the list made by [`rooted_trees`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootedTree {
    /// Number of nodes, `|t|`.
    pub order: u32,
    /// `gamma(t)`.
    pub density: u64,
    /// The subtrees at the root, as indices into the same list, never increasing.
    pub children: Vec<usize>,
}

/// All rooted trees of at most `max_order` nodes, by number of nodes.
pub fn rooted_trees(max_order: u32) -> Vec<RootedTree> {
    let mut trees = Vec::new();
    for order in 1..=max_order {
        let smaller = trees.len();
        let mut forests = Vec::new();
        collect_forests(&trees, order - 1, smaller, &mut Vec::new(), &mut forests);
        for children in forests {
            let density =
                children.iter().fold(u64::from(order), |gamma, &k| gamma * trees[k].density);
            trees.push(RootedTree { order, density, children });
        }
    }
    trees
}

/// Multisets of `trees[..limit]` with `nodes` nodes in all, after those in `chosen`.
fn collect_forests(
    trees: &[RootedTree],
    nodes: u32,
    limit: usize,
    chosen: &mut Vec<usize>,
    forests: &mut Vec<Vec<usize>>,
) {
    if nodes == 0 {
        forests.push(chosen.clone());
        return;
    }
    // Indices never increase along `chosen`, so that each multiset comes up once.
    for k in 0..limit {
        if trees[k].order <= nodes {
            chosen.push(k);
            collect_forests(trees, nodes - trees[k].order, k + 1, chosen, forests);
            chosen.pop();
        }
    }
}
