#!/usr/bin/env bats
# compare: two runs, the interval of their difference, verdicts and the exit code.
load helpers

small() {
    "$SMOLWATT" run -m "$tiny" --samples 8 -n 6 --ignore_eos -q --models_only "$@" >/dev/null
}

# One run of hand-made lines: id, seconds of decoding per answer, then jq's changes of a sample.
hand_made() {
    local id=$1 seconds=$2 change=${3:-.} i
    jq -nc --arg id "$id" '{schema_version: 1, type: "run", run_id: $id, strategy: "none", threads: 2}'
    for i in 0 1 2 3 4 5 6 7; do
        jq -nc --arg id "$id" --argjson i "$i" --argjson s "$seconds" '
            def part($uj): {uj: $uj, meter: "rapl", source: "measured", uncertainty_percent: 1, reason: null};
            def none: {uj: null, meter: null, source: "absent", uncertainty_percent: null, reason: "no such meter"};
            def phase($uj): {cpu: part($uj), gpu: none, ram: part($uj / 4), machine: none};
            ([0.4, -0.2, 0.1, -0.3, 0, 0.2, -0.1, 0.3][$i] * 1e-4) as $noise |
            (if $id < "b" then 0 else 1e11 end) as $later |
            {schema_version: 1, type: "sample", run_id: $id, index: $i, question_id: "q\($i)",
             n_prompt_tokens: 4, n_generated_tokens: 11, start_ns: ($i * 1e9 + $later), end_ns: ($i * 1e9 + 9e8 + $later),
             prefill_ns: 1e7, decode_ns: (($s + $noise) * 1e9),
             energy: {prefill: phase(4000), decode: phase(($s * 4e7 | round))}} |
            map_values(if type == "number" then round else . end) | '"$change"
    done
}

@test "compare takes the last two runs of one journal, and names what differs" {
    small
    small --strategy quantization8bit
    "$SMOLWATT" compare smolwatt.jsonl -o json >out || [ "$?" -eq 4 ]
    first=$(jq -r 'select(.type == "run").run_id' smolwatt.jsonl | head -n 1)
    second=$(jq -r 'select(.type == "run").run_id' smolwatt.jsonl | tail -n 1)
    [ "$(jq -r .a.run_id out)" = "$first" ]
    [ "$(jq -r .b.run_id out)" = "$second" ]
    jq -e '.pairs == {by: "samples", n: 8, a_answers: 8, b_answers: 8, answers_in_common: 8,
                      of_same_length: 8, of_same_ids: .pairs.of_same_ids, in_turns: false}' out
    jq -e '.differences | map(.what) == ["strategy", "arithmetic", "compute_dtype"]' out
    jq -e '.differences[0] == {what: "strategy", a: "none", b: "quantization8bit"}' out
    jq -e '.notes | any(startswith("one run after the other"))' out
    jq -e '.notes | any(startswith("joules are modelled"))' out
    jq -e '.figures[] | select(.figure == "cpu_j_per_token") | .source == "modelled"' out
    # The means of the pairs are the journal's own.
    jq -s --arg id "$first" 'map(select(.type == "sample" and .run_id == $id)
        | (.prefill_ns + .decode_ns) / .n_generated_tokens / 1e9) | add / length' smolwatt.jsonl >mean
    jq -e --slurpfile mean mean '.figures[0].a / $mean[0] - 1 | fabs < 1e-9' out
    # What nobody measured is null, with its reason.
    jq -e '.figures[] | select(.figure == "gpu_j_per_token")
        | .a == null and .low == null and .verdict == null and (.reason | length > 0)' out
}

@test "what compare prints has the shape of its schema, and comes from the lines of the journals" {
    small
    small --strategy quantization4bit
    "$SMOLWATT" compare smolwatt.jsonl -o json >samples || [ "$?" -eq 4 ]
    small -b 3
    "$SMOLWATT" compare smolwatt.jsonl -o json --threshold 50 >batch || [ "$?" -eq 4 ]
    small --profile quick --blocks 6 --idle_seconds 0 --warm_up 0 --journal blocks.jsonl
    small --profile quick --blocks 7 --idle_seconds 0 --warm_up 0 -b 4 --journal blocks.jsonl
    "$SMOLWATT" compare blocks.jsonl -o json >blocks || [ "$?" -eq 4 ]
    jq -e '.pairs.n == 6 and .pairs.by == "blocks" and .pairs.b_answers == 56' blocks
    hand_made aaaa 0.1 >a.jsonl
    hand_made bbbb 0.103 'if .index == 2 then .n_generated_tokens = 1 else . end' >b.jsonl
    "$SMOLWATT" compare a.jsonl b.jsonl -o json >lengths || [ "$?" -eq 4 ]
    jq -e '.notes | any(startswith("1 of 8 answers have not the same number of tokens"))' lengths
    for file in samples batch blocks; do
        run check_comparison "$file"
        echo "$file: $output"
        [[ $output == PASS* ]]
    done
    sed 's/"n": 6,/"n": 5,/' blocks >wrong
    run check_comparison wrong
    [ "$status" -eq 1 ]
}

