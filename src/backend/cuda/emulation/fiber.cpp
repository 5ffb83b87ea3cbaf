#include "backend/cuda/emulation/fiber.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/cuda/emulation/sanitizer.h"

/* Kernels keep tiles in local arrays, and instrumented frames are several times as large. Pages
 * that no one touches cost nothing. */
enum { STACK_BYTES = 256 * 1024 };

/* The scheduler's own stack, while a fiber runs. */
static struct {
    void *stack_pointer;
    void *fake_stack;
    const void *bottom;
    size_t bytes;
} scheduler;

/* Keeps what a called function must keep, stores the stack pointer, and goes on where `to` was
 * stored. */
extern "C" void sw_fiber_switch(void **from, void *to);
extern "C" void sw_fiber_begin(void);

#if defined(__x86_64__)
asm(".text\n"
    ".globl sw_fiber_switch\n"
    ".hidden sw_fiber_switch\n"
    ".type sw_fiber_switch, @function\n"
    "sw_fiber_switch:\n"
    "    pushq %rbp\n"
    "    pushq %rbx\n"
    "    pushq %r12\n"
    "    pushq %r13\n"
    "    pushq %r14\n"
    "    pushq %r15\n"
    "    movq %rsp, (%rdi)\n"
    "    movq %rsi, %rsp\n"
    "    popq %r15\n"
    "    popq %r14\n"
    "    popq %r13\n"
    "    popq %r12\n"
    "    popq %rbx\n"
    "    popq %rbp\n"
    /* Not ret: the processor would expect it to go where the last call came from. */
    "    popq %rcx\n"
    "    jmpq *%rcx\n"
    ".size sw_fiber_switch, . - sw_fiber_switch\n"
    /* First switch into a fiber: its struct is in r12, its first function in r13. */
    ".globl sw_fiber_begin\n"
    ".hidden sw_fiber_begin\n"
    ".type sw_fiber_begin, @function\n"
    "sw_fiber_begin:\n"
    "    movq %r12, %rdi\n"
    "    callq *%r13\n"
    "    ud2\n"
    ".size sw_fiber_begin, . - sw_fiber_begin\n"
    ".section .note.GNU-stack, \"\", @progbits\n"
    ".text\n");
enum { FRAME_WORDS = 9, FRAME_FIBER = 3, FRAME_FIRST = 2, FRAME_RETURN = 6 };
#elif defined(__aarch64__)
asm(".text\n"
    ".globl sw_fiber_switch\n"
    ".hidden sw_fiber_switch\n"
    ".type sw_fiber_switch, %function\n"
    "sw_fiber_switch:\n"
    "    sub sp, sp, #160\n"
    "    stp x19, x20, [sp, #0]\n"
    "    stp x21, x22, [sp, #16]\n"
    "    stp x23, x24, [sp, #32]\n"
    "    stp x25, x26, [sp, #48]\n"
    "    stp x27, x28, [sp, #64]\n"
    "    stp x29, x30, [sp, #80]\n"
    "    stp d8, d9, [sp, #96]\n"
    "    stp d10, d11, [sp, #112]\n"
    "    stp d12, d13, [sp, #128]\n"
    "    stp d14, d15, [sp, #144]\n"
    "    mov x9, sp\n"
    "    str x9, [x0]\n"
    "    mov sp, x1\n"
    "    ldp x19, x20, [sp, #0]\n"
    "    ldp x21, x22, [sp, #16]\n"
    "    ldp x23, x24, [sp, #32]\n"
    "    ldp x25, x26, [sp, #48]\n"
    "    ldp x27, x28, [sp, #64]\n"
    "    ldp x29, x30, [sp, #80]\n"
    "    ldp d8, d9, [sp, #96]\n"
    "    ldp d10, d11, [sp, #112]\n"
    "    ldp d12, d13, [sp, #128]\n"
    "    ldp d14, d15, [sp, #144]\n"
    "    add sp, sp, #160\n"
    "    ret\n"
    ".size sw_fiber_switch, . - sw_fiber_switch\n"
    ".globl sw_fiber_begin\n"
    ".hidden sw_fiber_begin\n"
    ".type sw_fiber_begin, %function\n"
    "sw_fiber_begin:\n"
    "    mov x0, x19\n"
    "    blr x20\n"
    "    brk #1\n"
    ".size sw_fiber_begin, . - sw_fiber_begin\n");
