#include "events.h"

#include <stddef.h>

#include "xen.h"

#define PORTS_MOST 32 /* 16 disks, 14 interfaces, the console and XenStore */

enum event_operation { SEND = 4, ALLOCATE = 6 };
#define SCHED_POLL 3

struct allocation {
    uint16_t domain, remote;
    event_port port;
};

struct poll {
    const event_port *ports;
    uint32_t count;
    uint64_t deadline;
};

static event_port expected[PORTS_MOST];
static size_t expected_count;

event_port event_open(uint16_t domain)
{
    struct allocation allocation = {.domain = THIS_DOMAIN, .remote = domain};

    return hypercall(EVENT_CHANNEL_OP, ALLOCATE, &allocation) == 0 ? allocation.port : 0;
}

void event_expect(event_port port)
{
    expected[expected_count++] = port;
}

void event_send(event_port port)
{
    hypercall(EVENT_CHANNEL_OP, SEND, &port);
}

void event_wait(uint64_t deadline)
{
    struct poll poll = {.ports = expected, .count = expected_count, .deadline = deadline};

    hypercall(SCHED_OP, SCHED_POLL, &poll);
    for (size_t i = 0; i < expected_count; i++)
        __atomic_fetch_and(&xen_shared.events_pending[expected[i] / 64], ~(1ul << expected[i] % 64), __ATOMIC_SEQ_CST);
}
