#!/usr/bin/env bats
# The backend onnx_cpu from outside: what is said where the runtime is not there or not it, and that
# everything else works without it.
load helpers

need_runtime() {
    [ -n "$(find -L "$root/build/onnxruntime" /usr/lib /usr/local/lib -name 'libonnxruntime.so*' 2>/dev/null | head -n 1)" ] ||
        [ -n "${SMOLWATT_ONNXRUNTIME:-}" ] || skip "no ONNX Runtime is installed"
}

# one_line TEXT: the run failed with 1, and standard error is one line that holds it.
one_line() {
    [ "$status" -eq 1 ] || { echo "status $status"; cat err; return 1; }
    [ "$(wc -l <err)" -eq 1 ] && grep -qF -- "$1" err || { cat err; return 1; }
    [ ! -s out ]
}

generate() { # LIBRARY
    status=0
    SMOLWATT_ONNXRUNTIME=$1 "$SMOLWATT" generate -m "$tiny" --backend onnx_cpu --prompt_ids 1,2 \
        --max_new_tokens 2 -o json >out 2>err || status=$?
}

@test "without the runtime onnx_cpu says what to install, and base_cpu works" {
    generate "$PWD/absent.so"
    one_line "onnx_cpu: SMOLWATT_ONNXRUNTIME: $PWD/absent.so: No such file or directory"
    SMOLWATT_ONNXRUNTIME=$PWD/absent.so "$SMOLWATT" generate -m "$tiny" --prompt_ids 1,2 \
        --max_new_tokens 2 -o json >out
    [ "$(jq '.ids | length' out)" -eq 2 ]
    [ -z "$(find /usr/lib /usr/lib64 /usr/local/lib -maxdepth 2 -name 'libonnxruntime.so*' 2>/dev/null | head -n 1)" ] ||
        skip "the system has a library, so the program cannot be without one"
    cp "$SMOLWATT" ./alone
    SMOLWATT=./alone generate ""
    one_line "onnx_cpu: ONNX Runtime is not installed: run scripts/setup-onnxruntime"
}

@test "a library that is cut off, something else or too old is refused in one line" {
    fake=$root/${BUILD:-build}/tests/support/libfake_onnxruntime.so
    head -c 9000 "$fake" >cut.so
    generate "$PWD/cut.so"
    one_line "cut.so: truncated: 9000 bytes"
    generate "$root/${BUILD:-build}/tests/support/libfake_nvml.so"
    one_line "not ONNX Runtime: it has no OrtGetApiBase"
    generate "$fake"
    one_line "ONNX Runtime 1.15.1 is too old: 1.21 or newer is needed"
    FAKE_ONNXRUNTIME_VERSION=1.24.1 FAKE_ONNXRUNTIME_API=fails generate "$fake"
    one_line "ONNX Runtime: the first line and the second"
    head -c 100 /dev/zero >zero.so
    generate "$PWD/zero.so"
    one_line "zero.so: no shared library"
}

@test "onnx_gpu without a CUDA provider says what to install" {
    need_runtime
    run "$SMOLWATT" generate -m "$tiny" --backend onnx_gpu --prompt_ids 1,2 --max_new_tokens 2
    [ "$status" -eq 0 ] && skip "this runtime has the CUDA provider"
    [ "$status" -eq 1 ]
    [[ $output == *"onnx_gpu: "*"has no CUDA provider: install the Python package onnxruntime-gpu"* ]]
}

@test "strategies without an honest form on onnx_cpu are refused by name" {
    for strategy in quantization quantization16bit quantization8bit_w8a8 study_fp4; do
        run "$SMOLWATT" generate -m "$tiny" --backend onnx_cpu --strategy $strategy --prompt_ids 1,2
        [ "$status" -eq 1 ]
        [[ $output == *"onnx_cpu"*"$strategy"* ]]
    done
}

@test "onnx_cpu generates what base_cpu does, with the same scores" {
    need_runtime
    shape=synthetic:2,96,128,6,2,131,128
    for backend in base_cpu onnx_cpu; do
        "$SMOLWATT" generate -m $shape --backend $backend --prompt_ids 1,2,3,4,5 --max_new_tokens 64 \
            --ignore_eos -o json >$backend 2>err || { cat err; return 1; }
    done
    [ "$(jq -c .ids base_cpu)" = "$(jq -c .ids onnx_cpu)" ]
    jq -s -e '(.[0].prompt_nll - .[1].prompt_nll | fabs) < 1e-4 and
        ([.[0].logprobs, .[1].logprobs] | transpose | map(.[0] - .[1] | fabs) | max) < 1e-3' \
        base_cpu onnx_cpu
}

