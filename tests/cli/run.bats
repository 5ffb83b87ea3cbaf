#!/usr/bin/env bats
# run: the study's command line, the journal, resume, and what it prints.
load helpers

small() {
    "$SMOLWATT" run -m "$tiny" --samples 4 -n 5 -q "$@"
}

@test "without model and data set it says what it falls back to" {
    # The tiny stand-in keeps the suite quick; the fallback's own text is checked with a timeout.
    run timeout 120 "$SMOLWATT" run --samples 1 -n 2 -q
    [ "$status" -eq 0 ]
    [[ $output == *"HuggingFaceTB/SmolLM-135M cannot be had"* ]]
    [[ $output == *"synthetic:smollm-135m"* ]]
    [[ $output == *"weights: synthetic"* ]]
}

@test "what is named must be found" {
    run small --dataset_name squad
    [ "$status" -eq 1 ]
    run small --dataset_name nowhere.jsonl
    [ "$status" -eq 1 ]
    [[ $output == *nowhere.jsonl* ]]
    run "$SMOLWATT" run --model_name somebody/nothing -q
    [ "$status" -eq 1 ]
    [[ $output == *somebody/nothing* ]]
}

@test "the record can be recomputed from the journal, and every line fits the schema" {
    small -o json >record.json 2>err
    run check_journal smolwatt.jsonl
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == PASS* ]]
    # What is printed is the journal's last line.
    [ "$(jq -cS . record.json)" = "$(tail -n 1 smolwatt.jsonl | jq -cS .)" ]
    [ "$(jq -r .weights record.json)" = synthetic ]
    [ "$(jq .n_generated_tokens record.json)" -eq 20 ]
}

@test "standard output holds data only, the summary names each source" {
    small >out 2>err
    grep -q '^Per token' out
    grep -qE '^CPU .*(measured|modelled|absent)' out
    grep -qE '^GPU .*(measured|modelled|absent)' out
    grep -qE '^RAM .*(measured|modelled|absent)' out
    grep -qE '^CO2e .*g/kWh' out
    grep -q 'world average' out
}

@test "all output formats" {
    small -o csv >out.csv
    [ "$(wc -l <out.csv)" -eq 2 ]
    small -o jsonl >out.jsonl
    [ "$(wc -l <out.jsonl)" -eq 1 ]
    small -o md >out.md
    grep -q '^| Per token' out.md
}

@test "the answers do not depend on threads or instruction set" {
    for threads in 1 2 3; do
        small -t $threads --journal t$threads.jsonl >/dev/null
        jq -c 'select(.type == "sample") | .ids' t$threads.jsonl >ids.t$threads
    done
    SMOLWATT_ISA=scalar small --journal scalar.jsonl >/dev/null
    jq -c 'select(.type == "sample") | .ids' scalar.jsonl >ids.scalar
    cmp ids.t1 ids.t2
    cmp ids.t1 ids.t3
    cmp ids.t1 ids.scalar
}

@test "resume goes on after the last sample, a torn line is told" {
    small >/dev/null
    # A crash in the third sample's line: two whole samples and a torn one.
    head -n 3 smolwatt.jsonl >cut
    sed -n 4p smolwatt.jsonl | head -c 100 >>cut
    mv cut smolwatt.jsonl
    run small --resume -o json
    [ "$status" -eq 0 ]
    [[ $output == *"after 2 of 4 samples"* ]]
    [[ $output == *torn* ]]
    grep -v '^{"schema_version":1,"type":"sample".\{0,90\}$' smolwatt.jsonl >whole.jsonl
    [ "$(tail -n 1 smolwatt.jsonl | jq .samples)" -eq 4 ]
    [ "$(tail -n 1 smolwatt.jsonl | jq .resumed_at_sample)" -eq 2 ]
}

@test "resume refuses another plan and begins anew where nothing is left to do" {
    small >/dev/null 2>&1
    run small --resume
    [ "$status" -eq 0 ]
    [[ $output == *"begins anew"* ]]
    head -n 2 smolwatt.jsonl >cut && mv cut smolwatt.jsonl
    run "$SMOLWATT" run -m "$tiny" --samples 4 -n 6 -q --resume
    [ "$status" -eq 2 ]
    [[ $output == *"another plan"* ]]
}

@test "SIGINT ends with 130 and the summary of what is done" {
    "$SMOLWATT" run -m synthetic:4,256,512,4,2,49152,2048 -n 100 --samples 50 -o json >out 2>err &
    pid=$!
    for _ in $(seq 1200); do
        grep -q '"type":"sample"' smolwatt.jsonl 2>/dev/null && break
        sleep 0.05
    done
    kill -INT $pid
    code=0
    wait $pid || code=$?
    [ $code -eq 130 ]
    [ "$(jq .interrupted out)" = true ]
    [ "$(tail -n 1 smolwatt.jsonl | jq .interrupted)" = true ]
    run check_journal smolwatt.jsonl
    [ "$status" -eq 0 ]
}

