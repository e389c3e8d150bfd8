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

/* Goes to the first device on the bus, and from one to the next, in the order of their numbers; false if there is
   none. */
bool pci_first(struct pci_device *device);
bool pci_next(struct pci_device *device);

/* What the device is: its vendor in the low half. */
uint32_t pci_identity(const struct pci_device *device);

/* Gives the device memory if the firmware did not, and lets it use the bus. */
void pci_start(const struct pci_device *device);

/* The next capability of a kind behind `after` (0: from the start). */
pci_capability pci_find_capability(const struct pci_device *device, uint8_t kind, pci_capability after);

/* The memory behind a base address register, or NULL. */
volatile void *pci_memory(const struct pci_device *device, uint8_t bar);

/* Lets interrupt 0 of the device's MSI-X table reach the processor as `vector`; false if it has none. */
bool pci_route_interrupt(const struct pci_device *device, uint8_t vector);

#endif
