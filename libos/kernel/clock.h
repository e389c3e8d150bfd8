/* Time since boot, time of day, and idling. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

/* Starts the clock, and what idling needs. */
void clock_start(void);

/* Nanoseconds since the kernel's entry; never goes backwards. */
uint64_t clock_monotonic_ns(void);

/* Nanoseconds since 1970-01-01 00:00:00 UTC. */
uint64_t clock_wall_ns(void);

/* Halts the processor until a device has something or the monotonic clock reaches `deadline`, or a little earlier.
   Devices that are to be told soon are told before. UINT64_MAX and INT64_MAX mean no deadline. */
void clock_idle(uint64_t deadline);

#endif
