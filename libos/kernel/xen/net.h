/* Network interfaces, as the rest of the kernel sees them. Backends tell of frames only where the program idles. */
#ifndef NET_H
#define NET_H

#include <stdbool.h>
#include <stdint.h>

/* The place of vif 0 among all devices: behind the disks. */
#define NET_PLACE_FIRST 16

/* Tells the backends what the program has given them. Called whenever the program waits. */
void net_tell(void);

/* Bit n is set if something came from the interface n since the last call. */
uintptr_t net_news(void);

/* Has the backends tell of what comes. False if something has come: nobody must wait then. */
bool net_expect(void);

/* Waits until all that was sent has gone out. For the machine's end. */
void net_finish(void);

#endif
