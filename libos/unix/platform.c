/* What platform.mli asks for, over Linux: an image as an ordinary process. */

#define _GNU_SOURCE /* ppoll */

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <caml/mlvalues.h>

#include "events.h"

#define NS_PER_S 1000000000LL
#define CONSOLE 1

static int64_t boot_ns;

/* Input is an event once: not again before the program has found it empty, or a program that never reads would
   never idle. */
static int input_armed = 1;
static int input_ended;

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Time counts from the start of the process, as a machine's counts from its boot. */
__attribute__((constructor)) static void start_clock(void)
{
    boot_ns = clock_ns(CLOCK_MONOTONIC);
}

int64_t unikernel_monotonic_ns(value unit)
{
    (void)unit;
    return clock_ns(CLOCK_MONOTONIC) - boot_ns;
}

int64_t unikernel_wall_ns(value unit)
{
    (void)unit;
    return clock_ns(CLOCK_REALTIME);
}

intnat unikernel_wait(int64_t deadline)
{
    struct pollfd sources[] = {{.fd = input_armed ? STDIN_FILENO : -1, .events = POLLIN},
                               {.fd = events_descriptor(), .events = POLLIN}};
    intnat events = events_pending;

    events_pending = 0;
    if (events != 0)
        deadline = 0;
    for (;;) {
        struct timespec timeout = {0, 0};
        int64_t left = deadline - unikernel_monotonic_ns(Val_unit);
        if (left > 0) {
            timeout.tv_sec = left / NS_PER_S;
            timeout.tv_nsec = left % NS_PER_S;
        }
        int ready = ppoll(sources, 2, deadline == INT64_MAX ? NULL : &timeout, NULL);
        if (ready > 0) {
            if (sources[0].revents) {
                input_armed = 0;
                events |= CONSOLE;
            }
            return sources[1].revents ? events | events_collect() : events;
        }
        if (ready == 0)
            return events;
        if (errno != EINTR) {
            perror("ppoll");
            abort();
        }
    }
}

intnat unikernel_console_read(value buffer, intnat offset, intnat length)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    if (input_ended)
        return -1;
    if (poll(&input, 1, 0) <= 0) {
        input_armed = 1;
        return 0;
    }
    ssize_t got = read(STDIN_FILENO, Bytes_val(buffer) + offset, length);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (got <= 0) {
        input_ended = 1;
        return -1;
    }
    return got;
}

value unikernel_entropy(value buffer)
{
    unsigned char *next = Bytes_val(buffer);
    size_t left = caml_string_length(buffer);

    while (left > 0) {
        ssize_t got = getrandom(next, left, 0);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            perror("getrandom");
            abort();
        }
        next += got;
        left -= got;
    }
    return Val_unit;
}

/* The control channel is the descriptor that whoever started the process has named. */
value unikernel_stamp(value name)
{
    const char *control = getenv("UNIKERNEL_CONTROL");

    if (control != NULL)
        dprintf(atoi(control), "stamp %s %lld\n", String_val(name), (long long)unikernel_monotonic_ns(Val_unit));
    return Val_unit;
}
