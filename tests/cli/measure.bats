#!/usr/bin/env bats
# measure: any command under the meters; streams, signals, exit codes, repeats.
load helpers
bats_require_minimum_version 1.5.0

# A tree with one package at 1 J, whose counter the measured command moves.
make_tree() {
    zone=tree/sys/class/powercap/intel-rapl:0
    mkdir -p $zone
    echo package-0 >$zone/name
    echo 262143328850 >$zone/max_energy_range_uj
    echo 1000000 >$zone/energy_uj
}

@test "one object on stdout, the command's own output on stderr" {
    "$SMOLWATT" measure -o json -- sh -c 'echo out; echo err >&2' >result 2>streams
    [ "$(sort streams | tr '\n' ' ')" = "err out " ]
    jq -e '.type == "command" and .exit_code == 0 and .n_runs == 1' result
    jq -e '.wall_ns == .end_ns - .start_ns and .wall_ns > 0' result
    for c in cpu gpu ram total; do
        jq -e ".energy_j.$c | has(\"value\") and has(\"source\") and has(\"reason\")" result
    done
    jq -e 'has("trace") | not' result
}

@test "what it prints fits its schema, and is recomputed from its own runs" {
    make_tree
    "$SMOLWATT" measure -o json -- true >result
    check_measure result
    "$SMOLWATT" measure -o json --sysfs_root tree --trace --sample_ms 5 -r 6 -- \
        sh -c 'read -r uj <tree/sys/class/powercap/intel-rapl:0/energy_uj
               echo $((uj + 700000)) >tree/sys/class/powercap/intel-rapl:0/energy_uj; sleep 0.03' >result
    check_measure result
    jq -e '.statistics.cpu_j.n == 6 and (.runs | all(.trace | length > 2))' result
    # A counter that goes back in the second run; a command that cannot start; a signal; several.
    rm tree/sys/class/powercap/intel-rapl:0/max_energy_range_uj
    "$SMOLWATT" measure -o json --sysfs_root tree -r 2 -- \
        sh -c 'echo 9000000 >tree/x; mv tree/x tree/sys/class/powercap/intel-rapl:0/energy_uj
               [ -e again ] && echo 1 >tree/sys/class/powercap/intel-rapl:0/energy_uj; touch again' >result
    check_measure result
    run -127 "$SMOLWATT" measure --output result -o json -- ./nowhere
    check_measure result
    run "$SMOLWATT" measure --output result -o json -- sh -c 'kill -TERM $$'
    check_measure result
    "$SMOLWATT" measure -o json -r 3 true 'sleep 0.01' 'true; true' >result
    check_measure result
    "$SMOLWATT" measure -o jsonl -r 2 true 'sleep 0.01' >lines
    while read -r line; do
        echo "$line" >result
        check_measure result
    done <lines
    # The check itself sees what is wrong.
    "$SMOLWATT" measure -o json -- true >result
    for change in '.wall_ns += 1' '.extra = 1' 'del(.runs[0].sampler)' '.energy_j.total.value = 1e9' \
        '.runs[0].energy.ram.uj = -1' '.statistics.wall_s.mean *= 2'; do
        jq "$change" result >changed
        run check_measure changed
        [ "$status" -eq 1 ]
    done
}

@test "with --output the command's streams are its own" {
    printf 'in\n' | "$SMOLWATT" measure -o json --output result -- sh -c 'cat; echo e >&2' >out 2>err
    [ "$(cat out)" = in ]
    [ "$(cat err)" = e ]
    jq -e '.exit_code == 0' result
    # An older, longer file is replaced as a whole.
    printf '%9999s' x >result
    "$SMOLWATT" measure -o json --output result -- true
    jq -e '.exit_code == 0' result
}

@test "the exit code is the command's" {
    for code in 0 1 3 255; do
        run "$SMOLWATT" measure --output result -o json -- sh -c "exit $code"
        [ "$status" -eq "$code" ]
        [ "$(jq .exit_code result)" -eq "$code" ]
    done
    run "$SMOLWATT" measure --output result -o json -- sh -c 'kill -TERM $$'
    [ "$status" -eq 143 ]
    [ "$(jq -r .runs[0].signal result)" = SIGTERM ]
}

