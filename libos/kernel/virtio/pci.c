/* PCI Local Bus Specification 3.0: configuration mechanism 1, base address registers, capabilities, MSI-X. */
#include "pci.h"

#include <stddef.h>

#include "machine.h"

#define ADDRESS_PORT 0xcf8
#define DATA_PORT 0xcfc
#define DEVICES 32
#define ENABLE (1u << 31)
#define NUMBER_SHIFT 11
#define NOBODY (~0u)

enum offset { IDENTITY = 0x00, COMMAND = 0x04, BAR_FIRST = 0x10, CAPABILITIES = 0x34 };
#define COMMAND_MEMORY_AND_MASTER 6
#define STATUS_CAPABILITIES (1u << 20)
#define BAR_COUNT 6
#define BAR_IO 1u
#define BAR_KIND 6u
#define BAR_64 4u
#define BAR_FLAGS 15u

#define MSIX 0x11
#define MSIX_ENABLE (1u << 31)
#define LOCAL_APIC_MESSAGES 0xfee00000u

uint32_t pci_read(const struct pci_device *device, uint8_t offset)
{
    out32(ADDRESS_PORT, device->address | offset);
    return in32(DATA_PORT);
}

void pci_write(const struct pci_device *device, uint8_t offset, uint32_t value)
{
    out32(ADDRESS_PORT, device->address | offset);
    out32(DATA_PORT, value);
}

/* Firmware such as qboot leaves base address registers empty. */
static void assign_memory(const struct pci_device *device)
{
    static uintptr_t next = PCI_WINDOW_START;

    for (uint8_t bar = 0; bar < BAR_COUNT; bar++) {
        uint8_t offset = BAR_FIRST + 4 * bar;
        uint32_t found = pci_read(device, offset);
        if (found & BAR_IO)
            continue;
        pci_write(device, offset, ~0u);
        uint32_t size = ~(pci_read(device, offset) & ~BAR_FLAGS) + 1;
        if (size != 0 && (found & ~BAR_FLAGS) == 0) {
            next = (next + size - 1) & ~(uintptr_t)(size - 1);
            found = next;
            next += size;
        }
        pci_write(device, offset, found);
        if ((found & BAR_KIND) == BAR_64 || (pci_read(device, offset) & BAR_KIND) == BAR_64)
            bar++; /* the upper half stays as it is: 0 */
    }
}

void pci_start(const struct pci_device *device)
{
    assign_memory(device);
    pci_write(device, COMMAND, COMMAND_MEMORY_AND_MASTER);
}

uint32_t pci_identity(const struct pci_device *device)
{
    return pci_read(device, IDENTITY);
}

static bool find_from(struct pci_device *device, uint32_t number)
{
    for (; number < DEVICES; number++) {
        device->address = ENABLE | number << NUMBER_SHIFT;
        if (pci_identity(device) != NOBODY)
            return true;
    }
    return false;
}

bool pci_first(struct pci_device *device)
{
    return find_from(device, 0);
}

bool pci_next(struct pci_device *device)
{
    return find_from(device, ((device->address & ~ENABLE) >> NUMBER_SHIFT) + 1);
}

pci_capability pci_find_capability(const struct pci_device *device, uint8_t kind, pci_capability after)
{
    pci_capability next;

    if (!(pci_read(device, COMMAND) & STATUS_CAPABILITIES))
        return 0;
    next = after == 0 ? pci_read(device, CAPABILITIES) & 0xfc : pci_read(device, after) >> 8 & 0xfc;
    while (next != 0 && (pci_read(device, next) & 0xff) != kind)
        next = pci_read(device, next) >> 8 & 0xfc;
    return next;
}

volatile void *pci_memory(const struct pci_device *device, uint8_t bar)
{
    uint32_t low = pci_read(device, BAR_FIRST + 4 * bar);
    uintptr_t start = low & ~BAR_FLAGS;

    if (low & BAR_IO || ((low & BAR_KIND) == BAR_64 && pci_read(device, BAR_FIRST + 4 * bar + 4) != 0)
        || start < PCI_WINDOW_START || start >= PCI_WINDOW_END)
        return NULL;
    return (volatile void *)start;
}

bool pci_route_interrupt(const struct pci_device *device, uint8_t vector)
{
    pci_capability msix = pci_find_capability(device, MSIX, 0);

    if (msix == 0)
        return false;
    uint32_t place = pci_read(device, msix + 4);
    volatile char *memory = pci_memory(device, place & 7);
    if (memory == NULL)
        return false;
    volatile uint32_t *entry = (volatile uint32_t *)(memory + (place & ~7u));
    entry[0] = LOCAL_APIC_MESSAGES;
    entry[1] = 0;
    entry[2] = vector;
    entry[3] = 0; /* not masked */
    pci_write(device, msix, pci_read(device, msix) | MSIX_ENABLE);
    return true;
}
