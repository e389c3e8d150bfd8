/* Devices on the first PCI bus. */
#ifndef PCI_H
#define PCI_H

#include <stdbool.h>
#include <stdint.h>

/* Where device memory may lie; memory.c maps all of it. */
#define PCI_WINDOW_START 0xe0000000ul
#define PCI_WINDOW_END 0xfec00000ul

struct pci_device {
    uint32_t address; /* of its configuration space */
};

/* A capability in configuration space; 0 at the end of the list. */
typedef uint8_t pci_capability;

uint32_t pci_read(const struct pci_device *device, uint8_t offset);
void pci_write(const struct pci_device *device, uint8_t offset, uint32_t value);

/* Finds the first device with one of two identities (vendor in the low half), gives it memory if the firmware did
   not, and lets it use the bus. */
bool pci_start(struct pci_device *device, uint32_t identity, uint32_t other_identity);

/* The next capability of a kind behind `after` (0: from the start). */
pci_capability pci_find_capability(const struct pci_device *device, uint8_t kind, pci_capability after);

/* The memory behind a base address register, or NULL. */
volatile void *pci_memory(const struct pci_device *device, uint8_t bar);

/* Lets interrupt 0 of the device's MSI-X table reach the processor as `vector`; false if it has none. */
bool pci_route_interrupt(const struct pci_device *device, uint8_t vector);

#endif
