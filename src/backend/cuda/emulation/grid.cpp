#include "backend/cuda/emulation/grid.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <memory>
#include <new>
#include <vector>

#include "backend/cuda/device.h"
#include "backend/cuda/emulation/fiber.h"
#include "backend/cuda/emulation/memory.h"
#include "backend/cuda/emulation/symbol.h"

sw_emulated_index threadIdx, blockIdx, blockDim, gridDim;

namespace
{

/* Rounds in which every thread only looked whether something had come, and nothing did: no one
 * will ever send it. With flags that the host sets, seconds. */
enum { IDLE_ROUNDS = 10000, IDLE_SECONDS = 10, POLLS_IN_A_ROW = 16 };

/* What is known of a byte of shared memory, or of four where `split` is 0 in the first. Epochs are
 * counts of barriers passed, of the block and of a warp; accesses are in order if they are of one
 * thread, of different epochs of the block, or of one warp and different epochs of that. What came
 * before a write that was in order needs no memory: who is in order behind the write is so behind
 * that too. (The states that matter of Flanagan and Freund, "FastTrack", PLDI 2009.) */
struct cell {
    uint32_t write_epoch; /* below the block's first epoch: never */
    uint32_t write_warp_epoch;
    uint32_t read_epoch; /* the epoch of all that follows */
    uint32_t read_warps; /* who read, a bit a warp */
    uint32_t read_lanes; /* of the warp that read last, in read_warp_epoch */
    uint32_t read_warp_epoch;
    uint16_t writer;
    uint16_t copier; /* the thread + 1 whose copy is under way, of the last write */
    uint8_t read_warp;
    uint8_t split;
};

struct copy {
    uint32_t offset;
    const void *from;
};

enum state {
    READY,
    YIELDED, /* ready once the others have had their turn */
    AT_BARRIER,
    AT_WARP_FUNCTION,
    AT_DEPENDENCY,
    EXITED,
};

struct block;

struct thread {
    sw_fiber fiber;
    block *home;
    uint32_t index;
    state now;
    uint32_t n_polls; /* in a row */
    /* Copies of this thread, oldest first, and how many each closed group has. */
    std::vector<copy> copies;
    std::vector<uint32_t> groups;
    uint32_t n_open_copies; /* not committed */
};

struct warp {
    uint32_t ready, yielded, at_barrier, exited; /* a bit a lane */
    uint32_t arrived;                            /* at the warp function */
    uint32_t epoch;
    sw_emulated_warp_function function;
    int operand;
    uint32_t value[SW_WARP];
    int operands[SW_WARP];
    uint32_t a[SW_WARP][4], b[SW_WARP][2], c[SW_WARP][4];
};

struct warp_of_threads {
    thread of[SW_WARP];
    sw_fiber_stacks *stacks = NULL;
    ~warp_of_threads()
    {
        n_stacks -= stacks != NULL ? SW_WARP : 0;
        sw_fiber_free_stacks(stacks);
    }
    static uint32_t n_stacks; /* of all warps */
};
uint32_t warp_of_threads::n_stacks;

/* A place for a block; used again by later ones. */
struct block {
    uint32_t index;
    bool is_used;
    bool lets_next_begin; /* has called sw_dependents_launch */
    uint32_t epoch, first_epoch;
    uint32_t ready_warps, yielded_warps;
    uint32_t n_at_barrier, n_exited;
    unsigned char *shared;
    std::vector<cell> cells;
    std::vector<std::unique_ptr<warp_of_threads>> threads;
    warp warps[32];
};

/* Places that no kernel uses now. */
std::vector<std::unique_ptr<block>> spare;
/* Of blocks that grids hold. A stack is two mappings, of which a process may have 65530. */
uint32_t n_threads_held;
enum : uint32_t { MOST_SPARE_STACKS = 8192 };
std::string report_text;

} // namespace

struct sw_grid {
    const sw_grid_launch *launch;
    sw_grid_options options;
    std::vector<block *> resident;
    uint32_t n_begun, n_ended;
    uint32_t n_lets_next_begin;
    uint64_t random;
    bool is_ahead;   /* sw_dependency_wait does not go on yet */
    bool has_waited; /* a thread has called it */
    cudaError_t failure;
    uint64_t n_events; /* whatever others may wait for */
    bool waits_for_host;
    block *at;            /* whose turn it is */
    sw_memory_copy *kept; /* of when it began */
};