enum { FRAME_WORDS = 20, FRAME_FIBER = 0, FRAME_FIRST = 1, FRAME_RETURN = 11 };
#else
#error "fibers are written for x86-64 and arm64"
#endif

struct sw_fiber_stacks {
    void *memory;
    size_t bytes;
};

/* A warp's stacks are mapped together, a page that faults below each. */
sw_fiber_stacks *sw_fiber_take_stacks(sw_fiber **fibers, size_t n)
{
    size_t guard = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_t step = STACK_BYTES + guard;
    void *memory = mmap(NULL, n * step, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    unsigned char *at = static_cast<unsigned char *>(memory);
    for (size_t i = 0; i < n; i++) {
        if (mprotect(at + i * step, guard, PROT_NONE) != 0) {
            munmap(memory, n * step);
            return NULL;
        }
        fibers[i]->stack = at + i * step + guard;
        fibers[i]->stack_bytes = STACK_BYTES;
    }
    return new sw_fiber_stacks{memory, n * step};
}

void sw_fiber_free_stacks(sw_fiber_stacks *stacks)
{
    if (stacks == NULL)
        return;
    sw_sanitizer_unpoison(stacks->memory, stacks->bytes);
    munmap(stacks->memory, stacks->bytes);
    delete stacks;
}

static void begin(sw_fiber *fiber)
{
#ifdef SW_WITH_ASAN
    __sanitizer_finish_switch_fiber(fiber->fake_stack, &scheduler.bottom, &scheduler.bytes);
#endif
    fiber->entry(fiber->argument);
    sw_fiber_leave(fiber);
}

void sw_fiber_prepare(sw_fiber *fiber, void (*entry)(void *), void *argument)
{
    /* What a fiber that never returned has left marked. */
    sw_sanitizer_unpoison(fiber->stack, fiber->stack_bytes);
    fiber->entry = entry;
    fiber->argument = argument;
    fiber->fake_stack = NULL;
    /* Stacks lie whole pages apart: without a step of their own, the tops of a warp's would all
     * meet in the same few lines of the cache. */
    size_t step = reinterpret_cast<uintptr_t>(fiber->stack) / 4096 % 32 * 128;
    unsigned char *top = fiber->stack + fiber->stack_bytes - 64 - step;
    void **frame = reinterpret_cast<void **>(top) - FRAME_WORDS;
    memset(frame, 0, FRAME_WORDS * sizeof *frame);
    frame[FRAME_FIBER] = fiber;
    frame[FRAME_FIRST] = reinterpret_cast<void *>(begin);
    frame[FRAME_RETURN] = reinterpret_cast<void *>(sw_fiber_begin);
    fiber->stack_pointer = frame;
}

void sw_fiber_resume(sw_fiber *fiber)
{
#ifdef SW_WITH_ASAN
    __sanitizer_start_switch_fiber(&scheduler.fake_stack, fiber->stack, fiber->stack_bytes);
#endif
    sw_fiber_switch(&scheduler.stack_pointer, fiber->stack_pointer);
#ifdef SW_WITH_ASAN
    __sanitizer_finish_switch_fiber(scheduler.fake_stack, NULL, NULL);
#endif
}

void sw_fiber_suspend(sw_fiber *fiber)
{
#ifdef SW_WITH_ASAN
    __sanitizer_start_switch_fiber(&fiber->fake_stack, scheduler.bottom, scheduler.bytes);
#endif
    sw_fiber_switch(&fiber->stack_pointer, scheduler.stack_pointer);
#ifdef SW_WITH_ASAN
    __sanitizer_finish_switch_fiber(fiber->fake_stack, &scheduler.bottom, &scheduler.bytes);
#endif
}

void sw_fiber_leave(sw_fiber *fiber)
{
#ifdef SW_WITH_ASAN
    __sanitizer_start_switch_fiber(NULL, scheduler.bottom, scheduler.bytes);
#endif
    sw_fiber_switch(&fiber->stack_pointer, scheduler.stack_pointer);
    abort(); /* no one resumes a fiber that has left */
}
