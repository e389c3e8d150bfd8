/* Events of devices that are not file descriptors. */
#ifndef EVENTS_H
#define EVENTS_H

#include <caml/mlvalues.h>

/* As Platform.wait returns them; it sets them back. */
extern intnat events_pending;

#endif
