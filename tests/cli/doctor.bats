#!/usr/bin/env bats
# doctor: every meter with its reason, every setting with how to change and restore it.
load helpers
races="measure.bats"
bats_require_minimum_version 1.5.0

source "$BATS_TEST_DIRNAME/../support/machines.sh"

# A client machine on battery with everything that spoils a figure.
make_laptop() {
    local cpu=$1/sys/devices/system/cpu i
    for i in 0 1; do
        put "$1/sys/devices/system/cpu/cpu$i/cpufreq/scaling_governor" powersave
        put "$1/sys/devices/system/cpu/cpu$i/cpufreq/energy_performance_preference" balance_power
        put "$1/sys/devices/system/cpu/cpu$i/cpufreq/scaling_max_freq" 2000000
        put "$1/sys/devices/system/cpu/cpu$i/cpufreq/cpuinfo_max_freq" 4000000
    done
    put "$cpu/intel_pstate/no_turbo" 0
    put "$cpu/smt/active" 1
    put "$cpu/smt/control" on
    put "$1/proc/cpuinfo" 'processor : 0' 'model name : Some CPU' 'physical id : 0' 'flags : fpu' '' \
        'processor : 1' 'model name : Some CPU' 'physical id : 0' 'flags : fpu'
    put "$1/proc/meminfo" 'MemTotal: 8388608 kB'
    put "$1/proc/loadavg" '1.50 0.70 0.30 2/345 6789'
    put "$1/proc/sys/kernel/osrelease" 6.1.0
    put "$1/proc/sys/kernel/perf_event_paranoid" 2
    put "$1/proc/sys/kernel/numa_balancing" 1
    put "$1/sys/bus/event_source/devices/power/type" 21
    put "$1/sys/class/power_supply/AC/type" Mains
    put "$1/sys/class/power_supply/BAT0/type" Battery
    put "$1/sys/class/power_supply/BAT0/status" Discharging
    put "$1/sys/class/power_supply/mouse/type" Battery
    put "$1/sys/class/power_supply/mouse/scope" Device
    put "$1/sys/class/power_supply/mouse/status" Discharging
    put "$1/sys/firmware/acpi/platform_profile" low-power
    put "$1/sys/fs/cgroup/cpu.max" '150000 100000'
    put "$1/sys/fs/cgroup/memory.max" 1073741824
    put "$1/sys/kernel/mm/transparent_hugepage/enabled" 'always madvise [never]'
    put "$1/sys/devices/system/node/online" 0-1
    put "$1/sys/devices/system/clocksource/clocksource0/current_clocksource" hpet
    put "$1/sys/class/powercap/intel-rapl:0/name" package-0
    put "$1/sys/class/powercap/intel-rapl:0/energy_uj" 123456
    put "$1/sys/class/powercap/intel-rapl:0/max_energy_range_uj" 262143328850
}

settings_of() { sed -n '/^settings/,$p' "$1"; }

@test "every setting that spoils figures, with change and restore" {
    make_laptop tree
    "$SMOLWATT" doctor --sysfs_root tree >out
    settings_of out | diff "$root/tests/fixtures/doctor/spoiled.txt" -
}

@test "a machine in order has nothing to change" {
    make_laptop tree
    for i in 0 1; do
        put tree/sys/devices/system/cpu/cpu$i/cpufreq/scaling_governor performance
        put tree/sys/devices/system/cpu/cpu$i/cpufreq/energy_performance_preference performance
        put tree/sys/devices/system/cpu/cpu$i/cpufreq/scaling_max_freq 4000000
    done
    put tree/sys/devices/system/cpu/intel_pstate/no_turbo 1
    put tree/sys/devices/system/cpu/smt/active 0
    put tree/proc/loadavg '0.05 0.01 0.00 1/99 1'
    put tree/proc/sys/kernel/perf_event_paranoid -1
    put tree/sys/class/power_supply/BAT0/status Charging
    put tree/sys/firmware/acpi/platform_profile balanced
    put tree/sys/fs/cgroup/cpu.max 'max 100000'
    put tree/sys/fs/cgroup/memory.max max
    put tree/sys/kernel/mm/transparent_hugepage/enabled '[always] madvise never'
    put tree/sys/devices/system/node/online 0
    put tree/sys/devices/system/clocksource/clocksource0/current_clocksource tsc
    "$SMOLWATT" doctor --sysfs_root tree -o json >out
    jq -e '[.[] | select(.kind == "setting")] | length > 10 and (map(.state) | unique) == ["good"]' out
    jq -e '[.[] | select(.kind == "setting") | .change, .restore] | unique == [null]' out
}

