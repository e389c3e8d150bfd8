/* A virtio device on PCI, version 1 ("modern"), driven by polling or by one interrupt. */
#ifndef VIRTIO_H
#define VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

#include "pci.h"

enum virtio_type { VIRTIO_NETWORK = 1, VIRTIO_BLOCK = 2, VIRTIO_CONSOLE = 3 };

struct virtio_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

struct virtio_available {
    uint16_t flags, index, ring[];
};

struct virtio_used {
    volatile uint16_t flags, index;
    volatile struct {
        uint32_t descriptor, length;
    } ring[];
};

/* Where the used ring begins in the memory of a queue, and how much memory that is, at a multiple of 16: the
   specification's section 2.6. */
#define VIRTIO_QUEUE_USED(size) ((16 * (size) + 6 + 2 * (size) + 3) / 4 * 4)
#define VIRTIO_QUEUE_BYTES(size) ((VIRTIO_QUEUE_USED(size) + 6 + 8 * (size) + 15) / 16 * 16)

/* A split virtqueue. */
struct virtio_queue {
    struct virtio_descriptor *descriptors;
    struct virtio_available *available;
    struct virtio_used *used;
    uint16_t size; /* a power of 2 */
    uint16_t seen; /* how much of `used` has been looked at */
    volatile uint16_t *notify;
    uint16_t number;
    bool put_off; /* by virtio_kick_soon; `next` leads on */
    struct virtio_queue *next;
};

struct virtio_device {
    struct pci_device pci;
    volatile struct virtio_common *common;
    volatile char *notify;
    uint32_t notify_multiplier;
};

/* Finds the console device. */
bool virtio_find_console(struct virtio_device *device);

/* Finds a device by its place among the block and network devices, which count from 0 in their order on the bus;
   false if there is none. */
bool virtio_find(struct virtio_device *device, unsigned place, enum virtio_type *type);

/* Resets a device that was found, and agrees on VIRTIO_F_VERSION_1 and those of `features` (the first 32) that it
   offers; they are in `features` afterwards. */
bool virtio_start(struct virtio_device *device, uint32_t *features);

/* Copies the first bytes of what the device tells of itself in its own structure. */
bool virtio_configuration(const struct virtio_device *device, void *bytes, uint8_t length);

/* Sets up a queue in `memory`, which is zeroed; `interrupt` says whether the device's interrupt tells of used
   buffers. */
bool virtio_start_queue(struct virtio_device *device, struct virtio_queue *queue, uint16_t number, uint16_t size,
                        void *memory, bool interrupt);

/* The queues are ready: the device may begin. */
void virtio_run(struct virtio_device *device);

/* Makes a descriptor stand for a buffer, to be read or to be written by the device. */
void virtio_describe(struct virtio_queue *queue, uint16_t descriptor, const void *bytes, uint32_t length,
                     bool writable);

/* Lets the buffer of another descriptor follow. */
void virtio_chain(struct virtio_queue *queue, uint16_t descriptor, uint16_t next);

/* Whether the buffer of another descriptor follows: that of `next`. */
bool virtio_chained(const struct virtio_queue *queue, uint16_t descriptor);

/* Gives the device the buffers that begin with a descriptor. */
void virtio_give(struct virtio_queue *queue, uint16_t descriptor);

/* Tells the device of what was given. */
void virtio_kick(struct virtio_queue *queue);

/* Tells the device when the program next waits: once, whatever is given until then. */
void virtio_kick_soon(struct virtio_queue *queue);

/* Tells the devices for which that was put off. Called whenever the program waits. */
void virtio_kick_put_off(void);

/* Whether the device asks to be told: while it is at work it does not. */
bool virtio_wants_kick(const struct virtio_queue *queue);

/* Whether the device's interrupt is to tell of used buffers from now on. */
void virtio_interrupts(struct virtio_queue *queue, bool wanted);

/* Whether the device has used more than was taken back. */
bool virtio_has_used(const struct virtio_queue *queue);

/* Takes back what the device has used: its first descriptor, and how much it wrote; false if there is none. */
bool virtio_take(struct virtio_queue *queue, uint16_t *descriptor, uint32_t *length);

#endif