namespace
{

sw_grid *current;
thread *self;
pthread_t host_thread; /* that runs the grid */
struct sigaction faults_before;

uint64_t next_random(sw_grid *g)
{
    /* xorshift64*, Vigna 2016; the state is not 0. */
    g->random ^= g->random >> 12;
    g->random ^= g->random << 25;
    g->random ^= g->random >> 27;
    return g->random * 0x2545f4914f6cdd1dull;
}

void __attribute__((format(printf, 2, 3))) report(cudaError_t code, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    std::string line = "kernel ";
    line += sw_symbol_name(current->launch->function, current->launch->text);
    if (self != NULL)
        line += ", block " + std::to_string(self->home->index) + ", thread " +
                std::to_string(self->index);
    line += std::string(": ") + text;
    fprintf(stderr, "emulated: %s\n", line.c_str());
    if (report_text.empty())
        report_text = line;
    if (current->failure == cudaSuccess)
        current->failure = code;
}

/* After a report: the launch is over, the thread is never resumed. Outside of a kernel there is no
 * one to go back to. */
[[noreturn]] void give_up()
{
    if (self == NULL) {
        fprintf(stderr, "emulated: a function of kernels was called outside of one\n");
        exit(1);
    }
    sw_fiber_leave(&self->fiber);
}

/* An address by the block of memory before it. */
std::string place_of(const void *address)
{
    char text[160];
    const sw_memory_block *b = sw_memory_near(address);
    size_t offset =
        b == NULL ? 0 : static_cast<size_t>(static_cast<const unsigned char *>(address) - b->data);
    if (b != NULL && offset < b->bytes + (16u << 20))
        snprintf(text, sizeof text, "byte %zu of a block of %zu bytes", offset, b->bytes);
    else
        snprintf(text, sizeof text, "%p, which is no memory of the device", address);
    return text;
}

const char *name_of(sw_emulated_warp_function f)
{
    switch (f) {
    case SW_EMULATED_SYNC_WARP:
        return "sw_sync_warp";
    case SW_EMULATED_SHUFFLE_XOR:
        return "sw_shuffle_xor";
    case SW_EMULATED_SHUFFLE:
        return "sw_shuffle";
    case SW_EMULATED_BALLOT:
        return "sw_ballot";
    case SW_EMULATED_MMA_F16:
        return "sw_mma_f16";
    case SW_EMULATED_MMA_BF16:
        return "sw_mma_bf16";
    case SW_EMULATED_MMA_TF32:
        return "sw_mma_tf32";
    case SW_EMULATED_MMA_S8:
        return "sw_mma_s8";
    case SW_EMULATED_NO_WARP_FUNCTION:
        break;
    }
    return "nothing";
}

uint32_t first_lane(uint32_t lanes)
{
    return static_cast<uint32_t>(__builtin_ctz(lanes));
}

/* Threads and what they wait for. */

void set_ready(thread *t)
{
    block *b = t->home;
    warp *w = &b->warps[t->index / SW_WARP];
    t->now = READY;
    w->ready |= 1u << t->index % SW_WARP;
    b->ready_warps |= 1u << t->index / SW_WARP;
}

void set_waiting(thread *t, state why)
{
    block *b = t->home;
    warp *w = &b->warps[t->index / SW_WARP];
    t->now = why;
    w->ready &= ~(1u << t->index % SW_WARP);
    if (w->ready == 0)
        b->ready_warps &= ~(1u << t->index / SW_WARP);
}

thread *thread_at(block *b, uint32_t index)
{
    return &b->threads[index / SW_WARP]->of[index % SW_WARP];
}

void suspend(state why)
{
    set_waiting(self, why);
    sw_fiber_suspend(&self->fiber);
}

void yield()
{
    block *b = self->home;
    self->n_polls = 0;
    b->warps[self->index / SW_WARP].yielded |= 1u << self->index % SW_WARP;
    b->yielded_warps |= 1u << self->index / SW_WARP;
    suspend(YIELDED);
}

void run_thread(void *argument)
{
    thread *t = static_cast<thread *>(argument);
    current->launch->body();
    block *b = t->home;
    warp *w = &b->warps[t->index / SW_WARP];
    if (w->arrived != 0) {
        report(cudaErrorLaunchFailure, "ended while thread %u of its warp is at %s",
               t->index / SW_WARP * SW_WARP + first_lane(w->arrived), name_of(w->function));
        give_up();
    }
    if (b->n_at_barrier > 0) {
        report(cudaErrorLaunchFailure,
               "ended while %u of the block's threads are at sw_sync_block, which all must reach",
               b->n_at_barrier);
        give_up();
    }
    w->exited |= 1u << t->index % SW_WARP;
    b->n_exited++;
    current->n_events++;
    set_waiting(t, EXITED);
}

/* Shared memory. */

bool is_ordered(const block *b, uint32_t other, uint32_t other_epoch, uint32_t other_warp_epoch)
{
    if (other == self->index || other_epoch != b->epoch)
        return true;
    uint32_t w = self->index / SW_WARP;
    return other / SW_WARP == w && other_warp_epoch != b->warps[w].epoch;
}

void check_read(cell *c, block *b, uint32_t offset)
{
    uint32_t w = self->index / SW_WARP;
    if (c->copier != 0 && c->write_epoch >= b->first_epoch) {
        report(cudaErrorLaunchFailure,
               "byte %u of shared memory is read while a copy of thread %u that was not waited for "
               "writes it",
               offset, c->copier - 1u);
        give_up();
    }
    if (c->write_epoch < b->first_epoch) {
        report(cudaErrorLaunchFailure,
               "byte %u of shared memory is read before any thread wrote it", offset);
        give_up();
    }
    if (!is_ordered(b, c->writer, c->write_epoch, c->write_warp_epoch)) {
        report(cudaErrorLaunchFailure,
               "race: byte %u of shared memory, written by thread %u, is read with no barrier "
               "between",
               offset, c->writer);
        give_up();
    }
    if (c->read_epoch != b->epoch) {
        c->read_epoch = b->epoch;
        c->read_warps = 0;
    }
    if ((c->read_warps >> w & 1) == 0 || c->read_warp != w ||
        c->read_warp_epoch != b->warps[w].epoch)
        c->read_lanes = 0;
    c->read_warps |= 1u << w;
    c->read_warp = static_cast<uint8_t>(w);
    c->read_warp_epoch = b->warps[w].epoch;
    c->read_lanes |= 1u << self->index % SW_WARP;
}

void check_write(cell *c, block *b, uint32_t offset, bool lands)
{
    uint32_t w = self->index / SW_WARP, lane = self->index % SW_WARP;
    if (c->copier != 0 && c->write_epoch >= b->first_epoch && !lands) {
        report(cudaErrorLaunchFailure,
               "byte %u of shared memory is written while a copy of thread %u that was not waited "
               "for writes it",
               offset, c->copier - 1u);
        give_up();
    }
    if (c->write_epoch >= b->first_epoch &&
        !is_ordered(b, c->writer, c->write_epoch, c->write_warp_epoch)) {
        report(cudaErrorLaunchFailure,
               "race: byte %u of shared memory, written by thread %u, is written with no barrier "
               "between",
               offset, c->writer);
        give_up();
    }
    if (c->read_epoch == b->epoch && c->read_warps != 0) {
        uint32_t others = c->read_warps & ~(1u << w);
        uint32_t lanes = c->read_lanes;
        uint32_t reader_warp = c->read_warp;
        if (others == 0 && c->read_warp_epoch == b->warps[w].epoch)
            lanes &= ~(1u << lane);
        else if (others == 0)
            lanes = 0;
        if (others != 0 && reader_warp == w)
            report(cudaErrorLaunchFailure,
                   "race: byte %u of shared memory, read by threads of warp %u, is written with no "
                   "barrier between",
                   offset, first_lane(others));
        else if (lanes != 0)
            report(cudaErrorLaunchFailure,
                   "race: byte %u of shared memory, read by thread %u, is written with no barrier "
                   "between",
                   offset, reader_warp * SW_WARP + first_lane(lanes));
        if (others != 0 || lanes != 0)
            give_up();
    }
    c->write_epoch = b->epoch;
    c->write_warp_epoch = b->warps[w].epoch;
    c->writer = static_cast<uint16_t>(self->index);
    c->read_warps = 0;
}

enum how { READ, WRITE, COPY_BEGINS, COPY_LANDS };

void check_byte(cell *c, block *b, uint32_t offset, how access)
{
    if (access == READ)
        check_read(c, b, offset);
    else
        check_write(c, b, offset, access == COPY_LANDS);
    if (access != READ)
        c->copier = access == COPY_BEGINS ? static_cast<uint16_t>(self->index + 1) : 0;
}

void check_bytes(block *b, uint32_t offset, uint32_t n, how access)
{
    for (uint32_t at = offset; at < offset + n;) {
        cell *four = &b->cells[at & ~3u];
        if (at % 4 == 0 && offset + n - at >= 4) {
            if (four->split == 0) {
                check_byte(four, b, at, access);
            } else {
                for (uint32_t i = 0; i < 4; i++)
                    check_byte(&four[i], b, at + i, access);
                if (access != READ) /* now alike */
                    four->split = 0;
            }
            at += 4;
            continue;
        }
        if (four->split == 0) {
            for (uint32_t i = 1; i < 4; i++)
                four[i] = four[0];
            four->split = 1;
        }
        check_byte(&b->cells[at], b, at, access);
        at++;
    }
}

void check_place(uint32_t offset, uint32_t bytes, uint32_t alignment)
{
    if (self == NULL)
        give_up();
    size_t all = current->launch->shared_bytes;
    if (offset > all || bytes > all - offset) {
        report(cudaErrorIllegalAddress,
               "%u bytes at byte %u of shared memory are accessed, the launch gave %zu", bytes,
               offset, all);
        give_up();
    }
    if (offset % alignment != 0) {
        report(cudaErrorMisalignedAddress, "byte %u of shared memory is no multiple of %u", offset,
               alignment);
        give_up();
    }
}

/* Warp functions. */

/* Whether a thread of the warp, with the lanes in `lanes`, can never come here. */
void check_lanes(uint32_t lanes, const char *here, const char *there)
{
    if (lanes == 0)
        return;
    report(cudaErrorLaunchFailure, "%s while thread %u of its warp %s", here,
           self->index / SW_WARP * SW_WARP + first_lane(lanes), there);
    give_up();
}

float as_float(uint32_t bits)
{
    return sw_float_of_bits(bits);
}

/* Element k of a row of a, (16, k), times that of a column of b, as the fragments say. */
float multiplied(const warp *w, uint32_t row, uint32_t col, uint32_t k)
{
    const uint32_t g = row % 8, upper = row / 8;
    uint32_t x, y;
    switch (w->function) {
    case SW_EMULATED_MMA_TF32:
        x = w->a[g * 4 + k % 4][upper + k / 4 * 2] & 0xffffe000;
        y = w->b[col * 4 + k % 4][k / 4] & 0xffffe000;
        return as_float(x) * as_float(y);
    default: {
        uint32_t t = k % 8 / 2, shift = k % 2 * 16;
        x = w->a[g * 4 + t][upper + k / 8 * 2] >> shift & 0xffff;
        y = w->b[col * 4 + t][k / 8] >> shift & 0xffff;
        if (w->function == SW_EMULATED_MMA_BF16)
            return sw_bf16_to_float(static_cast<uint16_t>(x)) *
                   sw_bf16_to_float(static_cast<uint16_t>(y));
        return sw_f16_to_float(static_cast<uint16_t>(x)) *
               sw_f16_to_float(static_cast<uint16_t>(y));
    }
    }
}

uint32_t multiplied_bytes(const warp *w, uint32_t row, uint32_t col, uint32_t k)
{
    uint32_t t = k % 16 / 4, shift = k % 4 * 8;
    int8_t x = static_cast<int8_t>(w->a[row % 8 * 4 + t][row / 8 + k / 16 * 2] >> shift & 0xff);
    int8_t y = static_cast<int8_t>(w->b[col * 4 + t][k / 16] >> shift & 0xff);
    return static_cast<uint32_t>(x * y);
}

void multiply(warp *w)
{
    for (uint32_t lane = 0; lane < SW_WARP; lane++) {
        for (uint32_t i = 0; i < 4; i++) {
            uint32_t row = lane / 4 + i / 2 * 8, col = lane % 4 * 2 + i % 2;
            if (w->function == SW_EMULATED_MMA_S8) {
                for (uint32_t k = 0; k < 32; k++)
                    w->c[lane][i] += multiplied_bytes(w, row, col, k);
                continue;
            }
            float sum = as_float(w->c[lane][i]);
            uint32_t n = w->function == SW_EMULATED_MMA_TF32 ? 8 : 16;
            for (uint32_t k = 0; k < n; k++)
                sum += multiplied(w, row, col, k);
            w->c[lane][i] = sw_bits_of_float(sum);
        }
    }
}

/* All 32 are here. */
void complete(warp *w)
{
    uint32_t out[SW_WARP] = {0};
    switch (w->function) {
    case SW_EMULATED_SYNC_WARP:
        w->epoch++;
        break;
    case SW_EMULATED_SHUFFLE_XOR:
        for (uint32_t lane = 0; lane < SW_WARP; lane++) {
            uint32_t from = lane ^ static_cast<uint32_t>(w->operands[lane]);
            out[lane] = from < SW_WARP ? w->value[from] : w->value[lane];
        }
        break;
    case SW_EMULATED_SHUFFLE:
        for (uint32_t lane = 0; lane < SW_WARP; lane++)
            out[lane] = w->value[static_cast<uint32_t>(w->operands[lane]) % SW_WARP];
        break;
    case SW_EMULATED_BALLOT:
        for (uint32_t lane = 0; lane < SW_WARP; lane++)
            out[0] |= (w->value[lane] != 0 ? 1u : 0u) << lane;
        for (uint32_t lane = 1; lane < SW_WARP; lane++)
            out[lane] = out[0];
        break;
    default:
        multiply(w);
        return;
    }
    memcpy(w->value, out, sizeof out);
}

/* What the thread brings lies in the warp's arrays; returns when the result does. */
void meet(sw_emulated_warp_function function, int operand)
{
    block *b = self->home;
    warp *w = &b->warps[self->index / SW_WARP];
    uint32_t bit = 1u << self->index % SW_WARP;
    const char *here = name_of(function);
    check_lanes(w->exited, here, "has ended");
    check_lanes(w->at_barrier, here, "is at sw_sync_block");
    if (w->arrived == 0) {
        w->function = function;
        w->operand = operand;
    } else if (w->function != function) {
        char there[64];
        snprintf(there, sizeof there, "is at %s", name_of(w->function));
        check_lanes(w->arrived, here, there);
    } else if (function == SW_EMULATED_SHUFFLE_XOR && operand != w->operand) {
        char there[64];
        snprintf(there, sizeof there, "is there with mask %d, not %d", w->operand, operand);
        check_lanes(w->arrived, here, there);
    }
    w->arrived |= bit;
    self->n_polls = 0;
    if (w->arrived != 0xffffffff) {
        suspend(AT_WARP_FUNCTION);
        return;
    }
    complete(w);
    w->arrived = 0;
    for (uint32_t lane = 0; lane < SW_WARP; lane++) {
        if (bit != 1u << lane)
            set_ready(thread_at(b, self->index / SW_WARP * SW_WARP + lane));
    }
    current->n_events++;
}

/* Blocks. */

void free_block(block *b)
{
    free(b->shared);
    b->shared = NULL;
}

/* A place with threads for a block of the grid. */
block *take_place(const sw_grid_launch *launch)
{
    std::unique_ptr<block> b;
    /* The smallest that is large enough, or else the largest: few have to grow. */
    size_t n = launch->block / SW_WARP, best = spare.size();
    for (size_t i = 0; i < spare.size(); i++) {
        const size_t has = spare[i]->threads.size();
        const size_t had = best < spare.size() ? spare[best]->threads.size() : 0;
        if (best == spare.size() || (had >= n ? has >= n && has < had : has > had))
            best = i;
    }
    if (best < spare.size()) {
        b = std::move(spare[best]);
        spare.erase(spare.begin() + static_cast<ptrdiff_t>(best));
    } else {
        b.reset(new block());
    }
    b->is_used = false;
    b->shared = NULL;
    for (uint32_t w = static_cast<uint32_t>(b->threads.size()); w < launch->block / SW_WARP; w++) {
        std::unique_ptr<warp_of_threads> threads(new warp_of_threads());
        sw_fiber *fibers[SW_WARP];
        for (uint32_t i = 0; i < SW_WARP; i++) {
            threads->of[i].index = w * SW_WARP + i;
            threads->of[i].home = b.get();
            fibers[i] = &threads->of[i].fiber;
        }
        threads->stacks = sw_fiber_take_stacks(fibers, SW_WARP);
        if (threads->stacks == NULL)
            return NULL;
        warp_of_threads::n_stacks += SW_WARP;
        b->threads.push_back(std::move(threads));
    }
    size_t n_cells = (launch->shared_bytes + 3) / 4 * 4;
    if (b->cells.size() < n_cells)
        b->cells.resize(n_cells);
    return b.release();
}

bool begin_block(sw_grid *g, block *b)
{
    const sw_grid_launch *launch = g->launch;
    free_block(b);
    /* Exactly the bytes asked for: the address sanitizer sees the rest. */
    if (launch->shared_bytes > 0) {
        b->shared = static_cast<unsigned char *>(malloc(launch->shared_bytes));
        if (b->shared == NULL)
            return false;
        memset(b->shared, 0xff, launch->shared_bytes);
    }
    if (b->epoch > 0x7fffffff) {
        b->epoch = 0;
        b->cells.assign(b->cells.size(), cell());
    }
    b->index = g->n_begun++;
    b->is_used = true;
    b->lets_next_begin = false;
    b->first_epoch = ++b->epoch;
    b->n_at_barrier = b->n_exited = 0;
    b->yielded_warps = b->ready_warps = 0;
    for (uint32_t w = 0; w < launch->block / SW_WARP; w++) {
        b->warps[w].yielded = b->warps[w].at_barrier = 0;
        b->warps[w].exited = b->warps[w].arrived = 0;
        b->warps[w].ready = 0xffffffff;
        b->ready_warps |= 1u << w;
    }
    for (uint32_t i = 0; i < launch->block; i++) {
        thread *t = thread_at(b, i);
        t->now = READY;
        t->n_polls = t->n_open_copies = 0;
        t->copies.clear();
        t->groups.clear();
        sw_fiber_prepare(&t->fiber, run_thread, t);
    }
    return true;
}

/* The order in which threads run. */

uint32_t pick_bit(sw_grid *g, uint32_t bits)
{
    if (g->options.seed == 0)
        return first_lane(bits);
    uint32_t n =
        static_cast<uint32_t>(next_random(g) % static_cast<uint32_t>(__builtin_popcount(bits)));
    for (; n > 0; n--)
        bits &= bits - 1;
    return first_lane(bits);
}

block *pick_block(sw_grid *g)
{
    if (g->options.seed == 0 || next_random(g) % 8 != 0) {
        if (g->at != NULL && g->at->is_used && g->at->ready_warps != 0)
            return g->at;
    }
    size_t n = g->resident.size();
    size_t from = g->options.seed == 0 || n == 0 ? 0 : next_random(g) % n;
    for (size_t i = 0; i < n; i++) {
        block *b = g->resident[(from + i) % n];
        if (b->is_used && b->ready_warps != 0)
            return g->at = b;
    }
    return NULL;
}

/* Begins one more block; false: none may. */
bool admit(sw_grid *g)
{
    if (g->n_begun == g->launch->grid)
        return false;
    block *place = NULL;
    for (block *b : g->resident) {
        if (!b->is_used)
            place = b;
    }
    if (place == NULL) {
        if (g->resident.size() >= g->options.n_resident)
            return false;
        if (g->is_ahead && !g->resident.empty() &&
            n_threads_held + g->launch->block > g->options.n_threads)
            return false;
        place = take_place(g->launch);
        if (place != NULL) {
            g->resident.push_back(place);
            n_threads_held += g->launch->block;
        }
    }
    if (place == NULL || !begin_block(g, place)) {
        g->failure = cudaErrorMemoryAllocation;
        return false;
    }
    return true;
}

/* A new round: who waited for others looks again. */
bool wake(sw_grid *g)
{
    bool any = false;
    for (block *b : g->resident) {
        for (uint32_t warps = b->is_used ? b->yielded_warps : 0; warps != 0; warps &= warps - 1) {
            uint32_t w = first_lane(warps);
            for (uint32_t lanes = b->warps[w].yielded; lanes != 0; lanes &= lanes - 1)
                set_ready(thread_at(b, w * SW_WARP + first_lane(lanes)));
            b->warps[w].yielded = 0;
            any = true;
        }
        b->yielded_warps = 0;
    }
    g->at = NULL;
    return any;
}

/* One line on who waits where, for a launch that does not go on. */
std::string who_waits(const sw_grid *g)
{
    static const char *const where[] = {"ready",
                                        "waiting for other blocks",
                                        "at sw_sync_block",
                                        "at a warp function",
                                        "at sw_dependency_wait",
                                        "ended"};
    std::string text;
    uint32_t n_shown = 0;
    for (block *b : g->resident) {
        if (!b->is_used)
            continue;
        if (n_shown++ == 4)
            return text + " ...";
        text += (text.empty() ? "block " : "; block ") + std::to_string(b->index) + ":";
        for (int s = READY; s <= EXITED; s++) {
            uint32_t n = 0, first = 0;
            for (uint32_t i = g->launch->block; i-- > 0;) {
                if (thread_at(b, i)->now == s)
                    n++, first = i;
            }
            if (n > 0)
                text += " " + std::to_string(n) + " threads from thread " + std::to_string(first) +
                        " " + where[s] + ",";
        }
        text.pop_back();
    }
    return text;
}

/* Kernels run on their fiber's stack, the handler on another: it sees an overrun of theirs, too. */
void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    if (self != NULL && pthread_equal(pthread_self(), host_thread)) {
        unsigned char *at = static_cast<unsigned char *>(info->si_addr);
        if (at < self->fiber.stack && at >= self->fiber.stack - 65536)
            report(cudaErrorLaunchFailure, "overruns its stack of %zu bytes",
                   self->fiber.stack_bytes);
        else
            report(cudaErrorIllegalAddress, "access to %s", place_of(at).c_str());
        give_up();
    }
    const sw_memory_block *b = sw_memory_near(info->si_addr);
    if (b != NULL && b->of_device && sw_memory_around(info->si_addr, 1) == b)
        fprintf(stderr, "emulated: the host touches %s of device memory\n",
                place_of(info->si_addr).c_str());
    sigaction(SIGSEGV, &faults_before, NULL); /* returning faults again */
}

