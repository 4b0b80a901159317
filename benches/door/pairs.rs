//! Two things that were measured by turns.

/// What was measured in each round of the one and of the other.
#[derive(Debug)]
pub struct Pairs(Vec<[f64; 2]>);

impl Pairs {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    pub fn push(&mut self, pair: [f64; 2]) {
        self.0.push(pair);
    }

    /// The median of each, and of the second to the first in percent, with the least and the most of the rounds.
    pub fn told(&self, digits: usize) -> String {
        let [one, other] = [0, 1].map(|side| spread(self.0.iter().map(|pair| pair[side]))[1]);
        let ratios = self.0.iter().map(|[one, other]| other / one * 100.0);
        let [least, median, most] = spread(ratios);
        format!("{one:.digits$} / {other:.digits$}: {median:.0} % ({least:.0}–{most:.0})")
    }
}

fn spread(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    let median = (values[last / 2] + values[last.div_ceil(2)]) / 2.0;
    [values[0], median, values[last]]
}
