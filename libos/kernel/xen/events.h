/* Event channels: how other domains, and Xen, tell that there is something.

   An event is only a reason to look. What there is stands in shared memory, and whoever waits has looked there after the
   last event: so an event that is forgotten, or comes at any time, is never missed. Xen interrupts nobody here: it ends
   a wait, which is its call SCHEDOP_poll. */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdint.h>

/* A channel's end here, by number. */
typedef uint32_t event_port;

/* Opens a channel to which a domain may connect; 0 if Xen refuses. */
event_port event_open(uint16_t domain);

/* Lets a channel end waiting from now on. */
void event_expect(event_port port);

/* Tells the other end. */
void event_send(event_port port);

/* Waits until another end of a channel has told something since the last wait, or Xen's time is `deadline`
   (nanoseconds; 0: there is none). */
void event_wait(uint64_t deadline);

#endif
