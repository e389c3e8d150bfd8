/* Xen's interface to guests, as far as it is used here: the public headers xen.h, sched.h, event_channel.h, memory.h,
   grant_table.h and hvm/params.h of Xen 4. */
#ifndef XEN_H
#define XEN_H

#include <stdbool.h>
#include <stdint.h>

enum hypercall { MEMORY_OP = 12, SCHED_OP = 29, EVENT_CHANNEL_OP = 32, HVM_OP = 34 };
#define THIS_DOMAIN 0x7ff0

/* One of Xen's functions; negative results are error numbers of Linux. */
long hypercall(enum hypercall number, uint64_t first, const void *second);

/* Whether Xen runs this machine: finds the hypercalls, and what it shares with every guest. */
bool xen_start(void);

/* One of the values that Xen gives a guest on its way; 0 if there is none. */
enum parameter { STORE_PAGE = 1, STORE_PORT = 2, CONSOLE_PAGE = 17, CONSOLE_PORT = 18 };
uint64_t xen_parameter(enum parameter index);

/* Makes a page of Xen's appear in place of a page of ours. */
enum space { SHARED_INFO = 0, GRANT_TABLE = 1 };
bool xen_map(enum space space, uint64_t index, const void *page);

/* How time runs: its fields hold while `version` is even and stays the same. */
struct xen_time {
    uint32_t version, pad;
    uint64_t tsc, system_ns;
    uint32_t multiplier;
    int8_t shift;
    uint8_t flags, pad2[2];
};

/* The page that Xen shares with every guest; the first processor's part comes first. */
struct xen_shared {
    uint8_t upcall_pending, pad[7];
    uint64_t pending_words, architecture[2];
    struct xen_time time;
    uint8_t other_processors[31][64];
    uint64_t events_pending[64], events_masked[64];
    uint32_t wall_version, wall_seconds, wall_ns, wall_seconds_high;
};
extern volatile struct xen_shared xen_shared;

/* Of all shared memory: what was written before is seen before what is written after; likewise for what is read. x86
   keeps that order by itself, the compiler does not. */
static inline void order_memory(void)
{
    __asm__ volatile("" : : : "memory");
}

#endif
