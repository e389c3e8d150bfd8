/* Two 16550 serial ports: a console, and the control channel to whoever started the guest. */
#ifndef SERIAL_H
#define SERIAL_H

#include <stddef.h>

/* Finds the control channel. */
void serial_start(void);

/* The first port as a console, where there is no better one: finds it, and lets its input raise interrupts. */
void serial_start_console(void);
void serial_write_console(const char *bytes, size_t length);
size_t serial_read_console(char *bytes, size_t length);

/* Waits until all that was written has left: what is still in a port is lost when the machine goes off. */
void serial_drain(void);

#endif
