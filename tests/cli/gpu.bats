#!/usr/bin/env bats
# The backend base_gpu from outside: what is said where plug-in, driver or GPU are missing, that the
# program needs nothing of CUDA, what a record tells, and answers through the plug-in for the host.
load helpers

setup_file() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    build=$PWD/${BUILD:-build}
    case ${BUILD:-} in /*) build=$BUILD ;; esac
    export build
    export fake=$build/tests/support/libfake_cuda.so
    export emulated=$build/libsmolwatt_cuda_emulated.so
}

need_emulated() {
    [ -e "$emulated" ] || skip "$emulated is not built"
}

# one_line TEXT: the run failed with 1, and standard error is this one line.
one_line() {
    [ "$status" -eq 1 ] || { echo "status $status"; cat err; return 1; }
    [ "$(cat err)" = "smolwatt: $1" ] || { cat err; return 1; }
    [ ! -s out ]
}

generate() { # LIBRARY [OPTION ...]
    status=0
    SMOLWATT_CUDA=$1 "$SMOLWATT" generate -m "$tiny" --backend base_gpu --prompt_ids 1,2 \
        --max_new_tokens 2 -o json "${@:2}" >out 2>err || status=$?
}

@test "without the plug-in base_gpu says how to build it, and nothing else runs instead" {
    cp "$SMOLWATT" ./alone
    text="base_gpu: the CUDA plug-in, libsmolwatt_cuda.so, is not built: install NVIDIA's CUDA toolkit (nvcc) and run \`make cuda\`, or name the file in SMOLWATT_CUDA; base_cpu needs neither"
    SMOLWATT=./alone generate ""
    one_line "$text"
    for command in "bench -n 2 -p 2" "run --samples 1"; do
        status=0
        SMOLWATT_CUDA= ./alone $command -m "$tiny" --backend base_gpu >out 2>err || status=$?
        [ "$status" -eq 1 ]
        grep -qF "smolwatt: $text" err
        [ ! -s out ] && [ ! -s smolwatt.jsonl ]
    done
    generate "$PWD/absent.so"
    one_line "base_gpu: SMOLWATT_CUDA: $PWD/absent.so: No such file or directory"
    mkdir empty
    generate "$PWD/empty"
    one_line "base_gpu: SMOLWATT_CUDA: $PWD/empty: holds no libsmolwatt_cuda.so"
}

@test "the plug-in is found beside the program and where it is installed" {
    mkdir -p there/bin there/lib/smolwatt
    cp "$SMOLWATT" there/bin/smolwatt
    cp "$fake" there/lib/smolwatt/libsmolwatt_cuda.so
    SMOLWATT=$PWD/there/bin/smolwatt generate ""
    [ "$status" -eq 0 ] || { cat err; return 1; }
    cp "$build/tests/support/libfake_nvml.so" there/bin/libsmolwatt_cuda.so
    SMOLWATT=$PWD/there/bin/smolwatt generate "" # the nearer one
    one_line "base_gpu: $PWD/there/bin/libsmolwatt_cuda.so: not smolwatt's CUDA plug-in: it has no sw_cuda_plugin"
    generate "$PWD/there/lib/smolwatt"
    [ "$status" -eq 0 ]
}

@test "a plug-in that is cut off or of another source is refused in one line" {
    head -c 9000 "$fake" >cut.so
    generate "$PWD/cut.so"
    one_line "base_gpu: $PWD/cut.so: truncated: 9000 bytes, its header names $(stat -c %s "$fake")"
    head -c 100 /dev/zero >zero.so
    generate "$PWD/zero.so"
    one_line "base_gpu: $PWD/zero.so: no shared library (100 bytes, no ELF header)"
    FAKE_CUDA=sizes generate "$fake"
    grep -qF "$fake: is of plug-in version " err && grep -qF "was built from another source than this program" err
    FAKE_CUDA=abi generate "$fake"
    grep -qE 'is of plug-in version [0-9]+, this program of [0-9]+: build both from the same source' err
}

@test "without a driver, or with a GPU that fails, there is one line and no answer" {
    FAKE_CUDA=absent generate "$fake"
    one_line "base_gpu: no CUDA driver is installed: it takes an NVIDIA GPU (compute capability 7.5 or newer) and its driver"
    for call in open load ready forward decode; do
        FAKE_CUDA=$call generate "$fake"
        one_line "base_gpu: $call: the device said no?and no again"
    done
    CUDA_VISIBLE_DEVICES=1,3 generate "$fake" --gpu 2
    one_line "base_gpu: GPU 2 is hidden: CUDA_VISIBLE_DEVICES is 1,3"
    CUDA_VISIBLE_DEVICES=1,3 generate "$fake" --gpu 3
    [ "$status" -eq 0 ]
}

@test "the program itself needs nothing of CUDA" {
    need readelf
    readelf -d "$SMOLWATT" >dynamic
    grep -q NEEDED dynamic
    ! grep -iE 'NEEDED.*(cuda|nvidia|cublas|nvrtc)' dynamic || false
    nm -D --undefined-only "$SMOLWATT" >undefined
    grep -q dlopen undefined
    ! grep -E ' (cu|cuda|nv)[A-Z]' undefined || false
}

@test "the plug-in has CUDA's runtime inside, one symbol outside, and code for every architecture" {
    plugin=$build/libsmolwatt_cuda.so
    [ -e "$plugin" ] || skip "$plugin is not built"
    need readelf
    readelf -d "$plugin" >dynamic
    ! grep -iE 'NEEDED.*(cuda|nvidia|cublas|nvrtc)' dynamic || false
    [ "$(nm -D --defined-only "$plugin" | awk '{print $3}')" = sw_cuda_plugin ]
    command -v cuobjdump >/dev/null || PATH=$PATH:/usr/local/cuda/bin
    need cuobjdump
    cuobjdump --list-elf --list-ptx "$plugin" >code
    if [ "$(grep -oE 'sm_[0-9]+' code | sort -u | wc -l)" -gt 1 ]; then # not CUDA_ARCHITECTURES=native
        for sm in 75 80 86 89 90; do
            grep -q "sm_$sm" code
        done
        grep -q ptx code
    fi
}

@test "the real plug-in without a driver is refused in one line" {
    plugin=$build/libsmolwatt_cuda.so
    [ -e "$plugin" ] || skip "$plugin is not built"
    ! nvidia-smi -L >/dev/null 2>&1 || skip "there is a GPU"
    generate "$plugin"
    [ "$status" -eq 1 ]
    [ "$(wc -l <err)" -eq 1 ]
    grep -qE '^smolwatt: base_gpu: .*: it takes an NVIDIA GPU \(compute capability 7.5 or newer\) and its driver$' err
}

@test "make cuda without nvcc says what is missing, and make goes on without it" {
    for target in cuda gpu-tests; do
        run make -s -C "$root" BUILD="$BATS_TEST_TMPDIR/other" NVCC= $target
        [ "$status" -ne 0 ]
        [[ $output == *"make: nvcc was not found: install NVIDIA's CUDA toolkit, or name it: make $target NVCC=FILE"* ]]
    done
    run make -s -C "$root" BUILD="$BATS_TEST_TMPDIR/other" NVCC= CUDA=auto cuda-if-possible
    [ "$status" -eq 0 ]
    [[ $output == "make: no nvcc here: base_gpu is built without its plug-in"* ]]
    run make -s -C "$root" BUILD="$BATS_TEST_TMPDIR/other" NVCC=/bin/false CUDA=auto cuda-if-possible
    [ "$status" -eq 0 ]
    [[ $output == *"make: base_gpu is built without its plug-in, which failed"* ]]
    run make -s -C "$root" BUILD="$BATS_TEST_TMPDIR/other" NVCC= CUDA=no cuda-if-possible
    [ "$status" -eq 0 ] && [ -z "$output" ]
}

@test "options of base_gpu are refused elsewhere" {
    for command in run bench "generate --prompt_ids 1"; do
        run "$SMOLWATT" $command -m "$tiny" --gpu_mode graph
        [ "$status" -eq 2 ]
        [[ $output == *"--gpu_mode: base_cpu has no such modes (base_gpu has)"* ]]
        run "$SMOLWATT" $command -m "$tiny" --backend base_gpu --gpu_mode fast
        [ "$status" -eq 2 ]
        [[ $output == *'--gpu_mode: "fast" is not auto, graph or persistent'* ]]
        run "$SMOLWATT" $command -m "$tiny" --backend base_gpu --strategy quantization --tf32
        [ "$status" -eq 2 ]
        [[ $output == *"--tf32: only base_gpu with strategy none has fp32 products on tensor cores"* ]]
    done
    run env SMOLWATT_CUDA="$fake" "$SMOLWATT" generate -m "$tiny" --backend base_gpu \
        --strategy quantization_dynamic8bit --prompt_ids 1
    [ "$status" -eq 1 ]
    [[ $output == *"base_gpu: strategy quantization_dynamic8bit is what"* ]]
}

@test "a record tells GPU, mode and TF32, and other modes are not resumed with it" {
    export SMOLWATT_CUDA=$fake
    run_it() { "$SMOLWATT" run -m "$tiny" --backend base_gpu --samples 2 -n 3 -o json "$@"; }
    run_it --gpu_mode persistent --tf32 --gpu 1 >out 2>err || { cat err; return 1; }
    jq -e '.isa == "sm_90" and .arithmetic == "f32" and .runtime == null and (.device |
        .name == "Fake GPU" and .gpu == 1 and .mode == "persistent" and .mode_reason == null and .tf32 and
        (.emulated | not) and .cuda_driver == "13.0" and .cuda_runtime == "12.8" and
        .plugin == "'"$(realpath "$fake")"'")' out
    check_journal smolwatt.jsonl
    for options in "--gpu_mode graph --tf32" "--gpu_mode persistent"; do
        run run_it $options --resume
        [ "$status" -eq 2 ]
        [[ $output == *"has another plan"* ]]
    done
    run_it >again 2>err
    jq -e '.device | .mode == "graph" and .mode_reason == "one is faster" and (.tf32 | not)' again
    "$SMOLWATT" compare smolwatt.jsonl -o json >differences 2>err || [ $? -eq 4 ]
    jq -e '[.differences[].what] | contains(["gpu_mode", "tf32"])' differences || { cat differences; return 1; }
    "$SMOLWATT" report smolwatt.jsonl >report 2>err
    "$SMOLWATT" run -m "$tiny" --samples 1 -n 2 -o json >ours 2>err
    jq -e '.device == null' ours
    check_journal smolwatt.jsonl
}

@test "bench holds a GPU's rows against the GPU, and tells when it is none" {
    SMOLWATT_CUDA=$fake "$SMOLWATT" bench -m "$tiny" --backend base_gpu -p 4 -n 4 -r 2 -b 1,3 -o json >out
    jq -e 'length == 4 and all(.[]; .isa == "sm_90" and .device.name == "Fake GPU" and
        .read_limit_bytes_per_second == 3e12)' out
    need_emulated
    SMOLWATT_CUDA=$emulated "$SMOLWATT" bench -m synthetic:1,16,24,2,1,64,32 --backend base_gpu -p 4 -n 2 \
        -r 1 -o json >out
    jq -e 'all(.[]; .isa == "emulated" and .device.emulated and .limit_fraction > 0)' out
}

@test "through the plug-in for the host, base_gpu generates what base_cpu does" {
    need_emulated
    for name in odd-sizes biases bf16; do
        model=$root/tests/fixtures/golden/$name
        "$SMOLWATT" generate -m "$model" --prompt_ids 1,2,3,4,5 -n 12 --ignore_eos -o json >ours
        for mode in graph persistent; do
            generate_it() {
                SMOLWATT_CUDA=$emulated "$SMOLWATT" generate -m "$model" --prompt_ids 1,2,3,4,5 -n 12 \
                    --ignore_eos --backend base_gpu --gpu_mode $mode -o json
            }
            generate_it >theirs 2>err || { cat err; return 1; }
            [ "$(jq -c .ids ours)" = "$(jq -c .ids theirs)" ]
            jq -s -e '(.[0].prompt_nll - .[1].prompt_nll | fabs) < 1e-4 and
                ([.[0].logprobs, .[1].logprobs] | transpose | map(.[0] - .[1] | fabs) | max) < 1e-3' \
                ours theirs
        done
    done
}

@test "an emulated run says so in its record" {
    need_emulated
    SMOLWATT_CUDA=$emulated "$SMOLWATT" run -m synthetic:1,16,24,2,1,49152,128 --backend base_gpu \
        --strategy quantization16bit --samples 1 -n 2 -o json >out 2>err || { cat err; return 1; }
    jq -e '.isa == "emulated" and .device.emulated and .device.name == "emulated"' out
    jq -e '.verdict.row == "INVALID" and (.verdict.reasons |
        contains(["emulated: the processors computed in a GPU'"'"'s place"]))' out
    check_journal smolwatt.jsonl
}
