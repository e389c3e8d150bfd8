/* Random bytes from the processor. */
#ifndef ENTROPY_H
#define ENTROPY_H

#include <stdbool.h>
#include <stddef.h>

/* Fills `bytes` from RDSEED or RDRAND; false where the processor has neither or they fail. */
bool entropy_fill(void *bytes, size_t length);

#endif
