/* Network interfaces interrupt the program only where it idles; while it runs, it looks at their queues itself. */
#ifndef NET_H
#define NET_H

#include <stdbool.h>
#include <stdint.h>

/* Tells the interfaces what the program has given them. */
void net_tell(void);

/* Waits until all that was sent has gone out, as it does from a process that has ended. For the machine's end. */
void net_finish(void);

/* Bit n is set if something came from the interface at place n since the last call. */
uintptr_t net_news(void);

/* From here on interfaces interrupt. False if something has come: the processor must not be halted then. */
bool net_allow_interrupts(void);
void net_forbid_interrupts(void);

#endif
