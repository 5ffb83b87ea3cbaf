#include "backend/cuda/emulation/memory.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <vector>

#include "backend/cuda/emulation/sanitizer.h"

namespace
{

enum {
    ALIGNMENT = 256,
    MARGIN_BYTE = 0xa5,
    N_FORGOTTEN = 256, /* mappings of released blocks that keep faulting */
};

std::map<uintptr_t, sw_memory_block> blocks; /* by where their data begin */
const sw_memory_block *seen[2];              /* the last two that were asked for */
size_t n_device_bytes;
unsigned depth;

struct mapping {
    void *at;
    size_t bytes;
} forgotten[N_FORGOTTEN];
size_t next_forgotten;

size_t page_bytes()
{
    static const size_t bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return bytes;
}

unsigned char *first_page(const sw_memory_block *b)
{
    return b->mapping + page_bytes();
}

size_t inner_bytes(const sw_memory_block *b)
{
    return b->mapping_bytes - 2 * page_bytes();
}

void protect(const sw_memory_block *b, int protection)
{
    mprotect(first_page(b), inner_bytes(b), protection);
}

/* The bytes in front of the data on their page, and behind them. */
struct margins {
    unsigned char *front, *behind;
    size_t front_bytes, behind_bytes;
};

margins margins_of(const sw_memory_block *b)
{
    margins m;
    m.front = first_page(b);
    m.front_bytes = static_cast<size_t>(b->data - m.front);
    m.behind = b->data + b->bytes;
    m.behind_bytes = inner_bytes(b) - m.front_bytes - b->bytes;
    return m;
}

void fill_margins(const sw_memory_block *b)
{
    margins m = margins_of(b);
    memset(m.front, MARGIN_BYTE, m.front_bytes);
    memset(m.behind, MARGIN_BYTE, m.behind_bytes);
}

bool is_filled(const unsigned char *bytes, size_t n)
{
    return n == 0 || (bytes[0] == MARGIN_BYTE && memcmp(bytes, bytes + 1, n - 1) == 0);
}

void poison(const sw_memory_block *b)
{
    margins m = margins_of(b);
    sw_sanitizer_poison(m.front, m.front_bytes);
    sw_sanitizer_poison(m.behind, m.behind_bytes);
}

void unpoison(const sw_memory_block *b)
{
    sw_sanitizer_unpoison(first_page(b), inner_bytes(b));
}

} // namespace

