#include "interrupts.h"

#include "machine.h"
#include "traps.h"

#define SPURIOUS_VECTOR 255
#define LOCAL_APIC_SPURIOUS 0xf0
#define LOCAL_APIC_ENABLED 0x100
#define IO_APIC_DATA 0x10
#define IO_APIC_REDIRECTION 0x10
#define CONSOLE_LINE 4
#define PIC_FIRST_MASK 0x21
#define PIC_SECOND_MASK 0xa1

extern const char interrupt_entries[], ignore_interrupt[];

void interrupts_start(void)
{
    volatile uint32_t *io_apic = (uint32_t *)IO_APIC;

    for (int i = 0; i < INTERRUPT_COUNT; i++)
        traps_set_gate(INTERRUPT_VECTOR + i, interrupt_entries + 32 * i);
    traps_set_gate(SPURIOUS_VECTOR, ignore_interrupt);
    out8(PIC_FIRST_MASK, 0xff);
    out8(PIC_SECOND_MASK, 0xff);
    *(volatile uint32_t *)(LOCAL_APIC + LOCAL_APIC_SPURIOUS) = LOCAL_APIC_ENABLED | SPURIOUS_VECTOR;
    io_apic[0] = IO_APIC_REDIRECTION + 2 * CONSOLE_LINE + 1;
    io_apic[IO_APIC_DATA / 4] = 0; /* to processor 0 */
    io_apic[0] = IO_APIC_REDIRECTION + 2 * CONSOLE_LINE;
    io_apic[IO_APIC_DATA / 4] = INTERRUPT_VECTOR + INTERRUPT_CONSOLE;
}
