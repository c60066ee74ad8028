#!/usr/bin/env python3
"""An independent reference of the rule language and of what a match logs, and its vector file.

    python3 tests/vectors/rules_1.py write tests/vectors/rules-1.json
    python3 tests/vectors/rules_1.py check tests/vectors/rules-1.json
    python3 tests/vectors/rules_1.py random SEED COUNT FILE

The cases stand in rules_reference/cases, each with what it has to give, written by hand; `write` refuses
if the reference finds another result. `check` runs the cases of any such file, `random` writes one of random cases with what the reference finds. Only the standard library
is needed, nothing is shared with the crate, and the same bytes are written each time.

A case: `name`; `rule`, an expression (its rule has the id "rule"), or `rules`, [{"id", "expression"}...] over
one request; `uri_decoding` ("none" or "url"); `version` of the payload's form (3 or 4, else 4); `request` with
`method`, `target`, `version`, `scheme` ("https"), `headers` [[name, value]...], `body` or `body_b64`, `client`
(192.0.2.1), `country`, `timestamp_ms`, where a text that is not UTF-8 stands as {"b64": base64}; `fields` of
the case's own, name to {"type", "value"}, missing without a value; `lists`, name to {"ips" | "ints" | "bytes"}.
What it gives: `expect` is true, with the `payload` as an object or the word "truncated"; or false; or "error",
with `at` [line, column] from 1, in characters, where the place is plain.
"""

import importlib
import json
import pathlib
import sys

from rules_reference import extract, language, random_cases, request
from rules_reference.evaluate import Evaluator

SPEC = "wafpass rules 1"
CASES = ["literals", "operators", "logic", "arrays", "functions", "fields", "errors", "extraction", "privacy"]


def lists_of(case):
    """The case's lists: name to type, and name to items as sets of the language have them."""
    kinds, items = {}, {}
    for name, given in case.get("lists", {}).items():
        if "ips" in given:
            kinds[name], items[name] = language.IP, [language.ip_range(text) for text in given["ips"]]
        elif "ints" in given:
            both = [item.split("..") if isinstance(item, str) else (item, item) for item in given["ints"]]
            kinds[name], items[name] = language.INT, [(int(first), int(last)) for first, last in both]
        else:
            kinds[name], items[name] = language.BYTES, [request.text_bytes(text) for text in given["bytes"]]
    return kinds, items


def run(case):
    """{"expect", "at" (of an error), "payload" (of a match)} as the reference finds them."""
    types, _ = request.types_of(case)
    kinds, items = lists_of(case)
    rules = case["rules"] if "rules" in case else [{"id": "rule", "expression": case["rule"]}]
    try:
        trees = [language.parse(rule["expression"], types, kinds) for rule in rules]
    except language.ParseError as error:
        return {"expect": "error", "at": [error.line, error.column]}
    asked = request.Request(case)
    evaluator = Evaluator(request.facts_of(case, asked), items)
    matches = []
    for rule, tree in zip(rules, trees):
        value, reasons = evaluator.run(tree)
        if value:
            matches.append((rule["id"], reasons))
    if not matches:
        return {"expect": False}
    return {"expect": True, "payload": extract.payload(matches, asked.denied(), case.get("version", 4))}


def faults(case):
    """How the reference's result differs from the case's."""
    try:
        found = run(case)
    except Exception as error:  # a bug of the reference is a failed case too
        return [f"{type(error).__name__}: {error}"]
    out = []
    if found["expect"] != case["expect"]:
        out.append(f"expect: {case['expect']!r}, found {found}")
    elif "at" in case and found["at"] != case["at"]:
        out.append(f"at: {case['at']}, found {found['at']}")
    elif found["expect"] is True and case["payload"] != found["payload"]:
        wanted, got = (json.dumps(p, ensure_ascii=False)[:1000] for p in (case["payload"], found["payload"]))
        out.append(f"payload: {wanted}\n  found: {got}")
    return out


def judged(cases):
    failed = 0
    for case in cases:
        for fault in faults(case):
            failed += 1
            print(f"{case['name']}: {fault}")
    print(f"{len(cases) - failed} passed, {failed} failed")
    return failed == 0


def check(files):
    good = True
    for name in files:
        document = json.loads(pathlib.Path(name).read_text(encoding="utf-8"))
        assert document["spec"] == SPEC, name
        good = judged(document["cases"]) and good
    return good


def save(name, cases):
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    pathlib.Path(name).write_text(f'{{"spec": "{SPEC}", "cases": [\n{lines}\n]}}\n', encoding="utf-8")


def write_random(seed, count, name):
    cases = random_cases.cases(seed, count)
    found = [{**case, **run(case)} for case in cases]
    save(name, [{k: v for k, v in case.items() if k != "at"} for case in found])


def write(name):
    cases = []
    for module in CASES:
        cases += importlib.import_module(f"rules_reference.cases.{module}").CASES
    names = [case["name"] for case in cases]
    assert len(names) == len(set(names)), [n for n in names if names.count(n) > 1]
    if not judged(cases):
        return False
    save(name, cases)
    return True


if __name__ == "__main__":
    verb, arguments = (sys.argv[1:] or [""])[0], sys.argv[2:]
    if verb == "check" and arguments:
        sys.exit(not check(arguments))
    if verb == "write" and len(arguments) == 1:
        sys.exit(not write(arguments[0]))
    if verb == "random" and len(arguments) == 3:
        sys.exit(write_random(int(arguments[0]), int(arguments[1]), arguments[2]))
    sys.exit(__doc__)
