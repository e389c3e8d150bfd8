/* The console that Xen's tools give every guest: io/console.h. What is typed and what is printed has a ring each. */
#include "console.h"

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "control.h"
#include "events.h"
#include "memory.h"
#include "xen.h"
#include "xen_console.h"

#define INPUT_SIZE 1024u
#define OUTPUT_SIZE 2048u
#define DRAIN_NS 1000000000ul

/* An operating system command of ECMA-48, section 8.3.89. */
#define BEFORE_RECORD "\033]7077;unikernel "
#define AFTER_RECORD "\033\\"

static volatile struct {
    char input[INPUT_SIZE], output[OUTPUT_SIZE];
    uint32_t input_taken, input_given, output_taken, output_given;
} *ring;
static event_port port;
static uint32_t told; /* input that console_has_news has told of */

void console_start(void)
{
    ring = (void *)(xen_parameter(CONSOLE_PAGE) * PAGE_SIZE);
    port = xen_parameter(CONSOLE_PORT);
    if (ring != NULL)
        event_expect(port);
}

/* How much fits into the ring now, without a gap. */
static size_t room(void)
{
    uint32_t given = ring->output_given;
    size_t room = OUTPUT_SIZE - (given - ring->output_taken);
    size_t to_end = OUTPUT_SIZE - given % OUTPUT_SIZE;

    order_memory();
    return room < to_end ? room : to_end;
}

static void put(const char *bytes, size_t length)
{
    while (ring != NULL && length > 0) {
        size_t part = room();
        if (part == 0) {
            event_send(port);
            event_wait(0);
            continue;
        }
        if (part > length)
            part = length;
        memcpy((char *)ring->output + ring->output_given % OUTPUT_SIZE, bytes, part);
        order_memory();
        ring->output_given += part;
        bytes += part;
        length -= part;
    }
}

void console_write(const char *bytes, size_t length)
{
    put(bytes, length);
    if (ring != NULL)
        event_send(port);
}

/* There is no second channel: a record is a control sequence on the console, which terminals do not show. */
void control_write(const char *line, size_t length)
{
    put(BEFORE_RECORD, sizeof BEFORE_RECORD - 1);
    put(line, length - 1);
    console_write(AFTER_RECORD, sizeof AFTER_RECORD - 1);
}

size_t console_read(char *bytes, size_t length)
{
    size_t count = 0;

    if (ring == NULL)
        return 0;
    uint32_t given = ring->input_given;
    order_memory();
    while (count < length && ring->input_taken != given) {
        bytes[count++] = ring->input[ring->input_taken % INPUT_SIZE];
        order_memory();
        ring->input_taken++;
    }
    if (count > 0)
        event_send(port); /* there is room again */
    return count;
}

bool console_has_news(void)
{
    if (ring == NULL || ring->input_given == told)
        return false;
    told = ring->input_given;
    return ring->input_taken != told;
}

/* The daemon at the other end takes only so much at a time; what is left in the ring is lost with the domain. */
void console_drain(void)
{
    uint64_t deadline = clock_monotonic_ns() + DRAIN_NS;

    while (ring != NULL && ring->output_taken != ring->output_given && clock_monotonic_ns() < deadline)
        clock_idle(deadline);
}
