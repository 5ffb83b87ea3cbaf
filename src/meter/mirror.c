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

void sw_mirror_update(struct sw_meter_set *set, struct sw_snapshot *snapshot)
{
    for (size_t i = 0; i < set->n_mirrors; i++) {
        const struct sw_mirror_pair *pair = &set->mirrors[i];
        const struct sw_meter_track *first_track = &set->tracks[pair->first];
        const struct sw_meter_track *suspect_track = &set->tracks[pair->suspect];
        uint64_t first = first_track->total_uj, suspect = suspect_track->total_uj;
        if (first == 0 && suspect == 0)
            continue;
        /* The two are read a few microseconds apart, so that an update can fall between them. */
        if (!agree(first, suspect, 1e-3)) {
            sw_set_read_meter(set, pair->first, &snapshot->readings[pair->first]);
            sw_set_read_meter(set, pair->suspect, &snapshot->readings[pair->suspect]);
            first = first_track->total_uj;
            suspect = suspect_track->total_uj;
        }
        bool mirrored = agree(first, suspect, 1e-3);
        if (set->meters[pair->suspect].info.counted == !mirrored)
            continue;
        set->meters[pair->suspect].info.counted = !mirrored;
        struct sw_meter_probe *probe = &set->probes[pair->suspect_probe];
        probe->counted = !mirrored;
        probe->reason = mirrored ? "mirrors the first die of its package; counting it as well "
                                   "would count the socket twice"
                                 : "";
    }
}