@test "compare picks runs by the beginning of their id, in one file or two" {
    small
    small
    cp smolwatt.jsonl "other:file.jsonl"
    first=$(jq -r 'select(.type == "end").run_id' smolwatt.jsonl | head -n 1)
    second=$(jq -r 'select(.type == "end").run_id' smolwatt.jsonl | tail -n 1)
    "$SMOLWATT" compare "smolwatt.jsonl:${first:0:6}" other:file.jsonl -o json >out || [ "$?" -eq 4 ]
    [ "$(jq -r '.a.run_id + .b.run_id' out)" = "$first$second" ]
    "$SMOLWATT" compare "smolwatt.jsonl:$second" "smolwatt.jsonl:$first" -o json >out || [ "$?" -eq 4 ]
    [ "$(jq -r '.a.run_id + .b.run_id' out)" = "$second$first" ]
    "$SMOLWATT" compare smolwatt.jsonl smolwatt.jsonl -o json >out || [ "$?" -eq 4 ]
    [ "$(jq -r '.a.run_id + .b.run_id' out)" = "$first$second" ]
    run "$SMOLWATT" compare "smolwatt.jsonl:$first" "other:file.jsonl:$first"
    [ "$status" -eq 2 ]
    [[ $output == *"A and B are both run $first"* ]]
    run "$SMOLWATT" compare smolwatt.jsonl:0123456789abcdef smolwatt.jsonl
    [ "$status" -eq 1 ]
    [[ $output == *'smolwatt.jsonl: no run begins with "0123456789abcdef", among 2 runs'* ]]
}

@test "compare sees a difference, and its exit code is 4 where B is worse" {
    hand_made aaaa 0.1 >a.jsonl
    hand_made bbbb 0.103 >b.jsonl
    run "$SMOLWATT" compare a.jsonl b.jsonl
    echo "$output"
    [ "$status" -eq 4 ]
    [[ $output == *"Time/token "*"+2.73 %"*"worse"* ]]
    [[ $output == *"seconds_per_token: a regression of +2.73 %"* ]]
    run "$SMOLWATT" compare b.jsonl a.jsonl
    [ "$status" -eq 0 ]
    [[ $output == *"Time/token "*"-2.65 %"*"better"* ]]
    # Beyond what is allowed, and not.
    run "$SMOLWATT" compare a.jsonl b.jsonl --threshold 2.5
    [ "$status" -eq 4 ]
    run "$SMOLWATT" compare a.jsonl b.jsonl --threshold 2.9 --figure seconds_per_token
    [ "$status" -eq 0 ]
    run "$SMOLWATT" compare a.jsonl b.jsonl --figure ttft_seconds
    [ "$status" -eq 0 ]
    [[ $output == *"First token "*"same within 2 %"* ]]
    run "$SMOLWATT" compare a.jsonl b.jsonl --within 4
    [ "$status" -eq 0 ]
    [[ $output == *"Time/token "*"same within 4 %"* ]]
    run "$SMOLWATT" compare a.jsonl a.jsonl:aaaa
    [ "$status" -eq 2 ]
}

@test "the exit code looks at many figures with as much more care" {
    hand_made aaaa 0.1 >a.jsonl
    hand_made bbbb 0.103 '.decode_ns += ([6, 5, -4, 2, -5, 4, -6, -2][.index] * 2e5)' >b.jsonl
    "$SMOLWATT" compare a.jsonl b.jsonl -o json --threshold 0 --figure seconds_per_token >one || code=$?
    jq -c '.figures[0] | [.difference, .low, .high, .verdict, .regression]' one
    [ "$code" -eq 4 ]
    many=()
    for figure in seconds_per_token decode_seconds_per_token ttft_seconds j_per_token cpu_j_per_token \
        ram_j_per_token seconds_per_answer j_per_answer; do
        many+=(--figure "$figure")
    done
    "$SMOLWATT" compare a.jsonl b.jsonl -o json --threshold 0 "${many[@]}" >all || code=$?
    # Each figure's interval is the same, and what is claimed of all together is not.
    [ "$(jq -c '.figures[0] | [.low, .high, .chosen]' all)" = "$(jq -c '.figures[0] | [.low, .high, .chosen]' one)" ]
    jq -e '.figures[0].regression | not' all
}

