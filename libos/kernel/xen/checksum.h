/* Where in a frame a checksum goes: Xen's network interfaces do not say. */
#ifndef CHECKSUM_H
#define CHECKSUM_H

#include <stdbool.h>
#include <stdint.h>

/* Where the sum of a TCP or UDP packet begins in an Ethernet frame, and where it is added, counted from there; false for
   other frames. */
bool checksum_place(const void *frame, uint32_t length, uint16_t *start, uint16_t *offset);

#endif
