# shellcheck shell=bash
# What ./test and the scripts beside this file share. Source it; it runs nothing.

# What is fetched once and kept between clones: Cargo's tools, a compiler for WebAssembly, HPKE by others.
WAFPASS_CACHE=${WAFPASS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/wafpass}

tools_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
interop_lists=$tools_dir/../tests/interop
clickhouse_lists=$tools_dir/../tests/clickhouse
schemathesis_list=$tools_dir/../tests/collector_openapi/requirements.txt

# fail FAULT WAY_OUT: an error in two lines, then out.
fail() {
  printf 'error: %s\n  help: %s\n' "$1" "$2" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "'$1' needs root, and there is no sudo" "run ./test install as root once"
  fi
}

# retry TIMES COMMAND...: for what crosses a network.
retry() {
  local times=$1 try
  shift
  for ((try = 1; ; try++)); do
    "$@" && return
    ((try < times)) || return 1
    printf 'try %d of %d failed: %s\n' "$try" "$times" "$*" >&2
    sleep $((try * 2))
  done
}

# Where the pinned Cargo tools live: one folder for each version of the list.
cargo_tools_dir() {
  local list
  list=$(sha256sum <"$tools_dir/cargo-tools.txt")
  printf '%s/cargo-tools-%s' "$WAFPASS_CACHE" "${list:0:12}"
}

# Where the packages live by which tests/collector_openapi asks the collector: one folder for each version of the list.
schemathesis_dir() {
  local list
  list=$(sha256sum <"$schemathesis_list")
  printf '%s/schemathesis-%s' "$WAFPASS_CACHE" "${list:0:12}"
}

# Where the packages live that tests/interop compares with: one folder for each version of the two lists.
interop_dir() {
  local lists
  lists=$(cat "$interop_lists/package-lock.json" "$interop_lists/requirements.txt" | sha256sum)
  printf '%s/interop-%s' "$WAFPASS_CACHE" "${lists:0:12}"
}

# Where the ClickHouse engine lives that tests/collector_clickhouse runs: one folder for each version of the list.
clickhouse_dir() {
  local list
  list=$(sha256sum <"$clickhouse_lists/requirements.txt")
  printf '%s/clickhouse-%s' "$WAFPASS_CACHE" "${list:0:12}"
}