/* Gone with the library that holds it. */
struct fault_handler {
    alignas(16) unsigned char stack[65536];
    ~fault_handler()
    {
        struct sigaction now;
        stack_t alternate;
        if (sigaction(SIGSEGV, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
            now.sa_sigaction == on_fault)
            sigaction(SIGSEGV, &faults_before, NULL);
        if (sigaltstack(NULL, &alternate) == 0 && alternate.ss_sp == stack) {
            alternate.ss_flags = SS_DISABLE;
            sigaltstack(&alternate, NULL);
        }
    }
} handler;

double seconds()
{
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void run_one(sw_grid *g, block *b)
{
    uint32_t w = pick_bit(g, b->ready_warps);
    thread *t = thread_at(b, w * SW_WARP + pick_bit(g, b->warps[w].ready));
    self = t;
    threadIdx.x = t->index;
    blockIdx.x = b->index;
    sw_fiber_resume(&t->fiber);
    self = NULL;
    if (b->n_exited == g->launch->block) {
        b->is_used = false;
        free_block(b);
        g->n_ended++;
        g->n_lets_next_begin += !b->lets_next_begin;
    }
}

/* Until the grid has ended, or, where it may not go past sw_dependency_wait yet, all that can run
 * before has. */
cudaError_t run(sw_grid *g, bool ahead)
{
    uint32_t n_idle = 0;
    double idle_since = 0;
    uint64_t n_events = 0;
    current = g;
    host_thread = pthread_self();
    g->is_ahead = ahead;
    blockDim.x = g->launch->block;
    gridDim.x = g->launch->grid;
    while (g->failure == cudaSuccess && g->n_ended < g->launch->grid) {
        block *b = pick_block(g);
        if (b != NULL) {
            run_one(g, b);
            continue;
        }
        if (admit(g))
            continue;
        if (g->failure != cudaSuccess)
            break;
        if (ahead && n_idle > 0)
            break;
        if (!wake(g)) {
            if (ahead)
                break;
            report(cudaErrorLaunchTimeout, "deadlock: %s", who_waits(g).c_str());
            break;
        }
        if (n_events != g->n_events || n_idle == 0) {
            n_idle = 0;
            n_events = g->n_events;
            g->waits_for_host = false;
        }
        n_idle++;
        if (n_idle < IDLE_ROUNDS)
            continue;
        if (!g->waits_for_host) {
            report(cudaErrorLaunchTimeout, "waits without end for what no thread sends: %s",
                   who_waits(g).c_str());
            break;
        }
        if (n_idle == IDLE_ROUNDS)
            idle_since = seconds();
        timespec pause = {0, 100000};
        nanosleep(&pause, NULL);
        if (seconds() - idle_since > IDLE_SECONDS)
            report(cudaErrorLaunchTimeout, "waits for the host for more than %d seconds: %s",
                   IDLE_SECONDS, who_waits(g).c_str());
    }
    current = NULL;
    return g->failure;
}

} // namespace

sw_grid *sw_grid_begin(const sw_grid_launch *launch, const sw_grid_options *options)
{
    sw_grid *g = new (std::nothrow) sw_grid();
    if (g == NULL)
        return NULL;
    g->launch = launch;
    g->options = *options;
    g->is_ahead = options->is_ahead;
    g->kept = sw_memory_keep();
    g->random = options->seed * 0x9e3779b97f4a7c15ull | 1;
    if (options->seed != 0) {
        while (g->failure == cudaSuccess && admit(g))
            continue;
    }
    return g;
}

cudaError_t sw_grid_run_ahead(sw_grid *g)
{
    return run(g, true);
}

bool sw_grid_lets_next_begin(const sw_grid *g)
{
    return g->n_lets_next_begin == g->launch->grid;
}

cudaError_t sw_grid_run(sw_grid *g)
{
    for (block *b : g->resident) {
        for (uint32_t i = 0; b->is_used && i < g->launch->block; i++) {
            if (thread_at(b, i)->now == AT_DEPENDENCY)
                set_ready(thread_at(b, i));
        }
    }
    cudaError_t code = run(g, false);
    if (code == cudaSuccess && g->launch->is_overlapped && !g->has_waited) {
        current = g;
        report(cudaErrorLaunchFailure,
               "launched to overlap with the kernel in front, and no thread "
               "calls sw_dependency_wait");
        current = NULL;
    }
    return g->failure;
}

void sw_grid_end(sw_grid *g)
{
    for (block *b : g->resident) {
        free_block(b);
        spare.emplace_back(b);
        n_threads_held -= g->launch->block;
    }
    while (warp_of_threads::n_stacks > n_threads_held + MOST_SPARE_STACKS && !spare.empty())
        spare.erase(spare.begin());
    sw_memory_forget(g->kept);
    delete g;
}

void sw_grid_catch_faults(void)
{
    struct sigaction now;
    stack_t stack;
    if (sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_DISABLE) != 0) {
        stack.ss_sp = handler.stack;
        stack.ss_size = sizeof handler.stack;
        stack.ss_flags = 0;
        sigaltstack(&stack, NULL);
    }
    if (sigaction(SIGSEGV, NULL, &now) != 0 ||
        ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_fault))
        return;
    faults_before = now;
    now.sa_sigaction = on_fault;
    /* The handler leaves by switching stacks, with signals as they were. */
    now.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    sigemptyset(&now.sa_mask);
    sigaction(SIGSEGV, &now, NULL);
}

