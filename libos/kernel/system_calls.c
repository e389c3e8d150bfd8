/* The Linux system calls that the C library and the OCaml runtime make, as far as a unikernel can answer them:
   there are no files but the console, no other processes, no users. Numbers, arguments and results are Linux's
   (man 2); a call that is not here is said on the console, once. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

#include "clock.h"
#include "console.h"
#include "entropy.h"
#include "format.h"
#include "machine.h"
#include "memory.h"
#include "panic.h"
#include "traps.h"

#define NS_PER_S 1000000000ull
#define MSR_FS_BASE 0xc0000100
#define ARCH_SET_FS 0x1002
#define MOST_CALLS 512

static bool is_console(int file)
{
    return file >= 0 && file <= 2;
}

static long write_console(int file, const void *bytes, size_t length)
{
    if (!is_console(file))
        return -EBADF;
    console_write(bytes, length);
    return length;
}

static long write_vector(int file, const struct iovec *parts, int count)
{
    long total = 0;

    if (!is_console(file))
        return -EBADF;
    for (int i = 0; i < count; i++)
        total += write_console(file, parts[i].iov_base, parts[i].iov_len);
    return total;
}

/* Waits for input, as reading from a terminal does. */
static long read_console(int file, void *bytes, size_t length)
{
    size_t count;

    if (file != 0)
        return -EBADF;
    while ((count = console_read(bytes, length)) == 0 && length > 0)
        clock_idle(UINT64_MAX);
    return count;
}

static long map_memory(size_t size, int protection, int flags)
{
    if (!(flags & MAP_ANONYMOUS) || flags & MAP_FIXED)
        return -ENODEV;
    if (protection & PROT_EXEC)
        return -EACCES;
    void *start = pages_allocate(size);
    return start == NULL ? -ENOMEM : (long)start;
}

/* All memory that a program can map is readable and writable; less is not offered, code never. */
static long protect_memory(int protection)
{
    return protection == (PROT_READ | PROT_WRITE) ? 0 : -EACCES;
}

static long remap_memory(void *start, size_t old_size, size_t new_size)
{
    void *moved = pages_resize(start, old_size, new_size);
    return moved == NULL ? -ENOMEM : (long)moved;
}

static long tell_time(int clock, struct timespec *time)
{
    uint64_t ns;

    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        ns = clock_wall_ns();
    else
        ns = clock_monotonic_ns();
    *time = (struct timespec){ns / NS_PER_S, ns % NS_PER_S};
    return 0;
}

static long tell_time_of_day(struct timeval *time)
{
    uint64_t ns = clock_wall_ns();
    *time = (struct timeval){ns / NS_PER_S, ns % NS_PER_S / 1000};
    return 0;
}

static long sleep_for(const struct timespec *time)
{
    uint64_t deadline = clock_monotonic_ns() + time->tv_sec * NS_PER_S + time->tv_nsec;

    while (clock_monotonic_ns() < deadline)
        clock_idle(deadline);
    return 0;
}

static long sleep_until(int clock, int flags, const struct timespec *time)
{
    uint64_t deadline = time->tv_sec * NS_PER_S + time->tv_nsec;

    if (!(flags & TIMER_ABSTIME))
        return sleep_for(time);
    if (clock == CLOCK_REALTIME)
        deadline -= clock_wall_ns() - clock_monotonic_ns();
    while (clock_monotonic_ns() < deadline)
        clock_idle(deadline);
    return 0;
}

static long tell_usage(struct rusage *usage)
{
    uint64_t ns = clock_monotonic_ns();

    memset(usage, 0, sizeof *usage);
    usage->ru_utime = (struct timeval){ns / NS_PER_S, ns % NS_PER_S / 1000};
    return 0;
}

static long tell_times(struct tms *times)
{
    long ticks = clock_monotonic_ns() / (NS_PER_S / 100);

    if (times != NULL)
        *times = (struct tms){.tms_utime = ticks};
    return ticks;
}

static long tell_limit(int resource, struct rlimit *limit)
{
    if (limit != NULL)
        limit->rlim_cur = limit->rlim_max = resource == RLIMIT_STACK ? stack_limit() : RLIM_INFINITY;
    return 0;
}

static long tell_name(struct utsname *name)
{
    memset(name, 0, sizeof *name);
    strcpy(name->sysname, "Unikernel");
    strcpy(name->machine, "x86_64");
    return 0;
}

/* Linux's struct sigaction, which is not the C library's. */
struct kernel_action {
    uintptr_t handler;
    unsigned long flags;
    uintptr_t restorer;
    uint64_t mask;
};

static long set_action(int signal, const struct kernel_action *action, struct kernel_action *old)
{
    static struct kernel_action segv;

    if (old != NULL)
        *old = signal == SIGSEGV ? segv : (struct kernel_action){0};
    if (signal == SIGSEGV && action != NULL) {
        segv = *action;
        signal_set_handler(action->handler, action->restorer);
    }
    return 0;
}

