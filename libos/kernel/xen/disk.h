/* Disks, as the rest of the kernel sees them. */
#ifndef DISK_H
#define DISK_H

#include <stdint.h>

/* Tells the backends what the program has given them. Called whenever the program waits. */
void disk_tell(void);

/* Bit n is set if a request of the disk at place n has become complete since the last call. */
uintptr_t disk_news(void);

#endif