void sw_grid_report_fault(cudaError_t code, const sw_grid_launch *launch, const char *text)
{
    sw_grid stand_in = {};
    stand_in.launch = launch;
    current = &stand_in;
    report(code, "%s", text);
    current = NULL;
}

const char *sw_grid_report(void)
{
    return report_text.c_str();
}

void sw_grid_clear_report(void)
{
    report_text.clear();
}

/* What device.h calls. */

unsigned char *sw_emulated_shared(uint32_t offset, uint32_t bytes, uint32_t alignment,
                                  sw_emulated_access access)
{
    check_place(offset, bytes, alignment);
    block *b = self->home;
    check_bytes(b, offset, bytes, access == SW_EMULATED_READ ? READ : WRITE);
    return b->shared + offset;
}

uint32_t sw_emulated_shared_offset(uint64_t offset, uint32_t alignment)
{
    uint32_t low = offset > 0xffffffff ? 0xffffffff : static_cast<uint32_t>(offset);
    check_place(low, 0, 1);
    if (low % alignment != 0)
        check_place(low, 0, alignment);
    return low;
}

void sw_emulated_copy16(uint32_t offset, const void *from)
{
    check_place(offset, 16, 16);
    block *b = self->home;
    check_bytes(b, offset, 16, COPY_BEGINS);
    memset(b->shared + offset, 0xff, 16);
    self->copies.push_back({offset, from});
    self->n_open_copies++;
}

