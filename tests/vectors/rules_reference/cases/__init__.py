"""Cases of the rule language and of the extraction, with what each has to give written by hand."""

HOST = ["host", "shop.example"]


def request(target="/", headers=(), **more):
    return {**more, "target": target, "headers": [HOST] + [list(header) for header in headers]}


def case(name, rule, expect, payload=None, target="/", headers=(), at=None, **more):
    """One case. Members of the request (`method`, `body` …) and of the case (`version` …) go as they are."""
    of_case = ("uri_decoding", "version", "fields", "lists")
    of_request = {k: v for k, v in more.items() if k not in of_case}
    out = {"name": name}
    if isinstance(rule, str):
        out["rule"] = rule
    else:
        out["rules"] = [{"id": i, "expression": e} for i, e in rule]
    out.update({k: v for k, v in more.items() if k in of_case})
    if "http_version" in of_request:
        of_request["version"] = of_request.pop("http_version")
    out["request"] = request(target, headers, **of_request)
    out["expect"] = expect
    if at:
        out["at"] = list(at)
    if expect is True:
        out["payload"] = payload
    return out


def parses_not(name, rule, line=None, column=None, **more):
    return case(name, rule, "error", at=(line, column) if line else None, **more)


def form(body):
    return {"method": "POST", "body": body, "headers": [["content-type", "application/x-www-form-urlencoded"]]}
