//! A bounded list that several readers follow, each at its own pace: what is pushed to a socket must not be lost
//! between two looks.

use std::collections::VecDeque;

/// How far a reader has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(u64);

/// Keeps the newest entries; who falls behind further misses some.
#[derive(Debug)]
pub(super) struct Trail<T> {
    /// How many entries there ever were.
    count: u64,
    kept: VecDeque<T>,
}

/// Sockets look many times a second; a real burst is a few dozen entries.
const CAPACITY: usize = 1024;

impl<T> Default for Trail<T> {
    fn default() -> Self {
        Self {
            count: 0,
            kept: VecDeque::new(),
        }
    }
}

impl<T: Clone> Trail<T> {
    pub(super) fn push(&mut self, entry: T) {
        if self.kept.len() == CAPACITY {
            self.kept.pop_front();
        }
        self.kept.push_back(entry);
        self.count += 1;
    }

    /// Where somebody begins who wants to see only what is still to come.
    pub(super) fn end(&self) -> Mark {
        Mark(self.count)
    }

    /// What came after the mark, which moves on.
    pub(super) fn follow(&self, mark: &mut Mark) -> Vec<T> {
        let oldest = self.count - self.kept.len() as u64;
        let known = mark.0.saturating_sub(oldest) as usize;
        *mark = self.end();
        self.kept.iter().skip(known).cloned().collect()
    }

    /// Forgets all entries; marks stay good.
    pub(super) fn clear(&mut self) {
        self.kept = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reader_gets_everything_once() {
        let mut trail = Trail::default();
        trail.push(1);
        let mut late = trail.end();
        let mut early = Mark(0);
        trail.push(2);
        assert_eq!(trail.follow(&mut early), [1, 2]);
        assert_eq!(trail.follow(&mut late), [2]);
        assert!(trail.follow(&mut early).is_empty());
        trail.push(3);
        trail.clear();
        trail.push(4);
        assert_eq!(trail.follow(&mut late), [4]);
    }

    #[test]
    fn who_falls_behind_gets_the_newest() {
        let mut trail = Trail::default();
        let mut mark = trail.end();
        for entry in 0..CAPACITY + 10 {
            trail.push(entry);
        }
        let got = trail.follow(&mut mark);
        assert_eq!((got.len(), got[0]), (CAPACITY, 10));
    }
}
