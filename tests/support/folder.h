/* A temporary folder per test, and files in it. */
#ifndef SW_TESTS_SUPPORT_FOLDER_H
#define SW_TESTS_SUPPORT_FOLDER_H

#include <stddef.h>

/* Makes a folder below TMPDIR; the text is the caller's to free, after sw_test_folder_remove. */
char *sw_test_folder_create(void);
void sw_test_folder_remove(char *folder); /* with its files, and the text */

/* Writes folder/name. */
void sw_test_folder_write(const char *folder, const char *name, const void *bytes, size_t size);

#endif
