/* The console: what the program prints, and what is typed to it. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stddef.h>
#include <string.h>

/* Finds the console. It works before memory_start and after. */
void console_start(void);

/* Writes all of the bytes; waits while the other side does not read. */
void console_write(const char *bytes, size_t length);

static inline void console_print(const char *text)
{
    console_write(text, strlen(text));
}

/* Takes at most `length` bytes of input; 0 when there is none. New input ends idling. */
size_t console_read(char *bytes, size_t length);

#endif