@test "commands that change and restore do what they say" {
    [ "$(id -u)" -eq 0 ] || skip "needs root for sudo's stand-in"
    make_laptop tree
    put tree/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor schedutil
    cp -r tree before
    # The same commands, on the tree in the place of /sys and /proc, and without sudo.
    apply() {
        "$SMOLWATT" doctor --sysfs_root before -o json |
            jq -r ".[] | select(.kind == \"setting\" and (.path | test(\"^/sys/(dev|kernel|firm)\"))) | .$1 // empty" |
            grep tee | sed "s:/sys/:$PWD/tree/sys/:g; s:sudo ::g" >commands
        [ "$(wc -l <commands)" -ge 7 ]
        while read -r line; do eval "$line" >/dev/null; done <commands
    }
    apply change
    [ "$(cat tree/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor)" = performance ]
    run ! diff -r before tree
    "$SMOLWATT" doctor --sysfs_root tree -o json >out
    for s in governor 'energy preference' 'clock limit' turbo 'platform profile'; do
        jq -e --arg s "$s" '.[] | select(.setting == $s) | .state == "good"' out
    done
    apply restore
    # The bracketed word is the kernel's to write.
    echo 'always madvise [never]' >tree/sys/kernel/mm/transparent_hugepage/enabled
    diff -r before tree
}

@test "a counter that cannot be read: for now, and for good" {
    run_as=()
    if [ "$(id -u)" -eq 0 ]; then
        need setpriv
        run_as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    fi
    tree=$(mktemp -d)
    make_laptop "$tree"
    chmod 755 "$tree"
    chmod 0000 "$tree/sys/class/powercap/intel-rapl:0/energy_uj"
    "${run_as[@]}" test -x "$SMOLWATT" || skip "the program's folder is closed to others"
    "${run_as[@]}" "$SMOLWATT" doctor --sysfs_root "$tree" -o json >out
    rm -r "$tree"
    row='.[] | select(.meter == "powercap:package-0")'
    jq -e "$row | .state == \"missing\" and (.reason | test(\"Permission denied\"))" out
    jq -e "$row | .enable | test(\"^sudo chgrp\")" out
    jq -e "$row | .enable_for_good | test(\"doctor --udev_rule . sudo tee /etc/udev/rules.d/\")" out
}

@test "the rule that is printed is the one that is installed" {
    "$SMOLWATT" doctor --udev_rule >rule
    cmp rule "$root/share/udev/70-smolwatt-rapl.rules"
    grep -q 'chmod 0440 ' rule
    # It leaves a counter to root and the group alone, wherever the zone lies.
    command -v udevadm >/dev/null && udevadm verify --help >/dev/null 2>&1 || skip "no udevadm verify"
    udevadm verify "$root/share/udev/70-smolwatt-rapl.rules"
}

@test "what a counter is: tick, cost of a reading, range, uncertainty" {
    make_laptop tree
    "$SMOLWATT" doctor --sysfs_root tree -o json >out
    row='.[] | select(.meter == "powercap:package-0")'
    jq -e "$row | .state == \"used\" and .source == \"measured\" and .range_uj == 262143328850" out
    jq -e "$row | .read_ns > 0 and .tick_ns == null and .uncertainty_percent == 5" out
    "$SMOLWATT" doctor --sysfs_root tree >out
    grep -qE '^           measured: package 0, .*; has not moved while it was watched, and gives no joules until it does; a reading takes [0-9.]+ us; restarts after 262143 J; within 5 %$' out
}

@test "every format holds every row" {
    make_laptop tree
    n=$("$SMOLWATT" doctor --sysfs_root tree -o json | jq length)
    [ "$("$SMOLWATT" doctor --sysfs_root tree -o jsonl | wc -l)" -eq "$n" ]
    [ "$("$SMOLWATT" doctor --sysfs_root tree -o csv | wc -l)" -eq $((n + 1)) ]
    [ "$("$SMOLWATT" doctor --sysfs_root tree -o md | wc -l)" -eq $((n + 2)) ]
}

@test "a hostile tree: no byte reaches the terminal, no pipe is waited for" {
    make_laptop tree
    printf 'per\033[31mform\377\n' >tree/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor
    rm tree/proc/loadavg tree/sys/class/power_supply/BAT0/status
    mkfifo tree/proc/loadavg tree/sys/class/power_supply/BAT0/status
    printf '99999999999999999999\n' >tree/sys/devices/system/cpu/smt/active
    printf 'never' >tree/sys/kernel/mm/transparent_hugepage/enabled
    : >tree/proc/sys/kernel/perf_event_paranoid
    timeout 20 "$SMOLWATT" doctor --sysfs_root tree >out
    run ! grep -q "$(printf '\033')" out
    grep -q 'governor: per?\[31mform? and others' out
    # A value that a shell would take apart stands in no command.
    run ! grep -q "restore: .*echo per" out
    timeout 20 "$SMOLWATT" doctor --sysfs_root tree -o json | jq -e 'length > 5'
}

# The whole text for each kind of machine. After a change that is meant, tests/support/machines.sh
# writes the texts anew.
check_texts() {
    local kind bad=0
    for kind in "${machines[@]}"; do
        make_machine "$kind" "$kind"
        doctor_text "$SMOLWATT" "$kind" | diff "$root/tests/fixtures/doctor/$kind.txt" - || bad=1
    done
    [ $bad -eq 0 ]
}

