#include "panic.h"

#include "console.h"
#include "format.h"
#include "machine.h"
#include "net.h"
#include "ocaml_runtime.h"
#include "serial.h"

#define PVPANIC_PORT 0x505 /* QEMU's docs/specs/pvpanic: bit 0 says that the guest panicked */
#define PVPANIC_PANICKED 1
#define ACPI_CONTROL_PORT 0x604 /* PIIX4 and ICH9 as QEMU's firmware sets them up: PM1a_CNT */
#define ACPI_SLEEP_S5 0x2000

static _Noreturn void machine_off(void)
{
    serial_drain();
    out16(ACPI_CONTROL_PORT, ACPI_SLEEP_S5);
    for (;;)
        __asm__ volatile("cli; hlt");
}

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
    serial_drain();
    out8(PVPANIC_PORT, PVPANIC_PANICKED);
    machine_off();
}

_Noreturn void power_off(int status)
{
    net_finish();
    control_record_number("exit", NULL, (unsigned)status & 0xff);
    machine_off();
}
