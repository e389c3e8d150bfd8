/* What OCaml's module Platform.Disk asks for (libos/platform/disk.mli), of virtio block devices: VIRTIO 1.1,
   section 5.2. Whatever needs thought is in OCaml: libos/drivers/block. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <caml/alloc.h>
#include <caml/bigarray.h>
#include <caml/fail.h>
#include <caml/mlvalues.h>

#include "interrupts.h"
#include "memory.h"
#include "virtio.h"

#define PLACES (INTERRUPT_COUNT - INTERRUPT_DEVICE)
#define QUEUE_SIZE 256
#define UNIT 512 /* in which the device counts, whatever its sector's size */

enum feature { SEGMENTS_MOST = 1u << 2, READ_ONLY = 1u << 5, SECTOR_SIZE = 1u << 6, FLUSH = 1u << 9 };
static const uint32_t kinds[] = {0, 1, 4}; /* of type kind in OCaml: Read, Write, Flush */

struct configuration {
    uint64_t units;
    uint32_t segment_size_most, segments_most, geometry, sector_size;
};

/* What goes before and after the data; each has the number of its first descriptor. */
struct request {
    uint32_t kind, reserved;
    uint64_t unit;
    uint8_t status;
};

struct disk {
    struct virtio_device device;
    struct virtio_queue queue;
    uint32_t units_per_sector;
    uint16_t free;        /* the first free descriptor; `next` leads on */
    uint16_t first, last; /* of the request that is being put together */
    bool reads;
    struct request requests[QUEUE_SIZE];
    char queue_memory[VIRTIO_QUEUE_BYTES(QUEUE_SIZE)] __attribute__((aligned(16)));
};

static struct disk *disks[PLACES];

static const char *start_device(struct disk *disk, int place, uint32_t *features, struct configuration *configuration)
{
    enum virtio_type type;

    if (!virtio_find(&disk->device, place, &type))
        return "the machine has no such device";
    if (type != VIRTIO_BLOCK)
        return "the machine has a device of another kind at its place";
    if (!virtio_start(&disk->device, features) || !virtio_configuration(&disk->device, configuration, sizeof *configuration))
        return "it is no virtio device of version 1";
    if (!pci_route_interrupt(&disk->device.pci, INTERRUPT_VECTOR + INTERRUPT_DEVICE + place))
        return "it has no MSI-X interrupts";
    if (!virtio_start_queue(&disk->device, &disk->queue, 0, QUEUE_SIZE, disk->queue_memory, true))
        return "its queue has fewer than 256 places";
    virtio_run(&disk->device);
    return NULL;
}

value unikernel_disk_connect(value place_value, value name)
{
    int place = Int_val(place_value);
    uint32_t features = SEGMENTS_MOST | READ_ONLY | SECTOR_SIZE | FLUSH;
    struct configuration configuration;
    (void)name;

    if (place >= PLACES)
        caml_failwith("a guest has room for 14 devices");
    struct disk *disk = pages_allocate(sizeof *disk);
    if (disk == NULL)
        caml_failwith("there is no memory for its queue");
    const char *trouble = start_device(disk, place, &features, &configuration);
    if (trouble != NULL) {
        pages_free(disk, sizeof *disk);
        caml_failwith(trouble);
    }
    for (uint16_t i = 0; i < QUEUE_SIZE; i++)
        disk->queue.descriptors[i].next = i + 1;
    disks[place] = disk;

    uint32_t sector_size = features & SECTOR_SIZE ? configuration.sector_size : UNIT;
    uint32_t segments = features & SEGMENTS_MOST ? configuration.segments_most : 1;
    disk->units_per_sector = sector_size / UNIT;
    value info = caml_alloc_tuple(7);
    Field(info, 0) = Val_bool(!(features & READ_ONLY));
    Field(info, 1) = Val_long(sector_size);
    Field(info, 2) = Val_long(configuration.units / disk->units_per_sector);
    Field(info, 3) = Val_bool(features & FLUSH);
    Field(info, 4) = Val_long(segments < QUEUE_SIZE - 2 ? segments : QUEUE_SIZE - 2);
    Field(info, 5) = Val_long(Max_long);
    Field(info, 6) = Val_long(QUEUE_SIZE);
    return info;
}

/* Puts a buffer at the end of the request. */
static void add(struct disk *disk, const void *bytes, uint32_t length, bool writable)
{
    uint16_t descriptor = disk->free;

    disk->free = disk->queue.descriptors[descriptor].next;
    virtio_describe(&disk->queue, descriptor, bytes, length, writable);
    virtio_chain(&disk->queue, disk->last, descriptor);
    disk->last = descriptor;
}

value unikernel_disk_start(value place, value kind, intnat sector)
{
    struct disk *disk = disks[Int_val(place)];
    struct request *request = &disk->requests[disk->free];

    disk->first = disk->last = disk->free;
    disk->free = disk->queue.descriptors[disk->first].next;
    disk->reads = Int_val(kind) == 0;
    request->kind = kinds[Int_val(kind)];
    request->unit = (uint64_t)sector * disk->units_per_sector;
    virtio_describe(&disk->queue, disk->first, request, offsetof(struct request, status), false);
    return Val_unit;
}

value unikernel_disk_add(value place, value buffer, intnat offset, intnat length)
{
    struct disk *disk = disks[Int_val(place)];

    add(disk, (char *)Caml_ba_data_val(buffer) + offset, length, disk->reads);
    return Val_unit;
}

intnat unikernel_disk_submit(value place)
{
    struct disk *disk = disks[Int_val(place)];
    struct request *request = &disk->requests[disk->first];

    add(disk, &request->status, sizeof request->status, true);
    virtio_give(&disk->queue, disk->first);
    virtio_kick_soon(&disk->queue);
    return disk->first;
}

static void free_request(struct disk *disk, uint16_t first)
{
    uint16_t last = first;

    while (virtio_chained(&disk->queue, last))
        last = disk->queue.descriptors[last].next;
    disk->queue.descriptors[last].next = disk->free;
    disk->free = first;
}

intnat unikernel_disk_complete(value place)
{
    struct disk *disk = disks[Int_val(place)];
    uint16_t first;
    uint32_t length;

    if (!virtio_take(&disk->queue, &first, &length))
        return -1;
    free_request(disk, first);
    return first * 2 + (disk->requests[first].status != 0);
}
