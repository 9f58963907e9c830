"""Which texts the grammars of a small collection have, by Lark's Earley parser.

Packages: lark 1.3.1.
Command: python scripts/reference_grammar.py
Writes tests/fixtures/grammar.json: for each grammar all texts of at most so many letters of an alphabet that
it has, and what it says of longer ones. `dynamic_complete` is the lexer that also tries terminals that are
not the longest.
"""

import itertools
import json
from pathlib import Path

import lark

OUT = Path(__file__).parent.parent / "tests/fixtures/grammar.json"

SUMS = r"""
start: start ("+" | "-") product | product
product: product "*" factor | factor   // left recursion
factor: /[1-2]+/ | "-" factor | "(" start ")"  # and brackets
"""
OPERATORS = r"""
?start: start "+" start -> sum
    | "-" start -> minus
    | start "!"
    | "(" start ")"
    | "1"
"""
MUTUAL = r"""
start: expr
expr: binary | unary | "1"
binary: expr "+" expr
unary: "-" expr
"""
MIXED = r"""
start: negative | start "+" start | "1"
negative: "-" start | negative "!"
"""
JSON = r"""
?start: value
?value: object | array | string | SIGNED_NUMBER -> number | "true" | "false" | "null"
array: "[" [value ("," value)*] "]"
object: "{" [pair ("," pair)*] "}"
pair: string ":" value
string: ESCAPED_STRING
%import common.ESCAPED_STRING
%import common (SIGNED_NUMBER, WS)
%ignore WS
"""
QUERY = r"""
start: "select"i columns "from"i CNAME condition? ";"?
columns: "*" | CNAME ("," CNAME)*
condition: "where"i test
test: test ("and"i | "or"i) test | "not"i test | "(" test ")" | CNAME OPERATOR value
value: SIGNED_NUMBER | TEXT | CNAME
TEXT: "'" /[^']*/ "'"
OPERATOR: "=" | "<" "="? | ">" "="?
%import common.CNAME
%import common.SIGNED_NUMBER
%import common.WS_INLINE -> _BLANK
%ignore _BLANK
%ignore /--[^\n]*/
"""
# Name, grammar, alphabet, letters, depth, longer texts.
CASES = [
    ("sums", SUMS, "1+*()-", 5, 3, ["1-2*(12+-1)", "((1))*--(2)", "1+(2*(1+2)", "1*-(2)-"]),
    ("operators", OPERATORS, "1+-!()", 5, 3, ["-(1+1)!!+--1", "((1)!)", "1!+!1"]),
    ("mutual", MUTUAL, "1+-", 7, 0, []),
    ("mixed", MIXED, "1+-!", 6, 6, []),
    ("both ends", 'start: "x" start | start "y" | "b"', "xyb", 7, 0, []),
    ("doubled", 'start: start start | "a" | "b" start', "ab", 8, 0, []),
    ("right", 'start: "x" b | "y"\nb: "y" start | "x" b | "z"', "xyz", 7, 0, []),
    ("left", 'start: b "x" | "y"\nb: start "y" | b "x" | "z"', "xyz", 7, 0, []),
    ("cycle", 'start: a\na: b | "x"\nb: c | a "y"\nc: a | "z"', "xyz", 6, 0, []),
    ("optional", 'start: "a" ("," start)? | [start ";"] "b"', "ab,;", 6, 6, []),
    ("empty", 'start: a* b? | start "c"\na: "x" |\nb: "y" a', "xyc", 6, 0, []),
    ("palindromes", 'start: "a" start "a" | "b" start "b" |', "ab", 9, 5, []),
    ("lists", 'start: "(" start* ")" | "a"', "(a)", 7, 4, ["(a(aa(a))())", "((a)"]),
    ("counts", 'start: "a"~2..3 ("b" | "c")~2 "d"~0..1', "abcd", 6, 0, []),
    ("letters", 'start: "aB"i X\nX: "c".."e" | "\\x41" | "\\u00e9"', "aAbBcdeé", 4, 0, []),
    ("escapes", r'start: "\"" | "\\" A | "\n\t" | /\// /b\/?/' + "\nA: /[\\/\\\\]/i", '"\\\n\t/b', 4, 0, []),
    ("flags", "start: /[ab]./s /K/i", "abkK\n", 4, 0, []),
    ("names", 'start: "if" NAME | NAME\nNAME: /[fix]+/\n%ignore " "', "if x", 6, 0, []),
    ("ignored", 'start: A ("=" B)*\nA: "a" "a"?\nB.2: "1"+\n%ignore " "\n%ignore /#a*/', "a=1 #", 6, 0, []),
    ("blanks", 'start: [pair] ";"?\n!pair.3: "x" "y"\n%ignore WS\n%import common.WS', "xy; \n", 6, 0, []),
    ("comments", 'start: ("a" "=" "a")+\n%ignore WS\n%ignore SH_COMMENT\n%import common (WS, SH_COMMENT)', "a=# \n", 6, 0, []),
    ("one ignored", 'start: lines\nlines: "a"+ ["#b"]\n%ignore (WS|SH_COMMENT)+\n%import common (WS, SH_COMMENT)', "ab# \n", 5, 0, []),
    ("begins alike", 'start: lines\nlines: "a" " b" | / *b/ "a" | "a" "\\n" "a"\n%ignore / +/\n%ignore /\\n\\n/', "ab \n", 6, 0, []),
    ("line ends", 'start: ("a" | ";")+\n%ignore NEWLINE\n%import common.NEWLINE', "a;\r\n", 5, 0, []),
    ("json", JSON, '[{"1:,}] ', 5, 4, [
        '{"a": [1, -2.5e3, {"b\\"": null}], "c" : true}', '{"a": [1, 2,]}', '[[[[]]]]', '"\\"', '"\\\\"',
        ' [ ] ', '{"a" "b"}', '{1: 2}', '[1 2]', 'nulltrue', '[{}, {"x": {"y": []}}]', '"a\nb"', '[\n1\t]',
    ]),
    ("query", QUERY, "", 0, 3, [
        "select * from t", "SELECT a,b FROM t WHERE not (a<=1 and b = 'x y') OR c>d;", "select a b from t",
        "select a from t where a", "select a from t where (a=1", "select a from t where a=1 --note",
        "selectafromt", "select a, from t", "select * from t where a='1' and not not b<-2.5e1 or (c=d)",
    ]),
]
COMMON = [
    ("DIGIT INT LETTER WORD LCASE_LETTER UCASE_LETTER HEXDIGIT", "1aAgG", 3),
    ("SIGNED_INT DECIMAL FLOAT SIGNED_FLOAT NUMBER SIGNED_NUMBER", "1.eE+-", 5),
    ("ESCAPED_STRING", '"\\a\n', 6),
    ("CNAME", "a_1A-", 4),
    ("WS WS_INLINE CR LF NEWLINE", "\r\n \tx\f", 4),
    ("SH_COMMENT CPP_COMMENT SQL_COMMENT", "#/-a\n", 4),
    ("C_COMMENT", "/*a\n", 7),
]
for names, alphabet, letters in COMMON:
    for name in names.split():
        CASES.append((name, f"start: {name}\n%import common.{name}\n", alphabet, letters, 0, []))


def made(name, grammar, alphabet, letters, depth, longer):
    parser = lark.Lark(grammar, parser="earley", lexer="dynamic_complete")

    def has(text):
        try:
            parser.parse(text)
            return True
        except lark.exceptions.LarkError:
            return False

    lengths = range(letters + 1) if alphabet else []
    texts = ("".join(t) for n in lengths for t in itertools.product(alphabet, repeat=n))
    accepted = [text for text in texts if has(text)]
    print(name, len(accepted))
    return {
        "name": name,
        "grammar": grammar,
        "alphabet": alphabet,
        "letters": letters,
        "depth": depth,
        "accepted": accepted,
        "longer": [[text, has(text)] for text in longer],
    }


cases = [made(*case) for case in CASES]
OUT.write_text(json.dumps({"lark": lark.__version__, "cases": cases}, ensure_ascii=False))
print(OUT.stat().st_size)
