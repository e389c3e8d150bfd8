/* Page tables as in the AMD64 manual, volume 2, chapter 5. */
#include "memory.h"

#include <elf.h>
#include <string.h>

#include "board.h"
#include "machine.h"
#include "panic.h"

#define ENTRIES_MOST 64 /* of the map of memory; more are not looked at */
#define LARGE_PAGE (2ul << 20)
#define LOW_MEMORY (1ul << 20)  /* below it: firmware */
#define STACK_TOP 0x8000000000ul
#define STACK_MOST (8ul << 20)
#define STACK_FIRST_PAGES 4
#define GUARD_SIZE (64ul << 10) /* below the stack: more than the largest frame that is not probed */

enum page_bits { PRESENT = 1, WRITABLE = 2, UNCACHED = 0x18, LARGE = 0x80 };
#define NO_EXECUTE (1ul << 63)
#define ADDRESS_MASK 0x000ffffffffff000ul
#define TABLE_ENTRIES 512

extern const Elf64_Ehdr __ehdr_start;
extern char _end[];
extern char system_call_stack_guard[], exception_stack_guard[];

static uint64_t *top_table;

/* One bit a page of physical memory: is it taken (or no RAM)? */
static uint64_t *taken;
static size_t page_count;
static size_t search_start; /* no free page below it */

static uintptr_t round_up(uintptr_t n, uintptr_t unit)
{
    return (n + unit - 1) & ~(unit - 1);
}

static bool is_taken(size_t page)
{
    return taken[page / 64] >> (page % 64) & 1;
}

static void mark(size_t page, size_t count, bool value)
{
    for (; count > 0; page++, count--)
        if (value)
            taken[page / 64] |= 1ul << (page % 64);
        else
            taken[page / 64] &= ~(1ul << (page % 64));
}

/* The first run of `count` free pages, or page_count. */
static size_t find_free(size_t count)
{
    size_t run = 0;

    for (size_t page = search_start; page < page_count; page++) {
        if (page % 64 == 0 && taken[page / 64] == ~0ul) {
            run = 0;
            page += 63;
        } else if (is_taken(page)) {
            run = 0;
        } else if (++run == count) {
            return page + 1 - count;
        }
    }
    return page_count;
}

size_t memory_size(void)
{
    return page_count * PAGE_SIZE;
}

void *pages_allocate(size_t size)
{
    size_t count = round_up(size, PAGE_SIZE) / PAGE_SIZE;
    size_t page = count == 0 || count > page_count ? page_count : find_free(count);

    if (page == page_count)
        return NULL;
    mark(page, count, true);
    if (page == search_start)
        search_start = page + count;
    return memset((void *)(page * PAGE_SIZE), 0, count * PAGE_SIZE);
}

void pages_free(void *start, size_t size)
{
    size_t page = (uintptr_t)start / PAGE_SIZE;

    mark(page, round_up(size, PAGE_SIZE) / PAGE_SIZE, false);
    if (page < search_start)
        search_start = page;
}

void *pages_resize(void *start, size_t old_size, size_t new_size)
{
    size_t old_end = ((uintptr_t)start + round_up(old_size, PAGE_SIZE)) / PAGE_SIZE;
    size_t new_end = ((uintptr_t)start + round_up(new_size, PAGE_SIZE)) / PAGE_SIZE;
    size_t free_end = old_end;

    if (new_size > page_count * PAGE_SIZE)
        return NULL;
    if (new_end <= old_end) {
        if (new_end < old_end)
            pages_free((void *)(new_end * PAGE_SIZE), (old_end - new_end) * PAGE_SIZE);
        return start;
    }
    while (free_end < new_end && free_end < page_count && !is_taken(free_end))
        free_end++;
    if (free_end == new_end) {
        mark(old_end, new_end - old_end, true);
        memset((void *)(old_end * PAGE_SIZE), 0, (new_end - old_end) * PAGE_SIZE);
        return start;
    }
    void *moved = pages_allocate(new_size);
    if (moved != NULL) {
        memcpy(moved, start, old_size);
        pages_free(start, old_size);
    }
    return moved;
}

