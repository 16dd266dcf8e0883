# What the scripts in this folder share; to be sourced by them.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CARGO_TERM_COLOR=never
started=$SECONDS
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

minutes() {
    awk "BEGIN { printf \"%.1f\", ($SECONDS - $1) / 60 }"
}

step() {
    local name=$1 from=$SECONDS
    shift
    printf '\n== %s: %s\n' "$name" "$*"
    "$@"
    printf -- '-- %s: %s min\n' "$name" "$(minutes "$from")"
}

# Built from source where it is missing: 4 minutes on one core.
need_deny() {
    command -v cargo-deny >/dev/null || cargo install -q cargo-deny --locked --version 0.20.2
    cargo deny --version
}

need_node() {
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        apt-get update -q
        apt-get install -y -q nodejs npm
    fi
    node --version
    npm ci --prefix test-vectors/client --no-audit --no-fund
}
