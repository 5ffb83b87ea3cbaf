#!/usr/bin/env bats
# run: verdicts and their exit code, what the machine did meanwhile, latency and quality.
load helpers
races="run.bats and batch.bats"

small() {
    "$SMOLWATT" run -m "$tiny" --samples 4 -n 5 -q "$@"
}

# A counter that is there, and does not move: no joules.
tree() {
    mkdir -p tree/sys/class/powercap/intel-rapl:0 tree/proc/self tree/sys/class/power_supply/BAT0
    echo package-0 >tree/sys/class/powercap/intel-rapl:0/name
    echo 1000000 >tree/sys/class/powercap/intel-rapl:0/energy_uj
    echo 262143328850 >tree/sys/class/powercap/intel-rapl:0/max_energy_range_uj
    echo 'cpu  100 0 0 900 0 0 0 0 0 0' >tree/proc/stat
    echo '1 (smolwatt) R 1 1 1 1 1 1 1 1 1 1 50 10 0 0' >tree/proc/self/stat
    echo Battery >tree/sys/class/power_supply/BAT0/type
    echo Discharging >tree/sys/class/power_supply/BAT0/status
}

@test "a verdict below the one asked for is exit code 3, and the record is told all the same" {
    run small --require VALID -o json
    [ "$status" -eq 3 ]
    [[ $output == *'"row": "INFORMATIVE"'* || $output == *'"row": "INVALID"'* ]]
    [[ $output == *"smolwatt: --require VALID: the run is IN"* ]]
    [ "$(tail -n 1 smolwatt.jsonl | jq -r .type)" = end ]
    # Without it a verdict never changes the exit code.
    small >/dev/null
}

@test "the verdict asked for is in any case of letters, and no other word" {
    run small --require good
    [ "$status" -eq 2 ]
    [[ $output == *'--require: "good" is neither VALID nor INFORMATIVE'* ]]
    small --models_only -o json >record.json
    [ "$(jq -r .verdict.components.cpu.verdict record.json)" != VALID ]
    # The worst asked for is what any run is.
    if [ "$(jq -r .verdict.row record.json)" = INFORMATIVE ]; then
        run small --models_only --require informative
        [ "$status" -eq 0 ] || [[ $output == *"the run is INVALID"* ]]
    fi
}

@test "joules of a formula are informative at best, with the share told" {
    small --models_only -o json >record.json
    jq -e '.verdict.row != "VALID"' record.json
    jq -e '.verdict.reasons | any(startswith("modelled only: cpu"))' record.json
    jq -e '.verdict.modelled_share == 1' record.json
    jq -e '.verdict.components.gpu.verdict == null' record.json
    run check_journal smolwatt.jsonl
    echo "$output"
    [[ $output == PASS* ]]
}

@test "conditions come from the tree alone, and what it lacks is null with its reason" {
    tree
    small --sysfs_root tree -o json >record.json
    jq -e '.conditions.on_battery == true' record.json
    jq -e '.conditions.clock_hz == null and (.conditions.missing.clock_hz | length > 0)' record.json
    jq -e '.verdict.reasons | any(startswith("battery: "))' record.json
    jq -e '.verdict.reasons | any(startswith("missing domain: ram"))' record.json
    # Each line has its own; the sum is checked against them.
    [ "$(grep -c '"conditions":{' smolwatt.jsonl)" -eq 5 ]
    run check_journal smolwatt.jsonl
    echo "$output"
    [[ $output == PASS* ]]
}

@test "in a batch the windows carry the conditions" {
    small -b 2 -o json >record.json
    jq -se 'map(select(.type == "window")) | all(.conditions.elapsed_ns > 0)' smolwatt.jsonl
    jq -se 'map(select(.type == "sample")) | all(.conditions == null)' smolwatt.jsonl
    jq -e '.conditions.own_cpu_ns > 0' record.json
    run check_journal smolwatt.jsonl
    echo "$output"
    [[ $output == PASS* ]]
}

@test "latency is told from the stamps" {
    small -o json --ignore_eos >record.json
    jq -e '.inter_token_ns | .n == 16 and .min <= .p50 and .p50 <= .p90 and .p90 <= .p95 and
        .p95 <= .p99 and .p99 <= .max' record.json
    jq -e '.ttft_ns.n == 4 and .tpot_ns.n == 4 and .load_ns > 0' record.json
    small >out
    grep -qE '^First token .*median of 4' out
    grep -qE '^Next tokens .*p95' out
    grep -qE '^Verdict +(VALID|INFORMATIVE|INVALID) ' out
}

@test "noise has no quality, and says so" {
    small --perplexity --agreement -o json >record.json
    jq -e '.quality | .f1 == null and .perplexity == null and .agreement == null' record.json
    jq -e '.quality.reasons | all(.[]; length > 0)' record.json
    [ "$(jq -r .quality.reasons.perplexity record.json)" = "the weights are synthetic: the text is noise" ]
    small >out
    ! grep -q '^Quality' out
}

@test "quality of a trained model's answers" {
    [ -r "$SW_SHARED/data/story-llama-hf/config.json" ] || skip "no shared test data"
    # Its own first words are the reference of the first question; the other has none.
    model=$SW_SHARED/data/story-llama-hf
    "$SMOLWATT" generate -m "$model" --prompt 'Once upon a time' -n 12 -o json >g.json
    jq -c '{question: "Once upon a time", answers: [.text]}' g.json >q.jsonl
    echo '{"question": "One day", "answers": ["xyzzy plugh"]}' >>q.jsonl
    for strategy in none quantization8bit; do
        rm -f smolwatt.jsonl
        "$SMOLWATT" run -m "$model" --dataset_name q.jsonl --samples 2 -n 12 -q -o json \
            --strategy $strategy --perplexity --agreement >record.json
        jq -e '.quality | .n == 2 and .perplexity > 1 and .n_reference_tokens > 2' record.json
        jq -e '.quality.agreement | .n == 2 and .kl_mean >= 0 and .n_tokens <= 24' record.json
        run check_journal smolwatt.jsonl
        echo "$output"
        [[ $output == PASS* ]]
        if [ $strategy = none ]; then
            jq -e '.quality | .exact_match == 0.5 and .contains == 0.5 and .f1 == 0.5' record.json
            jq -e '.quality.joules_per_correct.exact_match == .energy_j.total.value' record.json
            # fp32 agrees with itself to the last bit.
            jq -e '.quality.agreement | .n_equal == 2 and .kl_mean == 0' record.json
        fi
    done
}

@test "a resumed run is looked at as a whole" {
    [ -r "$SW_SHARED/data/story-llama-hf/config.json" ] || skip "no shared test data"
    model=$SW_SHARED/data/story-llama-hf
    "$SMOLWATT" run -m "$model" --dataset_name builtin --samples 4 -n 6 -q -o json --agreement >whole.json
    # As after a crash behind the second sample.
    head -n 3 smolwatt.jsonl >cut.jsonl
    "$SMOLWATT" run -m "$model" --dataset_name builtin --samples 4 -n 6 -q -o json --agreement \
        --journal cut.jsonl --resume >resumed.json
    [ "$(jq -cS .quality.agreement whole.json)" = "$(jq -cS .quality.agreement resumed.json)" ]
    [ "$(jq .quality.agreement.n resumed.json)" -eq 4 ]
    run check_journal cut.jsonl
    echo "$output"
    [[ $output == PASS* ]]
}
