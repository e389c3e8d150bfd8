/* What OCaml's Platform.wait asks for: see libos/platform/platform.mli. */
#include <stdint.h>

#include <caml/mlvalues.h>

#include "clock.h"
#include "disk.h"
#include "net.h"
#include "xen_console.h"

/* The console is bit 0. Disks follow, xvda first, and behind the last one network interfaces. */
static intnat take_events(void)
{
    return console_has_news() | disk_news() << 1 | net_news() << (1 + NET_PLACE_FIRST);
}

intnat unikernel_wait(int64_t deadline)
{
    intnat events;

    disk_tell();
    net_tell(); /* though there may be nothing to wait for */
    while ((events = take_events()) == 0) {
        if (deadline <= 0 || clock_monotonic_ns() >= (uint64_t)deadline)
            return 0;
        if (net_expect())
            clock_idle(deadline);
    }
    return events;
}
