#include "ring.h"

#include <stddef.h>

#include "memory.h"
#include "xen.h"

void *ring_start(struct ring *ring, uint32_t size)
{
    struct ring_page *page = pages_allocate(PAGE_SIZE);

    if (page == NULL)
        return NULL;
    page->requests_event = page->answers_event = 1;
    *ring = (struct ring){.page = page, .size = size};
    return page->places;
}

bool ring_publish(struct ring *ring)
{
    uint32_t seen = ring->page->requests_given;

    order_memory();
    ring->page->requests_given = ring->given;
    __sync_synchronize(); /* the backend sees them before it is known whether it looks */
    return ring->given - ring->page->requests_event < ring->given - seen;
}

uint32_t ring_take(struct ring *ring)
{
    order_memory();
    return ring->taken++ % ring->size;
}

bool ring_expect(struct ring *ring, uint32_t seen)
{
    ring->page->answers_event = seen + 1;
    __sync_synchronize(); /* the backend sees that before it is known whether there is one */
    return ring->page->answers_given != seen;
}
