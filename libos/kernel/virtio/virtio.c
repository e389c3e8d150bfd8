/* Virtual I/O Device (VIRTIO) Version 1.1, sections 2.6, 3.1 and 4.1. */
#include "virtio.h"

#include <stddef.h>

#include "machine.h"

#define VENDOR 0x1af4
#define MODERN_FIRST 0x1040 /* device identity: this plus the type */
#define VENDOR_CAPABILITY 0x09
#define NO_VECTOR 0xffff
#define VERSION_1 1u /* feature 32 */

enum structure { COMMON = 1, NOTIFY = 2, DEVICE = 4 };
enum transitional { TRANSITIONAL_NETWORK = 0x1000, TRANSITIONAL_BLOCK = 0x1001, TRANSITIONAL_CONSOLE = 0x1003 };
enum status { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
enum descriptor_flags { CHAINED = 1, WRITABLE = 2 };
enum ring_flags { NO_INTERRUPT = 1, NO_KICK = 1 };

struct virtio_common {
    uint32_t device_feature_select, device_feature, driver_feature_select, driver_feature;
    uint16_t config_vector, queue_count;
    uint8_t status, generation;
    uint16_t queue_select, queue_size, queue_vector, queue_enable, queue_notify_offset;
    /* 64 bits each, written as two halves */
    uint32_t queue_descriptors[2], queue_available[2], queue_used[2];
};

/* The type of a device on the bus; 0 if it is none of ours. */
static int type_of(const struct pci_device *pci)
{
    uint32_t identity = pci_identity(pci);

    if ((identity & 0xffff) != VENDOR)
        return 0;
    switch (identity >> 16) {
    case TRANSITIONAL_NETWORK:
    case MODERN_FIRST + VIRTIO_NETWORK:
        return VIRTIO_NETWORK;
    case TRANSITIONAL_BLOCK:
    case MODERN_FIRST + VIRTIO_BLOCK:
        return VIRTIO_BLOCK;
    case TRANSITIONAL_CONSOLE:
    case MODERN_FIRST + VIRTIO_CONSOLE:
        return VIRTIO_CONSOLE;
    }
    return 0;
}

bool virtio_find_console(struct virtio_device *device)
{
    for (bool there = pci_first(&device->pci); there; there = pci_next(&device->pci))
        if (type_of(&device->pci) == VIRTIO_CONSOLE)
            return true;
    return false;
}

bool virtio_find(struct virtio_device *device, unsigned place, enum virtio_type *type)
{
    for (bool there = pci_first(&device->pci); there; there = pci_next(&device->pci)) {
        int found = type_of(&device->pci);
        if ((found != VIRTIO_BLOCK && found != VIRTIO_NETWORK) || place-- > 0)
            continue;
        *type = found;
        return true;
    }
    return false;
}

static volatile char *find_structure(const struct pci_device *pci, enum structure kind, pci_capability *found)
{
    for (*found = 0; (*found = pci_find_capability(pci, VENDOR_CAPABILITY, *found)) != 0;) {
        if (pci_read(pci, *found) >> 24 != kind)
            continue;
        volatile char *memory = pci_memory(pci, pci_read(pci, *found + 4) & 0xff);
        return memory == NULL ? NULL : memory + pci_read(pci, *found + 8);
    }
    return NULL;
}

bool virtio_start(struct virtio_device *device, uint32_t *features)
{
    pci_capability capability;

    pci_start(&device->pci);
    device->common = (volatile void *)find_structure(&device->pci, COMMON, &capability);
    device->notify = find_structure(&device->pci, NOTIFY, &capability);
    if (device->common == NULL || device->notify == NULL)
        return false;
    device->notify_multiplier = pci_read(&device->pci, capability + 16);

    device->common->status = 0;
    while (device->common->status != 0)
        __asm__ volatile("pause");
    device->common->status = ACKNOWLEDGE | DRIVER;
    device->common->driver_feature_select = 1;
    device->common->driver_feature = VERSION_1;
    device->common->device_feature_select = 0;
    *features &= device->common->device_feature;
    device->common->driver_feature_select = 0;
    device->common->driver_feature = *features;
    device->common->status = ACKNOWLEDGE | DRIVER | FEATURES_OK;
    device->common->config_vector = NO_VECTOR;
    return device->common->status & FEATURES_OK;
}

bool virtio_configuration(const struct virtio_device *device, void *bytes, uint8_t length)
{
    pci_capability capability;
    volatile uint8_t *from = (volatile uint8_t *)find_structure(&device->pci, DEVICE, &capability);
    uint8_t *to = bytes, generation;

    if (from == NULL)
        return false;
    do {
        generation = device->common->generation;
        for (uint8_t i = 0; i < length; i++)
            to[i] = from[i];
    } while (generation != device->common->generation);
    return true;
}

static void set_address(volatile uint32_t *halves, const volatile void *address)
{
    halves[0] = (uint32_t)(uintptr_t)address;
    halves[1] = (uintptr_t)address >> 32;
}

bool virtio_start_queue(struct virtio_device *device, struct virtio_queue *queue, uint16_t number, uint16_t size,
                        void *memory, bool interrupt)
{
    volatile struct virtio_common *common = device->common;

    common->queue_select = number;
    if (common->queue_size < size)
        return false;
    queue->descriptors = memory;
    queue->available = (void *)(queue->descriptors + size);
    queue->used = (void *)((char *)memory + VIRTIO_QUEUE_USED(size));
    queue->size = size;
    queue->seen = 0;
    queue->number = number;
    queue->put_off = false;
    virtio_interrupts(queue, interrupt);
    common->queue_size = size;
    common->queue_vector = interrupt ? 0 : NO_VECTOR;
    set_address(common->queue_descriptors, queue->descriptors);
    set_address(common->queue_available, queue->available);
    set_address(common->queue_used, queue->used);
    queue->notify = (volatile uint16_t *)(device->notify + common->queue_notify_offset * device->notify_multiplier);
    common->queue_enable = 1;
    return true;
}

void virtio_run(struct virtio_device *device)
{
    device->common->status = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
}

void virtio_describe(struct virtio_queue *queue, uint16_t descriptor, const void *bytes, uint32_t length,
                     bool writable)
{
    queue->descriptors[descriptor].address = (uintptr_t)bytes;
    queue->descriptors[descriptor].length = length;
    queue->descriptors[descriptor].flags = writable ? WRITABLE : 0;
}

void virtio_chain(struct virtio_queue *queue, uint16_t descriptor, uint16_t next)
{
    queue->descriptors[descriptor].flags |= CHAINED;
    queue->descriptors[descriptor].next = next;
}

bool virtio_chained(const struct virtio_queue *queue, uint16_t descriptor)
{
    return queue->descriptors[descriptor].flags & CHAINED;
}

void virtio_give(struct virtio_queue *queue, uint16_t descriptor)
{
    queue->available->ring[queue->available->index % queue->size] = descriptor;
    __sync_synchronize(); /* the device sees the buffer before it sees that there is one more */
    queue->available->index++;
}

/* The device may say that it needs no telling, but whether it still means that cannot be known here: QEMU's emulator
   leaves memory barriers out where there is one processor. Telling it always is safe. */
void virtio_kick(struct virtio_queue *queue)
{
    __sync_synchronize();
    *queue->notify = queue->number;
}

static struct virtio_queue *put_off;

void virtio_kick_soon(struct virtio_queue *queue)
{
    if (queue->put_off)
        return;
    queue->put_off = true;
    queue->next = put_off;
    put_off = queue;
}

void virtio_kick_put_off(void)
{
    for (; put_off != NULL; put_off = put_off->next) {
        put_off->put_off = false;
        virtio_kick(put_off);
    }
}

bool virtio_wants_kick(const struct virtio_queue *queue)
{
    __sync_synchronize();
    return !(queue->used->flags & NO_KICK);
}

void virtio_interrupts(struct virtio_queue *queue, bool wanted)
{
    queue->available->flags = wanted ? 0 : NO_INTERRUPT;
}

bool virtio_has_used(const struct virtio_queue *queue)
{
    return queue->used->index != queue->seen;
}

bool virtio_take(struct virtio_queue *queue, uint16_t *descriptor, uint32_t *length)
{
    if (!virtio_has_used(queue))
        return false;
    __sync_synchronize(); /* the element is read after the index that announces it */
    *descriptor = queue->used->ring[queue->seen % queue->size].descriptor;
    *length = queue->used->ring[queue->seen % queue->size].length;
    queue->seen++;
    return true;
}
