/* The control channel to whoever started the guest. Records: docs/ARCHITECTURE.md, section 3. */
#ifndef CONTROL_H
#define CONTROL_H

#include <stddef.h>
#include <stdint.h>

/* Writes one record, if there is a channel. */
void control_record(const char *word, const char *argument);
void control_record_number(const char *word, const char *name, uint64_t number);

/* Writes a line to the channel, its end included. Each target has its own. */
void control_write(const char *line, size_t length);

#endif
