#!/usr/bin/env bats
# run --profile: warm-up, idle, blocks, when they stop, and how they go on.
load helpers

# Options may come again: the last one counts.
profile() {
    "$SMOLWATT" run -m "$tiny" -n 5 -q --warm_up 6 --idle_seconds 0.05 "$@"
}

end() {
    tail -n 1 smolwatt.jsonl | jq "$@"
}

@test "study has one pass, no blocks and no statistics" {
    races_are_in "other tests of this file"
    "$SMOLWATT" run -m "$tiny" --samples 3 -n 5 -q -o json >out
    [ "$(jq -c '[has("statistics", "precision", "stopped_by")]' out)" = '[false,false,false]' ] ||
        [ "$(jq -c '[has("statistics"), has("precision"), has("stopped_by")]' out)" = '[false,false,false]' ]
    [ "$(jq -c '[.warm_up, .idle_before_ns, .plan.profile, .samples]' out)" = '[null,null,"study",3]' ]
    [ "$(grep -c '"block":' smolwatt.jsonl)" -eq 0 ]
}

@test "quick has eight blocks of two questions, and the record follows from its journal" {
    profile --profile quick -o json >out
    [ "$(jq -c '[.stopped_by, .samples, .precision.n_blocks]' out)" = '["blocks",16,8]' ]
    [ "$(jq '.idle_before_ns >= 50000000 and .idle_after_ns >= 50000000' out)" = true ]
    [ "$(jq '.warm_up.n >= 5 and .warm_up.n <= 6' out)" = true ]
    [ "$(jq '.statistics.seconds_per_token.blocks | length' out)" -eq 8 ]
    run check_journal smolwatt.jsonl
    echo "$output"
    [[ $output == PASS*"16 samples"* ]]
}

@test "standard stops at its time limit, and at its precision where blocks are alike" {
    races_are_in "other tests of this file"
    profile --profile standard --samples 4 -n 20 --time_limit 0.1 >/dev/null
    end -e '.stopped_by == "time_limit" or .stopped_by == "precision"'
    [ "$(end '.plan.blocks.target')" = 0.02 ]
    run check_journal smolwatt.jsonl
    echo "$output"
    [[ $output == PASS* ]]
}

@test "strict takes the same way" {
    races_are_in "other tests of this file"
    profile --profile strict --samples 1 --time_limit 0.2 >/dev/null
    end -e '.plan.profile == "strict" and .precision.n_blocks >= 1'
    run check_journal smolwatt.jsonl
    [[ $output == PASS* ]]
}

@test "--blocks is as many, of any profile, in an order that the seed gives" {
    races_are_in "other tests of this file"
    profile --blocks 3 --samples 6 --journal a.jsonl >/dev/null
    profile --blocks 3 --samples 6 --journal b.jsonl >/dev/null
    profile --blocks 3 --samples 6 --seed 5 --journal c.jsonl >/dev/null
    for j in a b c; do
        jq -c 'select(.type == "sample") | [.block, .index]' $j.jsonl >order.$j
        [ "$(wc -l <order.$j)" -eq 18 ]
        run check_journal $j.jsonl
        [[ $output == PASS* ]]
    done
    cmp order.a order.b
    ! cmp -s order.a order.c
    # Each block has an order of its own.
    [ "$(jq -c 'select(.[0] == 0) | .[1]' order.a | tr '\n' ' ')" != \
        "$(jq -c 'select(.[0] == 1) | .[1]' order.a | tr '\n' ' ')" ]
}

@test "many at once, in blocks" {
    profile --profile quick --batch 2 --samples 4 --blocks 5 >/dev/null
    run check_journal smolwatt.jsonl
    echo "$output"
    [[ $output == PASS*"20 samples"* ]]
    [ "$(jq -s '[.[] | select(.type == "window") | .block] | unique == [0,1,2,3,4]' smolwatt.jsonl)" = true ]
}

# A journal as a crash in the middle of a block leaves it: so many lines, and part of the next.
cut_after() {
    head -n "$1" smolwatt.jsonl >cut
    sed -n "$(($1 + 1))p" smolwatt.jsonl | head -c 80 >>cut
    mv cut smolwatt.jsonl
}

@test "resume in the middle of a block: the same order, and a record that follows from the journal" {
    races_are_in "other tests of this file"
    profile --blocks 5 --samples 4 >/dev/null
    jq -c 'select(.type == "sample") | [.block, .index, .ids]' smolwatt.jsonl >whole
    cut_after 11 # the run line, two blocks, half of the third
    run profile --blocks 5 --samples 4 --resume -o json
    [ "$status" -eq 0 ]
    [[ $output == *"after 10 samples in blocks of 4"* ]]
    grep '"type":"sample"' smolwatt.jsonl | jq -c -R 'fromjson? | [.block, .index, .ids]' >again
    cmp whole again
    grep -v '^{"schema_version":1,"type":"sample".\{0,60\}$' smolwatt.jsonl >clean.jsonl
    [ "$(end '[.samples, .precision.n_blocks, .resumed_at_sample] == [20, 5, 10]')" = true ]
    run check_journal clean.jsonl
    echo "$output"
    [[ $output == PASS*"20 samples"* ]]
}

