/* What Platform.wait waits for, besides the console and the clock. */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdint.h>

#include <caml/mlvalues.h>

/* The bit of Platform.wait's result that stands for all sockets; those of devices are below it. */
#define EVENTS_SOCKETS (1l << 15)

/* Events of devices that are no file descriptors, as Platform.wait returns them; it sets them back. */
extern intnat events_pending;

/* Have events of a descriptor told, each change once: as those of the device at a place, or of the socket with a number.
   Raise Failure. */
void events_watch_device(int descriptor, int place);
void events_watch_socket(int descriptor, uint32_t number);

/* A descriptor that can be read once there are such events, or -1; and the sources that have them. */
int events_descriptor(void);
intnat events_collect(void);

#endif
