/* The machine around processor and memory. Each target has its own: virtio/, xen/. */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>

/* Finds the console and the control channel. From here on there is a way to say what is wrong. */
void board_start(void);

/* Maps what the machine has beside memory. Called by memory_start. */
void board_map(void);

/* Waits until the devices are done with what the program has left to them. For the machine's end. */
void board_finish(void);

/* Ends the machine; `crashed` is for whoever started it. */
_Noreturn void board_off(bool crashed);

#endif
