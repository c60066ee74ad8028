#!/bin/sh
# Runs jobs through the edge function as it is deployed, under one engine:
#
#     tests/edge/run.sh node jobs.json results.json     Node 18 or later
#     tests/edge/run.sh njs  jobs.json results.json     njs 0.7.9 (Debian: apt-get install njs)
#
# EDGE_FUNCTION names another function file than edge/cloudfront-function/index.js.
#
# jobs.json    [{"name": "...", "now": unix seconds, "kvs": {"wafpass": "<JSON text>"},
#                "event": {"version": "1.0", "context": {"requestId": "..."}, "viewer": {"ip": "..."},
#                          "request": {"method": "GET", "uri": "/a", "rawQueryString": "b=1" or null,
#                                      "querystring": {}, "headers": {"host": {"value": "..."}},
#                                      "cookies": {}}}}]
# results.json [{"name": "...", "request": {...} or "response": {"statusCode": 503, ...},
#                "kvs_reads": 1, "logs": ["..."]}]; "error" instead, had the function thrown
#
# rawQueryString null stands for "no query" (the method returns undefined); left out, there is no such
# method. "kvs": null stands for a function without an associated store.
#
# The function file is copied and gets one line more, the export that the runtime does without.
set -eu
[ $# -eq 3 ] || { sed -n '2,21s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

{ cat "${EDGE_FUNCTION:-$here/../../edge/cloudfront-function/index.js}"; echo 'export default { handler };'; } > "$dir/function.js"
cp "$here/run.js" "$dir/run.js"
case $1 in
node)
    mkdir -p "$dir/node_modules/cloudfront"
    cp "$here/cloudfront.js" "$dir/node_modules/cloudfront/index.js"
    echo '{"type": "module", "exports": "./index.js"}' > "$dir/node_modules/cloudfront/package.json"
    echo '{"type": "module"}' > "$dir/package.json"
    node "$dir/run.js" "$2" "$3" ;;
njs)
    cp "$here/cloudfront.js" "$dir/cloudfront" # njs looks for the bare name below -p
    njs -p "$dir" "$dir/run.js" "$2" "$3" ;;
*)
    echo "run.sh: no engine named $1; the engines are node and njs" >&2
    exit 2 ;;
esac
