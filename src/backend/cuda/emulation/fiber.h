/*
 * Threads of a kernel as fibers: stacks of their own, switched by hand between one scheduler, which
 * runs on the stack of whoever launched, and the fibers that it resumes. Address sanitizer is told
 * of every switch.
 */
#ifndef SW_BACKEND_CUDA_EMULATION_FIBER_H
#define SW_BACKEND_CUDA_EMULATION_FIBER_H

#include <stddef.h>

struct sw_fiber {
    void *stack_pointer;
    unsigned char *stack; /* lowest byte; NULL: none yet */
    size_t stack_bytes;
    void *fake_stack; /* the sanitizer's */
    void (*entry)(void *argument);
    void *argument;
};

/* Stacks for n fibers. NULL: no memory. */
struct sw_fiber_stacks;
sw_fiber_stacks *sw_fiber_take_stacks(sw_fiber **fibers, size_t n);
void sw_fiber_free_stacks(sw_fiber_stacks *stacks); /* NULL is fine */

/* The fiber begins with entry(argument) when it is resumed; entry ends in sw_fiber_leave. What the
 * fiber did before is forgotten. */
void sw_fiber_prepare(sw_fiber *fiber, void (*entry)(void *), void *argument);

/* From the scheduler into the fiber, until that suspends or leaves. */
void sw_fiber_resume(sw_fiber *fiber);

/* From the running fiber back to the scheduler. */
void sw_fiber_suspend(sw_fiber *fiber);
[[noreturn]] void sw_fiber_leave(sw_fiber *fiber);

#endif
