#!/usr/bin/env bash
# Builds every tests/fuzz/fuzz_<noun>.c with clang under libFuzzer, ASan and UBSan (build/fuzz, kept
# between runs) and runs each for FUZZ_SECONDS (10) on a copy of its seeds, tests/fuzz/corpus/<noun>.
# Output is TAP: one test per fuzzer. What a fuzzer finds is left in build/fuzz/found; after the fix
# it goes into the seeds, under a name that says what it was.
#
#   tests/fuzz/run.sh [NOUN ...]   only these
#
# tests/fuzz/<noun>.dict is given as a dictionary where it exists; FUZZ_MAX_LEN (16384) bounds inputs.
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=${FUZZ_SECONDS:-10}
max_len=${FUZZ_MAX_LEN:-16384}
build=build/fuzz
found=$build/found
nouns=("$@")
if [ ${#nouns[@]} -eq 0 ]; then
    for source in tests/fuzz/fuzz_*.c; do
        noun=${source#tests/fuzz/fuzz_}
        nouns+=("${noun%.c}")
    done
fi
if ! command -v clang >/dev/null; then
    echo "ok 1 - fuzzers # SKIP clang is not installed"
    echo "1..1"
    exit 0
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if ! echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n > 9 ? 0 : 0; }' |
    clang -x c -fsanitize=fuzzer,address,undefined - -o "$scratch/probe" 2>"$scratch/log"; then
    echo "ok 1 - fuzzers # SKIP clang has no libFuzzer: $(head -n 1 "$scratch/log")"
    echo "1..1"
    exit 0
fi

# Called from a make with its own variables, the inner one must not inherit them.
programs=("${nouns[@]/#/$build/fuzz_}")
if ! env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -j"$(nproc)" CC=clang BUILD=$build OPT='-O1 -g' \
    SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' \
    "${programs[@]}" >"$scratch/log" 2>&1; then
    echo "not ok 1 - fuzzers build"
    tail -n 40 "$scratch/log" | sed 's/^/# /'
    echo "1..1"
    exit 1
fi

mkdir -p "$found"
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
n=0 failed=0
for noun in "${nouns[@]}"; do
    n=$((n + 1))
    mkdir -p "$scratch/$noun"
    [ -d "tests/fuzz/corpus/$noun" ] && cp -r "tests/fuzz/corpus/$noun/." "$scratch/$noun"
    options=(-max_total_time="$seconds" -rss_limit_mb=2048 -malloc_limit_mb=1024 -timeout=10
        -max_len="$max_len" -artifact_prefix="$found/$noun-" -print_final_stats=1)
    [ -f "tests/fuzz/$noun.dict" ] && options+=(-dict="tests/fuzz/$noun.dict")
    if "$build/fuzz_$noun" "${options[@]}" "$scratch/$noun" >"$scratch/log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$scratch/log")
        echo "ok $n - $noun: $runs inputs in $seconds s"
    else
        echo "not ok $n - $noun"
        grep -v '^#[0-9]' "$scratch/log" | tail -n 60 | sed 's/^/# /'
        failed=1
    fi
done
echo "1..$n"
exit $failed
