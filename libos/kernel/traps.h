/* Exceptions, signals and device interrupts. */
#ifndef TRAPS_H
#define TRAPS_H

#include <stdint.h>

/* As entry.S saves them. */
struct registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* Interrupt numbers, also indexes of interrupts_seen. */
enum interrupt {
    INTERRUPT_TIMER = 0,
    INTERRUPT_CONSOLE = 1,
    INTERRUPT_DEVICE = 2, /* of the device at place 0 of the bus; the next has the next */
    INTERRUPT_COUNT = 16
};
#define INTERRUPT_VECTOR 32

/* Set to 1 by an interrupt; whoever acts on it sets it back. */
extern volatile uint8_t interrupts_seen[INTERRUPT_COUNT];

/* Lets in the interrupts that wait; at all other times but idling they are off. */
static inline void interrupts_take(void)
{
    __asm__ volatile("sti; nop; cli" : : : "memory");
}

/* From here on exceptions and system calls are handled. */
void traps_start(void);

/* Routes the console's interrupt; needs the memory map of memory_start. */
void interrupts_start(void);

/* What the C library registers for SIGSEGV: a handler, where it returns to, and its stack. */
void signal_set_handler(uintptr_t handler, uintptr_t restorer);
void signal_set_stack(uintptr_t start, uint64_t size);

#endif
