# Small trees in the place of /sys and /proc, made by hand from the kernel's documentation of
# powercap, cpufreq, power_supply and control groups: one function a kind of machine.
#
#   source tests/support/machines.sh; make_machine xeon-2s DIR
#   tests/support/machines.sh        writes tests/fixtures/doctor/*.txt anew, for a look at the diff

put() { # FILE LINE...
    mkdir -p "$(dirname "$1")"
    printf '%s\n' "${@:2}" >"$1"
}

zone() { # TREE ZONE NAME UJ RANGE: ZONE is a folder below /sys/class/powercap
    put "$1/sys/class/powercap/$2/name" "$3"
    put "$1/sys/class/powercap/$2/energy_uj" "$4"
    put "$1/sys/class/powercap/$2/max_energy_range_uj" "$5"
}

event() { # TREE EVENT CODE COUNT...: of the perf PMU power, on processor 0, 12, ...
    local pmu=$1/sys/bus/event_source/devices/power cpu=0 count
    put "$pmu/events/$2" "event=$3"
    put "$pmu/events/$2.scale" 2.3283064365386962890625e-10
    put "$pmu/events/$2.unit" Joules
    for count in "${@:4}"; do
        put "$pmu/events/$2.cpu$cpu" "$count" # what the event stands at, for a replay
        put "$1/sys/devices/system/cpu/cpu$cpu/topology/physical_package_id" $((cpu / 12))
        cpu=$((cpu + 12))
    done
}

sensor() { # TREE FOLDER DRIVER CHANNEL LABEL VALUE: below /sys/class/hwmon
    put "$1/sys/class/hwmon/$2/name" "$3"
    put "$1/sys/class/hwmon/$2/$4_label" "$5"
    put "$1/sys/class/hwmon/$2/$4_input" "$6"
}

register() { # TREE CPU NUMBER BYTE...: the lower bytes of a register, hexadecimal, low first
    local file=$1/dev/cpu/$2/msr bytes=${*:4}
    mkdir -p "${file%/*}"
    printf "\\x${bytes// /\\x}" |
        dd of="$file" bs=1 seek=$(($3)) conv=notrunc status=none
}

cpus() { # TREE NAME SOCKETS THREADS_OF_EACH FLAGS
    local s t n=0
    mkdir -p "$1/proc"
    for ((s = 0; s < $3; s++)); do
        for ((t = 0; t < $4; t++)); do
            printf 'processor\t: %d\nmodel name\t: %s\nphysical id\t: %d\nflags\t\t: %s\n\n' \
                $((n++)) "$2" "$s" "$5"
        done
    done >"$1/proc/cpuinfo"
}

common() { # TREE MEMORY_KIB GOVERNOR
    put "$1/proc/meminfo" "MemTotal:       $2 kB"
    put "$1/proc/loadavg" '0.08 0.03 0.01 1/312 4711'
    put "$1/proc/sys/kernel/osrelease" 6.1.0-18-amd64
    put "$1/proc/stat" 'cpu  100 0 100 10000 0 0 0 0 0 0'
    put "$1/sys/devices/system/node/online" 0
    put "$1/sys/kernel/mm/transparent_hugepage/enabled" 'always [madvise] never'
    put "$1/sys/devices/system/clocksource/clocksource0/current_clocksource" tsc
    [ -z "$3" ] || put "$1/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor" "$3"
}

