#!/usr/bin/env bats
# report: grams of CO2e of stored records, which stay as they are.
load helpers
races="run.bats"

journal() {
    "$SMOLWATT" run -m "$tiny" --samples 2 -n 3 -q "$@" >/dev/null
}

@test "report computes the grams of a journal anew and leaves it alone" {
    journal --country US
    cp smolwatt.jsonl before
    "$SMOLWATT" report smolwatt.jsonl --country FR -o json >out
    cmp smolwatt.jsonl before
    [ "$(jq -r .co2e.used.place out)" = France ]
    [ "$(jq -r .co2e.used.scope out)" = life-cycle ]
    [ "$(jq .co2e.used.year out)" -eq 2023 ]
    [ "$(jq -r .stored.g_per_kwh.place out)" = "United States" ]
    jq -e '(.co2e_g - .energy_j.total.value / 3.6e6 * 56.039 | fabs) < 1e-15' out
    jq -e '.co2e.low.g <= .co2e_g and .co2e_g <= .co2e.high.g' out
    jq -e '.embodied == null' out
    [ "$(jq -r .verdict.row out)" = "$(tail -n 1 smolwatt.jsonl | jq -r .verdict.row)" ]
}

@test "report with the place of the run gives the run's own grams" {
    journal --country DE
    "$SMOLWATT" report smolwatt.jsonl --country DE -o json >out
    jq -e '(.co2e_g / .stored.co2e_g - 1 | fabs) < 1e-12' out
}

@test "report takes PUE and the machine's making as options" {
    journal
    "$SMOLWATT" report smolwatt.jsonl --g_per_kwh 100 -o json >plain
    "$SMOLWATT" report smolwatt.jsonl --g_per_kwh 100 --pue 1.5 --embodied 300 --lifetime 5 \
        --machine_share 0.5 -o json >out
    jq -e -s '(.[1].co2e_g / .[0].co2e_g - 1.5 | fabs) < 1e-12' plain out
    jq -e -s '.[1].energy_j == .[0].energy_j' plain out
    jq -e '(.embodied.g / (300000 * 0.5 * .seconds / (5 * 365 * 86400)) - 1 | fabs) < 1e-12' out
    jq -e '(.embodied.sum_g - .embodied.g - .co2e_g | fabs) < 1e-12' out
}

@test "report tells what is above idle, beside the gross joules" {
    journal
    "$SMOLWATT" report smolwatt.jsonl --idle_w 0 -o json >out
    jq -e '.attributed.above_idle.j == .energy_j.cpu.value and .attributed.cpu.j == .energy_j.cpu.value' out
    jq -e '.attributed.marginal.j != null or (.attributed.reason | length > 0)' out
    "$SMOLWATT" report smolwatt.jsonl --idle_w 100000 -o json >out
    jq -e '.attributed.above_idle.j == null and (.attributed.reason | test("more than the"))' out
    "$SMOLWATT" report smolwatt.jsonl -o json | jq -e '.attributed == null'
}

@test "report takes the idle power of the record where it has idle phases" {
    journal --idle_seconds 0.2
    "$SMOLWATT" report smolwatt.jsonl -o json >out
    jq -e '.attributed.idle_source == "the record\u0027s idle phases"' out
    expected=$(tail -n 1 smolwatt.jsonl | jq '(.energy.idle_before.cpu.uj + .energy.idle_after.cpu.uj) * 1000 /
        (.idle_before_ns + .idle_after_ns)')
    jq -e "(.attributed.idle_w / $expected - 1 | fabs) < 1e-9" out
    "$SMOLWATT" report smolwatt.jsonl --idle_w 0.5 -o json | jq -e '.attributed.idle_w == 0.5'
}

@test "report reads several runs, all formats, and what measure and run print" {
    journal
    journal -b 2
    [ "$("$SMOLWATT" report smolwatt.jsonl -o json | jq '.results | length')" -eq 2 ]
    [ "$("$SMOLWATT" report smolwatt.jsonl -o jsonl | wc -l)" -eq 2 ]
    [ "$("$SMOLWATT" report smolwatt.jsonl -o csv | wc -l)" -eq 3 ]
    [ "$("$SMOLWATT" report smolwatt.jsonl --last -o json | jq .line)" -eq "$(wc -l <smolwatt.jsonl)" ]
    "$SMOLWATT" report smolwatt.jsonl | grep -q '^CO2e .*world average, 475 g/kWh'
    "$SMOLWATT" report smolwatt.jsonl -o md | grep -q '^| CO2e'
    "$SMOLWATT" measure -o json true sh >joules.json </dev/null
    [ "$("$SMOLWATT" report joules.json -o json | jq '[.results[].of] | unique | .[0]' -r)" = command ]
    "$SMOLWATT" run -m "$tiny" --samples 1 -n 2 -q -o json --journal other.jsonl >record.json
    [ "$("$SMOLWATT" report record.json -o json | jq -r .of)" = end ]
}

@test "report takes a run that was cut off by its samples, and tells the torn line" {
    journal
    lines=$(wc -l <smolwatt.jsonl)
    head -n $((lines - 1)) smolwatt.jsonl >cut.jsonl
    tail -n 1 smolwatt.jsonl | head -c 100 >>cut.jsonl
    "$SMOLWATT" report smolwatt.jsonl -o json >whole
    "$SMOLWATT" report cut.jsonl -o json >cut 2>err
    grep -q "line $lines: torn" err
    jq -e -s '(.[0].co2e_g / .[1].co2e_g - 1 | fabs) < 1e-12' whole cut
    jq -e '.remarks[0] | test("no end line")' cut
}

@test "report refuses what it cannot take by name" {
    journal
    run "$SMOLWATT" report
    [ "$status" -eq 2 ]
    [[ $output == *"no journal was named"* ]]
    run "$SMOLWATT" report nowhere.jsonl
    [ "$status" -eq 1 ]
    [[ $output == *"nowhere.jsonl: No such file"* ]]
    run "$SMOLWATT" report smolwatt.jsonl --country Frnce
    [ "$status" -eq 1 ]
    [[ $output == *'country "Frnce" is not in the tables; did you mean FRA (France)'* ]]
    run "$SMOLWATT" report smolwatt.jsonl --pue 0.9
    [ "$status" -eq 2 ]
    [[ $output == *'--pue: "0.9" is not a number from 1 to 10'* ]]
    run "$SMOLWATT" report smolwatt.jsonl --lifetime 3
    [ "$status" -eq 2 ]
    [[ $output == *"--lifetime: needs --embodied"* ]]
    echo '{"type": "end", "schema_version": 1' >bad.jsonl
    run "$SMOLWATT" report bad.jsonl
    [ "$status" -eq 1 ]
    [[ $output == *"bad.jsonl: line 1"* ]]
    jq -c 'if .type == "end" then .energy_j.total.value = 1e6 else . end' smolwatt.jsonl >edited.jsonl
    run "$SMOLWATT" report edited.jsonl
    [ "$status" -eq 1 ]
    [[ $output == *"energy_j.total is 1000000 J, but its parts come to"* ]]
}