@test "a command that cannot start: 127 or 126, no figure, and why" {
    run -127 "$SMOLWATT" measure --output result -o json -- ./nowhere
    [ "$output" = "smolwatt: ./nowhere: No such file or directory" ]
    jq -e '.exit_code == 127 and .wall_ns == null and .energy_j.cpu.value == null' result
    jq -e '.energy_j.cpu.reason | test("could not start: No such file")' result
    run "$SMOLWATT" measure --output result -o json -- .
    [ "$status" -eq 126 ]
    jq -e '.exit_code == 126 and .start_ns == null' result
}

@test "the command's own clock lies between the edges" {
    need python3
    "$SMOLWATT" measure -o json --output result -- python3 -c \
        'import time; a = time.monotonic_ns(); time.sleep(0.05); print(a, time.monotonic_ns())' >own
    read -r a b <own
    jq -e --argjson a "$a" --argjson b "$b" '.start_ns <= $a and $b <= .end_ns' result
}

@test "joules of a counter that moves meanwhile" {
    make_tree
    "$SMOLWATT" measure --sysfs_root tree --g_per_kwh 3600 -o json -- \
        sh -c 'echo 5500000 >tree/sys/class/powercap/intel-rapl:0/energy_uj' >result
    jq -e '.energy_j.cpu == {value: 4.5, source: "measured", reason: null}' result
    jq -e '.runs[0].energy.cpu | .uj == 4500000 and .meter == "powercap:package-0"' result
    jq -e '.energy_j.total.value == 4.5 and (.co2e_g - 0.0045 | fabs) < 1e-12' result
    # A counter that goes back gives no value, but a reason.
    echo 9000000 >tree/sys/class/powercap/intel-rapl:0/energy_uj
    rm tree/sys/class/powercap/intel-rapl:0/max_energy_range_uj
    "$SMOLWATT" measure --sysfs_root tree -o json -- \
        sh -c 'echo 1 >tree/sys/class/powercap/intel-rapl:0/energy_uj' >result
    jq -e '.energy_j.cpu.value == null and (.energy_j.cpu.reason | test("9000000 to 1 uJ"))' result
}

@test "processor time holds the command's and its children's, orphans' too" {
    spin='i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done'
    "$SMOLWATT" measure -o json -- sh -c "$spin" >alone
    "$SMOLWATT" measure -o json -- sh -c "sh -c '$spin'; :" >child
    "$SMOLWATT" measure -o json -- sh -c "(sh -c '$spin; echo >done' &) ; while ! [ -e done ]; do sleep 0.01; done; sleep 0.05" >orphan
    jq -e '.user_ns > 10000000' alone child orphan
    jq -e '.children_ns == 0' alone
    jq -e '.children_ns > 10000000' child orphan
}

@test "peak memory is the largest process's" {
    need python3
    "$SMOLWATT" measure -o json -- python3 -c 'b = bytearray(100 << 20)' >result
    jq -e '.peak_memory_bytes > 100e6 and .peak_memory_bytes < 200e6' result
    jq -e '.peak_memory_is_bound == false' result
}

@test "signals are passed on" {
    "$SMOLWATT" measure --output result -o json -- \
        sh -c 'trap "exit 7" TERM; trap "echo usr1 >got" USR1; echo >ready; while :; do sleep 0.02; done' &
    pid=$!
    wait_until '[ -e ready ]'
    kill -USR1 $pid
    wait_until '[ -s got ]'
    kill -TERM $pid
    code=0
    wait $pid || code=$?
    [ $code -eq 7 ]
    jq -e '.exit_code == 7 and .runs[0].signal == null' result
}

@test "a signal ends a repetition after the run under way" {
    "$SMOLWATT" measure --output result -o json -r 1000 -- \
        sh -c 'trap : TERM; echo x >>log; sleep 0.05' &
    pid=$!
    wait_until '[ -e log ] && [ "$(wc -l <log)" -ge 3 ]'
    kill -TERM $pid
    code=0
    wait $pid || code=$?
    [ $code -eq 143 ]
    [ "$(jq .n_runs result)" -eq "$(wc -l <log)" ]
}

