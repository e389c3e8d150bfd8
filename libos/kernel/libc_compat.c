/* Debian's OCaml runtime and C stubs are compiled against glibc's headers; the image is linked with musl. These are
   the names that glibc's headers put in and musl does not have, and a question that musl cannot answer. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "panic.h"

#define GLIBC_SC_SIGSTKSZ 250
#define SIGNAL_STACK_SIZE 16384

int __fprintf_chk(FILE *file, int flag, const char *format, ...);
int __snprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, ...);
int __vfprintf_chk(FILE *file, int flag, const char *format, va_list arguments);
int __vsnprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, va_list arguments);
long __real_sysconf(int name);
long __wrap_sysconf(int name);
_Noreturn void __wrap___stack_chk_fail(void);

int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int count = __vfprintf_chk(file, flag, format, arguments);
    va_end(arguments);
    return count;
}

int __snprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int count = __vsnprintf_chk(to, size, flag, room, format, arguments);
    va_end(arguments);
    return count;
}

int __vfprintf_chk(FILE *file, int flag, const char *format, va_list arguments)
{
    (void)flag;
    return vfprintf(file, format, arguments);
}

int __vsnprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, va_list arguments)
{
    (void)flag;
    if (size > room)
        panic("buffer overflow in snprintf");
    return vsnprintf(to, size, format, arguments);
}

/* The OCaml runtime asks how large its signal stack must be. */
long __wrap_sysconf(int name)
{
    return name == GLIBC_SC_SIGSTKSZ ? SIGNAL_STACK_SIZE : __real_sysconf(name);
}

/* musl's own stops the processor for good. */
_Noreturn void __wrap___stack_chk_fail(void)
{
    panic("stack smashing detected (stack protector)");
}
