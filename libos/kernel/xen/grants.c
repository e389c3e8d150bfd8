#include "grants.h"

#include <stddef.h>

#include "memory.h"
#include "xen.h"

#define TABLE_PAGES 64 /* as many as Xen gives a guest unless told otherwise */
#define PAGE_ENTRIES (PAGE_SIZE / sizeof(struct entry))
#define RESERVED 8 /* the first are the tools' */
#define PERMIT_ACCESS 1

struct entry {
    uint16_t flags, domain;
    uint32_t frame;
};

static volatile struct entry *table[TABLE_PAGES];
static grant next = RESERVED;

static volatile struct entry *entry_of(grant number)
{
    size_t page = number / PAGE_ENTRIES;

    if (page >= TABLE_PAGES)
        return NULL;
    if (table[page] == NULL) {
        void *memory = pages_allocate(PAGE_SIZE);
        if (memory == NULL || !xen_map(GRANT_TABLE, page, memory))
            return NULL;
        table[page] = memory;
    }
    return &table[page][number % PAGE_ENTRIES];
}

grant grant_page(uint16_t domain, const void *page)
{
    volatile struct entry *entry = entry_of(next);

    if (entry == NULL)
        return 0;
    entry->domain = domain;
    entry->frame = (uintptr_t)page / PAGE_SIZE;
    order_memory(); /* Xen looks at the rest when this is set */
    entry->flags = PERMIT_ACCESS;
    return next++;
}