/* The table behind an entry. One that maps a large page is split into a table of small ones. */
static uint64_t *next_table(uint64_t *entry)
{
    if (!(*entry & PRESENT) || *entry & LARGE) {
        uint64_t *table = pages_allocate(PAGE_SIZE);
        if (table == NULL)
            panic("out of memory: no page for the page tables");
        for (uint64_t i = 0; *entry & LARGE && i < TABLE_ENTRIES; i++)
            table[i] = (*entry & ~(uint64_t)LARGE) + i * PAGE_SIZE;
        *entry = (uintptr_t)table | PRESENT | WRITABLE;
    }
    return (uint64_t *)(*entry & ADDRESS_MASK);
}

static void map(uintptr_t address, uintptr_t physical, size_t size, uint64_t bits)
{
    uintptr_t end = address + size;

    while (address < end) {
        uint64_t *table = next_table(&top_table[address >> 39 & 511]);
        uint64_t *entry = &next_table(&table[address >> 30 & 511])[address >> 21 & 511];
        size_t step = LARGE_PAGE;
        if ((address | physical) % LARGE_PAGE == 0 && end - address >= LARGE_PAGE) {
            *entry = physical | bits | LARGE | PRESENT;
        } else {
            step = PAGE_SIZE;
            next_table(entry)[address >> 12 & 511] = physical | bits | PRESENT;
        }
        address += step;
        physical += step;
    }
}

void memory_map(uintptr_t start, size_t size, bool cached)
{
    map(start, start, size, WRITABLE | NO_EXECUTE | (cached ? 0 : UNCACHED));
}

static void unmap_page(void *page)
{
    uintptr_t address = (uintptr_t)page;
    uint64_t *table = next_table(&top_table[address >> 39 & 511]);
    uint64_t *entry = &next_table(&table[address >> 30 & 511])[address >> 21 & 511];

    next_table(entry)[address >> 12 & 511] = 0;
}

static const Elf64_Phdr *segments(void)
{
    return (const Elf64_Phdr *)((uintptr_t)&__ehdr_start + __ehdr_start.e_phoff);
}

static void map_image(void)
{
    for (int i = 0; i < __ehdr_start.e_phnum; i++) {
        const Elf64_Phdr *segment = &segments()[i];
        uintptr_t start = segment->p_vaddr & ~(PAGE_SIZE - 1);
        uintptr_t end = round_up(segment->p_vaddr + segment->p_memsz, PAGE_SIZE);
        uint64_t bits = (segment->p_flags & PF_W ? WRITABLE : 0) | (segment->p_flags & PF_X ? 0 : NO_EXECUTE);
        if (segment->p_type == PT_LOAD)
            map(start, start, end - start, bits);
    }
}