@test "every strategy of onnx_cpu runs under its name, and tells its arithmetic" {
    need_runtime
    for pair in none=f32 quantization8bit=w8b64_a8b64 quantization_dynamic8bit=dynamic_u8s8 \
        quantization4bit=w4b32_a8b32; do
        "$SMOLWATT" bench -m synthetic:2,128,256,8,4,512,64 --backend onnx_cpu -p 8 -n 8 -r 1 \
            --strategy "${pair%%=*}" -o json >out
        [ "$(jq -r '.[0].strategy' out)" = "${pair%%=*}" ]
        [ "$(jq -r '.[0].backend' out)" = onnx_cpu ]
        [ "$(jq -r '.[0].arithmetic' out)" = "${pair#*=}" ]
    done
}

@test "the record of a run holds what the runtime is, and what conversion and session took" {
    need_runtime
    "$SMOLWATT" run -m "$tiny" --backend onnx_cpu --samples 2 -n 3 -o json >first 2>err || { cat err; return 1; }
    "$SMOLWATT" run -m "$tiny" --backend onnx_cpu --samples 2 -n 3 -o json >again 2>err
    jq -e '.runtime | .name == "onnxruntime" and .conversion == "not there yet" and
        .conversion_phase.ns > 0 and .session_start.ns > 0 and .session_start.energy.cpu != null' first
    jq -e '.runtime.conversion == null and .weight_bytes_per_token > 0' again
    check_journal smolwatt.jsonl
    "$SMOLWATT" run -m "$tiny" --samples 2 -n 3 -o json >ours 2>err
    jq -e '.runtime == null' ours
    check_journal smolwatt.jsonl
}

@test "--onnx_graph exporter runs the study's shape, and other graphs are not resumed with it" {
    need_runtime
    "$SMOLWATT" run -m "$tiny" --backend onnx_cpu --onnx_graph exporter --samples 2 -n 3 -o json >out 2>err
    jq -e '.runtime | .graph == "exporter" and .graph_reason == "asked for"' out
    run "$SMOLWATT" run -m "$tiny" --backend onnx_cpu --samples 2 -n 3 --resume
    [ "$status" -eq 2 ]
    [[ $output == *"has another plan"* ]]
}

@test "--onnx_graph is refused where there is no such graph" {
    for command in run bench "generate --prompt_ids 1"; do
        run "$SMOLWATT" $command -m "$tiny" --onnx_graph exporter
        [ "$status" -eq 2 ]
        [[ $output == *"--onnx_graph: base_cpu has no ONNX graph"* ]]
    done
    run "$SMOLWATT" export onnx -m "$tiny" -o there --onnx_graph round
    [ "$status" -eq 2 ]
    [[ $output == *"unknown graph 'round'"* ]]
    [ ! -e there ]
}

@test "export onnx writes two files, and none where it cannot" {
    "$SMOLWATT" export onnx -m "$tiny" -o there >out 2>err || { cat err; return 1; }
    [ "$(cat out)" = "there/model.onnx
there/model.onnx.data" ]
    [ "$(ls -A there | wc -l)" -eq 2 ]
    status=0
    "$SMOLWATT" export onnx -m "$tiny" -o there >out 2>err || status=$?
    one_line "there/model.onnx: is there already (--force replaces it)"
    ! grep -qa quantization4bit there/model.onnx
    "$SMOLWATT" export onnx -m "$tiny" -o there --force --strategy quantization4bit
    grep -qa quantization4bit there/model.onnx
    "$SMOLWATT" export onnx -m "$tiny" -o small --strategy quantization16bit --backend onnx_gpu
    status=0
    "$SMOLWATT" export onnx -m "$tiny" -o refused --strategy quantization16bit >out 2>err || status=$?
    one_line "onnx_cpu: strategy quantization16bit: ONNX Runtime has no 16-bit kernels on the CPU"
    [ ! -e refused ]
    status=0
    (ulimit -f 100 && "$SMOLWATT" export onnx -m "$tiny" -o full >out 2>err) || status=$?
    one_line "full/model.onnx.data: no room for"
    [ ! -e full ]
    for wrong in "gguf -o x -m $tiny" "onnx -m $tiny" "onnx -o x" "onnx -o x -m $tiny --backend base_cpu"; do
        run "$SMOLWATT" export $wrong
        [ "$status" -eq 2 ]
    done
}
