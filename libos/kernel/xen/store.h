/* XenStore, a tree of texts that all domains share: io/xs_wire.h and docs/misc/xenstore.txt. Paths that do not begin with
   a slash are the domain's own. */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>

/* A path in two parts, with a slash between them. */
struct store_path {
    const char *folder, *name;
};

/* The longest value, its ending zero byte included. */
#define STORE_VALUE 256

/* Reads a value, as a text; false if there is none. */
bool store_read(struct store_path path, char value[STORE_VALUE]);

/* Writes a value; false if that is not allowed. */
bool store_write(struct store_path path, const char *value);

/* Waits until `wanted` says yes to a value, asked now and whenever it has changed; false if it did not in time. */
bool store_await(struct store_path path, bool (*wanted)(const char *value), unsigned long patience_ns);

#endif