void memory_start(const struct start_info *info)
{
    static struct memory_map_entry entries[ENTRIES_MOST];
    uint32_t count = info->memory_map_count < ENTRIES_MOST ? info->memory_map_count : ENTRIES_MOST;
    uintptr_t image_start = (uintptr_t)&__ehdr_start;
    uintptr_t image_end = round_up((uintptr_t)_end, PAGE_SIZE);
    uintptr_t top = 0;

    /* Where the map lies, memory is about to count as free. */
    memcpy(entries, (const void *)info->memory_map, count * sizeof *entries);
    for (uint32_t i = 0; i < count; i++)
        if (entries[i].type == MEMORY_RAM && entries[i].address + entries[i].size > top)
            top = entries[i].address + entries[i].size;
    page_count = top / PAGE_SIZE;
    taken = (uint64_t *)image_end;
    size_t taken_size = round_up(page_count / 8 + 8, PAGE_SIZE);
    if (image_end + taken_size + (1ul << 20) > top)
        panic("out of memory: the image does not fit; give the guest more");

    memset(taken, 0xff, taken_size);
    for (uint32_t i = 0; i < count; i++) {
        uintptr_t start = round_up(entries[i].address, PAGE_SIZE);
        uintptr_t end = (entries[i].address + entries[i].size) & ~(PAGE_SIZE - 1);
        if (start < LOW_MEMORY)
            start = LOW_MEMORY;
        if (entries[i].type == MEMORY_RAM && start < end)
            mark(start / PAGE_SIZE, (end - start) / PAGE_SIZE, false);
    }
    mark(image_start / PAGE_SIZE, (image_end + taken_size - image_start) / PAGE_SIZE, true);
    /* Tables must lie where boot.S has mapped memory. */
    search_start = LOW_MEMORY / PAGE_SIZE;

    top_table = pages_allocate(PAGE_SIZE);
    for (uint32_t i = 0; i < count; i++) {
        uintptr_t start = round_up(entries[i].address, PAGE_SIZE);
        uintptr_t end = (entries[i].address + entries[i].size) & ~(PAGE_SIZE - 1);
        if (start < LOW_MEMORY)
            start = LOW_MEMORY;
        if (entries[i].type != MEMORY_RAM || start >= end)
            continue;
        if (start <= image_start && image_start < end) {
            map(start, start, image_start - start, WRITABLE | NO_EXECUTE);
            start = image_end;
        }
        map(start, start, end - start, WRITABLE | NO_EXECUTE);
    }
    map_image();
    unmap_page(system_call_stack_guard);
    unmap_page(exception_stack_guard);
    board_map();
    for (uintptr_t i = 1; i <= STACK_FIRST_PAGES; i++)
        if (!stack_grow(STACK_TOP - i * PAGE_SIZE))
            panic("out of memory: no pages for the stack");
    __asm__ volatile("mov %0, %%cr3" : : "r"(top_table) : "memory");
}

void *memory_stack_top(void)
{
    return (void *)STACK_TOP;
}

size_t stack_limit(void)
{
    size_t quarter = page_count / 4 * PAGE_SIZE;
    return quarter < STACK_MOST ? quarter : STACK_MOST;
}

bool stack_grow(uintptr_t address)
{
    if (address < STACK_TOP - stack_limit() || address >= STACK_TOP)
        return false;
    void *page = pages_allocate(PAGE_SIZE);
    if (page == NULL)
        return false;
    map(address & ~(PAGE_SIZE - 1), (uintptr_t)page, PAGE_SIZE, WRITABLE | NO_EXECUTE);
    return true;
}

static bool is_on_page(uintptr_t address, const char *page)
{
    return address / PAGE_SIZE == (uintptr_t)page / PAGE_SIZE;
}

enum place memory_place(uintptr_t address)
{
    if (address < PAGE_SIZE)
        return PLACE_NULL_PAGE;
    if (address >= STACK_TOP - stack_limit() && address < STACK_TOP)
        return PLACE_STACK;
    if (address >= STACK_TOP - stack_limit() - GUARD_SIZE && address < STACK_TOP)
        return PLACE_STACK_GUARD;
    if (is_on_page(address, system_call_stack_guard) || is_on_page(address, exception_stack_guard))
        return PLACE_STACK_GUARD;
    for (int i = 0; i < __ehdr_start.e_phnum; i++) {
        const Elf64_Phdr *segment = &segments()[i];
        if (segment->p_type != PT_LOAD || address < segment->p_vaddr
            || address >= round_up(segment->p_vaddr + segment->p_memsz, PAGE_SIZE))
            continue;
        return segment->p_flags & PF_X ? PLACE_CODE : segment->p_flags & PF_W ? PLACE_DATA : PLACE_CONSTANTS;
    }
    return address / PAGE_SIZE < page_count && address >= LOW_MEMORY ? PLACE_DATA : PLACE_NOWHERE;
}
