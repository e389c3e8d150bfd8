/* A virtio device on PCI, version 1 ("modern"), driven by polling or by one interrupt. */
#ifndef VIRTIO_H
#define VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

#include "pci.h"

#define VIRTIO_QUEUE_SIZE 8

/* A split virtqueue: the specification's section 2.7. */
struct virtio_queue {
    struct {
        uint64_t address;
        uint32_t length;
        uint16_t flags, next;
    } descriptors[VIRTIO_QUEUE_SIZE] __attribute__((aligned(16)));
    struct {
        uint16_t flags, index, ring[VIRTIO_QUEUE_SIZE], used_event;
    } available;
    struct {
        volatile uint16_t flags, index;
        volatile struct {
            uint32_t descriptor, length;
        } ring[VIRTIO_QUEUE_SIZE];
        uint16_t available_event;
    } used __attribute__((aligned(4)));
    uint16_t seen; /* how much of `used` has been looked at */
    volatile uint16_t *notify;
    uint16_t number;
};

struct virtio_device {
    struct pci_device pci;
    volatile struct virtio_common *common;
    volatile char *notify;
    uint32_t notify_multiplier;
};

/* Finds a device by its virtio type, resets it, and agrees on VIRTIO_F_VERSION_1 and those of `features` (the first 32)
   that it offers; they are in `features` afterwards. */
bool virtio_start(struct virtio_device *device, uint16_t type, uint32_t *features);

/* Sets up a queue; `interrupt` says whether the device's interrupt tells of used buffers. */
bool virtio_start_queue(struct virtio_device *device, struct virtio_queue *queue, uint16_t number, bool interrupt);

/* The queues are ready: the device may begin. */
void virtio_run(struct virtio_device *device);

/* Gives the device a buffer, to be read or to be written by it. */
void virtio_give(struct virtio_queue *queue, uint16_t descriptor, const void *bytes, uint32_t length, bool writable);

/* Tells the device of what was given. */
void virtio_kick(struct virtio_queue *queue);

/* Takes back a buffer that the device has used: which, and how much it wrote; false if there is none. */
bool virtio_take(struct virtio_queue *queue, uint16_t *descriptor, uint32_t *length);

#endif