@test "resume in the middle of a block of a batch" {
    profile --blocks 3 --samples 4 --batch 2 >/dev/null
    # Behind the first sample of the second block.
    n=$(grep -n '"type":"sample"' smolwatt.jsonl | sed -n 5p | cut -d: -f1)
    head -n "$n" smolwatt.jsonl >cut && mv cut smolwatt.jsonl
    run profile --blocks 3 --samples 4 --batch 2 --resume
    [ "$status" -eq 0 ]
    [[ $output == *"after 5 samples in blocks of 4"* ]]
    [ "$(end '.samples == 12 and .precision.n_blocks == 3')" = true ]
    run check_journal smolwatt.jsonl
    echo "$output"
    [[ $output == PASS*"12 samples"* ]]
}

@test "a block whose line was lost is done again; a run that ended begins anew" {
    races_are_in "other tests of this file"
    profile --blocks 3 --samples 3 >/dev/null
    # The second sample of the first block, and the end.
    sed -i -e '3d' -e '$d' smolwatt.jsonl
    run profile --blocks 3 --samples 3 --resume
    [ "$status" -eq 0 ]
    [[ $output == *"after 8 samples in blocks of 3"* ]]
    [ "$(end '.samples == 9 and .precision.n_blocks == 3')" = true ]
    run profile --blocks 3 --samples 3 --resume
    [[ $output == *"is complete: the run begins anew"* ]]
    run profile --blocks 4 --samples 3 --resume
    [ "$status" -eq 2 ]
    [[ $output == *"another plan"* ]]
}

@test "the record is the same when it is made anew from the journal" {
    races_are_in "other tests of this file"
    profile --profile quick -o json >before
    sed -i '$d' smolwatt.jsonl # the end line; everything is measured
    n=$(wc -l <smolwatt.jsonl)
    profile --profile quick --resume -o json >after
    # One more run line, with an idle and a warm-up of its own, and the end: no sample.
    [ "$(wc -l <smolwatt.jsonl)" -eq $((n + 2)) ]
    for key in samples n_generated_tokens wall_ns prefill_ns decode_ns energy_j energy_j_per_token statistics \
        precision stopped_by ttft_ns tpot_ns conditions quality; do
        [ "$(jq -cS ".$key" before)" = "$(jq -cS ".$key" after)" ]
    done
}

@test "a warm-up that did not settle is a reason of the verdict" {
    races_are_in "other tests of this file"
    # Four answers are never five that agree.
    "$SMOLWATT" run -m "$tiny" -n 5 -q --warm_up 4 --blocks 2 --samples 1 -o json >out
    jq -e '.warm_up.n == 4 and (.warm_up.agreed | not)' out
    jq -e '.verdict.reasons | any(startswith("drift: 4 answers of warm-up"))' out
}

@test "a full disk is told before anything is loaded" {
    races_are_in "other tests of this file"
    unshare -rm true 2>/dev/null || skip "no name spaces of mounts here"
    mkdir full
    run unshare -rm bash -c 'mount -t tmpfs -o size=64k none full &&
        head -c 60000 /dev/zero >full/filler &&
        "$SMOLWATT" run -m "'$tiny'" --blocks 2 --samples 1 --journal full/x.jsonl'
    [[ $output == *"mount"*"denied"* ]] && skip "no mounts here"
    [ "$status" -eq 1 ]
    [[ $output == *"full/x.jsonl: no room for 64 KiB of lines: No space left on device"* ]]
    [[ $output != *loading* ]]
}

@test "kill -9 in a later block, and resume" {
    races_are_in "other tests of this file"
    "$SMOLWATT" run -m "$tiny" --blocks 6 --samples 5 -n 60 -q >/dev/null 2>&1 &
    pid=$!
    for _ in $(seq 6000); do
        [ "$(grep -c '"type":"sample"' smolwatt.jsonl 2>/dev/null)" -ge 12 ] && break
        sleep 0.01
    done
    kill -KILL $pid 2>/dev/null || true
    wait $pid || true
    run "$SMOLWATT" run -m "$tiny" --blocks 6 --samples 5 -n 60 -q --resume -o json
    [ "$status" -eq 0 ]
    [ "$(end '.samples == 30 and .precision.n_blocks == 6')" = true ]
}

