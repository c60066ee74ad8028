"""Lines of JSON, which schemathesis does not know."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """A text goes as it is; what breaks the description goes as one line of JSON."""
    text = value if isinstance(value, (str, bytes)) else json.dumps(value)
    return {"data": text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")}
