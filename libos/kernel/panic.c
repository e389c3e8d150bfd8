#include "panic.h"

#include "board.h"
#include "console.h"
#include "control.h"
#include "format.h"
#include "ocaml_runtime.h"

_Noreturn void panic(const char *reason)
{
    static int panics;
    struct text line = {.length = 0};

    if (panics++ == 0) {
        text_add(&line, "Kernel panic: ");
        text_add(&line, reason);
        text_end_line(&line);
        console_write(line.bytes, line.length);
        control_record("panic", reason);
        ocaml_print_backtrace();
    }
    board_off(true);
}

_Noreturn void power_off(int status)
{
    board_finish();
    control_record_number("exit", NULL, (unsigned)status & 0xff);
    board_off(false);
}
