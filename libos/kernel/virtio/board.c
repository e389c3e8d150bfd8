#include "board.h"

#include "console.h"
#include "interrupts.h"
#include "machine.h"
#include "memory.h"
#include "net.h"
#include "pci.h"
#include "serial.h"

#define PVPANIC_PORT 0x505 /* QEMU's docs/specs/pvpanic: bit 0 says that the guest panicked */
#define PVPANIC_PANICKED 1
#define ACPI_CONTROL_PORT 0x604 /* PIIX4 and ICH9 as QEMU's firmware sets them up: PM1a_CNT */
#define ACPI_SLEEP_S5 0x2000

void board_start(void)
{
    serial_start();
    console_start();
}

void board_map(void)
{
    memory_map(PCI_WINDOW_START, PCI_WINDOW_END - PCI_WINDOW_START, false);
    memory_map(IO_APIC, PAGE_SIZE, false);
    memory_map(LOCAL_APIC, PAGE_SIZE, false);
}

void board_finish(void)
{
    net_finish();
}

_Noreturn void board_off(bool crashed)
{
    serial_drain();
    if (crashed)
        out8(PVPANIC_PORT, PVPANIC_PANICKED);
    out16(ACPI_CONTROL_PORT, ACPI_SLEEP_S5);
    for (;;)
        __asm__ volatile("cli; hlt");
}
