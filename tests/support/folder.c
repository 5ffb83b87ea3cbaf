#include "support/folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(int good, const char *what)
{
    if (good)
        return;
    perror(what);
    abort();
}

char *sw_test_folder_create(void)
{
    const char *root = getenv("TMPDIR");
    char path[512];
    snprintf(path, sizeof path, "%s/smolwatt-test.XXXXXX", root != NULL ? root : "/tmp");
    must(mkdtemp(path) != NULL, path);
    char *copy = strdup(path);
    must(copy != NULL, path);
    return copy;
}

void sw_test_folder_remove(char *folder)
{
    DIR *list = opendir(folder);
    must(list != NULL, folder);
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            must(unlink(path) == 0, path);
    }
    closedir(list);
    must(rmdir(folder) == 0, folder);
    free(folder);
}

void sw_test_folder_write(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    must(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0, path);
}
