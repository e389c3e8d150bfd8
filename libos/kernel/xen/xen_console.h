/* What else there is to ask of Xen's console. */
#ifndef XEN_CONSOLE_H
#define XEN_CONSOLE_H

#include <stdbool.h>

/* Whether input has come since the last call, and is still there. */
bool console_has_news(void);

/* Waits until all that was written has been taken, for a second at most. */
void console_drain(void);

#endif
