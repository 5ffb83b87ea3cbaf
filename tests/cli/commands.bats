#!/usr/bin/env bats
# generate, tokenize, bench, doctor, pull as a user meets them.
load helpers

@test "generate prints ids, text, logprobs and prompt_nll" {
    "$SMOLWATT" generate -m "$tiny" --prompt-ids 5,9,2 -n 4 -o json >out
    [ "$(jq -c .prompt_ids out)" = '[5,9,2]' ]
    [ "$(jq '.ids | length' out)" -eq 4 ]
    [ "$(jq '.logprobs | map(select(. < 0)) | length' out)" -eq 4 ]
    [ "$(jq '.prompt_nll > 0' out)" = true ]
    "$SMOLWATT" generate -m "$tiny" --prompt-ids 5 -n 1 -o json >out
    [ "$(jq .prompt_nll out)" = null ]
}

@test "generate refuses ids and prompts that the model cannot take" {
    run "$SMOLWATT" generate -m "$tiny" --prompt-ids 5,99999999
    [ "$status" -eq 2 ]
    [[ $output == *99999999* ]]
    run "$SMOLWATT" generate -m "$tiny" --prompt-ids 5,
    [ "$status" -eq 2 ]
    run "$SMOLWATT" generate -m "$tiny" --prompt-ids "$(seq -s, 1 129)"
    [ "$status" -eq 1 ]
    [[ $output == *129* ]]
}

@test "generation stops at the last position" {
    "$SMOLWATT" generate -m "$tiny" --prompt-ids "$(seq -s, 1 126)" -n 50 -o json >out
    [ "$(jq -r .stop_reason out)" = length ]
    [ "$(jq '.ids | length' out)" -le 3 ]
}

@test "sampling is the same for the same seed" {
    for seed in 1 1 2; do
        "$SMOLWATT" generate -m "$tiny" --prompt-ids 7 -n 20 --temperature 1 --top_k 50 --top_p 0.9 \
            --seed $seed -o json | jq -c .ids >>out
    done
    [ "$(sed -n 1p out)" = "$(sed -n 2p out)" ]
    [ "$(sed -n 1p out)" != "$(sed -n 3p out)" ]
}

@test "generate streams the same text that json holds" {
    "$SMOLWATT" generate -m "$tiny" --prompt "What is water?" -n 20 >text
    "$SMOLWATT" generate -m "$tiny" --prompt "What is water?" -n 20 -o json | jq -j .text >json
    printf '\n' >>json
    cmp text json
}

@test "tokenize and back" {
    printf 'Héllo\n wörld 2024\t😀' >in
    "$SMOLWATT" tokenize -m "$tiny" <in >ids
    jq -e 'type == "array" and length > 3' ids >/dev/null
    "$SMOLWATT" tokenize -m "$tiny" --decode <ids >back
    cmp in back
}

@test "tokenize --hex-lines prints one array per line" {
    printf '4869\n\nff41\n' >in
    "$SMOLWATT" tokenize -m "$tiny" --hex-lines <in >out
    [ "$(wc -l <out)" -eq 3 ]
    [ "$(sed -n 2p out)" = "[]" ]
    # ff is invalid: one U+FFFD.
    [ "$(sed -n 3p out)" = "$(printf '\xef\xbf\xbdA' | "$SMOLWATT" tokenize -m "$tiny")" ]
    run bash -c 'echo 4x | "$SMOLWATT" tokenize -m "'$tiny'" --hex-lines'
    [ "$status" -eq 1 ]
    [[ $output == *"line 1"* ]]
}

@test "tokenize agrees with the known answers" {
    [ -r "$SW_SHARED/data/smollm-tokenizer/tokenizer.json" ] || skip "no shared test data"
    result=$(printf 'Hello world 2024' | "$SMOLWATT" tokenize -m "$SW_SHARED/data/smollm-tokenizer")
    [ "$result" = "[19556,905,216,34,32,34,36]" ]
}

@test "bench has a prefill and a decode row with all fields" {
    "$SMOLWATT" bench -m "$tiny" -p 16 -n 4 -b 1,2 -r 2 -t 2 -o json >out
    [ "$(jq -c '[.[].test]' out)" = '["pp16","tg4","pp16","tg4"]' ]
    [ "$(jq -c '[.[].batch]' out)" = '[1,1,2,2]' ]
    for field in backend strategy threads isa tokens_per_second tokens_per_second_samples \
        weight_bytes_per_token limit_fraction energy_j_per_token weights; do
        [ "$(jq "[.[] | has(\"$field\")] | all" out)" = true ]
    done
    [ "$(jq '[.[].tokens_per_second_samples | length] | unique' -c out)" = '[2]' ]
    "$SMOLWATT" bench -m "$tiny" -p 0 -n 4 -r 1 -o json >out
    [ "$(jq -c '[.[].test]' out)" = '["tg4"]' ]
    "$SMOLWATT" bench -m "$tiny" -p 8 -n 0 -r 1 -o csv >out
    [ "$(wc -l <out)" -eq 2 ]
}

@test "doctor lists every component and changes nothing" {
    "$SMOLWATT" doctor >out
    for component in cpu gpu ram; do grep -q "^$component" out; done
    "$SMOLWATT" doctor -o json | jq -e 'length > 2' >/dev/null
    mkdir empty
    "$SMOLWATT" doctor --sysfs_root empty -o json >out
    [ "$(jq '[.[] | select(.component == "cpu" and .state == "used")] | length' out)" -ge 0 ]
    run "$SMOLWATT" doctor --sysfs_root nowhere
    [ "$status" -eq 2 ]
}

@test "pull without a network says so" {
    run "$SMOLWATT" pull somebody/nothing
    [ "$status" -eq 1 ]
    [[ $output == *somebody/nothing* ]]
    run "$SMOLWATT" pull
    [ "$status" -eq 2 ]
}

@test "hostile checkpoints: one line with file and reason, exit code 1" {
    mkdir bad
    echo '{' >bad/config.json
    run "$SMOLWATT" generate -m bad --prompt-ids 1
    [ "$status" -eq 1 ]
    [[ $output == *bad/config.json* ]]
    [ "${#lines[@]}" -eq 1 ]
    mkdir folder
    run "$SMOLWATT" generate -m folder --prompt-ids 1
    [ "$status" -eq 1 ]
    [[ $output == *config.json* ]]
}
