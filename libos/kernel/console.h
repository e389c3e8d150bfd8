/* The console: what the program prints, and what is typed to it. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stddef.h>

/* Takes the virtio console if there is one, else the first serial port. Works before memory_start and after. */
void console_start(void);

/* Writes all of the bytes; waits while the other side does not read. */
void console_write(const char *bytes, size_t length);
void console_print(const char *text);

/* Takes at most `length` bytes of input; 0 when there is none. New input raises INTERRUPT_CONSOLE. */
size_t console_read(char *bytes, size_t length);

#endif
