/*
 * Dies that mirror one counter. On two-die Zen 1 and Zen 2 parts powercap shows package-0-die-0 and
 * package-0-die-1, which are the same counter of the socket: their sum is twice the truth. On other
 * machines each die has its own. Dies of one package whose values agree within 1e-6 at start are
 * suspects, and both are counted; a suspect is left out while its increments since then agree with
 * the first die's, and counted again once it moves on its own. Different packages are never
 * suspects, however alike they stand.
 */
#include "meter/set.h"

static bool agree(uint64_t a, uint64_t b, double relative)
{
    uint64_t larger = a > b ? a : b, difference = a > b ? a - b : b - a;
    return (double)difference <= relative * (double)larger;
}

bool sw_mirror_suspect(struct sw_meter_set *set, size_t first, uint64_t first_uj, size_t other,
                       uint64_t other_uj, size_t other_probe)
{
    if (set->n_mirrors == SW_MAX_METERS || !agree(first_uj, other_uj, 1e-6))
        return false;
    struct sw_mirror_pair *pair = &set->mirrors[set->n_mirrors++];
    pair->first = first;
    pair->suspect = other;
    pair->suspect_probe = other_probe;
    return true;
}

static void note(struct sw_meter_set *set, size_t i, const struct sw_reading *reading)
{
    if (!reading->ok)
        return;
    uint64_t delta;
    if (set->seen[i] &&
        sw_counter_delta(&delta, set->last_uj[i], reading->uj, set->meters[i].info.range_uj))
        set->moved_uj[i] += delta;
    set->last_uj[i] = reading->uj;
    set->seen[i] = true;
}

static void note_pair(struct sw_meter_set *set, const struct sw_mirror_pair *pair,
                      const struct sw_snapshot *snapshot)
{
    /* Each die is noted once, also where it is first of several pairs: a second time adds 0. */
    note(set, pair->first, &snapshot->readings[pair->first]);
    note(set, pair->suspect, &snapshot->readings[pair->suspect]);
}

void sw_mirror_update(struct sw_meter_set *set, struct sw_snapshot *snapshot)
{
    for (size_t i = 0; i < set->n_mirrors; i++) {
        const struct sw_mirror_pair *pair = &set->mirrors[i];
        note_pair(set, pair, snapshot);
        uint64_t first = set->moved_uj[pair->first], suspect = set->moved_uj[pair->suspect];
        if (first == 0 && suspect == 0)
            continue;
        /* The two are read a few microseconds apart, so that an update can fall between them. */
        if (!agree(first, suspect, 1e-3)) {
            struct sw_meter *meters[2] = {&set->meters[pair->first], &set->meters[pair->suspect]};
            size_t index[2] = {pair->first, pair->suspect};
            for (int k = 0; k < 2; k++) {
                struct sw_reading *reading = &snapshot->readings[index[k]];
                reading->ok = meters[k]->read(meters[k], &reading->uj, &reading->at_ns);
            }
            note_pair(set, pair, snapshot);
            first = set->moved_uj[pair->first];
            suspect = set->moved_uj[pair->suspect];
        }
        bool mirrored = agree(first, suspect, 1e-3);
        set->meters[pair->suspect].info.counted = !mirrored;
        struct sw_meter_probe *probe = &set->probes[pair->suspect_probe];
        probe->counted = !mirrored;
        probe->reason = mirrored ? "mirrors the first die of its package; counting it as well "
                                   "would count the socket twice"
                                 : "";
    }
}
