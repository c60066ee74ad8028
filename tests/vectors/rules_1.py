#!/usr/bin/env python3
"""An independent reference of the rule language and of what a match logs, and its vector file.

    python3 tests/vectors/rules_1.py write tests/vectors/rules-1.json
    python3 tests/vectors/rules_1.py check tests/vectors/rules-1.json

The cases stand in rules_reference/cases, each with what it has to give, written by hand; `write` refuses
if the reference finds another result. `check` runs the cases of any such file. Only the standard library
is needed, nothing is shared with the crate, and the same bytes are written each time.
"""

import importlib
import json
import pathlib
import sys

from rules_reference import extract, language, request
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
        out.append(f"payload: {json.dumps(case['payload'], ensure_ascii=False)}\n"
                   f"      found: {json.dumps(found['payload'], ensure_ascii=False)}")
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


def write(name):
    cases = []
    for module in CASES:
        cases += importlib.import_module(f"rules_reference.cases.{module}").CASES
    names = [case["name"] for case in cases]
    assert len(names) == len(set(names)), [n for n in names if names.count(n) > 1]
    if not judged(cases):
        return False
    text = json.dumps({"spec": SPEC, "cases": cases}, ensure_ascii=False, indent=1)
    pathlib.Path(name).write_text(text + "\n", encoding="utf-8")
    return True


if __name__ == "__main__":
    verb, arguments = (sys.argv[1:] or [""])[0], sys.argv[2:]
    if verb == "check" and arguments:
        sys.exit(not check(arguments))
    if verb == "write" and len(arguments) == 1:
        sys.exit(not write(arguments[0]))
    sys.exit(__doc__)
