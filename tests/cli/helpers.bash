# Shared by the black-box tests.
tiny=synthetic:2,32,48,4,2,49152,128

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    export HF_HUB_OFFLINE=1 HF_HOME=$BATS_TEST_TMPDIR/hf SMOLWATT_CACHE=$BATS_TEST_TMPDIR/cache
    export SMOLWATT_CALIBRATION=none # whatever the home folder holds
    root=$BATS_TEST_DIRNAME/../..
    schema=$root/docs/record.schema.json
    python=python3
    python3 -c 'import jsonschema' 2>/dev/null || python=/usr/bin/python3
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

check_measure() {
    need python3
    "$python" "$root/tests/support/check_measure.py" "$1" "$root/docs/measure.schema.json"
}

check_journal() {
    need python3
    "$python" "$root/tests/support/check_record.py" "$1" "$schema"
}

check_comparison() {
    need python3
    "$python" "$root/tests/support/check_comparison.py" "$1" "$root/docs/comparison.schema.json"
}