void sw_emulated_copy_commit()
{
    self->groups.push_back(self->n_open_copies);
    self->n_open_copies = 0;
}

void sw_emulated_copy_wait(uint32_t n_newest)
{
    block *b = self->home;
    if (self->groups.size() <= n_newest)
        return;
    auto last_group = self->groups.end() - n_newest;
    size_t n_landing = 0;
    for (auto n = self->groups.begin(); n != last_group; n++)
        n_landing += *n;
    for (size_t i = 0; i < n_landing; i++) {
        const copy *landing = &self->copies[i];
        check_bytes(b, landing->offset, 16, COPY_LANDS);
        memcpy(b->shared + landing->offset, landing->from, 16);
    }
    self->copies.erase(self->copies.begin(),
                       self->copies.begin() + static_cast<ptrdiff_t>(n_landing));
    self->groups.erase(self->groups.begin(), last_group);
}

void sw_emulated_sync_block()
{
    if (self == NULL)
        give_up();
    block *b = self->home;
    warp *w = &b->warps[self->index / SW_WARP];
    if (w->arrived != 0) {
        char there[64];
        snprintf(there, sizeof there, "is at %s", name_of(w->function));
        check_lanes(w->arrived, "sw_sync_block", there);
    }
    if (b->n_exited > 0) {
        uint32_t ended = 0;
        while (thread_at(b, ended)->now != EXITED)
            ended++;
        report(cudaErrorLaunchFailure,
               "sw_sync_block, which all threads of the block must reach, and thread %u has ended",
               ended);
        give_up();
    }
    self->n_polls = 0;
    if (++b->n_at_barrier < current->launch->block) {
        w->at_barrier |= 1u << self->index % SW_WARP;
        suspend(AT_BARRIER);
        return;
    }
    b->n_at_barrier = 0;
    b->epoch++;
    for (uint32_t i = 0; i < current->launch->block / SW_WARP; i++)
        b->warps[i].at_barrier = 0;
    for (uint32_t i = 0; i < current->launch->block; i++) {
        if (i != self->index)
            set_ready(thread_at(b, i));
    }
    current->n_events++;
}

