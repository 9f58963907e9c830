"""Writes src/text/tokenize/classes.rs: the characters of Unicode that the tokenizer `intl` asks about.

    python scripts/unicode_classes.py

Packages: regex 2026.11.19, the one that sacreBLEU takes its classes from. A crate for regular
expressions would bring the same tables, and with them the features of a crate that Burn is built with.
"""

import sys
from pathlib import Path

import regex

OUT = Path(__file__).resolve().parent.parent / "src" / "text" / "tokenize" / "classes.rs"
HEAD = """//! Classes of characters, written by `scripts/unicode_classes.py`; all but ASCII.

/// First and last character of each run, in order.
pub(super) type Ranges = [(u32, u32)];
"""


def ranges(pattern):
    """The runs of characters from U+0080 on that match."""
    runs = []
    for point in range(0x80, sys.maxunicode + 1):
        if 0xD800 <= point <= 0xDFFF or not regex.match(pattern, chr(point)):
            continue
        if runs and runs[-1][1] == point - 1:
            runs[-1][1] = point
        else:
            runs.append([point, point])
    return runs


def table(name, about, pattern):
    lines, line = [], "   "
    for first, last in ranges(pattern):
        item = f" (0x{first:x}, 0x{last:x}),"
        if len(line) + len(item) > 99:
            lines.append(line)
            line = "   "
        line += item
    body = "\n".join([*lines, line])
    return f"\n/// {about}\n#[rustfmt::skip]\npub(super) const {name}: &Ranges = &[\n{body}\n];\n"


OUT.write_text(
    HEAD
    + table("NUMBERS", "Numbers: `\\p{N}`.", r"\p{N}")
    + table("PUNCTUATION", "Punctuation: `\\p{P}`.", r"\p{P}")
    + table("SYMBOLS", "Symbols: `\\p{S}`.", r"\p{S}")
)
