/* The AMD64 manual, volume 2, chapter 8. A fault of the program becomes the signal SIGSEGV, as on Linux, since the
   OCaml runtime tells a stack overflow by it; without a handler it is a panic. */
#include "traps.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#include "format.h"
#include "machine.h"
#include "memory.h"
#include "panic.h"

#define VECTOR_COUNT 256
#define KERNEL_CODE 8
#define TASK_STATE 24
#define INTERRUPT_GATE 0x8e

enum exception { PAGE_FAULT = 14, PROTECTION_FAULT = 13 };
enum page_fault_bits { FAULT_PRESENT = 1, FAULT_WRITE = 2, FAULT_FETCH = 16 };

#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_FMASK 0xc0000084
#define FLAGS_MASKED 0x700 /* interrupts, single step, direction */

struct gate {
    uint16_t offset_low, selector;
    uint8_t stack, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct __attribute__((packed)) task_state {
    uint32_t reserved;
    uint64_t stacks[3], reserved2, interrupt_stacks[7], reserved3;
    uint16_t reserved4, io_map;
};

extern const char exception_entries[], system_call_entry[], exception_stack_end[], kernel_stacks[], kernel_stacks_end[];
extern uint64_t gdt[];

static struct gate gates[VECTOR_COUNT];
static struct task_state task_state = {.io_map = sizeof task_state};

static struct {
    uintptr_t handler, restorer, stack;
    uint64_t stack_size;
} segv;

static void set_gate(int vector, const char *entry, int stack)
{
    uintptr_t address = (uintptr_t)entry;

    gates[vector] = (struct gate){.offset_low = address,
                                  .selector = KERNEL_CODE,
                                  .stack = stack,
                                  .type = INTERRUPT_GATE,
                                  .offset_middle = address >> 16,
                                  .offset_high = address >> 32};
}

void traps_set_gate(int vector, const char *entry)
{
    set_gate(vector, entry, 0);
}

static void load_task_state(void)
{
    uintptr_t address = (uintptr_t)&task_state;

    task_state.interrupt_stacks[0] = (uintptr_t)exception_stack_end;
    gdt[TASK_STATE / 8] = (sizeof task_state - 1) | (address & 0xffffff) << 16 | 0x89ul << 40
                          | (address >> 24 & 0xff) << 56;
    gdt[TASK_STATE / 8 + 1] = address >> 32;
    __asm__ volatile("ltr %w0" : : "r"(TASK_STATE));
}

void traps_start(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } table = {sizeof gates - 1, (uintptr_t)gates};

    for (int vector = 0; vector < 32; vector++)
        set_gate(vector, exception_entries + 16 * vector, 1);
    load_task_state();
    __asm__ volatile("lidt %0" : : "m"(table));
    write_msr(MSR_STAR, (uint64_t)KERNEL_CODE << 32);
    write_msr(MSR_LSTAR, (uintptr_t)system_call_entry);
    write_msr(MSR_FMASK, FLAGS_MASKED);
}

void signal_set_handler(uintptr_t handler, uintptr_t restorer)
{
    segv.handler = handler > 1 ? handler : 0; /* SIG_DFL, SIG_IGN */
    segv.restorer = restorer;
}

void signal_set_stack(uintptr_t start, uint64_t size)
{
    segv.stack = start;
    segv.stack_size = size;
}

/* Linux's frame of a signal on amd64, as the C library's ucontext_t lays it out. */
struct signal_frame {
    uintptr_t restorer;
    ucontext_t context;
    siginfo_t info;
};

