#!/bin/sh
# The gate without the tests: types, lint, format, floors, tidy, dead code.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"
export PATH
tsc -p .
tsc -p src/api
oxlint --type-aware --deny-warnings
oxfmt --check src test tools bench
node tools/floors.ts
node tools/tidy.ts
