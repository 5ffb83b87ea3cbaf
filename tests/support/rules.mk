# Test programs can let an allocation fail (tests/support/alloc.h).
$(TEST_PROGRAMS): LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