void *sw_memory_take(size_t bytes, bool of_device)
{
    size_t page = page_bytes();
    if (bytes == 0 || bytes > SIZE_MAX / 2)
        return NULL;
    size_t padded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t inner = (padded + page - 1) / page * page;
    sw_memory_block b;
    void *at =
        mmap(NULL, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    b.mapping = static_cast<unsigned char *>(at);
    b.mapping_bytes = inner + 2 * page;
    b.data = b.mapping + page + inner - padded;
    b.bytes = bytes;
    b.of_device = of_device;
    if (mprotect(b.mapping + page, inner, PROT_READ | PROT_WRITE) != 0) {
        munmap(at, b.mapping_bytes);
        return NULL;
    }
    unpoison(&b); /* what was mapped there before may have left marks */
    memset(b.data, 0xff, bytes);
    fill_margins(&b);
    poison(&b);
    if (of_device) {
        n_device_bytes += bytes;
        if (depth == 0)
            protect(&b, PROT_NONE);
    }
    blocks[reinterpret_cast<uintptr_t>(b.data)] = b;
    return b.data;
}

bool sw_memory_release(void *data, bool of_device)
{
    auto at = blocks.find(reinterpret_cast<uintptr_t>(data));
    if (at == blocks.end() || at->second.of_device != of_device)
        return false;
    sw_memory_block b = at->second;
    blocks.erase(at);
    seen[0] = seen[1] = NULL;
    if (of_device)
        n_device_bytes -= b.bytes;
    sw_sanitizer_unpoison(b.mapping, b.mapping_bytes);
    /* Whoever comes back to it faults, for a while. */
    mmap(b.mapping, b.mapping_bytes, PROT_NONE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    mapping *place = &forgotten[next_forgotten++ % N_FORGOTTEN];
    if (place->at != NULL)
        munmap(place->at, place->bytes);
    *place = {b.mapping, b.mapping_bytes};
    return true;
}

const sw_memory_block *sw_memory_near(const void *address)
{
    auto after = blocks.upper_bound(reinterpret_cast<uintptr_t>(address));
    if (after == blocks.begin())
        return NULL;
    return &(--after)->second;
}

static bool holds(const sw_memory_block *b, const void *address, size_t bytes)
{
    uintptr_t offset = reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(b->data);
    return offset <= b->bytes && bytes <= b->bytes - offset;
}

const sw_memory_block *sw_memory_around(const void *address, size_t bytes)
{
    for (const sw_memory_block *b : seen) {
        if (b != NULL && holds(b, address, bytes))
            return b;
    }
    const sw_memory_block *b = sw_memory_near(address);
    if (b == NULL || !holds(b, address, bytes))
        return NULL;
    seen[1] = seen[0];
    return seen[0] = b;
}

void sw_memory_open(void)
{
    if (depth++ > 0)
        return;
    for (auto &b : blocks) {
        if (b.second.of_device)
            protect(&b.second, PROT_READ | PROT_WRITE);
    }
}

void sw_memory_close(void)
{
    if (--depth > 0)
        return;
    for (auto &b : blocks) {
        if (b.second.of_device)
            protect(&b.second, PROT_NONE);
    }
}

const sw_memory_block *sw_memory_damaged(void)
{
    const sw_memory_block *damaged = NULL;
    sw_memory_open();
    for (auto &entry : blocks) {
        const sw_memory_block *b = &entry.second;
        margins m = margins_of(b);
        /* Of a large front no more than a row of kernels' mistakes reaches. */
        size_t n = m.front_bytes < ALIGNMENT ? m.front_bytes : size_t(ALIGNMENT);
        sw_sanitizer_unpoison(m.front, m.front_bytes);
        sw_sanitizer_unpoison(m.behind, m.behind_bytes);
        if (!is_filled(b->data - n, n) || !is_filled(m.behind, m.behind_bytes)) {
            fill_margins(b);
            damaged = b;
        }
        poison(b);
    }
    sw_memory_close();
    return damaged;
}

/* The blocks' data one behind the other, sorted by address. */
struct sw_memory_copy {
    struct piece {
        uintptr_t begin, end;
        size_t offset;
    };
    std::vector<piece> pieces;
    std::vector<unsigned char> data;
};

sw_memory_copy *sw_memory_keep(void)
{
    size_t bytes = 0;
    for (const auto &b : blocks)
        bytes += b.second.bytes;
    if (bytes > SW_MEMORY_KEPT)
        return NULL;
    sw_memory_copy *copy = new sw_memory_copy();
    copy->data.reserve(bytes);
    sw_memory_open();
    for (const auto &b : blocks) {
        copy->pieces.push_back({b.first, b.first + b.second.bytes, copy->data.size()});
        copy->data.insert(copy->data.end(), b.second.data, b.second.data + b.second.bytes);
    }
    sw_memory_close();
    return copy;
}

bool sw_memory_is_as_kept(const sw_memory_copy *copy, const void *address, size_t bytes)
{
    uintptr_t at = reinterpret_cast<uintptr_t>(address);
    size_t low = 0, high = copy == NULL ? 0 : copy->pieces.size();
    while (low < high) { /* the last that begins at or before it */
        size_t middle = (low + high) / 2;
        if (copy->pieces[middle].begin <= at)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || at + bytes > copy->pieces[low - 1].end)
        return true;
    const sw_memory_copy::piece *piece = &copy->pieces[low - 1];
    return memcmp(address, copy->data.data() + piece->offset + (at - piece->begin), bytes) == 0;
}

void sw_memory_forget(sw_memory_copy *copy)
{
    delete copy;
}

size_t sw_memory_n_blocks(void)
{
    return blocks.size();
}

size_t sw_memory_device_bytes(void)
{
    return n_device_bytes;
}
