#include "support/fake_tree.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH_BYTES = 1024 };

static void full_path(char out[PATH_BYTES], const struct fake_tree *tree, const char *path)
{
    assert_true((size_t)snprintf(out, PATH_BYTES, "%s%s", tree->root, path) < PATH_BYTES);
}

static void make_parents(const char *path)
{
    char copy[PATH_BYTES];
    snprintf(copy, sizeof copy, "%s", path);
    for (char *c = copy + 1; (c = strchr(c, '/')) != NULL; c++) {
        *c = 0;
        mkdir(copy, 0755);
        *c = '/';
    }
}

void fake_tree_create(struct fake_tree *tree)
{
    strcpy(tree->root, "/tmp/smolwatt-tree-XXXXXX");
    assert_non_null(mkdtemp(tree->root));
    assert_int_equal(chmod(tree->root, 0755), 0);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

void fake_tree_destroy(struct fake_tree *tree)
{
    nftw(tree->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void fake_tree_write(const struct fake_tree *tree, const char *path, const char *text)
{
    char full[PATH_BYTES];
    full_path(full, tree, path);
    make_parents(full);
    int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

void fake_tree_link(const struct fake_tree *tree, const char *path, const char *target)
{
    char full[PATH_BYTES];
    full_path(full, tree, path);
    make_parents(full);
    assert_int_equal(symlink(target, full), 0);
}

void fake_tree_folder(const struct fake_tree *tree, const char *path)
{
    char full[PATH_BYTES];
    full_path(full, tree, path);
    make_parents(full);
    assert_int_equal(mkdir(full, 0755), 0);
}

void fake_tree_remove(const struct fake_tree *tree, const char *path)
{
    char full[PATH_BYTES];
    full_path(full, tree, path);
    assert_int_equal(remove(full), 0);
}

void fake_tree_mode(const struct fake_tree *tree, const char *path, unsigned mode)
{
    char full[PATH_BYTES];
    full_path(full, tree, path);
    assert_int_equal(chmod(full, mode), 0);
}

void fake_tree_count(const struct fake_tree *tree, const char *zone, uint64_t uj)
{
    char path[PATH_BYTES], text[32];
    snprintf(path, sizeof path, FAKE_POWERCAP "%s/energy_uj", zone);
    snprintf(text, sizeof text, "%" PRIu64 "\n", uj);
    fake_tree_write(tree, path, text);
}

void fake_tree_zone(const struct fake_tree *tree, const char *zone, const char *name, uint64_t uj,
                    uint64_t range_uj)
{
    char path[PATH_BYTES], text[PATH_BYTES];
    snprintf(path, sizeof path, FAKE_POWERCAP "%s/name", zone);
    snprintf(text, sizeof text, "%s\n", name);
    fake_tree_write(tree, path, text);
    snprintf(path, sizeof path, FAKE_POWERCAP "%s/max_energy_range_uj", zone);
    snprintf(text, sizeof text, "%" PRIu64 "\n", range_uj);
    fake_tree_write(tree, path, text);
    fake_tree_count(tree, zone, uj);
}
