#include "bus.h"

#include <stddef.h>
#include <string.h>

#include "format.h"

#define PATIENCE_NS 10000000000ul
#define CLOSING_NS 1000000000ul

static struct frontend *connected; /* `next` leads on */

uint64_t bus_number(const char *text)
{
    uint64_t number = 0;

    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (*text - '0');
    return number;
}

bool bus_write(const struct frontend *frontend, const char *name, const char *value)
{
    return store_write((struct store_path){frontend->home, name}, value);
}

bool bus_tell(const struct frontend *frontend, const char *name, uint64_t number)
{
    struct text text = {.length = 0};

    text_add_decimal(&text, number);
    return bus_write(frontend, name, text_string(&text));
}

bool bus_read(const struct frontend *frontend, const char *name, char value[STORE_VALUE])
{
    return store_read((struct store_path){frontend->home, name}, value);
}

uint64_t bus_asked(const struct frontend *frontend, const char *name, uint64_t otherwise)
{
    char value[STORE_VALUE];

    return store_read((struct store_path){frontend->back, name}, value) ? bus_number(value) : otherwise;
}

bool bus_find(struct frontend *frontend, const char *kind, uint32_t number)
{
    struct text home = {.length = 0};
    char value[STORE_VALUE];

    text_add(&home, "device/");
    text_add(&home, kind);
    text_add(&home, "/");
    text_add_decimal(&home, number);
    strcpy(frontend->home, text_string(&home));
    if (!bus_read(frontend, "backend-id", value))
        return false;
    frontend->domain = bus_number(value);
    if (!bus_read(frontend, "backend", value) || strlen(value) >= sizeof frontend->back)
        return false;
    strcpy(frontend->back, value);
    return true;
}

static bool is_ready(const char *state)
{
    return bus_number(state) >= BUS_WAITS && bus_number(state) <= BUS_CONNECTED;
}

static bool is_connected(const char *state)
{
    return bus_number(state) == BUS_CONNECTED;
}

static bool is_closing(const char *state)
{
    return bus_number(state) >= BUS_CLOSING;
}

static bool await(struct frontend *frontend, bool (*wanted)(const char *), uint64_t patience_ns)
{
    return store_await((struct store_path){frontend->back, "state"}, wanted, patience_ns);
}

bool bus_await_backend(struct frontend *frontend)
{
    return await(frontend, is_ready, PATIENCE_NS);
}

bool bus_tell_port(struct frontend *frontend)
{
    frontend->port = event_open(frontend->domain);
    return frontend->port != 0 && bus_tell(frontend, "event-channel", frontend->port);
}

bool bus_tell_ring(struct frontend *frontend, const char *name, const struct ring *ring)
{
    grant number = grant_page(frontend->domain, (const void *)ring->page);

    return number != 0 && bus_tell(frontend, name, number);
}

bool bus_connect(struct frontend *frontend, enum bus_state state)
{
    if (!bus_tell(frontend, "state", state) || !await(frontend, is_connected, PATIENCE_NS))
        return false;
    event_expect(frontend->port);
    frontend->next = connected;
    connected = frontend;
    return state == BUS_CONNECTED || bus_tell(frontend, "state", BUS_CONNECTED);
}

void bus_close(void)
{
    for (struct frontend *frontend = connected; frontend != NULL; frontend = frontend->next) {
        bus_tell(frontend, "state", BUS_CLOSING);
        await(frontend, is_closing, CLOSING_NS);
        bus_tell(frontend, "state", BUS_CLOSED);
    }
}
