#!/usr/bin/env bats
# run --batch: many questions at once. And --wait, which every command that computes has.
load helpers

# Synthetic weights repeat the prompt's last token, so stop texts let the answers end after 1, 3, 6
# or all 12 tokens.
ask() {
    printf 'Which letter is %s\n' a 'it, b' c d 'that one, a' b 'c c' 'd, d' a 'x' >q.txt
    "$SMOLWATT" run -m "$tiny" --dataset_name q.txt -n 12 -q --stop a --stop ' b b b' \
        --stop ' c c c c c c' "$@"
}

# Index, ids, stop reason and answer of every sample, in order of the index.
answers() {
    jq -cs 'map(select(.type == "sample")) | sort_by(.index)[] | [.index, .ids, .stop_reason, .answer]' "$1"
}

@test "answers do not depend on the batch, and records account for every joule and token" {
    need jq
    ask --journal one.jsonl >/dev/null
    answers one.jsonl >one
    [ "$(wc -l <one)" -eq 10 ]
    # Different lengths, or the batch would not be continuous.
    [ "$(jq '.[1] | length' one | sort -nu | tr '\n' ' ')" = "1 3 6 12 " ]
    for batch in 2 3 4 7 10; do
        ask --batch $batch -t $((batch % 3 + 1)) --journal b$batch.jsonl -o json >record.json
        answers b$batch.jsonl | cmp - one
        run check_journal b$batch.jsonl
        echo "$output"
        [ "$status" -eq 0 ]
        [ "$(jq .batch record.json)" -eq $batch ]
        [ "$(jq .windows.n_generated_tokens record.json)" = "$(jq .n_generated_tokens record.json)" ]
    done
}

@test "batch 1 has no windows, and its samples have joules of their own" {
    races_are_in "other tests of this file"
    ask -b 1 -o json >record.json
    ! grep -q '"type":"window"' smolwatt.jsonl
    [ "$(jq 'has("windows")' record.json)" = false ]
    [ "$(sed -n 2p smolwatt.jsonl | jq 'has("first_window")')" = false ]
    [ "$(sed -n 2p smolwatt.jsonl | jq '.edges | length')" -eq 3 ]
}

@test "samples of a batch say whose their joules are" {
    races_are_in "other tests of this file"
    ask -b 4 >out
    [ "$(jq -r 'select(.type == "sample") | .energy.decode.cpu.reason' smolwatt.jsonl | sort -u)" = \
        "shared by a batch of 4: see the windows" ]
    grep -q 'up to 4 questions at once' out
}

@test "a batch above the questions is told" {
    races_are_in "other tests of this file"
    run ask --batch 64 -o json
    [ "$status" -eq 0 ]
    [[ $output == *"--batch 64: there are 10 questions, so 10 run at once"* ]]
    [ "$(tail -n 1 smolwatt.jsonl | jq .batch)" -eq 10 ]
}

@test "a batch that is no number, or none, is refused" {
    races_are_in "other tests of this file"
    for batch in 0 -1 4097 x 2x 1,16 ''; do
        run ask --batch "$batch"
        [ "$status" -eq 2 ]
        [[ $output == *batch* ]]
        [ ! -e smolwatt.jsonl ]
    done
}

@test "resume does the samples that are missing, whatever the order they ended in" {
    races_are_in "other tests of this file"
    ask -b 3 --journal whole.jsonl >/dev/null
    answers whole.jsonl >expected
    # Cut behind each line in turn that a crash could leave as the last one.
    n_lines=$(wc -l <whole.jsonl)
    for ((cut = 1; cut < n_lines - 1; cut += 3)); do
        head -n $cut whole.jsonl >cut.jsonl
        run ask -b 3 --resume --journal cut.jsonl
        [ "$status" -eq 0 ]
        run check_journal cut.jsonl
        echo "$output"
        [ "$status" -eq 0 ]
        last=$(tail -n 1 cut.jsonl | jq -r .run_id)
        jq -c "select(.run_id == \"$last\")" cut.jsonl >of_run.jsonl
        answers of_run.jsonl | cmp - expected
    done
}

@test "resume with another batch is another plan" {
    races_are_in "other tests of this file"
    ask -b 3 >/dev/null
    head -n 5 smolwatt.jsonl >cut && mv cut smolwatt.jsonl
    run ask -b 4 --resume
    [ "$status" -eq 2 ]
    [[ $output == *"another plan"* ]]
}

@test "SIGINT in a batch ends with 130, keeps what is finished, and resume goes on" {
    plan="-m synthetic:4,128,256,4,2,49152,2048 -n 40 --samples 20 -b 3 -o json"
    "$SMOLWATT" run $plan >out 2>err &
    pid=$!
    for _ in $(seq 1200); do
        grep -q '"type":"sample"' smolwatt.jsonl 2>/dev/null && break
        sleep 0.02
    done
    kill -INT $pid
    code=0
    wait $pid || code=$?
    [ $code -eq 130 ]
    [ "$(jq .interrupted out)" = true ]
    run check_journal smolwatt.jsonl
    echo "$output"
    [ "$status" -eq 0 ]
    "$SMOLWATT" run $plan --resume >out 2>err
    [ "$(jq .samples out)" -eq 20 ]
    [ "$(jq .interrupted out)" = false ]
    run check_journal smolwatt.jsonl
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "the way threads wait is a setting of run, bench and generate, and is recorded" {
    for policy in spin spin-sleep sleep; do
        ask -t 2 --wait $policy --journal $policy.jsonl >/dev/null
        [ "$(head -n 1 $policy.jsonl | jq -r .engine.wait)" = $policy ]
        "$SMOLWATT" bench -m "$tiny" -p 8 -n 4 -r 1 -t 2 --wait $policy -o json >rows.json
        [ "$(jq -c '[.[] | [.wait, .cpu_ns_per_token > 0]]' rows.json)" = "[[\"$policy\",true],[\"$policy\",true]]" ]
        "$SMOLWATT" generate -m "$tiny" --prompt-ids 1,2,3 -n 5 --wait $policy -o json | jq -c .ids >ids.$policy
        answers $policy.jsonl >answers.$policy
    done
    cmp ids.spin ids.sleep
    cmp ids.spin ids.spin-sleep
    cmp answers.spin answers.sleep
    cmp answers.spin answers.spin-sleep
}

@test "another way of waiting is refused, and the three are named" {
    races_are_in "other tests of this file"
    for command in run bench generate; do
        run "$SMOLWATT" $command -m "$tiny" --wait nap
        [ "$status" -eq 2 ]
    done
    run "$SMOLWATT" bench -m "$tiny" --wait nap
    [[ $output == *'--wait: "nap" is not spin-sleep, spin or sleep'* ]]
}
