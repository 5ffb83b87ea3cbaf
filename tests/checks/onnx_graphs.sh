#!/usr/bin/env bash
# Graphs that this program writes pass onnx.checker and compute the golden logits in plain
# onnxruntime. Skipped by name without the Python packages onnx, onnxruntime and numpy. TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
for python in "${SMOLWATT_ONNX_PYTHON:-}" build/onnxruntime/bin/python python3; do
    [ -n "$python" ] && "$python" -c 'import numpy, onnx, onnxruntime' 2>/dev/null && break
    python=
done
if [ -z "$python" ]; then
    echo "ok 1 - graphs in plain onnxruntime # SKIP Python packages onnx, onnxruntime and numpy are absent"
    echo "1..1"
    exit 0
fi
models=()
for golden in tests/fixtures/golden/*/golden.json; do
    models+=("$(dirname "$golden")=$golden")
done
shared=${SW_SHARED:-../shared}/data/story-llama-hf
[ -d "$shared" ] && models+=("$shared=tests/fixtures/golden/trained-story-llama-hf.json")
exec "$python" tests/support/check_onnx.py "${BUILD:-build}/tests/tools/onnx_write" "${models[@]}"