static const int saved_order[] = {REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP, REG_R8,
                                  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
#define SAVED_COUNT (sizeof saved_order / sizeof *saved_order)

/* Makes the program go on in its handler of SIGSEGV, on the stack meant for that. Vector registers are not
   kept: the handler either raises Stack_overflow or gives up. */
static void deliver_segv(struct registers *registers, uintptr_t address)
{
    uintptr_t top = segv.stack + segv.stack_size;
    struct signal_frame *frame = (void *)(((top - sizeof *frame) & ~15ul) - 8);
    uint64_t *first = &registers->rax;

    memset(frame, 0, sizeof *frame);
    frame->restorer = segv.restorer;
    for (size_t i = 0; i < SAVED_COUNT; i++)
        frame->context.uc_mcontext.gregs[saved_order[i]] = first[i];
    frame->context.uc_mcontext.gregs[REG_RIP] = registers->rip;
    frame->context.uc_mcontext.gregs[REG_RSP] = registers->rsp;
    frame->context.uc_mcontext.gregs[REG_EFL] = registers->rflags;
    frame->context.uc_mcontext.gregs[REG_ERR] = registers->error;
    frame->context.uc_mcontext.gregs[REG_TRAPNO] = registers->vector;
    frame->context.uc_mcontext.gregs[REG_CR2] = address;
    frame->info.si_signo = SIGSEGV;
    frame->info.si_code = SEGV_MAPERR;
    frame->info.si_addr = (void *)address;

    registers->rip = segv.handler;
    registers->rsp = (uintptr_t)frame;
    registers->rdi = SIGSEGV;
    registers->rsi = (uintptr_t)&frame->info;
    registers->rdx = (uintptr_t)&frame->context;
}

/* The end of a handler: `context` is what it was given, perhaps changed. Called by entry.S. */
void signal_return_registers(const ucontext_t *context, struct registers *registers);
void signal_return_registers(const ucontext_t *context, struct registers *registers)
{
    uint64_t *first = &registers->rax;

    for (size_t i = 0; i < SAVED_COUNT; i++)
        first[i] = context->uc_mcontext.gregs[saved_order[i]];
    registers->rip = context->uc_mcontext.gregs[REG_RIP];
    registers->rsp = context->uc_mcontext.gregs[REG_RSP];
    registers->rflags = context->uc_mcontext.gregs[REG_EFL];
    registers->cs = KERNEL_CODE;
    registers->ss = 16;
}

static const char *const exception_names[] = {
    "division by zero", "debug exception", "non-maskable interrupt", "breakpoint", "overflow", "bound exceeded",
    "invalid instruction", "no floating point unit", "double fault", "coprocessor overrun", "invalid task state",
    "segment not present", "stack segment fault", "general protection fault", "page fault", "reserved exception",
    "floating point error", "unaligned access", "machine check", "SIMD floating point error"};

static const char *page_fault_reason(const struct registers *registers, uintptr_t address)
{
    enum place place = memory_place(address);

    if (place == PLACE_NULL_PAGE)
        return "null pointer access (page 0 is unmapped)";
    if (place == PLACE_STACK_GUARD)
        return "stack overflow (guard page below the stack)";
    if (registers->error & FAULT_FETCH)
        return place == PLACE_STACK       ? "execution of the stack (the stack is not executable)"
               : place == PLACE_NOWHERE   ? "jump to unmapped memory"
                                          : "execution of data (W^X: data is not executable)";
    if (registers->error & FAULT_WRITE && place == PLACE_CODE)
        return "write to code (W^X: code is not writable)";
    if (registers->error & FAULT_WRITE && place == PLACE_CONSTANTS)
        return "write to constants (read-only data)";
    return registers->error & FAULT_WRITE ? "write to unmapped memory" : "read of unmapped memory";
}

static _Noreturn void exception_panic(const struct registers *registers, uintptr_t address)
{
    struct text reason = {.length = 0};

    if (registers->vector == PAGE_FAULT) {
        text_add(&reason, page_fault_reason(registers, address));
        text_add(&reason, ", address ");
        text_add_hexadecimal(&reason, address);
    } else if (registers->vector < sizeof exception_names / sizeof *exception_names) {
        text_add(&reason, exception_names[registers->vector]);
    } else {
        text_add(&reason, "unknown exception ");
        text_add_decimal(&reason, registers->vector);
    }
    text_add(&reason, ", instruction ");
    text_add_hexadecimal(&reason, registers->rip);
    panic(text_string(&reason));
}

static bool in_program(const struct registers *registers)
{
    return registers->rsp <= (uintptr_t)kernel_stacks || registers->rsp > (uintptr_t)kernel_stacks_end;
}

/* Called by entry.S on the exception stack. */
void exception(struct registers *registers);
void exception(struct registers *registers)
{
    uintptr_t address = 0;

    if (registers->vector == PAGE_FAULT) {
        __asm__ volatile("mov %%cr2, %0" : "=r"(address));
        if (!(registers->error & FAULT_PRESENT) && in_program(registers) && stack_grow(address))
            return;
    }
    if (segv.handler != 0 && segv.stack_size > sizeof(struct signal_frame) && in_program(registers)
        && (registers->vector == PAGE_FAULT || registers->vector == PROTECTION_FAULT)) {
        deliver_segv(registers, address);
        return;
    }
    exception_panic(registers, address);
}