@test "compare with few pairs is undecided, and tells how many more it takes" {
    hand_made aaaa 0.1 | head -n 4 >a.jsonl
    hand_made bbbb 0.2 | head -n 4 >b.jsonl
    run "$SMOLWATT" compare a.jsonl b.jsonl --threshold 1
    [ "$status" -eq 0 ]
    [[ $output == *"undecided: 5 more samples needed"* ]]
    [[ $output == *"seconds_per_token: no regression can be found: fewer than eight"* ]]
    [[ $output == *"A did not come to its end"* ]]
}

@test "compare pairs blocks where both have them" {
    hand_made aaaa 0.1 '.block = .index | .index = 0 | .question_id = "q"' >a.jsonl
    hand_made bbbb 0.05 '.block = .index | .index = 0 | .question_id = "q"' >b.jsonl
    "$SMOLWATT" compare a.jsonl b.jsonl -o json >out
    jq -e '.pairs.by == "blocks" and .pairs.n == 8' out
    jq -e '.figures[0].verdict == "better"' out
}

@test "compare leaves the joules of a batch without blocks alone" {
    small
    small -b 4
    "$SMOLWATT" compare smolwatt.jsonl -o json --figure ttft_seconds >out || [ "$?" -eq 4 ]
    jq -e '.figures[] | select(.figure == "j_per_token")
        | .low == null and .reason == "B is a batch without blocks to pair" and .verdict == null' out
    jq -e '.figures[] | select(.figure == "j_per_token") | .b == .b_record and .b > 0' out
    jq -e '.differences | map(.what) == ["batch"]' out
}

@test "compare writes every format, to a file as well" {
    hand_made aaaa 0.1 >a.jsonl
    hand_made bbbb 0.09 >b.jsonl
    [ "$("$SMOLWATT" compare a.jsonl b.jsonl -o csv 2>/dev/null | wc -l)" -eq 11 ]
    [ "$("$SMOLWATT" compare a.jsonl b.jsonl -o jsonl | wc -l)" -eq 1 ]
    "$SMOLWATT" compare a.jsonl b.jsonl -o md 2>err | grep -q '^| Time/token '
    grep -q 'one run after the other' err
    "$SMOLWATT" compare a.jsonl b.jsonl -o json --output out.json >printed
    [ ! -s printed ]
    [ "$(jq -r .type out.json)" = comparison ]
    "$SMOLWATT" compare <(cat a.jsonl) <(cat b.jsonl) -o json | jq -e '.pairs.n == 8'
}

@test "compare names what it cannot take: file, line, reason" {
    hand_made aaaa 0.1 >a.jsonl
    hand_made bbbb 0.1 '.question_id = "other\(.index)"' >b.jsonl
    run "$SMOLWATT" compare a.jsonl b.jsonl
    [ "$status" -eq 1 ]
    [[ $output == *"nothing in common: none of the 8 answers of run aaaa in a.jsonl is to a question"* ]]
    run "$SMOLWATT" compare a.jsonl nowhere.jsonl
    [ "$status" -eq 1 ]
    [[ $output == *"nowhere.jsonl: No such file"* ]]
    run "$SMOLWATT" compare a.jsonl
    [ "$status" -eq 1 ]
    [[ $output == *"a.jsonl: only one run to compare"* ]]
    run "$SMOLWATT" compare
    [ "$status" -eq 2 ]
    [[ $output == *"0 journals were named"* ]]
    run "$SMOLWATT" compare a.jsonl b.jsonl --figure watts
    [ "$status" -eq 2 ]
    [[ $output == *'--figure: "watts" is none of seconds_per_token'* ]]
    run "$SMOLWATT" compare a.jsonl b.jsonl --threshold -1
    [ "$status" -eq 2 ]
    # A line that lost a field, one with another type, a torn one.
    hand_made cccc 0.1 | sed '3s/"index":1,//' >c.jsonl
    run "$SMOLWATT" compare a.jsonl c.jsonl
    [ "$status" -eq 0 ]
    [[ $output == *'c.jsonl: line 3: sample: "index" is missing'* ]]
    [[ $output == *"1 of the 8 answers of A have no partner"* ]]
    hand_made dddd 0.1 | sed '3s/"n_generated_tokens":11/"n_generated_tokens":-11/' >d.jsonl
    run "$SMOLWATT" compare a.jsonl d.jsonl
    [ "$status" -eq 1 ]
    [[ $output == *"d.jsonl: line 3: sample: "*"n_generated_tokens"* ]]
    hand_made eeee 0.1 >e.jsonl
    printf '{"schema_version":1,"type":"sam' >>e.jsonl
    run "$SMOLWATT" compare a.jsonl e.jsonl
    [ "$status" -eq 0 ]
    [[ $output == *"e.jsonl: line 10: torn"* ]]
    # What measure printed has no tokens.
    "$SMOLWATT" measure -o json -- true >m.json
    run "$SMOLWATT" compare m.json a.jsonl
    [ "$status" -eq 1 ]
    [[ $output == *"m.json: no run of a model; what measure printed has no tokens to compare"* ]]
}

