/* The end of a guest that cannot go on. */
#ifndef PANIC_H
#define PANIC_H

/* Says why on the console, with the OCaml backtrace, and on the control channel; then ends the machine. */
_Noreturn void panic(const char *reason);

/* Ends the machine in order, with the program's exit status. */
_Noreturn void power_off(int status);

#endif
