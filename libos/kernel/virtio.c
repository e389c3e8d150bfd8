/* Virtual I/O Device (VIRTIO) Version 1.1, sections 2.6, 3.1 and 4.1. */
#include "virtio.h"

#include <stddef.h>

#include "machine.h"

#define VENDOR 0x1af4
#define MODERN_FIRST 0x1040       /* device identity: this plus the type */
#define TRANSITIONAL_CONSOLE 0x1003
#define TYPE_CONSOLE 3
#define VENDOR_CAPABILITY 0x09
#define NO_VECTOR 0xffff
#define VERSION_1 1u /* feature 32 */

enum structure { COMMON = 1, NOTIFY = 2 };
enum status { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
enum descriptor_flags { WRITABLE = 2 };

struct virtio_common {
    uint32_t device_feature_select, device_feature, driver_feature_select, driver_feature;
    uint16_t config_vector, queue_count;
    uint8_t status, generation;
    uint16_t queue_select, queue_size, queue_vector, queue_enable, queue_notify_offset;
    /* 64 bits each, written as two halves */
    uint32_t queue_descriptors[2], queue_available[2], queue_used[2];
};

static uint32_t identity_of(uint16_t device)
{
    return (uint32_t)device << 16 | VENDOR;
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

bool virtio_start(struct virtio_device *device, uint16_t type, uint32_t *features)
{
    pci_capability capability;
    uint32_t transitional = type == TYPE_CONSOLE ? identity_of(TRANSITIONAL_CONSOLE) : 0;

    if (!pci_start(&device->pci, identity_of(MODERN_FIRST + type), transitional))
        return false;
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

static void set_address(volatile uint32_t *halves, const volatile void *address)
{
    halves[0] = (uint32_t)(uintptr_t)address;
    halves[1] = (uintptr_t)address >> 32;
}

bool virtio_start_queue(struct virtio_device *device, struct virtio_queue *queue, uint16_t number, bool interrupt)
{
    volatile struct virtio_common *common = device->common;

    common->queue_select = number;
    if (common->queue_size < VIRTIO_QUEUE_SIZE)
        return false;
    common->queue_size = VIRTIO_QUEUE_SIZE;
    common->queue_vector = interrupt ? 0 : NO_VECTOR;
    set_address(common->queue_descriptors, queue->descriptors);
    set_address(common->queue_available, &queue->available);
    set_address(common->queue_used, &queue->used);
    queue->available.flags = !interrupt;
    queue->number = number;
    queue->notify = (volatile uint16_t *)(device->notify + common->queue_notify_offset * device->notify_multiplier);
    common->queue_enable = 1;
    return true;
}

void virtio_run(struct virtio_device *device)
{
    device->common->status = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
}

void virtio_give(struct virtio_queue *queue, uint16_t descriptor, const void *bytes, uint32_t length, bool writable)
{
    queue->descriptors[descriptor].address = (uintptr_t)bytes;
    queue->descriptors[descriptor].length = length;
    queue->descriptors[descriptor].flags = writable ? WRITABLE : 0;
    queue->available.ring[queue->available.index % VIRTIO_QUEUE_SIZE] = descriptor;
    __sync_synchronize(); /* the device sees the buffer before it sees that there is one more */
    queue->available.index++;
}

void virtio_kick(struct virtio_queue *queue)
{
    __sync_synchronize();
    *queue->notify = queue->number;
}

bool virtio_take(struct virtio_queue *queue, uint16_t *descriptor, uint32_t *length)
{
    if (queue->used.index == queue->seen)
        return false;
    __sync_synchronize(); /* the element is read after the index that announces it */
    *descriptor = queue->used.ring[queue->seen % VIRTIO_QUEUE_SIZE].descriptor;
    *length = queue->used.ring[queue->seen % VIRTIO_QUEUE_SIZE].length;
    queue->seen++;
    return true;
}