uint32_t sw_emulated_warp(sw_emulated_warp_function function, uint32_t value, int operand)
{
    if (self == NULL)
        give_up();
    thread *t = self;
    warp *w = &t->home->warps[t->index / SW_WARP];
    uint32_t lane = t->index % SW_WARP;
    w->value[lane] = value;
    w->operands[lane] = operand;
    meet(function, operand);
    return w->value[lane];
}

void sw_emulated_mma(sw_emulated_warp_function function, uint32_t (&c)[4], const uint32_t (&a)[4],
                     const uint32_t (&b)[2])
{
    if (self == NULL)
        give_up();
    thread *t = self;
    warp *w = &t->home->warps[t->index / SW_WARP];
    uint32_t lane = t->index % SW_WARP;
    if (current->options.capability < 80 &&
        (function == SW_EMULATED_MMA_BF16 || function == SW_EMULATED_MMA_TF32)) {
        report(cudaErrorLaunchFailure, "%s, which is not there before sm_80", name_of(function));
        give_up();
    }
    memcpy(w->a[lane], a, sizeof w->a[lane]);
    memcpy(w->b[lane], b, sizeof w->b[lane]);
    memcpy(w->c[lane], c, sizeof w->c[lane]);
    meet(function, 0);
    memcpy(c, w->c[lane], sizeof w->c[lane]);
}

