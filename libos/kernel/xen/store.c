#include "store.h"

#include <stdint.h>
#include <string.h>

#include "clock.h"
#include "events.h"
#include "memory.h"
#include "xen.h"

#define RING_SIZE 1024u

enum message_type { READ = 2, WATCH = 4, UNWATCH = 5, WRITE = 11, WATCH_EVENT = 15, ERROR = 16 };

struct message {
    uint32_t type, request, transaction, length;
};

static volatile struct {
    char requests[RING_SIZE], answers[RING_SIZE];
    uint32_t requests_taken, requests_given, answers_taken, answers_given;
} *ring;
static event_port port;

static bool start(void)
{
    if (ring != NULL)
        return true;
    ring = (void *)(xen_parameter(STORE_PAGE) * PAGE_SIZE);
    port = xen_parameter(STORE_PORT);
    if (ring == NULL)
        return false;
    event_expect(port);
    return true;
}

static void put(const void *bytes, size_t length)
{
    const char *from = bytes;

    while (length > 0) {
        if (ring->requests_given - ring->requests_taken == RING_SIZE) {
            event_send(port);
            event_wait(0);
            continue;
        }
        order_memory();
        ring->requests[ring->requests_given % RING_SIZE] = *from++;
        order_memory();
        ring->requests_given++;
        length--;
    }
}

/* Waits for an answer's next byte; false if there was none in time. */
static bool comes(uint64_t deadline)
{
    while (ring->answers_given == ring->answers_taken) {
        if (clock_monotonic_ns() >= deadline)
            return false;
        event_send(port); /* there is room for more */
        clock_idle(deadline);
    }
    return true;
}

/* `bytes` may be NULL: then they are thrown away. */
static void get(void *bytes, size_t length)
{
    char *to = bytes;

    for (; length > 0 && comes(UINT64_MAX); length--) {
        order_memory();
        char byte = ring->answers[ring->answers_taken % RING_SIZE];
        if (to != NULL)
            *to++ = byte;
        order_memory();
        ring->answers_taken++;
    }
}

/* The next message; what does not fit into `value` is left out. */
static void receive(struct message *message, char value[STORE_VALUE])
{
    get(message, sizeof *message);
    size_t kept = message->length < STORE_VALUE ? message->length : STORE_VALUE - 1;
    get(value, kept);
    value[kept] = 0;
    get(NULL, message->length - kept);
}

/* Asks, and waits for the answer. `rest` goes behind the path's zero byte where it is given. */
static bool ask(enum message_type type, struct store_path path, bool ends, const char *rest, size_t rest_length,
                char value[STORE_VALUE])
{
    static uint32_t requests;
    size_t folder = strlen(path.folder), name = strlen(path.name);
    struct message message = {.type = type, .request = ++requests, .length = folder + 1 + name + ends + rest_length};

    if (!start())
        return false;
    put(&message, sizeof message);
    put(path.folder, folder);
    put("/", 1);
    put(path.name, name + ends);
    put(rest, rest_length);
    event_send(port);
    do
        receive(&message, value);
    while (message.type == WATCH_EVENT || message.request != requests);
    return message.type != ERROR;
}

bool store_read(struct store_path path, char value[STORE_VALUE])
{
    return ask(READ, path, true, NULL, 0, value);
}

bool store_write(struct store_path path, const char *value)
{
    char answer[STORE_VALUE];

    return ask(WRITE, path, true, value, strlen(value), answer);
}

#define TOKEN "await"

bool store_await(struct store_path path, bool (*wanted)(const char *value), unsigned long patience_ns)
{
    uint64_t deadline = clock_monotonic_ns() + patience_ns;
    char value[STORE_VALUE];
    struct message event;
    bool good;

    /* An event that comes before an answer told of nothing newer than the answer. */
    if (!ask(WATCH, path, true, TOKEN, sizeof TOKEN, value))
        return false;
    while (!(good = store_read(path, value) && wanted(value)) && comes(deadline))
        receive(&event, value);
    ask(UNWATCH, path, true, TOKEN, sizeof TOKEN, value);
    return good;
}
