/* What OCaml's module Platform.Disk asks for (libos/platform/disk.mli), of Xen's block devices: io/blkif.h. Whatever
   needs thought is in OCaml: libos/drivers/block.

   What is moved goes through pages that the backend may use for good (feature-persistent): to copy costs less than to
   grant and revoke a page, and a buffer of OCaml's begins anywhere in one. */
#include "disk.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <caml/alloc.h>
#include <caml/bigarray.h>
#include <caml/fail.h>
#include <caml/mlvalues.h>

#include "bus.h"
#include "memory.h"
#include "ring.h"
#include "xen.h"

#define PLACES 16
#define FIRST_NUMBER 51712 /* of xvda; of the next 16 more */
#define NUMBER_STEP 16
#define UNIT 512 /* in which requests count, whatever the sector's size */
#define PAGE_UNITS (PAGE_SIZE / UNIT)
#define REQUESTS 32 /* that have room on a page */
#define REQUEST_PAGES 11
#define REQUEST_BYTES (REQUEST_PAGES * PAGE_SIZE)
#define ROOM (2 * REQUESTS) /* each request takes at least two */

enum operation { READ = 0, WRITE = 1, FLUSH = 3 };
static const uint8_t operations[] = {READ, WRITE, FLUSH}; /* of type kind in OCaml */
#define READ_ONLY 4

struct slot {
    union {
        struct {
            uint8_t operation, segment_count;
            uint16_t device;
            uint64_t number, unit;
            struct {
                grant page;
                uint8_t first_unit, last_unit;
            } segments[REQUEST_PAGES];
        } request;
        struct {
            uint64_t number;
            uint8_t operation;
            int16_t status;
        } answer;
    };
};

/* A buffer of a request that reads: where to copy what was read. */
struct part {
    char *bytes;
    size_t length;
};

struct request {
    enum operation operation;
    uint64_t unit;
    size_t length, part_count;
    struct part parts[ROOM];
    char (*pages)[PAGE_SIZE];
    grant grants[REQUEST_PAGES];
};

struct disk {
    struct frontend frontend;
    struct ring ring;
    struct slot *slots;
    uint32_t number, units_per_sector;
    uint32_t told; /* answers that disk_news has told of */
    uint8_t free[REQUESTS], free_count;
    struct request *current; /* the one that is being put together */
    struct request requests[REQUESTS];
};

static struct disk *disks[PLACES];

static bool grant_pages(struct disk *disk)
{
    for (int i = 0; i < REQUESTS; i++) {
        struct request *request = &disk->requests[i];
        request->pages = pages_allocate(REQUEST_BYTES);
        for (int page = 0; request->pages != NULL && page < REQUEST_PAGES; page++)
            request->grants[page] = grant_page(disk->frontend.domain, request->pages[page]);
        if (request->pages == NULL || request->grants[REQUEST_PAGES - 1] == 0)
            return false;
        disk->free[i] = i;
    }
    disk->free_count = REQUESTS;
    return true;
}

static const char *start_device(struct disk *disk, int place)
{
    struct frontend *frontend = &disk->frontend;

    disk->number = FIRST_NUMBER + place * NUMBER_STEP;
    if (!bus_find(frontend, "vbd", disk->number))
        return "the domain has no such disk: its disks are xvda, xvdb and so on, in the order of config.ml";
    if (!bus_await_backend(frontend))
        return "its backend is not ready";
    disk->slots = ring_start(&disk->ring, REQUESTS);
    if (disk->slots == NULL || !grant_pages(disk))
        return "there is no memory for its requests";
    if (!bus_tell_ring(frontend, "ring-ref", &disk->ring) || !bus_tell_port(frontend)
        || !bus_write(frontend, "protocol", "x86_64-abi") || !bus_tell(frontend, "feature-persistent", 1)
        || !bus_connect(frontend, BUS_INITIALISED))
        return "its backend does not connect";
    return NULL;
}