const void *sw_emulated_global(const void *address, uint32_t bytes, const char *function)
{
    if (self == NULL)
        give_up();
    if (reinterpret_cast<uintptr_t>(address) % bytes != 0) {
        report(cudaErrorMisalignedAddress, "%s at %p, which is no multiple of %u", function,
               address, bytes);
        give_up();
    }
    if (sw_memory_around(address, bytes) == NULL) {
        report(cudaErrorIllegalAddress, "%s at %s", function, place_of(address).c_str());
        give_up();
    }
    return address;
}

const void *sw_emulated_weights(const void *address)
{
    sw_emulated_global(address, 16, "sw_load_weights");
    if (!sw_memory_is_as_kept(current->kept, address, 16)) {
        report(cudaErrorLaunchFailure, "sw_load_weights at %s, written since the kernel began",
               place_of(address).c_str());
        give_up();
    }
    return address;
}

void sw_emulated_poll(bool of_system)
{
    if (self == NULL)
        give_up();
    current->waits_for_host |= of_system;
    self->n_polls++;
    if (self->n_polls >= POLLS_IN_A_ROW ||
        (current->options.seed != 0 && next_random(current) % 4 == 0))
        yield();
}

void sw_emulated_stored()
{
    current->n_events++;
    self->n_polls = 0;
}

void sw_relax()
{
    if (self == NULL)
        give_up();
    yield();
}

uint64_t sw_device_ns()
{
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

void sw_dependency_wait()
{
    if (self == NULL)
        give_up();
    current->has_waited = true;
    if (current->is_ahead)
        suspend(AT_DEPENDENCY);
}

void sw_dependents_launch()
{
    if (self == NULL)
        give_up();
    if (!self->home->lets_next_begin) {
        self->home->lets_next_begin = true;
        current->n_lets_next_begin++;
    }
}
