/* What a job of SLURM was allocated, by its environment and its control groups. */
#include "support/close.h"

#include <string.h>

#include "meter/job.h"
#include "meter/machine.h"
#include "meter/meter.h"
#include "meter/power_model.h"
#include "support/fake_tree.h"

#define GIB (UINT64_C(1) << 30)

static struct fake_tree tree;
static struct sw_meter_set *set;
static struct sw_job job;

static int setup(void **state)
{
    (void)state;
    set = NULL;
    unsetenv("SMOLWATT_NVML");
    fake_tree_create(&tree);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sw_meter_set_close(set);
    fake_tree_destroy(&tree);
    return 0;
}

/* A space stands for the NUL between two variables. */
static void parse(const char *environment)
{
    char bytes[512];
    size_t n = strlen(environment);
    assert_true(n < sizeof bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = environment[i] == ' ' ? 0 : environment[i];
    sw_job_parse(&job, bytes, n, 64, 256 * GIB);
}

static void write_environment(const char *environment)
{
    char path[128], bytes[512];
    size_t n = strlen(environment);
    fake_tree_write(&tree, "/proc/self/environ", "");
    snprintf(path, sizeof path, "%s/proc/self/environ", tree.root);
    for (size_t i = 0; i < n; i++)
        bytes[i] = environment[i] == ' ' ? 0 : environment[i];
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* CodeCarbon's tests have the first four. */
static void amounts_of_memory(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
        double gb;
    } cases[] = {
        {"2T", 2048 * GIB, 2000},
        {"128G", 128 * GIB, 128},
        {"500M", 500 * (GIB >> 10), 0.5},
        {"42000K", 42000 * (GIB >> 20), 0.042},
        {"131072", 128 * GIB, 128}, /* scontrol would say 128G */
        {"2097152", 2048 * GIB, 2000},
        {"4000", 4000 * (GIB >> 10), 4},
        {"0", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t bytes = 1;
        double gb = -1;
        assert_true(sw_job_parse_memory(&bytes, &gb, cases[i].text));
        assert_true(bytes == cases[i].bytes);
        assert_close(gb, cases[i].gb, 1e-12);
    }
    static const char *const wrong[] = {"",
                                        "G",
                                        "-1",
                                        "+1",
                                        " 1",
                                        "1GG",
                                        "1g",
                                        "1.5G",
                                        "1e3",
                                        "0x10",
                                        "1 G",
                                        "1B",
                                        "99999999999999999999",
                                        "1048577T",
                                        "1125899906842625K",
                                        "1152921504606846976G"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint64_t bytes = 1;
        double gb = -1;
        if (sw_job_parse_memory(&bytes, &gb, wrong[i]))
            fail_msg("\"%s\" is %g GB", wrong[i], gb);
        assert_true(bytes == 1 && gb < 0);
    }
}

static void what_the_environment_tells(void **state)
{
    (void)state;
    parse("PATH=/bin SLURM_CPUS_ON_NODE=8 SLURM_MEM_PER_NODE=16384");
    assert_string_equal(job.id, ""); /* no job: no allocation */
    assert_int_equal(job.cpus, 0);
    assert_true(job.memory_bytes == 0);
    parse("SLURM_JOB_ID=4711 SLURM_CPUS_ON_NODE=8 SLURM_MEM_PER_NODE=16384 HOME=/x");
    assert_string_equal(job.id, "4711");
    assert_int_equal(job.cpus, 8);
    assert_true(job.memory_bytes == 16 * GIB);
    assert_close(job.codecarbon_gb, 16, 0);
    assert_string_equal(job.memory_from, "SLURM_MEM_PER_NODE");
    assert_string_equal(job.note, "");
    parse("SLURM_JOBID=12 SLURM_JOB_CPUS_PER_NODE=6(x2),4 SLURM_MEM_PER_CPU=2500 "
          "SLURM_CPUS_ON_NODE=6");
    assert_string_equal(job.id, "12");
    assert_int_equal(job.cpus, 6);
    assert_true(job.memory_bytes == 15000 * (GIB >> 10));
    assert_close(job.codecarbon_gb, 15, 1e-12); /* "15000M" */
    parse(
        "SLURM_JOB_ID=1 SLURM_MEM_PER_CPU=4096 SLURM_CPUS_ON_NODE=4 SLURM_JOB_CPUS_PER_NODE=6(x2)");
    assert_int_equal(job.cpus, 4);
    assert_close(job.codecarbon_gb, 16, 0);
    parse("SLURM_JOB_ID=1 SLURM_JOB_CPUS_PER_NODE=6(x2),4");
    assert_int_equal(job.cpus, 6);
    parse("SLURM_JOB_ID=1 SLURM_MEM_PER_GPU=8G SLURM_GPUS_ON_NODE=2");
    assert_close(job.codecarbon_gb, 16, 0);
    /* All of the node. */
    parse("SLURM_JOB_ID=1 SLURM_MEM_PER_NODE=0 SLURM_MEM_PER_CPU=1");
    assert_true(job.memory_bytes == 0);
    assert_string_equal(job.note, "");
    /* The name as a whole. */
    parse("XSLURM_JOB_ID=9 SLURM_JOB_IDX=8 SLURM_JOB_ID SLURM_JOB_ID=");
    assert_string_equal(job.id, "");
}

static void what_makes_no_sense_is_told_and_left_alone(void **state)
{
    (void)state;
    static const struct {
        const char *environment, *note;
    } cases[] = {
        {"SLURM_CPUS_ON_NODE=0", "SLURM_CPUS_ON_NODE: \"0\" is no number of CPUs"},
        {"SLURM_CPUS_ON_NODE=-4", "SLURM_CPUS_ON_NODE: \"-4\" is no number of CPUs"},
        {"SLURM_CPUS_ON_NODE=8x", "SLURM_CPUS_ON_NODE: \"8x\" is no number of CPUs"},
        {"SLURM_CPUS_ON_NODE=\x1b[31m", "SLURM_CPUS_ON_NODE: \"?[31m\" is no number of CPUs"},
        {"SLURM_CPUS_ON_NODE=65", "SLURM_CPUS_ON_NODE: 65 CPUs, but the machine has 64"},
        {"SLURM_JOB_CPUS_PER_NODE=(x2)", "SLURM_JOB_CPUS_PER_NODE: \"(x2)\" is no number of CPUs"},
        {"SLURM_MEM_PER_NODE=lots", "SLURM_MEM_PER_NODE: \"lots\" is no amount of memory"},
        {"SLURM_MEM_PER_NODE=257G", "SLURM_MEM_PER_NODE: 257G is more than the machine has"},
        {"SLURM_MEM_PER_NODE=1048576T",
         "SLURM_MEM_PER_NODE: 1048576T is more than the machine has"},
        {"SLURM_MEM_PER_CPU=4096", "SLURM_MEM_PER_CPU: SLURM_CPUS_ON_NODE does not tell how many"},
        {"SLURM_MEM_PER_CPU=1024G SLURM_CPUS_ON_NODE=64",
         "SLURM_MEM_PER_CPU: 1024G is more than the machine has"},
        {"SLURM_MEM_PER_NODE=999999999999999999999999999999999999999999999999999999999999",
         "SLURM_MEM_PER_NODE: \"99999999999999999999999999999999999999999999999\" is no amount of "
         "memory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "SLURM_JOB_ID=1 %s", cases[i].environment);
        parse(text);
        assert_string_equal(job.note, cases[i].note);
        assert_true(job.memory_bytes == 0);
    }
    parse("SLURM_JOB_ID=\x1b[2J/etc/passwd;rm_-rf_everything_that_is_there");
    assert_string_equal(job.id, "?[2J/etc/passwd;rm_-rf_");
}

static void open_with(struct sw_meter_options options)
{
    struct sw_error err;
    sw_meter_set_close(set);
    options.sysfs_root = tree.root;
    assert_int_equal(sw_meter_set_open(&set, &options, &err), SW_OK);
}

static const struct sw_meter_info *meter_of(enum sw_component component)
{
    for (size_t i = 0; i < sw_meter_set_count(set); i++)
        if (sw_meter_set_info(set, i)->component == component && sw_meter_set_info(set, i)->counted)
            return sw_meter_set_info(set, i);
    fail_msg("no counted meter of component %d", component);
    return NULL;
}

static void reason_holds(enum sw_component component, const char *text)
{
    const char *reason = sw_meter_set_reason(set, component);
    if (strstr(reason, text) == NULL)
        fail_msg("\"%s\" does not hold \"%s\"", reason, text);
}

static void make_node(void)
{
    char text[4096] = "";
    for (int i = 0; i < 16; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n,
                 "processor\t: %d\nmodel name\t: Nobody's CPU\nphysical id\t: %d\n\n", i, i / 8);
    }
    fake_tree_write(&tree, "/proc/cpuinfo", text);
    fake_tree_write(&tree, "/proc/meminfo", "MemTotal:       67108864 kB\n");
    fake_tree_write(&tree, "/proc/stat", "cpu  1 0 0 1 0 0 0 0 0 0\n");
}

static void models_charge_the_allocation(void **state)
{
    (void)state;
    make_node();
    write_environment("SLURM_JOB_ID=77 SLURM_CPUS_ON_NODE=4 SLURM_MEM_PER_NODE=16384");
    open_with((struct sw_meter_options){0});
    reason_holds(SW_RAM, "modelled: 6.00 W for 16 GB of SLURM job 77 (SLURM_MEM_PER_NODE) by "
                         "CodeCarbon 2.8.2's 3/8 W per GB");
    assert_string_equal(meter_of(SW_RAM)->scope, "memory of the SLURM job");
    reason_holds(SW_CPU, "of which SLURM job 77's 4.00 of 16 CPUs are charged");
    assert_string_equal(meter_of(SW_CPU)->scope, "SLURM job's share");
    assert_non_null(strstr(meter_of(SW_CPU)->formula, "T = 64 W, s = 0.25,"));
    open_with((struct sw_meter_options){.ram_model = SW_RAM_MODEL_CODECARBON_V3,
                                        .cpu_model = SW_CPU_MODEL_CODECARBON_V3});
    reason_holds(SW_RAM, "modelled: 10.00 W for 16 GB of SLURM job 77");
    /* 4 W for each of NumCPUs, times the sockets. */
    assert_non_null(strstr(meter_of(SW_CPU)->formula, "T = 32 W,"));
    reason_holds(SW_CPU, "4 W for each of 4 CPUs of SLURM job 77, times 2 sockets");
    open_with((struct sw_meter_options){.ram_model = SW_RAM_MODEL_PER_GIB});
    reason_holds(SW_RAM, "modelled: 6.00 W for 16.00 GiB by 3/8 W per GiB, SLURM job 77's share of "
                         "64.0 GiB");
    /* 500M is half a GB to CodeCarbon. */
    write_environment("SLURM_JOB_ID=77 SLURM_MEM_PER_NODE=500");
    open_with((struct sw_meter_options){0});
    reason_holds(SW_RAM, "0.19 W for 0.5 GB of SLURM job 77");
    write_environment("SLURM_JOB_ID=77 SLURM_CPUS_ON_NODE=many SLURM_MEM_PER_NODE=16384");
    open_with((struct sw_meter_options){0});
    reason_holds(SW_CPU, "; left alone: SLURM_CPUS_ON_NODE: \"many\" is no number of CPUs");
    assert_string_equal(meter_of(SW_CPU)->scope, "all sockets");
}

/* As slurmd's plugins lay them out: the job's limits are not those of the step's own group. */
static void limits_of_a_job_hold_for_its_steps(void **state)
{
    (void)state;
    struct sw_machine machine;
    make_node();
    fake_tree_write(&tree, "/proc/self/cgroup",
                    "0::/system.slice/slurmstepd.scope/job_77/step_0/user/task_0\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/system.slice/slurmstepd.scope/job_77/memory.max",
                    "8589934592\n");
    fake_tree_write(&tree,
                    "/sys/fs/cgroup/system.slice/slurmstepd.scope/job_77/cpuset.cpus.effective",
                    "0-1,8-9\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/system.slice/slurmstepd.scope/job_77/step_0/memory.max",
                    "max\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/cpuset.cpus.effective", "0-15\n");
    sw_machine_read(&machine, tree.root);
    assert_true(machine.memory_limit_bytes == 8 * GIB);
    assert_int_equal(machine.n_cpu_set, 4);
    assert_true(machine.cpu_limit == 0);
    open_with((struct sw_meter_options){0});
    reason_holds(SW_CPU, "of which the control group's 4.00 of 16 CPUs are charged");
    /* The set is tighter than what the environment says, or the other way round. */
    write_environment("SLURM_JOB_ID=77 SLURM_CPUS_ON_NODE=2");
    open_with((struct sw_meter_options){0});
    reason_holds(SW_CPU, "of which SLURM job 77's 2.00 of 16 CPUs are charged");
    write_environment("SLURM_JOB_ID=77 SLURM_CPUS_ON_NODE=8");
    open_with((struct sw_meter_options){0});
    reason_holds(SW_CPU, "of which the control group's 4.00 of 16 CPUs are charged");

    fake_tree_write(&tree, "/proc/self/cgroup",
                    "12:cpuset:/slurm/uid_1000/job_77/step_0\n"
                    "5:cpu,cpuacct:/slurm/uid_1000/job_77/step_0/task_0\n"
                    "4:memory:/slurm/uid_1000/job_77/step_0/task_0\n"
                    "1:name=systemd:/system.slice/slurmd.service\n0::/\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/memory/slurm/uid_1000/job_77/memory.limit_in_bytes",
                    "4294967296\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/cpuset/slurm/uid_1000/job_77/cpuset.cpus", "3\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/cpu/slurm/uid_1000/job_77/cpu.cfs_quota_us", "150000\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/cpu/slurm/uid_1000/job_77/cpu.cfs_period_us",
                    "100000\n");
    sw_machine_read(&machine, tree.root);
    assert_true(machine.memory_limit_bytes == 4 * GIB);
    assert_int_equal(machine.n_cpu_set, 1);
    assert_close(machine.cpu_limit, 1.5, 0);
}

static void hostile_control_groups(void **state)
{
    (void)state;
    struct sw_machine machine;
    static const char *const cases[] = {
        "",        ":",           "::",         "0::",         "0::box\n",  "0::/../../etc\n",
        "0::////", "a:b:c:d:e\n", "4:memory\n", "4:memory:\n", ":::::::\n", "0::/box",
    };
    make_node();
    fake_tree_write(&tree, "/sys/fs/cgroup/box/memory.max", "garbage\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/box/cpu.max", "-5 0\n");
    static const char *const sets[] = {"9-3\n", "0-99999999\n", "0-15,", "x", "", "0-4095\n"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t k = 0; k < sizeof sets / sizeof sets[0]; k++) {
            fake_tree_write(&tree, "/proc/self/cgroup", cases[i]);
            fake_tree_write(&tree, "/sys/fs/cgroup/box/cpuset.cpus.effective", sets[k]);
            sw_machine_read(&machine, tree.root);
            assert_true(machine.memory_limit_bytes == 0);
            assert_true(machine.cpu_limit == 0);
            assert_int_equal(machine.n_cpu_set, 0);
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_of_memory),
        cmocka_unit_test(what_the_environment_tells),
        cmocka_unit_test(what_makes_no_sense_is_told_and_left_alone),
        TEST(models_charge_the_allocation),
        TEST(limits_of_a_job_hold_for_its_steps),
        TEST(hostile_control_groups),
    };
    return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
