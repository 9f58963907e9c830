//! Words that say nothing of a document's subject.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

/// Which words are left out whatever the documents are about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StopWords {
    /// None.
    None,
    /// Articles, pronouns, prepositions, conjunctions and auxiliary verbs of English.
    #[default]
    English,
    /// A list of one's own, in lower case.
    List(Vec<String>),
}

/// English function words by kind.
const ENGLISH: &str = "
a an the this that these those each every either neither both all any some no none such same other
another own few many more most much less least several enough
i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself
she her hers herself it its itself they them their theirs themselves one ones who whom whose which
what someone anyone everyone something anything everything nothing nobody
of in on at by for with about against between among into through during before after above below to
from up down out off over under within without upon toward towards across along around behind beside
besides beyond near per since until till via amid onto despite except
and but or nor so yet if then than because as while although though unless whereas whether
when where why how wherever whenever however therefore thus hence moreover furthermore nevertheless
be am is are was were been being have has had having do does did doing done will would shall should
can could may might must ought cannot
not only just very too also again further once here there now ever never always often still already
almost quite rather even well
i'm i've i'll i'd you're you've you'll you'd he's he'll he'd she's she'll she'd it's it'll we're
we've we'll we'd they're they've they'll they'd isn't aren't wasn't weren't hasn't haven't hadn't
doesn't don't didn't won't wouldn't shan't shouldn't can't couldn't mustn't let's that's who's what's
here's there's when's where's why's how's
";

impl StopWords {
    /// The words.
    pub fn words(&self) -> HashSet<String> {
        match self {
            Self::None => HashSet::new(),
            Self::English => ENGLISH.split_whitespace().map(str::to_string).collect(),
            Self::List(list) => list.iter().cloned().collect(),
        }
    }
}
