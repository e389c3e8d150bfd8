/* What the hypervisor hands over: Xen's public/arch-x86/hvm/start_info.h, version 1. */
#ifndef BOOT_INFO_H
#define BOOT_INFO_H

#include <stdint.h>

#define START_INFO_MAGIC 0x336ec578u
#define MEMORY_RAM 1u

struct start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t module_count;
    uint64_t modules;
    uint64_t command_line;
    uint64_t rsdp;
    uint64_t memory_map;
    uint32_t memory_map_count;
    uint32_t reserved;
};

struct memory_map_entry {
    uint64_t address;
    uint64_t size;
    uint32_t type;
    uint32_t reserved;
};

#endif
