//! What a host answered to `check`: words with values.

/// What a host said, by word.
pub(super) struct Answers<'a>(&'a [(String, Vec<String>)]);

impl<'a> Answers<'a> {
    pub(super) fn new(found: &'a [(String, Vec<String>)]) -> Self {
        Self(found)
    }

    /// All answers of that word; values that were not given are empty.
    pub(super) fn all<const N: usize>(&self, word: &'static str) -> impl Iterator<Item = [&'a str; N]> {
        let mine = self.0.iter().filter(move |(known, _)| known == word);
        mine.map(|(_, values)| std::array::from_fn(|at| values.get(at).map_or("", String::as_str)))
    }

    /// The same, with as many values as each has.
    pub(super) fn lists(&self, word: &'static str) -> impl Iterator<Item = &'a [String]> {
        self.0.iter().filter(move |(known, _)| known == word).map(|(_, values)| values.as_slice())
    }

    pub(super) fn first<const N: usize>(&self, word: &'static str) -> Option<[&'a str; N]> {
        self.all(word).next()
    }
}
