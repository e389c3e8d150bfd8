/* The seam to the OCaml runtime: all that depends on its version is here. Written for 4.13 and 4.14, whose stack is
   the system's. OCaml 5 keeps bottom_of_stack in Caml_state->c_stack and current_stack, and reserves address space
   with mmap(PROT_NONE), which system_calls.c would have to offer. */
#define CAML_INTERNALS
#include "ocaml_runtime.h"

#include <caml/backtrace.h>
#include <caml/backtrace_prim.h>
#include <caml/memory.h>
#include <caml/osdeps.h>
#include <caml/stack.h>
#include <caml/startup_aux.h>
#include <caml/version.h>

#include "clock.h"
#include "console.h"
#include "control.h"
#include "format.h"
#include "memory.h"

#if OCAML_VERSION < 41300 || OCAML_VERSION >= 50000
#error "libos/kernel/ocaml_runtime.c is written for OCaml 4.13 and 4.14"
#endif

#define BACKTRACE_MOST 32
#define HEAP_WORDS_MOST (256 << 10) /* the runtime's own choice for the minor heap */

void __wrap_caml_parse_ocamlrunparam(void);
void __wrap_caml_init_locale(void);
char *__wrap_caml_executable_name(void);

/* The first thing that the runtime does. In place of reading OCAMLRUNPARAM (manual, section 15.5), which a unikernel has not: an uncaught exception shows its
   backtrace, and in a small memory the minor heap is small, 1 MiB in 32 MiB. */
void __wrap_caml_parse_ocamlrunparam(void)
{
    size_t words = memory_size() / 256;

    control_record_number("stamp", "runtime", clock_monotonic_ns());
    caml_record_backtraces(1);
    caml_init_minor_heap_wsz = words < HEAP_WORDS_MOST ? words : HEAP_WORDS_MOST;
}

static void print_location(frame_descr *descriptor)
{
    for (debuginfo info = caml_debuginfo_extract((backtrace_slot)descriptor); info != NULL;
         info = caml_debuginfo_next(info)) {
        struct caml_loc_info location;
        struct text line = {.length = 0};
        caml_debuginfo_location(info, &location);
        if (!location.loc_valid)
            continue;
        text_add(&line, "Called from ");
        if (location.loc_defname != NULL) {
            text_add(&line, location.loc_defname);
            text_add(&line, " in ");
        }
        text_add(&line, "file \"");
        text_add(&line, location.loc_filename);
        text_add(&line, "\", line ");
        text_add_decimal(&line, location.loc_lnum);
        text_end_line(&line);
        console_write(line.bytes, line.length);
    }
}

void ocaml_print_backtrace(void)
{
    if (Caml_state == NULL || Caml_state_field(bottom_of_stack) == NULL)
        return;
    uintnat pc = Caml_state_field(last_return_address);
    char *sp = Caml_state_field(bottom_of_stack);
    for (int i = 0; i < BACKTRACE_MOST; i++) {
        frame_descr *descriptor = caml_next_frame_descriptor(&pc, &sp);
        if (descriptor == NULL)
            return;
        print_location(descriptor);
    }
}

/* There are no locales: the C library's functions without one do what the runtime needs. */
void __wrap_caml_init_locale(void)
{
}

/* There are no files to look for it in. */
char *__wrap_caml_executable_name(void)
{
    return caml_stat_strdup("unikernel");
}
