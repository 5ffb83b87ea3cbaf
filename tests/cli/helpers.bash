# Shared by the black-box tests.
tiny=synthetic:2,32,48,4,2,49152,128

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    export HF_HUB_OFFLINE=1 HF_HOME=$BATS_TEST_TMPDIR/hf SMOLWATT_CACHE=$BATS_TEST_TMPDIR/cache
    export SMOLWATT_CALIBRATION=none # whatever the home folder holds
    root=$BATS_TEST_DIRNAME/../..
    schema=$root/docs/record.schema.json
    [ -z "${races:-}" ] || races_are_in "$races"
}

# races_are_in FILES: this test looks at texts and figures of runs whose threads are those of runs
# there; under the thread sanitizer, which makes a run take twenty times as long, it is skipped. A
# file whose tests all do so sets $races instead.
races_are_in() {
    ! nm -D "$SMOLWATT" 2>/dev/null | grep -q __tsan_init || skip "races are looked for in $1"
}

# Until the condition holds, for 20 s at most.
wait_until() {
    local i
    for ((i = 0; i < 1000; i++)); do
        ! eval "$1" || return 0
        sleep 0.02
    done
    echo "never came true: $1"
    return 1
}

need() {
    command -v "$1" >/dev/null || skip "$1 is not installed"
}

# check PROGRAM ARGUMENT...: one of tests/support, with a Python that has jsonschema if there is one.
check() {
    need python3
    local chosen=$BATS_FILE_TMPDIR/python # once a file
    if [ ! -e "$chosen" ]; then
        echo python3 >"$chosen"
        python3 -c 'import jsonschema' 2>/dev/null || echo /usr/bin/python3 >"$chosen"
    fi
    "$(cat "$chosen")" "$root/tests/support/$1.py" "${@:2}"
}

check_measure() {
    check check_measure "$1" "$root/docs/measure.schema.json"
}

check_journal() {
    check check_record "$1" "$schema"
}

check_comparison() {
    check check_comparison "$1" "$root/docs/comparison.schema.json"
}
