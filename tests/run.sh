#!/usr/bin/env bash
# Runs every test program and script as TAP, shows what failed and what was skipped and why, and
# ends with one line: "N passed, N failed, N skipped". Exits 1 on any failure, or if nothing ran.
#
#   tests/run.sh [PATTERN ...]   only tests whose path matches one of the patterns
#
# JOBS of them (as many as there are processors) run at once, at the end one by one those that ask
# for a machine that is not busy; before the count stand the slowest.
set -u
cd "$(dirname "$0")/.." || exit 1
export BUILD=${BUILD:-build}
export SMOLWATT=$PWD/$BUILD/smolwatt
export SW_SHARED=${SW_SHARED:-$PWD/../shared}
export SW_FIXTURES=$PWD/tests/fixtures
export CMOCKA_MESSAGE_OUTPUT=TAP
export TSAN_OPTIONS=${TSAN_OPTIONS:-suppressions=$PWD/tests/support/tsan.supp}
jobs=${JOBS:-$(nproc)}
passed=0 failed=0 skipped=0
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
trap 'exit 130' INT

wanted() {
    [ ${#patterns[@]} -eq 0 ] && return 0
    local p
    for p in "${patterns[@]}"; do [[ $1 == *$p* ]] && return 0; done
    return 1
}

# judge NUMBER NAME COMMAND...: writes NUMBER.counts and, last, NUMBER.shown; a crash or a run
# without tests is a failure of its own.
judge() {
    local result=$results/$1 name=$2 rc ok bad skip real cpu
    local log=$result.log TIMEFORMAT='%R %U %S'
    shift 2
    # A shell's background jobs ignore these, and what they start would, too.
    { time env --default-signal=INT,QUIT "$@" >"$log" 2>&1 </dev/null; } 2>"$result.time"
    rc=$?
    read -r real cpu < <(awk 'END {printf "%.1f %.1f\n", $1, $2 + $3}' "$result.time")
    skip=$(grep -aciE '^(not )?ok\b.*# *skip' "$log")
    ok=$(grep -aiE '^ok\b' "$log" | grep -avciE '# *skip')
    bad=$(grep -aE '^not ok\b' "$log" | grep -avciE '# *skip')
    {
        if [ $((ok + bad + skip)) -eq 0 ] || { [ $rc -ne 0 ] && [ "$bad" -eq 0 ]; }; then
            bad=$((bad + 1))
            echo "FAIL $name: exit code $rc after $ok tests"
            tail -n 40 "$log" | sed 's/^/    /'
        elif [ "$bad" -gt 0 ]; then
            echo "FAIL $name: $bad of $((ok + bad))"
            grep -avE '^ok\b' "$log" | head -n 80 | sed 's/^/    /'
        else
            echo "ok   $name: $ok tests, $real s, $cpu s of processor"
        fi
        grep -aiE '^# *skip|^ok\b.*# *skip' "$log" | sed 's/^/    /' | sort | uniq -c | sed 's/^ *1 //'
    } >"$result.text"
    echo "$ok $bad $skip $cpu $real $name" >"$result.counts"
    rm "$log"
    mv "$result.text" "$result.shown"
}

# show_finished: what has ended since the last time, in the order of its start.
show_finished() {
    local shown
    for shown in "$results"/*.shown; do
        [ -e "$shown" ] || continue
        cat "$shown"
        rm "$shown"
    done
}

# A program that starts no thread has nothing to show to the thread sanitizer. Linked from
# libraries, a program holds pthread_create where anything that it can call may start one.
cannot_race() {
    local symbols
    symbols=$(nm "$1" 2>/dev/null)
    [[ $symbols == *__tsan_init* && $symbols != *pthread_create* ]]
}

n_started=0 n_running=0
run() {
    local name=$1
    wanted "$name" || return 0
    if [ "$n_running" -ge "$jobs" ]; then
        wait -n
        n_running=$((n_running - 1))
        show_finished
    fi
    n_started=$((n_started + 1)) n_running=$((n_running + 1))
    judge "$(printf %03d $n_started)" "$@" &
}

patterns=("$@")
# What skips on a machine that is too busy runs when nothing else does.
needs_rest() { grep -qsE 'too busy|every processor busy' "$1"; }

left=() alone=()
# First what waits more than it computes.
for file in tests/cli/*.bats; do
    [ -e "$file" ] || continue
    if needs_rest "$file"; then
        alone+=("$file")
        continue
    fi
    run "$file" bats --tap "$file"
done
for script in tests/checks/*.sh; do
    [ -e "$script" ] && run "$script" bash "$script"
done
for program in $(find "$BUILD"/tests -type f -perm -u+x -name 'test_*' | sort); do
    # A program whose source is gone is an old build's.
    source=${program#"$BUILD"/}
    [ -e "$source.c" ] || [ -e "$source.cpp" ] || [[ $program == */emulated/* ]] || continue
    if cannot_race "$program"; then
        wanted "${program#"$BUILD"/}" && left+=("${source#tests/}")
        continue
    fi
    if needs_rest "$source.c"; then
        alone+=("$program")
        continue
    fi
    run "${program#"$BUILD"/}" "$program"
done
finish() {
    wait
    n_running=0
    show_finished
}
finish
for test in "${alone[@]}"; do
    case $test in
    *.bats) run "$test" bats --tap "$test" ;;
    *) run "${test#"$BUILD"/}" "$test" ;;
    esac
    finish
done
[ ${#left[@]} -eq 0 ] || echo "--   start no thread, so have no race: ${left[*]}"
# Which died with its judge, by a signal or a full disk, has none.
n_judged=$(find "$results" -name '*.counts' | wc -l)
if [ "$n_judged" -lt "$n_started" ]; then
    echo "FAIL $((n_started - n_judged)) of $n_started programs ended without a count"
    failed=$((failed + n_started - n_judged))
fi
for counts in "$results"/*.counts; do
    [ -e "$counts" ] || continue
    read -r ok bad skip _ <"$counts"
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
done
[ "$n_started" -eq 0 ] || cat "$results"/*.counts | sort -k 4 -rn | awk '
    NR <= 8 && $4 >= 5 {printf "%8.1f s of processor, %.1f s: %s\n", $4, $5, $6}
    {all += $4} END {printf "%8.1f s of processor in all\n", all}'
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
