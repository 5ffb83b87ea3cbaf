/* A folder of small files in the place of /sys and /proc. Every call fails the test on error. */
#ifndef SW_TESTS_SUPPORT_FAKE_TREE_H
#define SW_TESTS_SUPPORT_FAKE_TREE_H

#include <stdint.h>

#define FAKE_POWERCAP "/sys/class/powercap/"

struct fake_tree {
    char root[64];
};

void fake_tree_create(struct fake_tree *tree);
void fake_tree_destroy(struct fake_tree *tree);

/* Writes text in place (the inode stays), making folders on the way. path begins with '/'. */
void fake_tree_write(const struct fake_tree *tree, const char *path, const char *text);
void fake_tree_link(const struct fake_tree *tree, const char *path, const char *target);
void fake_tree_folder(const struct fake_tree *tree, const char *path);
void fake_tree_remove(const struct fake_tree *tree, const char *path);
void fake_tree_mode(const struct fake_tree *tree, const char *path, unsigned mode);

/* A zone below /sys/class/powercap: "intel-rapl:0" or "intel-rapl:0/intel-rapl:0:1". */
void fake_tree_zone(const struct fake_tree *tree, const char *zone, const char *name, uint64_t uj,
                    uint64_t range_uj);
void fake_tree_count(const struct fake_tree *tree, const char *zone, uint64_t uj);

#endif