make_machine() { # KIND DIR
    local d=$2
    mkdir -p "$d"
    case $1 in
    client-psys)
        cpus "$d" 'Intel(R) Core(TM) i7-8850H CPU @ 2.60GHz' 1 12 'fpu vme'
        common "$d" 16236208 powersave
        zone "$d" intel-rapl:0 package-0 23171812133 262143328850
        zone "$d" intel-rapl:0/intel-rapl:0:0 core 8123456789 262143328850
        zone "$d" intel-rapl:0/intel-rapl:0:1 uncore 123456789 262143328850
        zone "$d" intel-rapl:1 psys 98765432101 262143328850
        zone "$d" intel-rapl-mmio:0 package-0 23171812133 262143328850
        put "$d/sys/devices/system/cpu/intel_pstate/no_turbo" 0
        put "$d/sys/devices/system/cpu/smt/active" 1
        put "$d/sys/devices/system/cpu/smt/control" on
        put "$d/sys/class/power_supply/BAT0/type" Battery
        put "$d/sys/class/power_supply/BAT0/status" Charging
        ;;
    xeon-2s)
        cpus "$d" 'Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz' 2 12 'fpu vme'
        common "$d" 131912000 performance
        for s in 0 1; do
            zone "$d" intel-rapl:$s package-$s 3812345678$s 262143328850
            zone "$d" intel-rapl:$s/intel-rapl:$s:0 dram 712345678$s 65712999613
        done
        put "$d/sys/devices/system/node/online" 0-1
        put "$d/proc/sys/kernel/numa_balancing" 1
        put "$d/sys/devices/system/cpu/intel_pstate/no_turbo" 1
        ;;
    threadripper-mirror)
        cpus "$d" 'AMD Ryzen Threadripper 1950X 16-Core Processor' 1 32 'fpu vme'
        common "$d" 65801728 schedutil
        zone "$d" intel-rapl:0 package-0-die-0 41234567890 65532610987
        zone "$d" intel-rapl:0/intel-rapl:0:0 core 1234567 65532610987
        zone "$d" intel-rapl:1 package-0-die-1 41234567891 65532610987
        put "$d/sys/devices/system/cpu/cpufreq/boost" 1
        ;;
    amd-no-dram)
        cpus "$d" 'AMD Ryzen 7 5800X 8-Core Processor' 1 16 'fpu vme'
        common "$d" 32768000 performance
        zone "$d" intel-rapl:0 package-0 12345678901 65532610987
        zone "$d" intel-rapl:0/intel-rapl:0:0 core 123456789 65532610987
        ;;
    xeon-perf)
        make_machine xeon-2s "$d"
        put "$d/sys/bus/event_source/devices/power/type" 21
        put "$d/sys/bus/event_source/devices/power/cpumask" 0,12
        event "$d" energy-pkg 0x02 163738478231552 163738478231600
        event "$d" energy-ram 0x03 30598098976768 30598098976800
        put "$d/proc/sys/kernel/perf_event_paranoid" 0
        ;;
    perf-denied)
        cpus "$d" 'Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz' 1 8 'fpu vme'
        common "$d" 8048000 performance
        put "$d/sys/bus/event_source/devices/power/type" 21
        put "$d/sys/bus/event_source/devices/power/cpumask" 0
        event "$d" energy-pkg 0x02
        event "$d" energy-ram 0x03
        put "$d/proc/sys/kernel/perf_event_paranoid" 2
        ;;
    msr-only)
        cpus "$d" 'Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz' 1 12 'fpu vme'
        { printf 'vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 63\n'; cat "$d/proc/cpuinfo"; } >"$d/cpuinfo"
        mv "$d/cpuinfo" "$d/proc/cpuinfo"
        common "$d" 65801728 performance
        register "$d" 0 0x606 03 0e 0a 00 00 00 00 00
        register "$d" 0 0x611 00 e0 57 41 00 00 00 00
        register "$d" 0 0x619 00 10 2f 12 00 00 00 00
        register "$d" 0 0x64D 00 00 00 00 00 00 00 00
        ;;
    vm)
        cpus "$d" 'Intel(R) Xeon(R) CPU @ 2.20GHz' 1 2 'fpu hypervisor'
        common "$d" 13290480 ''
        put "$d/sys/devices/system/clocksource/clocksource0/current_clocksource" kvm-clock
        ;;
    container)
        cpus "$d" 'Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz' 1 12 'fpu vme'
        common "$d" 65801728 performance
        zone "$d" intel-rapl:0 package-0 38123456780 262143328850
        # Masked as container runtimes do it: the file is there, and what it leads to is not.
        rm "$d/sys/class/powercap/intel-rapl:0/energy_uj"
        ln -s /nowhere/masked "$d/sys/class/powercap/intel-rapl:0/energy_uj"
        put "$d/sys/fs/cgroup/cpu.max" '200000 100000'
        put "$d/sys/fs/cgroup/memory.max" 4294967296
        ;;
    arm64)
        mkdir -p "$d/proc"
        printf 'processor\t: %d\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\n' 0 1 >"$d/proc/cpuinfo"
        common "$d" 8048000 ondemand
        put "$d/sys/devices/system/clocksource/clocksource0/current_clocksource" arch_sys_counter
        ;;
    arm64-scmi)
        make_machine arm64 "$d"
        sensor "$d" hwmon0 scmi_sensors energy1 'big cluster' 81234567
        sensor "$d" hwmon0 scmi_sensors energy2 'LITTLE cluster' 31234567
        sensor "$d" hwmon0 scmi_sensors energy3 GPU 11234567
        sensor "$d" hwmon0 scmi_sensors power1 SYS_POWER 8500000
        sensor "$d" hwmon0 scmi_sensors power2 rail_7 1500000
        ;;
    epyc-amd-energy)
        cpus "$d" 'AMD EPYC 7351 16-Core Processor' 2 32 'fpu vme'
        common "$d" 131912000 performance
        for s in 0 1; do
            sensor "$d" hwmon1 amd_energy energy$((s + 1)) Ecore00$s 712345678
            sensor "$d" hwmon1 amd_energy energy$((s + 3)) Esocket$s 41234567890
        done
        put "$d/sys/class/hwmon/hwmon0/name" power_meter
        put "$d/sys/class/hwmon/hwmon0/power1_average" 182000000
        put "$d/sys/class/hwmon/hwmon0/power1_average_interval" 1000
        ;;
    laptop-battery)
        cpus "$d" 'Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz' 1 8 'fpu vme'
        common "$d" 8048000 powersave
        zone "$d" intel-rapl:0 package-0 23171812133 262143328850
        zone "$d" intel-rapl:1 psys 98765432101 262143328850
        put "$d/sys/class/power_supply/AC/type" Mains
        put "$d/sys/class/power_supply/AC/online" 0
        put "$d/sys/class/power_supply/BAT0/type" Battery
        put "$d/sys/class/power_supply/BAT0/status" Discharging
        put "$d/sys/class/power_supply/BAT0/power_now" 7384000
        put "$d/sys/class/power_supply/BAT0/energy_now" 38120000
        ;;
    *) return 1 ;;
    esac
}

machines=(client-psys xeon-2s xeon-perf perf-denied msr-only threadripper-mirror amd-no-dram vm container
    arm64 arm64-scmi epyc-amd-energy laptop-battery)

# The text without what differs from machine to machine that runs the test.
doctor_text() { # PROGRAM TREE; the tree's parent must be the current folder
    SMOLWATT_NVML=/nowhere/libnvidia-ml.so "$1" doctor --sysfs_root "$2" |
        sed -E -e 's/a reading takes [0-9.]+ us/a reading takes T/' -e "s|'/[^']*/smolwatt'|PROGRAM|"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    root=$(cd "$(dirname "$0")/../.." && pwd)
    program=${SMOLWATT:-$root/build/smolwatt}
    cd "$(mktemp -d)" || exit 1
    for kind in "${machines[@]}"; do
        make_machine "$kind" "$kind" && doctor_text "$program" "$kind" >"$root/tests/fixtures/doctor/$kind.txt"
    done
fi