live() {
    "$SMOLWATT" compare -m "$tiny" --samples 2 -n 5 --ignore_eos -q --models_only --idle_seconds 0 \
        --warm_up 0 "$@"
}

@test "compare measures two configurations in turns, and keeps both journals" {
    live --blocks 6 --a "" --b "--strategy 'quantization8bit' -t 1" -o json >out || [ "$?" -eq 4 ]
    jq -e '.pairs.by == "blocks" and .pairs.n == 6 and .pairs.in_turns' out
    jq -e '.pairs.answers_in_common == 12 and .pairs.a_answers == 12' out
    jq -e '.differences | map(.what) | index("strategy") != null' out
    jq -e '.b.strategy == "quantization8bit" and .b.threads == 1 and .a.strategy == "none"' out
    jq -e '.a.complete and .b.complete' out
    for side in a b; do
        [ "$(jq -c 'select(.type == "sample") | .block' "compare-$side.jsonl" | sort -un | wc -l)" -eq 6 ]
        run check_journal "compare-$side.jsonl"
        echo "$output"
        [[ $output == PASS* ]]
    done
    # Each pair has both turns before the next pair begins, and each is first half of the time.
    jq -s 'map(select(.type == "sample") | {side: .run_id, block, start_ns})
        | sort_by(.start_ns) | map(.block) | . == sort' compare-a.jsonl compare-b.jsonl | grep -q true
    a=$(jq -r .a.run_id out)
    jq -e -s --arg a "$a" 'map(select(.type == "sample")) | sort_by(.start_ns) | group_by(.block)
        | map(.[0].run_id == $a) | map(select(.)) | length == 3' compare-a.jsonl compare-b.jsonl
    # Stored runs of turns say the same.
    "$SMOLWATT" compare compare-a.jsonl compare-b.jsonl -o json >again || [ "$?" -eq 4 ]
    cmp out again
}

@test "compare in turns refuses what would not be a comparison" {
    run live --a ""
    [ "$status" -eq 2 ]
    [[ $output == *"--a and --b are both needed"* ]]
    run live --a "" --b "--wait spin"
    [ "$status" -eq 2 ]
    [[ $output == *"--b: --wait spin: its threads would go on in the other's turn"* ]]
    run live --a "--speed 3" --b ""
    [ "$status" -eq 2 ]
    [[ $output == *"--a: --speed: no such option"* ]]
    run live --a "--blocks 3" --b ""
    [ "$status" -eq 2 ]
    [[ $output == *"--a: --blocks and --seed are the same for both"* ]]
    run live --a "" --b "--profile study"
    [ "$status" -eq 2 ]
    [[ $output == *"--b: --profile study: has no blocks"* ]]
    run live --a "" --b "" --time_limit 3
    [ "$status" -eq 2 ]
    [[ $output == *"--time_limit: turns end after --blocks"* ]]
    run live --a "" --b "words"
    [ "$status" -eq 2 ]
    [[ $output == *"--b: words: not an option"* ]]
    run live --a "" --b "'open"
    [ "$status" -eq 2 ]
    [[ $output == *"a quote is not closed"* ]]
    run live --a "" --b "" journal.jsonl
    [ "$status" -eq 2 ]
    [[ $output == *"journals and --a, --b do not go together"* ]]
    run live --a "" --b "" --journal_b compare-a.jsonl
    [ "$status" -eq 1 ]
    [[ $output == *"compare-a.jsonl"* ]]
    [ ! -s compare-b.jsonl ]
    # The options of a run are none of stored runs.
    run "$SMOLWATT" compare a.jsonl b.jsonl --strategy none
    [ "$status" -eq 2 ]
    [[ $output == *"--strategy: no such option"* ]]
    "$SMOLWATT" compare --help | grep -q -- '--strategy'
}

@test "compare in turns that is interrupted keeps and compares what it has" {
    "$SMOLWATT" compare -m "$tiny" --samples 4 -n 10 --ignore_eos --models_only --idle_seconds 0 \
        --warm_up 0 --blocks 10000 --a "" --b "" -q -o json >out 2>err &
    pid=$!
    for _ in $(seq 100); do
        grep -qs '"block":3,' compare-b.jsonl && break
        sleep 0.1
    done
    kill -INT $pid
    rc=0
    wait $pid || rc=$?
    cat err
    [ "$rc" -eq 130 ]
    jq -e '.pairs.n >= 3 and (.a.complete | not)' out
    jq -e '.notes | any(startswith("A did not come to its end"))' out
    tail -n 1 compare-a.jsonl | jq -e '.type == "end" and .interrupted'
}
