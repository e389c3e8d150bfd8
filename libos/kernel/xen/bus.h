/* Devices of a domain, each with a frontend here and a backend in another domain, which agree through XenStore:
   io/xenbus.h. */
#ifndef BUS_H
#define BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "events.h"
#include "grants.h"
#include "ring.h"
#include "store.h"

enum bus_state { BUS_WAITS = 2, BUS_INITIALISED = 3, BUS_CONNECTED = 4, BUS_CLOSING = 5, BUS_CLOSED = 6 };

struct frontend {
    char home[32];  /* its folder in XenStore, */
    char back[128]; /* and its backend's */
    uint16_t domain; /* of the backend */
    event_port port;
    struct frontend *next;
};

/* Finds a device: its kind is `vbd` or `vif`. False if the domain has none of this number. */
bool bus_find(struct frontend *frontend, const char *kind, uint32_t number);

/* Waits until the backend is ready to be told of the rings; false if it does not get so far. */
bool bus_await_backend(struct frontend *frontend);

/* Opens the event channel, and tells the backend of it and of a page for a ring: false if Xen or XenStore refuse. */
bool bus_tell_port(struct frontend *frontend);
bool bus_tell_ring(struct frontend *frontend, const char *name, const struct ring *ring);

/* Writes a text or a number into the frontend's folder. */
bool bus_write(const struct frontend *frontend, const char *name, const char *value);
bool bus_tell(const struct frontend *frontend, const char *name, uint64_t number);

/* The decimal number that a text begins with. */
uint64_t bus_number(const char *text);

/* What the frontend's folder says, as a text; false if nothing. */
bool bus_read(const struct frontend *frontend, const char *name, char value[STORE_VALUE]);

/* The number in the backend's folder, or `otherwise` if there is none. */
uint64_t bus_asked(const struct frontend *frontend, const char *name, uint64_t otherwise);

/* Says that the frontend has got to a state, waits until the backend is connected, and from then on lets its events end
   waiting; false if it does not connect. */
bool bus_connect(struct frontend *frontend, enum bus_state state);

/* Takes leave of all backends, which first finish what they were given. */
void bus_close(void);

#endif
