#!/usr/bin/env python3
"""Pairs of words and phrases out of a dictionary in the format of dictd, for docs/RESULTS.md, "German to English".

    python scripts/dictionary_pairs.py german-english.dict.dz 24 > de24.tsv

The file is that of Debian's package dict-de-en 1.9-6 (Frank Richter's dictionary, TU Chemnitz, version devel 2023-01-30). An entry is
a headword, its annotations behind one blank, and translations behind three. Annotations in brackets of any kind and between
slashes are left out, translations are cut at semicolons, and pairs are kept whose sides have one to so many characters.
"""

import argparse
import gzip
import re

NOTE = re.compile(r"\{[^}]*\}|\([^)]*\)|\[[^\]]*\]|<[^>]*>|/[^/]*/")
LEFT_OVER = re.compile(r"[\t|{}\[\]<>()]")


def plain(text):
    """Without annotations."""
    return " ".join(NOTE.sub(" ", text).split())


def is_open(text):
    """Whether an annotation goes on in the next line."""
    return any(text.count(a) > text.count(b) for a, b in ["()", "[]", "{}"])


def entries(lines):
    """Headwords with their translations."""
    head, translations = None, []
    for line in lines:
        line = line.rstrip("\n")
        if line.startswith("   "):
            translations.append(line.strip())
        elif line.startswith(" "):
            if translations:
                translations[-1] += " " + line.strip()
            elif head is not None:
                head += " " + line.strip()
        elif line.strip() and not line.startswith("00-database"):
            if translations and is_open(translations[-1]):
                translations[-1] += " " + line.strip()
                continue
            if head is not None:
                yield head, translations
            head, translations = line, []
    if head is not None:
        yield head, translations


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("dictionary")
    parser.add_argument("most", type=int, help="characters of a side")
    args = parser.parse_args()
    most = args.most
    pairs = set()
    with gzip.open(args.dictionary, "rt", encoding="utf8") as lines:
        for head, translations in entries(lines):
            source = plain(head).strip(" ,;:")
            for translation in translations:
                for target in plain(translation).split(";"):
                    target = " ".join(target.split()).strip(" ,:")
                    if 0 < len(source) <= most and 0 < len(target) <= most and not LEFT_OVER.search(source + target):
                        pairs.add((source, target))
    for source, target in sorted(pairs):
        print(f"{source}\t{target}")


if __name__ == "__main__":
    main()
