/* What OCaml's Platform.wait asks for: see libos/platform/platform.mli. */
#include <stdint.h>

#include <caml/mlvalues.h>

#include "clock.h"
#include "interrupts.h"
#include "net.h"
#include "virtio.h"

/* The console is bit 0, and the devices follow, as their interrupts do. */
static intnat take_events(void)
{
    intnat events = 0;

    for (int interrupt = INTERRUPT_CONSOLE; interrupt < INTERRUPT_COUNT; interrupt++) {
        if (!interrupts_seen[interrupt])
            continue;
        interrupts_seen[interrupt] = 0;
        events |= 1l << (interrupt - INTERRUPT_CONSOLE);
    }
    return events | net_news() << (INTERRUPT_DEVICE - INTERRUPT_CONSOLE);
}

intnat unikernel_wait(int64_t deadline)
{
    intnat events;

    virtio_kick_put_off();
    net_tell();
    interrupts_take();
    while ((events = take_events()) == 0) {
        if (deadline <= 0 || clock_monotonic_ns() >= (uint64_t)deadline)
            return 0;
        if (net_allow_interrupts())
            clock_idle(deadline);
        net_forbid_interrupts();
    }
    return events;
}
