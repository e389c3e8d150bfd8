/* Xen tells how its time follows from the time-stamp counter: xen.h, struct vcpu_time_info. */
#include "clock.h"

#include "disk.h"
#include "events.h"
#include "machine.h"
#include "net.h"
#include "xen.h"

#define NS_PER_S 1000000000ull

extern uint64_t boot_tsc;

static uint64_t boot_ns; /* Xen's time at boot_tsc */

static uint64_t scale(uint64_t ticks, uint32_t multiplier, int8_t shift)
{
    ticks = shift < 0 ? ticks >> -shift : ticks << shift;
    return (unsigned __int128)ticks * multiplier >> 32;
}

/* Xen's time at a count, which may lie before the last that Xen told of. */
static uint64_t xen_ns(uint64_t tsc)
{
    uint32_t version;
    uint64_t ns;

    do {
        version = xen_shared.time.version;
        order_memory();
        uint32_t multiplier = xen_shared.time.multiplier;
        int8_t shift = xen_shared.time.shift;
        uint64_t from = xen_shared.time.tsc;
        ns = xen_shared.time.system_ns;
        ns += tsc >= from ? scale(tsc - from, multiplier, shift) : -scale(from - tsc, multiplier, shift);
        order_memory();
    } while (version % 2 != 0 || version != xen_shared.time.version);
    return ns;
}

void clock_start(void)
{
    boot_ns = xen_ns(boot_tsc);
}

/* What Xen tells is corrected now and then, which may set it back a little. */
uint64_t clock_monotonic_ns(void)
{
    static uint64_t last;
    uint64_t now = xen_ns(read_tsc()) - boot_ns;

    if (now < last)
        now = last;
    return last = now;
}

uint64_t clock_wall_ns(void)
{
    uint32_t version;
    uint64_t at_xen_start;

    do {
        version = xen_shared.wall_version;
        order_memory();
        at_xen_start = ((uint64_t)xen_shared.wall_seconds_high << 32 | xen_shared.wall_seconds) * NS_PER_S
                       + xen_shared.wall_ns;
        order_memory();
    } while (version % 2 != 0 || version != xen_shared.wall_version);
    return at_xen_start + boot_ns + clock_monotonic_ns();
}

void clock_idle(uint64_t deadline)
{
    disk_tell();
    net_tell();
    if (deadline >= INT64_MAX)
        event_wait(0);
    else if (clock_monotonic_ns() < deadline)
        event_wait(boot_ns + deadline);
}