@test "what the caller ignores the command ignores too, and nothing else" {
    (trap '' INT && exec "$SMOLWATT" measure -- sh -c 'kill -INT $$; exit 5' 2>/dev/null >/dev/null) && code=0 || code=$?
    [ $code -eq 5 ]
    # We ignore SIGPIPE; the command must not.
    run "$SMOLWATT" measure --output /dev/null -- sh -c 'grep SigIgn /proc/self/status'
    ignored=$((16#$(echo "$output" | awk '{print $2}')))
    [ $((ignored & (1 << 12))) -eq "$((16#$(awk '/SigIgn/ {print $2}' /proc/$$/status) & (1 << 12)))" ]
    run "$SMOLWATT" measure --output /dev/null -- grep SigBlk /proc/self/status
    [[ $output == *0000000000000000 ]]
}

@test "no descriptor of ours reaches the command" {
    make_tree
    "$SMOLWATT" measure --sysfs_root tree --output /dev/null -- ls /proc/self/fd >measured 3>&-
    ls /proc/self/fd >plain 3>&-
    cmp measured plain
}

@test "stopped and continued" {
    "$SMOLWATT" measure --output result -o json -- sh -c 'echo $$ >pid; sleep 0.2; sleep 0.2' &
    wait_until '[ -s pid ]'
    kill -STOP "$(cat pid)"
    sleep 0.1
    kill -CONT "$(cat pid)"
    wait
    jq -e '.runs[0].remarks | map(test("stopped 1 time")) | any' result
}

@test "Ctrl-C and Ctrl-Z at a terminal reach the command once" {
    need python3
    python3 "$root/tests/support/terminal_signals.py" "$SMOLWATT"
}

@test "processes left behind are told, zombies are not left" {
    "$SMOLWATT" measure -o json --output result -- sh -c 'sleep 2 >/dev/null 2>&1 & echo $! >pid'
    kill "$(cat pid)"
    jq -e '.runs[0].remarks | map(test("go on")) | any' result
    "$SMOLWATT" measure -o json --output result -- true
    jq -e '.runs[0].remarks == []' result
}

@test "order of prepare, warm-up and runs" {
    "$SMOLWATT" measure -w 2 -r 3 --prepare 'echo p >>log' 'echo a >>log' >/dev/null
    [ "$(tr -d '\n' <log)" = papapapapa ]
    rm log
    "$SMOLWATT" measure -o json -w 1 -r 4 --prepare 'echo 1 >>log' --prepare 'echo 2 >>log' \
        'echo a >>log' 'echo b >>log' >result
    # Warm-up in the order given, then rounds that hold each once.
    [[ $(tr -d '\n' <log) =~ ^1a2b(1a2b|2b1a){4}$ ]]
    [ "$(jq -c '[.results[].n_runs]' result)" = '[4,4]' ]
    run "$SMOLWATT" measure --prepare 'exit 4' true
    [ "$status" -eq 1 ]
    [[ $output == *'--prepare: "exit 4" ended with exit code 4'* ]]
}

@test "several commands are compared" {
    "$SMOLWATT" measure -r 5 -o json 'sleep 0.02' 'sleep 0.08' >result
    jq -e '.results | map(.relative.wall.of) == [0, 0]' result
    jq -e '.results[0].relative.wall.times == 1' result
    jq -e '.results[1].relative.wall | .times > 2 and .times < 5 and .plus_minus > 0' result
    jq -e '.results[1] | (.wall_ns / 1e9 / .statistics.wall_s.mean - 1 | fabs) < 1e-6' result
    "$SMOLWATT" measure -r 2 'sleep 0.02' 'sleep 0.08' >result
    grep -qE '^  [0-9.]+ \+- [0-9.]+ times the time: sleep 0.08' result
    [ "$("$SMOLWATT" measure -r 2 -o jsonl true false -i | wc -l)" -eq 2 ]
    [ "$("$SMOLWATT" measure -r 2 -o csv true 'sleep 0' | wc -l)" -eq 3 ]
    [ "$("$SMOLWATT" measure -r 2 -o md true 'sleep 0' | wc -l)" -eq 4 ]
}

@test "a failing run ends the repetition, with --ignore_failure not" {
    run "$SMOLWATT" measure -r 5 --output result -o json -- sh -c 'echo x >>log; ! [ -e log ]'
    [ "$status" -eq 1 ]
    [ "$(wc -l <log)" -eq 1 ]
    [[ $output == *"run 1 of"*"exit code 1"* ]]
    run "$SMOLWATT" measure -i -r 5 --output result -o json -- sh -c 'echo x >>log; exit 9'
    [ "$status" -eq 9 ]
    [ "$(jq .n_runs result)" -eq 5 ]
}

@test "standard input: ours for one run, nothing for several, or a file" {
    [ "$(echo x | "$SMOLWATT" measure --output /dev/null -- cat)" = x ]
    [ "$(echo x | "$SMOLWATT" measure -r 2 --output /dev/null -- cat)" = "" ]
    echo y >file
    [ "$("$SMOLWATT" measure -r 3 --input file --output /dev/null -- cat | tr -d '\n')" = yyy ]
    [ "$("$SMOLWATT" measure --discard --output /dev/null -- sh -c 'echo a; echo b >&2' 2>&1)" = "" ]
}

@test "without a shell, words and quotes" {
    [ "$("$SMOLWATT" measure -S none --output /dev/null "printf '%s|' a\\ b 'c d' \"e\\\"f\" \$HOME")" = 'a b|c d|e"f|$HOME|' ]
    run "$SMOLWATT" measure -S none "echo 'open"
    [ "$status" -eq 2 ]
    [[ $output == *"a quote is not closed"* ]]
    run "$SMOLWATT" measure -S none "  "
    [ "$status" -eq 2 ]
}

@test "the trace has power over time" {
    # Until the sampler has had its turn: a busy machine may keep it waiting.
    "$SMOLWATT" measure -o json --trace --sample_ms 10 -- sleep 1.5 >result
    jq -e '.runs[0].trace | length > 5' result
    jq -e '.runs[0].trace | map(.end_ns > .begin_ns and has("cpu_w") and has("gpu_w")) | all' result
    jq -e '.runs[0].sampler | .period_ns == 10000000 and .n_samples > 5' result
}

@test "wrong use: exit code 2, and nothing runs" {
    check() {
        run "$SMOLWATT" measure "$@"
        [ "$status" -eq 2 ]
        [ ! -e ran ]
        [ "${#lines[@]}" -eq 1 ]
    }
    check
    check --
    check -r 0 'touch ran'
    check -r x 'touch ran'
    check -o yaml 'touch ran'
    check --trace 'touch ran'
    check 'touch ran' -- touch ran
    check -p a -p b 'touch ran' 'touch ran' 'touch ran'
    check -n a 'touch ran' 'touch ran'
    check --sysfs_root nowhere 'touch ran'
    run "$SMOLWATT" measure --country XX 'touch ran'
    [ "$status" -ne 0 ]
    [ ! -e ran ]
    run "$SMOLWATT" measure --output no/such/folder/file 'touch ran'
    [ "$status" -eq 1 ]
    [ ! -e ran ]
    run "$SMOLWATT" measure --input nowhere 'touch ran'
    [ "$status" -eq 1 ]
    [ ! -e ran ]
}

@test "a thousand arguments and an option of the command's own" {
    [ "$("$SMOLWATT" measure --output /dev/null -- sh -c 'echo $#' x $(seq 1000))" = 1000 ]
    [ "$("$SMOLWATT" measure --output /dev/null -- echo -n --help)" = --help ]
    # An option takes the next word, whatever it is.
    run "$SMOLWATT" measure --command-name -- --output /dev/null 'echo named'
    [ "$output" = named ]
}

@test "a full disk and a closed pipe are failures" {
    [ -w /dev/full ] || skip "no /dev/full"
    run "$SMOLWATT" measure --output /dev/full -- true
    [ "$status" -eq 1 ]
    [[ $output == *"/dev/full: No space left on device"* ]]
    [ -c /dev/full ]
    run bash -c '"$SMOLWATT" measure -- true >/dev/full'
    [ "$status" -eq 1 ]
}

@test "psys is the machine, beside the total; one that its board does not feed is told" {
    make_tree
    local psys=tree/sys/class/powercap/intel-rapl:1
    mkdir -p $psys
    echo psys >$psys/name
    echo 262143328850 >$psys/max_energy_range_uj
    echo 262143328000 >$psys/energy_uj
    local package='echo 3000000 >tree/sys/class/powercap/intel-rapl:0/energy_uj; sleep 0.1'
    "$SMOLWATT" measure --sysfs_root tree -o json -- sh -c "$package; echo 4999150 >$psys/energy_uj" >result
    jq -e '.energy_j.machine == {value: 5, source: "measured", reason: null}' result
    jq -e '.energy_j.cpu.value == 2 and .energy_j.total.value == 2' result
    jq -e '.runs[0].energy.machine | .meter == "powercap:psys" and .uncertainty_percent == null' result
    check_measure result
    echo 1000000 >tree/sys/class/powercap/intel-rapl:0/energy_uj
    "$SMOLWATT" measure --sysfs_root tree -o json -- sh -c "$package; echo 5999150 >$psys/energy_uj" >result
    jq -e '.energy_j.machine.value == null and .energy_j.cpu.value == 2' result
    jq -e '.energy_j.machine.reason | test("powercap:psys counted 1.000 J while the packages")' result
    check_measure result
    echo 1000000 >tree/sys/class/powercap/intel-rapl:0/energy_uj
    "$SMOLWATT" measure --sysfs_root tree -- sh -c "$package" >result
    tr -s ' \n' ' ' <result | grep -qE 'Machine - absent: powercap:psys has not moved'
}

@test "an external meter's feed is the machine, beside the total" {
    now=$(date +%s%N)
    echo 'time_ns,watts' >feed
    for i in 5 4 3 2 1 0; do echo "$((now - i * 200000000)),25" >>feed; done
    # It writes for as long as the measurement takes, however busy the machine is.
    (until [ -e measured ]; do
        read -r -t 0.1 <> <(:) || :
        echo "$(date +%s%N),25" >>feed
    done) 3>&- &
    "$SMOLWATT" measure --power_feed feed -o json -- sleep 0.4 >out
    : >measured
    wait
    jq -e '.energy_j.machine | .source == "sampled" and .value > 9' out
    jq -e '(.energy_j.machine.value / (.wall_ns * 1e-9)) | . > 24 and . < 26' out
    jq -e '.energy_j.total.reason == "without gpu"' out
    # Not covered: null, and the reason, in the table too.
    "$SMOLWATT" measure --power_feed feed -o json -- sleep 1.2 >out
    jq -e '.energy_j.machine | .value == null and (.reason | test("not covered|no line yet"))' out
    "$SMOLWATT" measure --power_feed feed -- sleep 1.2 2>&1 | tr -s ' ' | grep -q '^Machine - absent: feed could not be read'
    echo nonsense >>feed
    "$SMOLWATT" measure --power_feed feed -o json -- true >out
    jq -e --arg n "$(wc -l <feed)" '.energy_j.machine.reason | test("feed:\($n): .nonsense. is not time_ns,watts")' out
    run -2 "$SMOLWATT" measure --power_feed nowhere -- true
    [[ $output == *"--power_feed: nowhere: No such file or directory"* ]]
}

@test "a GPU without a counter: its power integrated, a mean over a second undone" {
    library=$(dirname "$(readlink -f "$SMOLWATT")")/tests/support/libfake_nvml.so
    [ -e "$library" ] || skip "the stand-in for NVML is not built"
    export SMOLWATT_NVML=$library FAKE_NVML_ENERGY=3 FAKE_NVML_POWER=0 FAKE_NVML_MEAN_MS=1000 FAKE_NVML_CAPABILITY=86
    # 20 W, and 220 W from a moment on that lies about in the middle.
    read -r up _ </proc/uptime
    ns=$(awk -v up="$up" 'BEGIN { printf "%.0f", (up + 0.7) * 1e9 }')
    FAKE_NVML_STEPS="0:20000,$ns:220000" "$SMOLWATT" measure --sample_ms 20 -o json -- sleep 1 >out
    jq -e '.energy_j.gpu | .source == "sampled" and (.reason | test("mean over 1 s undone"))' out
    jq -e --argjson step "$ns" '(((.end_ns - $step) * 220 + ($step - .start_ns) * 20) * 1e-9) as $j
        | .energy_j.gpu.value / $j | . > 0.93 and . < 1.07' out
    # A counter that stands, or jumps back, gives none.
    FAKE_NVML_ENERGY=0 FAKE_NVML_MJ=5000 "$SMOLWATT" measure -o json -- sleep 0.1 >out
    jq -e '.energy_j.gpu | .value == null and (.reason | test("nvml:0 stood still"))' out
}
