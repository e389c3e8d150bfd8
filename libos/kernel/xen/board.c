#include "board.h"

#include "bus.h"
#include "console.h"
#include "memory.h"
#include "net.h"
#include "xen.h"
#include "xen_console.h"

#define SCHED_SHUTDOWN 2
enum reason { POWER_OFF = 0, CRASH = 3 };

void board_start(void)
{
    if (!xen_start())
        __builtin_trap(); /* there is nobody to tell */
    console_start();
}

void board_map(void)
{
    memory_map(xen_parameter(CONSOLE_PAGE) * PAGE_SIZE, PAGE_SIZE, true);
    memory_map(xen_parameter(STORE_PAGE) * PAGE_SIZE, PAGE_SIZE, true);
}

void board_finish(void)
{
    net_finish();
    bus_close();
}

_Noreturn void board_off(bool crashed)
{
    uint32_t reason = crashed ? CRASH : POWER_OFF;

    console_drain();
    hypercall(SCHED_OP, SCHED_SHUTDOWN, &reason);
    for (;;)
        __asm__ volatile("cli; hlt");
}
