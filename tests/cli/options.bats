#!/usr/bin/env bats
# Help, versions, wrong use: exit codes and the one line that says what is wrong.
load helpers
races="run.bats"

@test "help of the program and of every command goes to standard output" {
    run "$SMOLWATT" --help
    [ "$status" -eq 0 ]
    [[ $output == *"what a token costs"* ]]
    for command in run bench measure doctor report calibrate generate tokenize pull export; do
        "$SMOLWATT" $command --help >out 2>err
        [ ! -s err ]
        grep -q "^Usage: smolwatt $command" out
    done
}

@test "every option of every help stands in the man page" {
    for command in run bench measure doctor report calibrate generate tokenize pull export; do
        for option in $("$SMOLWATT" $command --help | grep -oE '^ +(-[a-z], )?--[a-z_]+' | grep -oE -- '--[a-z_]+'); do
            [ "$option" = --help ] && continue
            grep -qE -- "-${option#--}( |,|$)|Fl -${option#--}|, -${option#--}" "$root/docs/man/smolwatt.1" ||
                { echo "$command $option is not in the man page"; return 1; }
        done
    done
}

@test "version names version and commit" {
    run "$SMOLWATT" --version
    [ "$status" -eq 0 ]
    [[ $output =~ ^smolwatt\ [0-9]+\.[0-9]+\.[0-9]+\ \([0-9a-f]+ ]]
}

@test "wrong use exits 2 and names the word" {
    run "$SMOLWATT" dance
    [ "$status" -eq 2 ]
    [[ $output == *"dance: no such command"* ]]
    run "$SMOLWATT" run --no_such_option
    [ "$status" -eq 2 ]
    [[ $output == *"--no_such_option: no such option"* ]]
    run "$SMOLWATT" run --samples 5x
    [ "$status" -eq 2 ]
    [[ $output == *'--samples: "5x" is not a whole number from 1'* ]]
    run "$SMOLWATT" run --samples 0
    [ "$status" -eq 2 ]
    run "$SMOLWATT" run --samples
    [ "$status" -eq 2 ]
    [[ $output == *"N is missing"* ]]
    run "$SMOLWATT" run -t 0
    [ "$status" -eq 2 ]
    run "$SMOLWATT" run -m "$tiny" -o xml
    [ "$status" -eq 2 ]
    run "$SMOLWATT" run -m "$tiny" --country Atlantis
    [ "$status" -ne 0 ]
    [[ $output == *Atlantis* ]]
    run "$SMOLWATT" bench -m "$tiny" -b 0
    [ "$status" -eq 2 ]
    run "$SMOLWATT" generate -m "$tiny"
    [ "$status" -eq 2 ]
    run "$SMOLWATT" run -m "$tiny" --strategy quantum
    [ "$status" -eq 2 ]
    [[ $output == *quantization8bit* ]]
}

@test "dashes and underscores are one, and = joins a value" {
    "$SMOLWATT" generate --model-name=$tiny --prompt_ids 1,2 --max-new_tokens=3 -o json >out
    [ "$(jq '.ids | length' out)" -eq 3 ]
}

@test "a backend that is not built is refused by name, and nothing else runs instead" {
    export SMOLWATT_ONNXRUNTIME=$BATS_TEST_TMPDIR/none SMOLWATT_CUDA=$BATS_TEST_TMPDIR/none
    for backend in base_gpu onnx_cpu onnx_gpu; do
        run "$SMOLWATT" run -m "$tiny" --backend $backend
        [ "$status" -eq 1 ]
        [[ $output == *"$backend"* ]]
    done
    run "$SMOLWATT" run -m "$tiny" --backend nonsense
    [ "$status" -ne 0 ]
}

@test "a strategy that another backend has is refused by name" {
    for strategy in quantization8bit_w8a8 study_fp4; do
        run "$SMOLWATT" run -m "$tiny" --strategy $strategy
        [ "$status" -eq 1 ]
        [[ $output == *"$strategy"* ]]
    done
}

@test "every strategy runs under its name, and the record tells its arithmetic" {
    for pair in none=f32 quantization=w16_a32 quantization16bit=bf16 quantization8bit=w8c_a8b64 \
        quantization_dynamic8bit=dynamic_u8s8 quantization4bit=w4b32_a8b32; do
        "$SMOLWATT" bench -m "$tiny" -p 4 -n 4 -r 1 --strategy "${pair%%=*}" -o json >out
        [ "$(jq -r '.[0].strategy' out)" = "${pair%%=*}" ]
        [ "$(jq -r '.[1].arithmetic' out)" = "${pair##*=}" ]
        [ "$(jq '.[1].limit_fraction > 0' out)" = true ]
    done
}

@test "an instruction set that is unknown or not there is refused" {
    SMOLWATT_ISA=abacus run "$SMOLWATT" generate -m "$tiny" --prompt_ids 1
    [ "$status" -ne 0 ]
    [[ $output == *abacus* ]]
}

@test "a full disk on standard output is a failure" {
    [ -e /dev/full ] || skip "there is no /dev/full"
    run bash -c '"$SMOLWATT" generate -m "'$tiny'" --prompt_ids 1 -n 2 -o json >/dev/full'
    [ "$status" -eq 1 ]
}

@test "bash completion offers commands and options" {
    run bash -c 'source "'"$root"'/share/completion/smolwatt.bash"
        COMP_WORDS=("$SMOLWATT" run --sam); COMP_CWORD=2; _smolwatt; echo "${COMPREPLY[@]}"
        COMP_WORDS=("$SMOLWATT" tok); COMP_CWORD=1; _smolwatt; echo "${COMPREPLY[@]}"'
    [[ $output == *--samples* ]]
    [[ $output == *tokenize* ]]
}

@test "the man page is well-formed" {
    if command -v mandoc >/dev/null; then
        run bash -c 'mandoc -T lint -W warning "'"$root"'/docs/man/smolwatt.1"'
        [ -z "$output" ]
    else
        need man
        run bash -c 'man --warnings -l "'"$root"'/docs/man/smolwatt.1" 2>&1 >/dev/null'
        [ -z "$output" ]
    fi
}

@test "make install puts program, page, completion and schema below DESTDIR" {
    need make
    [ -n "${BUILD:-}" ] && [ "$BUILD" = build ] || skip "only for the plain build"
    make -s -C "$root" install DESTDIR="$PWD/dest" PREFIX=/usr >log 2>&1
    [ -x dest/usr/bin/smolwatt ]
    [ -f dest/usr/share/man/man1/smolwatt.1 ]
    [ -f dest/usr/share/bash-completion/completions/smolwatt ]
    [ -f dest/usr/share/smolwatt/record.schema.json ]
    [ -f dest/usr/share/smolwatt/measure.schema.json ]
    [ -f dest/usr/share/smolwatt/comparison.schema.json ]
    for file in udev/70-smolwatt-rapl.rules sysusers.d/smolwatt.conf tmpfiles.d/smolwatt-rapl.conf; do
        cmp "$root/share/$file" "dest/usr/share/smolwatt/examples/$file"
    done
}
