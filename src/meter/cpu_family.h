/*
 * How a processor's power rises with its load, by family: the shape of the default model. Concave
 * in utilisation: the first busy cores cost most.
 */
#ifndef SW_METER_CPU_FAMILY_H
#define SW_METER_CPU_FAMILY_H

struct sw_cpu_family {
    const char *name;   /* "Xeon Gold"; "any" for the last, which fits every name */
    const char *prefix; /* of the name without maker, "(R)", "(TM)", "CPU" */
    double idle_share;  /* of full power, at rest */
    double knee;        /* utilisation scale of the rise */
    const char *source;
};

/* Never NULL. */
const struct sw_cpu_family *sw_cpu_family_find(const char *cpu_name);

#endif
