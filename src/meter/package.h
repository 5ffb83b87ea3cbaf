/* CPU packages: which processors stand for them, what they are called, and counters that several
 * kinds of meters show. */
#ifndef SW_METER_PACKAGE_H
#define SW_METER_PACKAGE_H

#include "meter/set.h"

enum { SW_MAX_PACKAGES = 16, SW_LABEL_BYTES = 24 };

/* One counter's domain, seen from one of its processors. */
struct sw_package {
    unsigned cpu, package, die;
    char label[SW_LABEL_BYTES]; /* "0"; "0-die-1" where a package has several in the list */
};

/* "0,12" or "0-3,8" as the kernel writes it, into at most max numbers; the count, or 0 where the
 * text is no such list, holds more than max or a number above 65535. */
size_t sw_cpu_list_parse(unsigned *cpus, size_t max, const char *text);

/* Places of processors, by the tree's topology folders; a processor without one is a package of its
 * own. */
void sw_packages_place(struct sw_meter_set *set, struct sw_package *packages, size_t n);

/* The meter that gives the same joules already, by its name behind the colon ("package-0"); else
 * the first counted one of its component, but for the machine, whose meters differ in what they
 * see. NULL: none does. */
const char *sw_set_twin(const struct sw_meter_set *set, enum sw_component component,
                        const char *name);

/* Why a meter with a twin is not counted. */
const char *sw_set_twin_text(struct sw_meter_set *set, const char *twin);

/* psys, the platform's counter of RAPL: the packages and what the maker of the board has wired to
 * it beside them. */
extern const char *const sw_psys_scope;
bool sw_meter_is_psys(const struct sw_meter_info *info);

/* Why a psys that can be read is not counted; "" where it is to be: a meter that the user named
 * comes before it, and of a psys on each of several packages nobody says what it holds. */
const char *sw_set_why_not_psys(struct sw_meter_set *set, size_t n_packages);

/* Why nothing better was found, unless something was, or a better kind has told why it was not. */
void sw_set_reason(struct sw_meter_set *set, enum sw_component component, const char *reason);

/* Text as one word of a shell, in single quotes where it needs them. */
const char *sw_set_shell_word(struct sw_meter_set *set, const char *text);

/* The running program's own file in single quotes, for a shell. */
const char *sw_set_own_program(struct sw_meter_set *set);

#endif
