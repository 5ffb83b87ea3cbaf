#!/usr/bin/env bash
# Runs every test program and script as TAP, shows what failed and what was skipped and why, and
# ends with one line: "N passed, N failed, N skipped". Exits 1 on any failure, or if nothing ran.
#
#   tests/run.sh [PATTERN ...]   only tests whose path matches one of the patterns
set -u
cd "$(dirname "$0")/.." || exit 1
export BUILD=${BUILD:-build}
export SMOLWATT=$PWD/$BUILD/smolwatt
export SW_SHARED=${SW_SHARED:-$PWD/../shared}
export SW_FIXTURES=$PWD/tests/fixtures
export CMOCKA_MESSAGE_OUTPUT=TAP
export TSAN_OPTIONS=${TSAN_OPTIONS:-suppressions=$PWD/tests/support/tsan.supp}
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

wanted() {
    [ ${#patterns[@]} -eq 0 ] && return 0
    local p
    for p in "${patterns[@]}"; do [[ $1 == *$p* ]] && return 0; done
    return 1
}

# run NAME COMMAND...: counts its TAP lines; a crash or a run without tests is a failure of its own.
run() {
    local name=$1 rc ok bad skip
    shift
    wanted "$name" || return 0
    local began=$SECONDS
    "$@" >"$log" 2>&1 </dev/null
    rc=$?
    skip=$(grep -aciE '^(not )?ok\b.*# *skip' "$log")
    ok=$(grep -aiE '^ok\b' "$log" | grep -avciE '# *skip')
    bad=$(grep -aE '^not ok\b' "$log" | grep -avciE '# *skip')
    if [ $((ok + bad + skip)) -eq 0 ] || { [ $rc -ne 0 ] && [ "$bad" -eq 0 ]; }; then
        bad=$((bad + 1))
        echo "FAIL $name: exit code $rc after $ok tests"
        tail -n 40 "$log" | sed 's/^/    /'
    elif [ "$bad" -gt 0 ]; then
        echo "FAIL $name: $bad of $((ok + bad))"
        grep -avE '^ok\b' "$log" | head -n 80 | sed 's/^/    /'
    else
        echo "ok   $name: $ok tests, $((SECONDS - began)) s"
    fi
    grep -aiE '^# *skip|^ok\b.*# *skip' "$log" | sed 's/^/    /' | sort | uniq -c | sed 's/^ *1 //'
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
}

patterns=("$@")
for program in $(find "$BUILD"/tests -type f -perm -u+x -name 'test_*' | sort); do
    # A program whose source is gone is an old build's.
    source=${program#"$BUILD"/}
    [ -e "$source.c" ] || [ -e "$source.cpp" ] || [[ $program == */emulated/* ]] || continue
    run "${program#"$BUILD"/}" "$program"
done
for script in tests/checks/*.sh; do
    [ -e "$script" ] && run "$script" bash "$script"
done
for file in tests/cli/*.bats; do
    [ -e "$file" ] && run "$file" bats --tap "$file"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
