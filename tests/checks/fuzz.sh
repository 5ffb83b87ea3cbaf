#!/usr/bin/env bash
# A bounded run of every fuzzer; FUZZ_SECONDS (2 here) makes it longer. Output is TAP.
cd "$(dirname "$0")/../.." || exit 1
if [ "${BUILD:-build}" != build ]; then
    echo "ok 1 - fuzzers # SKIP they have a sanitizer build of their own, run in the plain suite"
    echo "1..1"
    exit 0
fi
FUZZ_SECONDS=${FUZZ_SECONDS:-2} exec tests/fuzz/run.sh
