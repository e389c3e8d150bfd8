/* What OCaml's module Platform asks for; see libos/platform/platform.mli. */
#include <stdint.h>
#include <string.h>

#include <caml/alloc.h>
#include <caml/mlvalues.h>

#include "clock.h"
#include "console.h"
#include "entropy.h"
#include "net.h"
#include "panic.h"
#include "serial.h"
#include "traps.h"
#include "virtio.h"

int64_t unikernel_monotonic_ns(value unit)
{
    (void)unit;
    return clock_monotonic_ns();
}

int64_t unikernel_wall_ns(value unit)
{
    (void)unit;
    return clock_wall_ns();
}

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

intnat unikernel_console_read(value buffer, intnat offset, intnat length)
{
    return console_read((char *)Bytes_val(buffer) + offset, length);
}

value unikernel_entropy(value buffer)
{
    if (!entropy_fill(Bytes_val(buffer), caml_string_length(buffer)))
        panic("no entropy: the processor has no working RDSEED or RDRAND; start the guest with a CPU model that has");
    return Val_unit;
}

value unikernel_stamp(value name)
{
    control_record_number("stamp", String_val(name), clock_monotonic_ns());
    return Val_unit;
}
