/* Rings of requests and answers, which share their places, on a page that a frontend and its backend share: io/ring.h.
   Who is told of what is said by the other: requests by requests_event, answers by answers_event. */
#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stdint.h>

struct ring_page {
    uint32_t requests_given, requests_event, answers_given, answers_event;
    uint8_t pad[48];
    uint8_t places[];
};

struct ring {
    volatile struct ring_page *page;
    uint32_t size;  /* places, a power of two */
    uint32_t given; /* requests, those included that the backend cannot see yet */
    uint32_t taken; /* answers */
};

/* Makes an empty ring, on a page of its own; gives its places, or NULL if there is no memory. */
void *ring_start(struct ring *ring, uint32_t size);

/* The place of the next request. */
static inline uint32_t ring_next(struct ring *ring)
{
    return ring->given++ % ring->size;
}

/* Lets the backend see all requests. True if it is to be told. */
bool ring_publish(struct ring *ring);

static inline bool ring_has_answer(const struct ring *ring)
{
    return ring->page->answers_given != ring->taken;
}

/* The place of the next answer, of which there is one. */
uint32_t ring_take(struct ring *ring);

/* Has the backend tell of the answer behind so many. True if that has come already. */
bool ring_expect(struct ring *ring, uint32_t seen);

#endif
