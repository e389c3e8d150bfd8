/* Physical pages, the address space, and the program's stack. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot_info.h"

#define PAGE_SIZE 4096ul

/* Takes the memory over: from here on the image has the rights that its segments ask for (none both writable
   and executable), page 0 and the pages below stacks are unmapped, and all other RAM is mapped one to one,
   neither executable nor, until allocated, used. */
void memory_start(const struct start_info *info);

/* Maps what is not RAM one to one, readable and writable. For board_map. */
void memory_map(uintptr_t start, size_t size, bool cached);

/* Where the highest RAM ends: about how much there is, in bytes. */
size_t memory_size(void);

/* `size` bytes of zeroed, contiguous memory at a page's start, or NULL. Physical address = address. */
void *pages_allocate(size_t size);
void pages_free(void *start, size_t size);

/* Grows or shrinks an allocation, moving it if need be; NULL if there is no room. */
void *pages_resize(void *start, size_t old_size, size_t new_size);

/* Where the program's stack begins, growing down. */
void *memory_stack_top(void);

/* The most that the program's stack may take: 8 MiB, or a quarter of a small memory. */
size_t stack_limit(void);

/* True if a page of the program's stack was missing at this address and is there now; false also where
   memory has run out, which the program then meets as a stack overflow. */
bool stack_grow(uintptr_t address);

enum place { PLACE_NULL_PAGE, PLACE_STACK, PLACE_STACK_GUARD, PLACE_CODE, PLACE_CONSTANTS, PLACE_DATA, PLACE_NOWHERE };

/* What lies at an address, for messages. */
enum place memory_place(uintptr_t address);

#endif
