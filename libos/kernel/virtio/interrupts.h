/* Device interrupts: the AMD64 manual, volume 2, chapter 16 (local APIC); Intel's 82093AA (I/O APIC). */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#include <stdint.h>

#define LOCAL_APIC 0xfee00000ul
#define IO_APIC 0xfec00000ul

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

/* Interrupts arrive from here on, the console's among them; needs the memory map of memory_start. */
void interrupts_start(void);

#endif
