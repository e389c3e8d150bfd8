/* What libos/platform/disk.mli asks for, over Linux: a disk is a file, and a request is complete when it has been
   submitted. */

#define _GNU_SOURCE /* preadv */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <caml/alloc.h>
#include <caml/bigarray.h>
#include <caml/fail.h>
#include <caml/memory.h>
#include <caml/mlvalues.h>

#include "events.h"

#define PLACES 14
#define SECTOR_SIZE 512
#define ROOM 256
#define SEGMENTS (ROOM - 2)

enum kind { READ, WRITE, FLUSH };

static struct {
    int file;
    enum kind kind;
    off_t offset;
    struct iovec segments[SEGMENTS];
    int segment_count;
    unsigned submitted, completed; /* the request's number is what was submitted before it */
    char failed[ROOM];
} disks[PLACES];

value unikernel_disk_connect(value place_value, value name)
{
    CAMLparam2(place_value, name);
    int place = Int_val(place_value), read_write = 1;

    if (place >= PLACES)
        caml_failwith("a program has room for 14 devices");
    int file = open(String_val(name), O_RDWR | O_CLOEXEC);
    if (file < 0 && (errno == EACCES || errno == EROFS)) {
        read_write = 0;
        file = open(String_val(name), O_RDONLY | O_CLOEXEC);
    }
    off_t size = file < 0 ? -1 : lseek(file, 0, SEEK_END);
    if (size < 0)
        caml_failwith(strerror(errno));
    disks[place].file = file;
    value info = caml_alloc_tuple(7);
    Field(info, 0) = Val_bool(read_write);
    Field(info, 1) = Val_long(SECTOR_SIZE);
    Field(info, 2) = Val_long(size / SECTOR_SIZE);
    Field(info, 3) = Val_true;
    Field(info, 4) = Val_long(SEGMENTS);
    Field(info, 5) = Val_long(Max_long);
    Field(info, 6) = Val_long(ROOM);
    CAMLreturn(info);
}

value unikernel_disk_start(value place_value, value kind, intnat sector)
{
    int place = Int_val(place_value);

    disks[place].kind = Int_val(kind);
    disks[place].offset = (off_t)sector * SECTOR_SIZE;
    disks[place].segment_count = 0;
    return Val_unit;
}

value unikernel_disk_add(value place_value, value buffer, intnat offset, intnat length)
{
    int place = Int_val(place_value);
    char *bytes = (char *)Caml_ba_data_val(buffer) + offset;

    disks[place].segments[disks[place].segment_count++] = (struct iovec){bytes, length};
    return Val_unit;
}

/* What is left of the segments after `done` bytes. */
static void advance(struct iovec **next, int *count, size_t done)
{
    while (*count > 0 && done >= (*next)->iov_len) {
        done -= (*next)->iov_len;
        ++*next;
        --*count;
    }
    if (*count > 0) {
        (*next)->iov_base = (char *)(*next)->iov_base + done;
        (*next)->iov_len -= done;
    }
}

static int transfer(int place)
{
    struct iovec *next = disks[place].segments;
    int count = disks[place].segment_count;

    if (disks[place].kind == FLUSH)
        return fdatasync(disks[place].file) == 0;
    while (count > 0) {
        ssize_t done = disks[place].kind == READ ? preadv(disks[place].file, next, count, disks[place].offset)
                                                 : pwritev(disks[place].file, next, count, disks[place].offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return 0;
        disks[place].offset += done;
        advance(&next, &count, done);
    }
    return 1;
}

intnat unikernel_disk_submit(value place_value)
{
    int place = Int_val(place_value);
    unsigned number = disks[place].submitted++ % ROOM;

    disks[place].failed[number] = !transfer(place);
    events_pending |= 2l << place;
    return number;
}

intnat unikernel_disk_complete(value place_value)
{
    int place = Int_val(place_value);

    if (disks[place].completed == disks[place].submitted)
        return -1;
    unsigned number = disks[place].completed++ % ROOM;
    return number * 2 + disks[place].failed[number];
}
