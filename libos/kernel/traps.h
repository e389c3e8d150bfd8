/* Exceptions and signals. */
#ifndef TRAPS_H
#define TRAPS_H

#include <stdint.h>

/* As entry.S saves them. */
struct registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* From here on exceptions and system calls are handled. */
void traps_start(void);

/* Lets a device's interrupt enter the kernel at `entry`. */
void traps_set_gate(int vector, const char *entry);

/* What the C library registers for SIGSEGV: a handler, where it returns to, and its stack. */
void signal_set_handler(uintptr_t handler, uintptr_t restorer);
void signal_set_stack(uintptr_t start, uint64_t size);

#endif
