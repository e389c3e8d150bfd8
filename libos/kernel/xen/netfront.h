/* The frontend of a network interface of Xen's: io/netif.h. Frames go through pages that the backend may use for good, and
   are copied: a buffer of OCaml's begins anywhere in one, and shares it with others. */
#ifndef NETFRONT_H
#define NETFRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus.h"
#include "memory.h"
#include "ring.h"

#define ROOM 128  /* buffers of OCaml's */
#define PAGES 128 /* each way */

/* Before each frame in a buffer: where its checksum begins and goes, as platform/net.mli has it. */
struct header {
    uint16_t unused[3], checksum_start, checksum_offset;
};

/* A buffer of OCaml's: to receive into, or with a frame that waits for room on the ring. */
struct buffer {
    uint16_t number;
    uint32_t length;
    char *bytes;
    uint64_t work;
};

/* First in, first out. */
struct queue {
    uint32_t given, taken;
    struct buffer buffers[ROOM];
};

struct pages {
    char (*bytes)[PAGE_SIZE];
    grant grants[PAGES];
};

struct interface {
    struct frontend frontend;
    struct ring receive, send;
    union receive_place *receive_places;
    union send_place *send_places;
    struct pages receive_pages, send_pages;
    struct queue offered; /* to receive into */
    struct queue waiting; /* to be sent */
    struct queue done;    /* sent */
    uint32_t seen;        /* how much of what was received has been told of */
    uint16_t free[PAGES]; /* pages to send from */
    uint32_t free_count;
    uint32_t untold; /* frames that the backend was not told of */
};

static inline void push(struct queue *queue, struct buffer buffer)
{
    queue->buffers[queue->given++ % ROOM] = buffer;
}

static inline struct buffer pop(struct queue *queue)
{
    return queue->buffers[queue->taken++ % ROOM];
}

static inline bool is_empty(const struct queue *queue)
{
    return queue->given == queue->taken;
}

/* Finds interface `number` of the domain, and connects it; gives what is wrong, or NULL. */
const char *netfront_start(struct interface *net, int number);

/* What it is called on its network; false if it has no address. */
bool netfront_mac(const struct interface *net, uint8_t mac[6]);
long netfront_mtu(const struct interface *net);

/* Copies the next frame into a buffer, and gives its pages back: its length, or 0 if it does not fit or is broken. Says
   whether its checksum needs no look, and whether it has to be finished. */
uint32_t netfront_take(struct interface *net, const struct buffer *buffer, bool *is_checked, bool *is_unfinished);

/* Copies what waits to the ring, as far as there is room. */
void netfront_send(struct interface *net);

#endif
