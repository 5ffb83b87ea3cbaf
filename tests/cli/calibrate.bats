#!/usr/bin/env bats
# calibrate: a curve from a counter, and runs that use it where there is none.
load helpers

start_tree() { # DIR NAME
    need python3
    python3 "$root/tests/support/loaded_tree.py" "$1" "$2" >"$1.ready" &
    helper=$!
    for _ in $(seq 100); do
        grep -q ready "$1.ready" && return
        sleep 0.05
    done
    return 1
}

teardown() {
    [ -z "${helper:-}" ] || kill "$helper"
}

@test "calibrate writes a curve that later runs without a counter use and name" {
    start_tree tree "A test's CPU"
    run "$SMOLWATT" calibrate --sysfs_root tree --seconds 0.6 --settle 0.3 --output config/cal.json
    [[ $output != *"nothing to fit"* ]] || skip "other programs keep every processor busy"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"written to config/cal.json"* ]]
    [[ $output == *Threads*Work*Load*Watts*Curve* ]]
    [ "$(jq -r .type config/cal.json)" = calibration ]
    [ "$(jq -r .cpu config/cal.json)" = "A test's CPU" ]
    [ "$(jq -r .meter config/cal.json)" = powercap:package-0 ]
    jq -e '.full_w > 45 and .full_w < 75' config/cal.json
    # Power at rest is a guess where other programs run, as it says then.
    [[ $output == *"busy at rest"* ]] || jq -e '.idle_share > 0.1 and .idle_share < 0.7' config/cal.json
    jq -e '.points[0].threads == 0 and .points[1].threads == 1 and (.points | length) >= 4' config/cal.json
    # The same machine, its counter out of reach.
    rm tree/sys/class/powercap/intel-rapl:0/energy_uj
    SMOLWATT_CALIBRATION=config/cal.json "$SMOLWATT" run -m "$tiny" --samples 1 -n 2 -q \
        --sysfs_root tree -o json >record.json
    jq -e '.meters[] | select(.name == "model:calibrated") | .counted' record.json
    jq -e '.energy.decode.cpu.meter == "model:calibrated"' record.json
    jq -e '.energy.decode.cpu.reason | test("calibrated on this machine with powercap:package-0")' record.json
    jq -e '.energy.decode.cpu.uncertainty_percent >= 5' record.json
    run check_journal smolwatt.jsonl
    [[ $output == PASS* ]]
    # Another machine's is left alone, aloud.
    sed -i "s/A test's CPU/Another CPU/" tree/proc/cpuinfo
    SMOLWATT_CALIBRATION=config/cal.json "$SMOLWATT" measure --sysfs_root tree -o json -- true >other.json
    jq -e '.energy_j.cpu.reason | test("is left alone: of another machine")' other.json
}

@test "a meter at the supply gives the machine's curve, which stands beside the total" {
    start_tree tree "A test's CPU"
    run "$SMOLWATT" calibrate --sysfs_root tree --component machine --power_feed tree.feed \
        --seconds 0.6 --settle 0.3 --output cal.json
    [[ $output != *"nothing to fit"* ]] || skip "other programs keep every processor busy"
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(jq -r .component cal.json)" = machine ]
    jq -e '.full_w > 40 and .full_w < 80' cal.json
    rm tree/sys/class/powercap/intel-rapl:0/energy_uj
    SMOLWATT_CALIBRATION=cal.json "$SMOLWATT" measure --sysfs_root tree -o json -- sleep 0.1 >out.json
    jq -e '.runs[0].energy.machine | .meter == "model:calibrated" and .source == "modelled" and .uj > 1e6' out.json
    jq -e '.runs[0].energy.cpu.meter == "model:tdp_load"' out.json
}

@test "calibrate says what is missing" {
    mkdir -p tree/proc
    echo 'cpu  1 0 0 1 0 0 0 0 0 0' >tree/proc/stat
    run "$SMOLWATT" calibrate --sysfs_root tree --output cal.json
    [ "$status" -eq 1 ]
    [[ $output == *"no cpu counter to calibrate with"*"smolwatt doctor"* ]]
    [ ! -e cal.json ]
    run "$SMOLWATT" calibrate --component gpu
    [ "$status" -eq 2 ]
    [[ $output == *'"gpu" is not cpu or machine'* ]]
    run "$SMOLWATT" calibrate --seconds 0
    [ "$status" -eq 2 ]
    run env -u HOME -u XDG_CONFIG_HOME -u SMOLWATT_CALIBRATION "$SMOLWATT" calibrate
    [ "$status" -eq 2 ]
    [[ $output == *"no place for the calibration"* ]]
}
