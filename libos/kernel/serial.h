/* Two 16550 serial ports: the console, and the control channel to whoever started the guest. */
#ifndef SERIAL_H
#define SERIAL_H

#include <stddef.h>
#include <stdint.h>

/* Finds the ports and lets the console's input raise interrupts. */
void serial_start(void);

/* Writes all of the bytes; waits while the other side does not read. */
void console_write(const char *bytes, size_t length);
void console_print(const char *text);

/* Takes at most `length` bytes of input; 0 when there is none. */
size_t console_read(char *bytes, size_t length);

/* Writes one record to the control channel, if there is one. Records: docs/ARCHITECTURE.md, section 3. */
void control_record(const char *word, const char *argument);
void control_record_number(const char *word, const char *name, uint64_t number);

#endif