@test "the text for each kind of machine" {
    [ "${#machines[@]}" -eq 13 ]
    check_texts
}

# Commands of doctor's JSON, one a line; what only hands can do is no command.
commands_of() {
    jq -r '.[] | .enable, .enable_for_good, .change, .restore | select(. != null)' "$1" |
        grep -E '(^|[|&;] *)(sudo|echo|docker|smolwatt) ' || :
}

@test "what is to be typed is a command, for each kind of machine" {
    local kind line n=0
    for kind in "${machines[@]}"; do
        make_machine "$kind" "$kind"
        SMOLWATT_NVML=/nowhere/libnvidia-ml.so "$SMOLWATT" doctor --sysfs_root "$kind" -o json >"$kind.json"
        jq -e '[.[] | .enable, .enable_for_good | select(. != null)] | all(test("^(sudo|docker|smolwatt) "))' "$kind.json"
        commands_of "$kind.json" >commands
        while read -r line; do
            bash -n -c "$line"
            sh -n -c "$line"
            printf '%s\n' "$line"
            n=$((n + 1))
        done <commands >>all
    done
    [ "$n" -ge 40 ]
    command -v shellcheck >/dev/null || skip "no shellcheck: $n commands are only parsed"
    # One script of all; a file that is globbed may be missing, and $(id -gn) may hold anything.
    { echo '#!/bin/bash'; sort -u all; } >all.sh
    shellcheck -S info all.sh
}

@test "a command names the files of a tree whose name a shell would take apart" {
    run_as=()
    if [ "$(id -u)" -eq 0 ]; then
        need setpriv
        run_as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    fi
    "${run_as[@]}" test -x "$SMOLWATT" || skip "the program's folder is closed to others"
    parent=$(mktemp -d)
    chmod 755 "$parent"
    tree="$parent/a tree; touch spoilt \$(touch spoilt) 'x'"
    make_machine client-psys "$tree"
    sensor "$tree" hwmon3 amd_energy energy1 Esocket0 12345
    put "$tree/sys/bus/event_source/devices/power/type" 21
    chmod 0000 "$tree"/sys/class/powercap/intel-rapl:0/energy_uj "$tree"/sys/class/hwmon/hwmon3/energy1_input
    "${run_as[@]}" "$SMOLWATT" doctor --sysfs_root "$tree" -o json >out
    jq -r '.[] | .enable // empty | select(test("chmod g.r"))' out | sort -u >commands
    [ "$(wc -l <commands)" -eq 2 ]
    # What sudo would be given, in its place.
    sudo() { printf '%s\n' "${@: -1}"; }
    while read -r line; do eval "$line"; done <commands >files
    while read -r file; do [ -e "$file" ]; done <files
    grep -qxF "$tree/sys/class/hwmon/hwmon3/energy1_input" files
    [ ! -e spoilt ]
    rm -r "$parent"
}

@test "commands in the documentation are commands, and their options are known" {
    local file sub line option known n=0
    for file in "$root"/README.md "$root"/docs/*.md; do
        grep -E '^    ' "$file" | grep -E '^    (sudo|smolwatt|scripts/|git|make|echo|while|do|done)' |
            sed 's/^    //; s/ *[…].*//; s/ \.\.\.$//' >blocks || :
        bash -n blocks
        grep -oE '(^|build/|\| )smolwatt [a-z].*' blocks | sed 's/^| //; s/^build.//' >calls || :
        while read -r line; do
            sub=$(cut -d ' ' -f 2 <<<"$line")
            known=$("$SMOLWATT" "$sub" --help) || { echo "$file: $line"; return 1; }
            for option in $(sed 's/ -- .*//' <<<"$line" | grep -oE -- ' --[a-z][a-z0-9_-]+' | tr - _); do
                grep -qE -- "--${option#__}( |$)" <<<"$known" || { echo "$file: $line: $option"; return 1; }
                n=$((n + 1))
            done
        done <calls
    done
    [ "$n" -ge 20 ]
}

@test "a die that mirrors another is told once the counters move" {
    make_machine threadripper-mirror tree
    local a=tree/sys/class/powercap/intel-rapl:0/energy_uj b=tree/sys/class/powercap/intel-rapl:1/energy_uj
    # Both in place, never empty, then a rest of 2 ms: a reading can still fall between the two, so
    # that a loaded machine gets five tries.
    (for ((uj = 41234568000; ; uj += 9000)); do
        printf '%s' $uj 1<>$a
        printf '%s' $uj 1<>$b
        read -r -t 0.002 <> <(:) || :
    done) 3>&- &
    local writer=$! try
    for try in 1 2 3 4 5; do
        "$SMOLWATT" doctor --sysfs_root tree -o json >out
        jq -e '.[] | select(.meter == "powercap:package-0-die-1") | .state != "used"' out && break
    done
    kill $writer
    jq -e '.[] | select(.meter == "powercap:package-0-die-0") | .state == "used"' out
    jq -e '.[] | select(.meter == "powercap:package-0-die-1") | .state != "used"' out
}
