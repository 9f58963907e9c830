//! Porter's stemmer with NLTK's extensions.

/// Takes the endings off English words: Porter's algorithm with the extensions of NLTK, as
/// rouge-score and NLTK's METEOR have it.
///
/// ```
/// use pyrogen_metrics::text::PorterStemmer;
///
/// let mut stemmer = PorterStemmer::default();
/// let stems = ["running", "flies", "happily", "relational", "sky"].map(|w| stemmer.stem(w).to_string());
/// assert_eq!(stems, ["run", "fli", "happili", "relat", "sky"]);
/// ```
///
/// One value keeps its memory from word to word.
///
/// # References
/// Porter (1980), "An algorithm for suffix stripping"; `nltk.stem.PorterStemmer` in its default mode.
#[derive(Debug, Default)]
pub struct PorterStemmer {
    word: Vec<char>,
    consonants: Vec<bool>,
    stem: String,
}

/// Words with a stem of their own.
const IRREGULAR: [(&str, &str); 16] = [
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

/// An ending and what takes its place.
type Rule = (&'static str, &'static str);

const STEP_2: [Rule; 21] = [
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
    ("fulli", "ful"),
];

const STEP_3: [Rule; 7] = [
    ("icate", "ic"),
    ("ative", ""),
    ("alize", "al"),
    ("iciti", "ic"),
    ("ical", "ic"),
    ("ful", ""),
    ("ness", ""),
];

const STEP_4: [&str; 19] = [
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou",
    "ism", "ate", "iti", "ous", "ive", "ize",
];

impl PorterStemmer {
    /// The stem of a word, in lower case.
    pub fn stem(&mut self, word: &str) -> &str {
        self.stem.clear();
        if word.is_ascii() {
            self.stem.push_str(word);
            self.stem.make_ascii_lowercase();
        } else {
            self.stem.push_str(&word.to_lowercase());
        }
        if let Some((_, stem)) = IRREGULAR.iter().find(|(form, _)| *form == self.stem) {
            self.stem.clear();
            self.stem.push_str(stem);
            return &self.stem;
        }
        if word.chars().nth(2).is_none() {
            return &self.stem;
        }
        self.word.clear();
        self.word.extend(self.stem.chars());
        self.plural();
        self.past_and_progressive();
        self.final_y();
        self.double_suffix();
        self.apply(&STEP_3, 1);
        self.single_suffix();
        self.final_e();
        if self.ends("ll") && self.measure(self.word.len() - 1) > 1 {
            self.word.pop();
        }
        self.stem.clear();
        self.stem.extend(&self.word);
        &self.stem
    }

    /// Step 1a: `sses`, `ies`, `ss`, `s`.
    fn plural(&mut self) {
        if self.ends("ies") {
            let keep = if self.word.len() == 4 { 1 } else { 2 };
            self.cut(keep);
        } else if self.ends("sses") {
            self.cut(2);
        } else if self.ends("s") && !self.ends("ss") {
            self.cut(1);
        }
    }

    /// Step 1b: `eed`, `ed`, `ing`.
    fn past_and_progressive(&mut self) {
        if self.ends("ied") {
            let keep = if self.word.len() == 4 { 1 } else { 2 };
            self.cut(keep);
        } else if self.ends("eed") {
            if self.measure(self.word.len() - 3) > 0 {
                self.cut(1);
            }
        } else if let Some(ending) = ["ed", "ing"].into_iter().find(|e| self.ends(e))
            && self.has_vowel(self.word.len() - ending.len())
        {
            self.cut(ending.len());
            self.repair();
        }
    }

    /// What step 1b does after it took an ending: an `e` comes back, or a double consonant goes.
    fn repair(&mut self) {
        let length = self.word.len();
        if self.ends("at") || self.ends("bl") || self.ends("iz") {
            self.word.push('e');
        } else if self.double_consonant() {
            if !matches!(self.word[length - 1], 'l' | 's' | 'z') {
                self.word.pop();
            }
        } else if self.measure(length) == 1 && self.ends_cvc(length) {
            self.word.push('e');
        }
    }

    /// Step 1c: a `y` after a consonant that is not the first letter.
    fn final_y(&mut self) {
        let stem = self.word.len() - 1;
        if self.ends("y") && stem > 1 && self.consonant(stem - 1) {
            self.word[stem] = 'i';
        }
    }

    /// Step 2.
    fn double_suffix(&mut self) {
        while self.ends("alli") && self.measure(self.word.len() - 4) > 0 {
            self.cut(2);
        }
        if !self.apply(&STEP_2, 1) && self.ends("logi") && self.measure(self.word.len() - 3) > 0 {
            self.cut(1);
        }
    }

    /// Step 4.
    fn single_suffix(&mut self) {
        let Some(ending) = STEP_4.into_iter().find(|e| self.ends(e)) else { return };
        let stem = self.word.len() - ending.len();
        if self.measure(stem) > 1 && (ending != "ion" || matches!(self.word[stem - 1], 's' | 't')) {
            self.word.truncate(stem);
        }
    }

    /// Step 5a.
    fn final_e(&mut self) {
        if !self.ends("e") {
            return;
        }
        let stem = self.word.len() - 1;
        let measure = self.measure(stem);
        if measure > 1 || (measure == 1 && !self.ends_cvc(stem)) {
            self.word.pop();
        }
    }

    /// Applies the first rule whose ending is there, if what is left has at least this measure; whether
    /// an ending was there.
    fn apply(&mut self, rules: &[Rule], measure: usize) -> bool {
        let Some((ending, replacement)) = rules.iter().find(|(e, _)| self.ends(e)) else {
            return false;
        };
        let stem = self.word.len() - ending.len();
        if self.measure(stem) >= measure {
            self.word.truncate(stem);
            self.word.extend(replacement.chars());
        }
        true
    }

    fn cut(&mut self, letters: usize) {
        self.word.truncate(self.word.len() - letters);
    }

    fn ends(&self, ending: &str) -> bool {
        let mut letters = self.word.iter().rev();
        ending.bytes().rev().all(|b| letters.next() == Some(&char::from(b)))
    }

    /// Fills `consonants` for the first letters: a `y` is one where the letter before it is none.
    fn classify(&mut self, length: usize) {
        self.consonants.clear();
        for (i, letter) in self.word[..length].iter().enumerate() {
            let consonant = match letter {
                'a' | 'e' | 'i' | 'o' | 'u' => false,
                'y' => i == 0 || !self.consonants[i - 1],
                _ => true,
            };
            self.consonants.push(consonant);
        }
    }

    /// How often a consonant follows a vowel in the first letters.
    fn measure(&mut self, length: usize) -> usize {
        self.classify(length);
        self.consonants.windows(2).filter(|pair| !pair[0] && pair[1]).count()
    }

    fn has_vowel(&mut self, length: usize) -> bool {
        self.classify(length);
        self.consonants.iter().any(|consonant| !consonant)
    }

    fn consonant(&mut self, at: usize) -> bool {
        self.classify(at + 1);
        self.consonants[at]
    }

    fn double_consonant(&mut self) -> bool {
        let length = self.word.len();
        length >= 2 && self.word[length - 1] == self.word[length - 2] && self.consonant(length - 1)
    }

    /// Whether the first letters end with consonant, vowel and consonant, the last not `w`, `x` or `y`;
    /// or are a vowel and a consonant.
    fn ends_cvc(&mut self, length: usize) -> bool {
        self.classify(length);
        match self.consonants[..] {
            [.., true, false, true] => !matches!(self.word[length - 1], 'w' | 'x' | 'y'),
            [false, true] => true,
            _ => false,
        }
    }
}