value unikernel_disk_connect(value place_value, value name)
{
    int place = Int_val(place_value);
    (void)name;

    if (place >= PLACES)
        caml_failwith("a domain has room for 16 disks");
    struct disk *disk = pages_allocate(sizeof *disk);
    if (disk == NULL)
        caml_failwith("there is no memory for its requests");
    const char *trouble = start_device(disk, place);
    if (trouble != NULL)
        caml_failwith(trouble); /* a backend may have seen its pages: they are not used again */
    disks[place] = disk;

    uint64_t sector_size = bus_asked(&disk->frontend, "sector-size", UNIT);
    disk->units_per_sector = sector_size / UNIT;
    value info = caml_alloc_tuple(7);
    Field(info, 0) = Val_bool(!(bus_asked(&disk->frontend, "info", 0) & READ_ONLY));
    Field(info, 1) = Val_long(sector_size);
    Field(info, 2) = Val_long(bus_asked(&disk->frontend, "sectors", 0) / disk->units_per_sector);
    Field(info, 3) = Val_bool(bus_asked(&disk->frontend, "feature-flush-cache", 0));
    Field(info, 4) = Val_long(ROOM - 2);
    Field(info, 5) = Val_long(REQUEST_BYTES);
    Field(info, 6) = Val_long(ROOM);
    return info;
}

value unikernel_disk_start(value place, value kind, intnat sector)
{
    struct disk *disk = disks[Int_val(place)];
    struct request *request = &disk->requests[disk->free[--disk->free_count]];

    request->operation = operations[Int_val(kind)];
    request->unit = (uint64_t)sector * disk->units_per_sector;
    request->length = request->part_count = 0;
    disk->current = request;
    return Val_unit;
}

value unikernel_disk_add(value place, value buffer, intnat offset, intnat length)
{
    struct request *request = disks[Int_val(place)]->current;
    char *bytes = (char *)Caml_ba_data_val(buffer) + offset;

    if (request->operation == WRITE)
        memcpy(request->pages[0] + request->length, bytes, length);
    else
        request->parts[request->part_count++] = (struct part){bytes, length};
    request->length += length;
    return Val_unit;
}

intnat unikernel_disk_submit(value place)
{
    struct disk *disk = disks[Int_val(place)];
    struct request *request = disk->current;
    struct slot *slot = &disk->slots[ring_next(&disk->ring)];
    uint8_t count = 0;

    for (size_t start = 0; start < request->length; start += PAGE_SIZE, count++) {
        size_t rest = request->length - start;
        slot->request.segments[count].page = request->grants[count];
        slot->request.segments[count].first_unit = 0;
        slot->request.segments[count].last_unit = (rest < PAGE_SIZE ? rest / UNIT : PAGE_UNITS) - 1;
    }
    slot->request.operation = request->operation;
    slot->request.segment_count = count;
    slot->request.device = disk->number;
    slot->request.number = request - disk->requests;
    slot->request.unit = request->unit;
    return request - disk->requests;
}

static void copy_parts(const struct request *request)
{
    const char *from = request->pages[0];

    for (size_t i = 0; i < request->part_count; i++) {
        memcpy(request->parts[i].bytes, from, request->parts[i].length);
        from += request->parts[i].length;
    }
}

intnat unikernel_disk_complete(value place)
{
    struct disk *disk = disks[Int_val(place)];

    if (!ring_has_answer(&disk->ring) && !ring_expect(&disk->ring, disk->ring.taken))
        return -1;
    const struct slot *slot = &disk->slots[ring_take(&disk->ring)];
    uint8_t number = slot->answer.number % REQUESTS;
    bool failed = slot->answer.status != 0;
    if (!failed)
        copy_parts(&disk->requests[number]);
    disk->free[disk->free_count++] = number;
    return number * 2 + failed;
}

void disk_tell(void)
{
    for (int place = 0; place < PLACES; place++) {
        struct disk *disk = disks[place];
        if (disk != NULL && disk->ring.given != disk->ring.page->requests_given && ring_publish(&disk->ring))
            event_send(disk->frontend.port);
    }
}

uintptr_t disk_news(void)
{
    uintptr_t news = 0;

    for (int place = 0; place < PLACES; place++) {
        struct disk *disk = disks[place];
        if (disk == NULL || disk->ring.page->answers_given == disk->told)
            continue;
        disk->told = disk->ring.page->answers_given;
        if (ring_has_answer(&disk->ring))
            news |= 1ul << place;
    }
    return news;
}