@test "Ctrl-C keeps the blocks that are whole, and resume goes on" {
    "$SMOLWATT" run -m "$tiny" --profile standard --samples 5 -n 60 -q --warm_up 0 \
        --idle_seconds 0 --time_limit 0 --blocks 2000 -o json >out 2>err &
    pid=$!
    for _ in $(seq 6000); do
        [ "$(grep -c '"type":"sample"' smolwatt.jsonl 2>/dev/null)" -ge 12 ] && break
        sleep 0.01
    done
    kill -INT $pid
    code=0
    wait $pid || code=$?
    cat err
    [ $code -eq 130 ]
    [ "$(jq -r .stopped_by out)" = interrupted ]
    [ "$(jq '.interrupted and .precision.n_blocks >= 2' out)" = true ]
    grep -q 'samples in blocks of 5' err
    run check_journal smolwatt.jsonl
    echo "$output"
    [[ $output == PASS* ]]
}

@test "Ctrl-C while it is idle or warms up ends at once" {
    "$SMOLWATT" run -m "$tiny" --profile quick --samples 1 -q --idle_seconds 3000 >out 2>err &
    pid=$!
    sleep 0.5
    kill -INT $pid
    code=0
    wait $pid || code=$?
    [ $code -eq 130 ]
    grep -q interrupted err
    [ ! -s out ]
}

@test "wrong values are told before anything is loaded" {
    races_are_in "other tests of this file"
    run profile --profile slow
    [ "$status" -eq 2 ]
    [[ $output == *'"slow" is not one of study, quick, standard or strict'* ]]
    for wrong in "--blocks 0" "--blocks x" "--blocks 10001" "--time_limit -1" "--warm_up -1" \
        "--warm_up 1.5" "--idle_seconds 3601"; do
        # shellcheck disable=SC2086
        run profile $wrong
        [ "$status" -eq 2 ]
    done
    [ ! -e smolwatt.jsonl ]
    run profile --journal nowhere/x.jsonl
    [ "$status" -eq 1 ]
    [[ $output == *nowhere/x.jsonl* ]]
}

@test "the report has x and its interval, in every format" {
    races_are_in "other tests of this file"
    profile --profile quick >out 2>err
    grep -qE '^Duration .* ± ' out
    grep -qE '^Energy .* ± ' out
    grep -qE '^Blocks +8 of 2 questions' out
    profile --profile quick -o md >out.md
    grep -q '±' out.md
    profile --profile quick -o csv >out.csv
    head -n 1 out.csv | grep -q 'statistics.seconds_per_token.low'
    head -n 1 out.csv | grep -q 'stopped_by'
    # Without blocks there is none.
    "$SMOLWATT" run -m "$tiny" --samples 2 -n 5 -q >plain
    ! grep -q '±' plain
}

@test "a counter of a faked tree: joules are looked at, and power at rest before and after" {
    mkdir -p tree/sys/class/powercap/intel-rapl:0 tree/proc
    zone=tree/sys/class/powercap/intel-rapl:0
    echo package-0 >$zone/name
    echo 262143328850 >$zone/max_energy_range_uj
    echo 1000000 >$zone/energy_uj
    (for ((uj = 2000000; ; uj += 1000)); do
        printf '%s\n' $uj 1<>$zone/energy_uj
        read -r -t 0.002 <> <(:) || :
    done) 3>&- &
    local writer=$!
    profile --blocks 5 --samples 1 --sysfs_root tree -o json >out
    kill $writer
    [ "$(jq -r .precision.figure out)" = energy_j_per_token.total ]
}

@test "a prefill too short for its counter is repeated, once in a block, and told" {
    mkdir -p tree/sys/class/powercap/intel-rapl:0 tree/proc
    zone=tree/sys/class/powercap/intel-rapl:0
    echo package-0 >$zone/name
    echo 262143328850 >$zone/max_energy_range_uj
    echo 0 >$zone/energy_uj
    # 20 W that tick every 5 ms or so, as wide as they were before.
    (
        i=1000000
        while :; do
            i=$((i + 100000))
            echo $i 1<>$zone/energy_uj
            sleep 0.005
        done
    ) &
    writer=$!
    profile --blocks 2 --samples 3 --sysfs_root tree -o json >out || code=$?
    kill $writer
    [ "${code:-0}" -eq 0 ]
    run check_journal smolwatt.jsonl
    echo "$output"
    [[ $output == PASS* ]]
    # A machine under load may tick in another way; where it was repeated, it spans the ticks.
    n=$(jq -c 'select(.type == "sample" and .prefill_repeated) | .block' smolwatt.jsonl | uniq -d | wc -l)
    [ "$n" -eq 0 ]
    jq -e '.prefill_repeated.n > 10 and .prefill_repeated.energy_j_per_prompt_token.cpu.value > 0' out
    # None of it is in a sum: counters go on behind the sample's last edge.
    jq -e '.energy.prefill.cpu.uj <= .prefill_repeated.energy.cpu.uj' out
}
