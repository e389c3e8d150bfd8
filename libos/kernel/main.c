/* From the hypervisor's entry to the C library's. */
#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "board.h"
#include "boot_info.h"
#include "clock.h"
#include "control.h"
#include "entropy.h"
#include "machine.h"
#include "memory.h"
#include "panic.h"
#include "traps.h"

#define COMMAND_LINE_MOST 4096
#define ARGUMENTS_MOST 256

extern const Elf64_Ehdr __ehdr_start;
extern uintptr_t __stack_chk_guard;
extern void _start(void);
_Noreturn void enter_program(const void *stack, void (*start)(void));
_Noreturn void kernel_main(const struct start_info *info);

static char words[COMMAND_LINE_MOST];
static char *arguments[ARGUMENTS_MOST];
static unsigned char random_bytes[16];

/* Cuts the command line into words in place, by the rules of docs/ARCHITECTURE.md, section 3. */
static size_t split_words(size_t count)
{
    char *from = words, *to = words;

    for (;;) {
        bool quoted = false;
        while (*from == ' ' || *from == '\t' || *from == '\n')
            from++;
        if (*from == 0)
            return count;
        if (count == ARGUMENTS_MOST - 1)
            panic("too many arguments on the command line: at most 254");
        arguments[count++] = to;
        while (*from != 0 && (quoted || (*from != ' ' && *from != '\t' && *from != '\n'))) {
            if (*from == '"') {
                quoted = !quoted;
                from++;
                continue;
            }
            if (*from == '\\' && from[1] != 0)
                from++;
            *to++ = *from++;
        }
        if (*from != 0)
            from++;
        *to++ = 0;
    }
}

static size_t read_arguments(const char *command_line)
{
    arguments[0] = "unikernel";
    if (command_line == NULL)
        return 1;
    size_t length = strnlen(command_line, COMMAND_LINE_MOST);
    if (length == COMMAND_LINE_MOST)
        panic("the command line is too long: at most 4095 bytes");
    memcpy(words, command_line, length + 1);
    return split_words(1);
}

/* The stack as Linux gives it to a new process: System V ABI for amd64, section 3.4.1. */
static _Noreturn void start_program(uint64_t *stack_top, size_t argument_count)
{
    Elf64_auxv_t vectors[] = {
        {AT_PHDR, {(uintptr_t)&__ehdr_start + __ehdr_start.e_phoff}},
        {AT_PHENT, {__ehdr_start.e_phentsize}},
        {AT_PHNUM, {__ehdr_start.e_phnum}},
        {AT_PAGESZ, {PAGE_SIZE}},
        {AT_RANDOM, {(uintptr_t)random_bytes}},
        {AT_NULL, {0}},
    };
    size_t words_used = 1 + argument_count + 1 + 1 + sizeof vectors / 8;
    uint64_t *stack = stack_top - ((words_used + 1) & ~1ul);
    uint64_t *next = stack;

    *next++ = argument_count;
    for (size_t i = 0; i < argument_count; i++)
        *next++ = (uintptr_t)arguments[i];
    *next++ = 0;
    *next++ = 0; /* no environment */
    memcpy(next, vectors, sizeof vectors);
    enter_program(stack, _start);
}

/* The canaries of functions on the stack: the C library takes its own from random_bytes. */
static void seed_stack_protector(void)
{
    if (!entropy_fill(random_bytes, sizeof random_bytes)) {
        uint64_t tsc = read_tsc();
        memcpy(random_bytes, &tsc, sizeof tsc);
    }
    memcpy(&__stack_chk_guard, random_bytes + 8, sizeof __stack_chk_guard);
    ((unsigned char *)&__stack_chk_guard)[1] = 0; /* ends a string that runs into it, as the C library does */
}

/* Never returns, so that no function sees the canary change. */
_Noreturn void kernel_main(const struct start_info *info)
{
    seed_stack_protector();
    board_start();
    traps_start();
    if (info->magic != START_INFO_MAGIC || info->version < 1 || info->memory_map_count == 0)
        panic("not started as a PVH guest, version 1: no memory map");
    size_t argument_count = read_arguments((const char *)info->command_line);
    memory_start(info);
    clock_start();
    control_record_number("stamp", "kernel", 0);
    start_program(memory_stack_top(), argument_count);
}
