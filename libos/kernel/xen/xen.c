#include "xen.h"

#include <stddef.h>

#include "machine.h"
#include "memory.h"

/* arch-x86/cpuid.h: the leaves begin at one of these, where another hypervisor's interface is offered first. */
#define FIRST_LEAF 0x40000000u
#define LAST_LEAF 0x40010000u
#define LEAF_STEP 0x100u

#define ADD_TO_PHYSMAP 7
#define GET_PARAM 1

extern const char hypercall_page[];

struct physmap {
    uint16_t domain, size;
    uint32_t space;
    uint64_t index, frame;
};

struct hvm_parameter {
    uint16_t domain, pad;
    uint32_t index;
    uint64_t value;
};

static uint32_t find_leaves(void)
{
    for (uint32_t leaf = FIRST_LEAF; leaf < LAST_LEAF; leaf += LEAF_STEP) {
        struct cpuid found = cpuid(leaf);
        if (found.ebx == 0x566e6558 && found.ecx == 0x65584d4d && found.edx == 0x4d4d566e) /* XenVMMXenVMM */
            return leaf;
    }
    return 0;
}

bool xen_start(void)
{
    uint32_t leaf = find_leaves();

    if (leaf == 0)
        return false;
    write_msr(cpuid(leaf + 2).ebx, (uintptr_t)hypercall_page);
    return xen_map(SHARED_INFO, 0, (const void *)&xen_shared);
}

uint64_t xen_parameter(enum parameter index)
{
    struct hvm_parameter parameter = {.domain = THIS_DOMAIN, .index = index};

    return hypercall(HVM_OP, GET_PARAM, &parameter) == 0 ? parameter.value : 0;
}

bool xen_map(enum space space, uint64_t index, const void *page)
{
    struct physmap map = {.domain = THIS_DOMAIN, .space = space, .index = index, .frame = (uintptr_t)page / PAGE_SIZE};

    return hypercall(MEMORY_OP, ADD_TO_PHYSMAP, &map) == 0;
}