@test "SIGKILL leaves whole lines, and resume finishes the run" {
    "$SMOLWATT" run -m "$tiny" --samples 30 -n 60 -q >/dev/null 2>&1 &
    pid=$!
    for _ in $(seq 6000); do
        [ "$(grep -c '"type":"sample"' smolwatt.jsonl 2>/dev/null)" -ge 2 ] && break
        sleep 0.01
    done
    kill -KILL $pid 2>/dev/null || true
    wait $pid || true
    [ "$(grep -c '"type":"sample"' smolwatt.jsonl)" -ge 1 ]
    run "$SMOLWATT" run -m "$tiny" --samples 30 -n 60 -q --resume -o json
    [ "$status" -eq 0 ]
    [ "$(tail -n 1 smolwatt.jsonl | jq .samples)" -eq 30 ]
}

@test "a journal that cannot grow keeps what it has and says so" {
    # 40 KiB is room for the run line and some samples.
    run bash -c 'ulimit -f 40; "$SMOLWATT" run -m "'$tiny'" --samples 50 -n 40 -q'
    [ "$status" -eq 1 ]
    [[ $output == *"samples are kept in smolwatt.jsonl"* ]]
    [ "$(tail -c 1 smolwatt.jsonl | od -An -c | tr -d ' ')" = '\n' ]
    jq -c . smolwatt.jsonl >/dev/null
}

@test "a random subset is the same for the same seed" {
    small --seed 7 --journal a.jsonl >/dev/null
    small --seed 7 --journal b.jsonl >/dev/null
    small --seed 8 --journal c.jsonl >/dev/null
    [ "$(head -n 1 a.jsonl | jq -c .plan.questions)" = "$(head -n 1 b.jsonl | jq -c .plan.questions)" ]
    [ "$(head -n 1 a.jsonl | jq -c .plan.questions)" != "$(head -n 1 c.jsonl | jq -c .plan.questions)" ]
}

@test "questions from text, CSV and JSON lines" {
    printf 'What is water?\nWho sings?\n' >q.txt
    printf 'id,question,answer\n1,"What, then?",water\n' >q.csv
    printf '{"question":"Why?","answers":["because"]}\n' >q.jsonl
    for file in q.txt q.csv q.jsonl; do
        "$SMOLWATT" run -m "$tiny" --dataset_name $file --samples 1 -n 3 -q -o json >out
        [ "$(jq -r .dataset.source out)" != null ]
        [ "$(jq .n_generated_tokens out)" -eq 3 ]
    done
    printf 'What\0?\n' >nul.txt
    run "$SMOLWATT" run -m "$tiny" --dataset_name nul.txt --samples 1 -q
    [ "$status" -eq 1 ]
    [[ $output == *nul.txt* ]]
    cp q.txt q.xyz
    run "$SMOLWATT" run -m "$tiny" --dataset_name ./q.xyz --samples 1 -q
    [ "$status" -eq 1 ]
    [[ $output == *xyz* ]]
}

@test "stop texts and templates are recorded" {
    small --prompt_template 'Q: {question} A:' --stop a --stop e >/dev/null
    [ "$(head -n 1 smolwatt.jsonl | jq -c .prompt.stops)" = '["a","e"]' ]
    run small --prompt_template 'Q: {nonsense}'
    [ "$status" -eq 2 ] || [ "$status" -eq 1 ]
    [[ $output == *nonsense* ]]
}

@test "a faked sysfs tree is all there is, and a counter in it that stands still gives no joules" {
    mkdir -p tree/sys/class/powercap/intel-rapl:0 tree/proc
    echo package-0 >tree/sys/class/powercap/intel-rapl:0/name
    echo 1000000 >tree/sys/class/powercap/intel-rapl:0/energy_uj
    echo 262143328850 >tree/sys/class/powercap/intel-rapl:0/max_energy_range_uj
    small --sysfs_root tree -o json >out
    jq -e '.energy_j.cpu | .value == null and .source == "absent" and (.reason | test("package-0 has not moved once"))' out
    # Once it counts, the joules are those that it counted.
    (for ((uj = 2000000; ; uj += 1000)); do
        printf '%s\n' $uj 1<>tree/sys/class/powercap/intel-rapl:0/energy_uj
        read -r -t 0.002 <> <(:) || :
    done) 3>&- &
    local writer=$!
    small --sysfs_root tree -o json >moving
    kill $writer
    jq -e '.energy_j.cpu | .value > 0 and .source == "measured"' moving
    # Nothing of the real machine leaks in: no RAM size is known there.
    [ "$(jq -r .energy_j.ram.source out)" = absent ]
    [ "$(jq -r .environment.cpu out)" = null ]
}

@test "the study's data set, where it is" {
    [ -r "$SW_SHARED/data/squad/dev-v1.1.json" ] || skip "no shared test data"
    "$SMOLWATT" run --model_name "$SW_SHARED/data/story-llama-hf" \
        --dataset_name "$SW_SHARED/data/squad/dev-v1.1.json" --dataset_split test --samples 50 \
        -q -o json >out 2>err
    grep -q 'validation split is read' err
    [ "$(jq .samples out)" -eq 50 ]
    [ "$(jq -r .weights out)" = checkpoint ]
    run check_journal smolwatt.jsonl
    echo "$output"
    [[ $output == PASS* ]]
}