static long set_signal_stack(const stack_t *stack, stack_t *old)
{
    if (old != NULL)
        *old = (stack_t){.ss_flags = SS_DISABLE};
    if (stack != NULL && stack->ss_flags & SS_DISABLE)
        signal_set_stack(0, 0);
    else if (stack != NULL)
        signal_set_stack((uintptr_t)stack->ss_sp, stack->ss_size);
    return 0;
}

static long set_thread_pointer(int operation, uint64_t address)
{
    if (operation != ARCH_SET_FS)
        return -EINVAL;
    write_msr(MSR_FS_BASE, address);
    return 0;
}

static long fill_random(void *bytes, size_t length)
{
    return entropy_fill(bytes, length) ? (long)length : -ENOSYS;
}

static long kill_self(int signal)
{
    panic(signal == SIGABRT ? "abort: the OCaml runtime or a C library gave up" : "the program killed itself with a signal");
}

static long unknown_call(unsigned number)
{
    static uint8_t said[MOST_CALLS];
    struct text line = {.length = 0};

    if (number < MOST_CALLS && said[number])
        return -ENOSYS;
    if (number < MOST_CALLS)
        said[number] = 1;
    text_add(&line, "kernel: system call ");
    text_add_decimal(&line, number);
    text_add(&line, " is not one that a unikernel has (ENOSYS)");
    text_end_line(&line);
    console_write(line.bytes, line.length);
    return -ENOSYS;
}

/* Called by entry.S on the system call stack. */
long system_call(unsigned number, long a, long b, long c, long d, long e, long f);
long system_call(unsigned number, long a, long b, long c, long d, long e, long f)
{
    (void)e;
    (void)f;
    switch (number) {
    case SYS_read:
        return read_console(a, (void *)b, c);
    case SYS_write:
        return write_console(a, (const void *)b, c);
    case SYS_writev:
        return write_vector(a, (const void *)b, c);
    case SYS_mmap:
        return map_memory(b, c, d);
    case SYS_munmap:
        pages_free((void *)a, b);
        return 0;
    case SYS_mprotect:
        return protect_memory(c);
    case SYS_mremap:
        return remap_memory((void *)a, b, c);
    case SYS_arch_prctl:
        return set_thread_pointer(a, b);
    case SYS_rt_sigaction:
        return set_action(a, (const void *)b, (void *)c);
    case SYS_sigaltstack:
        return set_signal_stack((const void *)a, (void *)b);
    case SYS_clock_gettime:
        return tell_time(a, (void *)b);
    case SYS_gettimeofday:
        return tell_time_of_day((void *)a);
    case SYS_nanosleep:
        return sleep_for((const void *)a);
    case SYS_clock_nanosleep:
        return sleep_until(a, b, (const void *)c);
    case SYS_getrusage:
        return tell_usage((void *)b);
    case SYS_times:
        return tell_times((void *)a);
    case SYS_prlimit64:
        return tell_limit(b, (void *)d);
    case SYS_getrlimit:
        return tell_limit(a, (void *)b);
    case SYS_uname:
        return tell_name((void *)a);
    case SYS_getrandom:
        return fill_random((void *)a, b);
    case SYS_exit:
    case SYS_exit_group:
        power_off(a);
    case SYS_kill:
        return kill_self(b);
    case SYS_tkill:
        return kill_self(b);
    case SYS_tgkill:
        return kill_self(c);

    /* The C library has its own way when the program break does not move. */
    case SYS_brk:
        return 0;
    case SYS_madvise:
    case SYS_rt_sigprocmask:
    case SYS_close:
    case SYS_sched_yield:
        return 0;
    case SYS_set_tid_address:
    case SYS_gettid:
    case SYS_getpid:
        return 1;
    case SYS_getuid:
    case SYS_geteuid:
    case SYS_getgid:
    case SYS_getegid:
    case SYS_getppid:
        return 0;
    case SYS_lseek:
        return is_console(a) ? -ESPIPE : -EBADF;
    case SYS_ioctl:
        return -ENOTTY;
    case SYS_fcntl:
        return is_console(a) ? O_RDWR : -EBADF;
    case SYS_fstat:
        return -EBADF;
    case SYS_open:
    case SYS_openat:
    case SYS_stat:
    case SYS_lstat:
    case SYS_newfstatat:
    case SYS_access:
    case SYS_readlink:
    case SYS_readlinkat:
    case SYS_getcwd:
        return -ENOENT;
    case SYS_futex: /* one thread: whoever is waited for will never come, and nobody waits */
        return 0;
    case SYS_set_robust_list:
    case SYS_rseq:
        return -ENOSYS;
    default:
        return unknown_call(number);
    }
}
