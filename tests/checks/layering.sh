#!/usr/bin/env bash
# Dependencies point one way: each folder includes only the headers of the folders it may see
# (docs/architecture.md). Every header also compiles alone. Output is TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
if [ "${BUILD:-build}" != build ]; then
    echo "ok 1 - layering # SKIP the same sources, looked at in the plain suite"
    echo "1..1"
    exit 0
fi
declare -A may=(
    [base]=""
    [statistics]="base"
    [text]="base"
    [model]="base"
    [backend]="model base"
    [engine]="backend model base"
    [meter]="base"
    [carbon]="base"
    [dataset]="base"
    [hub]="base"
    [record]="statistics base"
    [bench]="statistics engine backend model text meter dataset record base"
    [report]="record carbon base"
    [cli]="statistics bench report record engine backend model text meter carbon dataset hub base"
)
n=0
report() { # report OK? NAME DETAILS
    n=$((n + 1))
    if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; echo "$3" | sed 's/^/# /'; fi
}
for path in src/*/; do
    folder=$(basename "$path")
    if [ -z "${may[$folder]+known}" ]; then
        report 1 "folder src/$folder is in the table" "add it to tests/checks/layering.sh and docs/architecture.md"
        continue
    fi
    bad=$(grep -rnoE '^#include "[a-z_]+/' "$path" | while IFS= read -r line; do
        target=${line##*\"}
        target=${target%/}
        case " $folder ${may[$folder]} " in *" $target "*) ;; *) echo "$line" ;; esac
    done)
    [ -z "$bad" ]
    report $? "src/$folder sees only: ${may[$folder]:-nothing}" "$bad"
done
# A device's folder is its own: nothing outside backend/<device>/ includes from it, but the table.
bad=$(grep -rnE '^#include "backend/(cpu|cuda|onnx)/' src | grep -vE '^src/backend/')
[ -z "$bad" ]
report $? "device folders are private to backend/" "$bad"
packages=$(pkg-config --cflags jansson libpcre2-8 libcurl libcrypto hwloc)
bad=""
# Registers of the other architecture are compiled where kernels are tested for it.
case $(uname -m) in aarch64) others='x86_*.h' ;; *) others='arm64_*.h' ;; esac
for header in $(find src -name '*.h' ! -name "$others" | sort); do
    # What kernels are written with is C++; here with the emulation in CUDA's place.
    case $header in
    src/backend/cuda/device.h | src/backend/cuda/launch.h | src/backend/cuda/persistent*.h | \
        src/backend/cuda/emulation/*)
        compiler=(${CXX:-g++} -std=c++17 -DSW_EMULATED -x c++)
        command -v "${compiler[0]}" >/dev/null || continue
        ;;
    *) compiler=(${CC:-cc} -std=c17 -x c) ;;
    esac
    out=$(echo "#include \"${header#src/}\"" | "${compiler[@]}" -D_GNU_SOURCE -Wall -Wextra -Wno-unused-function \
        -Isrc $packages -fsyntax-only - 2>&1) || bad+="$header: $(echo "$out" | head -n 2)"$'\n'
done
[ -z "$bad" ]
report $? "every header compiles alone" "$bad"
bad=$(nm -g --defined-only "${BUILD:-build}/libsmolwatt.a" 2>/dev/null | awk 'NF==3 {print $3}' | grep -vE '^(sw_|_?_asan|_?_odr_asan|__tsan|__sanitizer|__local_asan|__start|__stop|_ZN|\.)' | sort -u)
[ -z "$bad" ]
report $? "every external symbol begins with sw_" "$bad"
echo "1..$n"
