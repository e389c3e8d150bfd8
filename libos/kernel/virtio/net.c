/* What OCaml's module Platform.Net asks for (libos/platform/net.mli), of virtio network devices: VIRTIO 1.1, section
   5.1. Whatever needs thought is in OCaml: libos/drivers/net. */
#include "net.h"

#include <stddef.h>
#include <string.h>

#include <caml/alloc.h>
#include <caml/bigarray.h>
#include <caml/fail.h>
#include <caml/memory.h>
#include <caml/mlvalues.h>

#include "clock.h"
#include "interrupts.h"
#include "machine.h"
#include "memory.h"
#include "virtio.h"

#define PLACES (INTERRUPT_COUNT - INTERRUPT_DEVICE)
#define QUEUE_SIZE 256
#define MTU 1500 /* unless the device says otherwise */
#define TELL_AFTER 64 /* frames of one turn, so that the device begins before the turn is over */

enum feature {
    CHECKSUM = 1u << 0,
    RECEIVE_UNCHECKED = 1u << 1,
    MTU_GIVEN = 1u << 3,
    MAC_GIVEN = 1u << 5,
    RECEIVE_IPV4_UNCUT = 1u << 7,
    RECEIVE_IPV6_UNCUT = 1u << 8,
    SEGMENT_IPV4 = 1u << 11,
    SEGMENT_IPV6 = 1u << 12,
    RECEIVE_SPREAD = 1u << 15, /* over several buffers */
    STATUS_GIVEN = 1u << 16
};
#define ALWAYS (CHECKSUM | SEGMENT_IPV4 | SEGMENT_IPV6 | MTU_GIVEN | MAC_GIVEN | STATUS_GIVEN)
#define SEGMENT (SEGMENT_IPV4 | SEGMENT_IPV6)
#define LARGE (RECEIVE_UNCHECKED | RECEIVE_IPV4_UNCUT | RECEIVE_IPV6_UNCUT | RECEIVE_SPREAD)
enum queue { RECEIVE = 0, SEND = 1 };
#define LINK_UP 1u

struct configuration {
    uint8_t mac[6];
    uint16_t status, queue_pairs, mtu;
};

/* What goes before each frame: what is left to do with its checksum, and how it is to be cut. */
enum header_flag { NEEDS_CHECKSUM = 1, CHECKSUM_VALID = 2 };
enum segmentation { TCP_IPV4 = 1, TCP_IPV6 = 4 };
struct header {
    uint8_t flags, segmentation;
    uint16_t header_length, segment_size, checksum_start, checksum_offset, buffers;
};

struct interface {
    struct virtio_device device;
    struct virtio_queue receive, send;
    uint16_t seen;     /* how much of what was received has been told of */
    uint16_t sending;  /* frames that are being sent */
    uint16_t given;    /* frames that the device was not told of */
    bool offered;      /* buffers likewise */
    bool has_status;
    bool large;        /* frames may be spread over buffers, and their checksums unfinished */
    uint8_t others;    /* buffers of the frame that is being taken, which are still to come */
    const struct header *headers[QUEUE_SIZE]; /* where each buffer begins */
    char queue_memory[2][VIRTIO_QUEUE_BYTES(QUEUE_SIZE)] __attribute__((aligned(16)));
};

static struct interface *interfaces[PLACES];
static int places; /* beyond the last interface */

static const char *start_device(struct interface *net, int place, uint32_t *features,
                                struct configuration *configuration)
{
    enum virtio_type type;

    bool large = *features & RECEIVE_SPREAD;

    if (!virtio_find(&net->device, place, &type))
        return "the machine has no such device";
    if (type != VIRTIO_NETWORK)
        return "the machine has a device of another kind at its place";
    bool started = virtio_start(&net->device, features);
    if (large && !(*features & RECEIVE_SPREAD)) {
        /* Large frames would find no buffer that takes them. */
        *features = ALWAYS;
        started = virtio_start(&net->device, features);
    }
    if (!started || !virtio_configuration(&net->device, configuration, sizeof *configuration))
        return "it is no virtio device of version 1";
    if (!(*features & MAC_GIVEN))
        return "it has no address";
    if (!pci_route_interrupt(&net->device.pci, INTERRUPT_VECTOR + INTERRUPT_DEVICE + place))
        return "it has no MSI-X interrupts";
    if (!virtio_start_queue(&net->device, &net->receive, RECEIVE, QUEUE_SIZE, net->queue_memory[0], true)
        || !virtio_start_queue(&net->device, &net->send, SEND, QUEUE_SIZE, net->queue_memory[1], true))
        return "its queues have fewer than 256 places";
    virtio_interrupts(&net->receive, false);
    virtio_interrupts(&net->send, false);
    virtio_run(&net->device);
    return NULL;
}

value unikernel_net_connect(value place_value, value name, value large)
{
    CAMLparam0();
    CAMLlocal2(info, mac);
    int place = Int_val(place_value);
    uint32_t features = Bool_val(large) ? ALWAYS | LARGE : ALWAYS;
    struct configuration configuration;
    (void)name;

    if (place >= PLACES)
        caml_failwith("a guest has room for 14 devices");
    struct interface *net = pages_allocate(sizeof *net);
    if (net == NULL)
        caml_failwith("there is no memory for its queues");
    const char *trouble = start_device(net, place, &features, &configuration);
    if (trouble != NULL) {
        pages_free(net, sizeof *net);
        caml_failwith(trouble);
    }
    net->has_status = features & STATUS_GIVEN;
    net->large = features & RECEIVE_SPREAD;
    interfaces[place] = net;
    if (places <= place)
        places = place + 1;

    mac = caml_alloc_initialized_string(sizeof configuration.mac, (char *)configuration.mac);
    info = caml_alloc_tuple(7);
    Store_field(info, 0, mac);
    Store_field(info, 1, Val_long(features & MTU_GIVEN ? configuration.mtu : MTU));
    Store_field(info, 2, Val_long(sizeof(struct header)));
    Store_field(info, 3, Val_long(QUEUE_SIZE));
    Store_field(info, 4, Val_bool(features & CHECKSUM));
    Store_field(info, 5, Val_bool((features & SEGMENT) == SEGMENT));
    Store_field(info, 6, Val_bool(features & RECEIVE_SPREAD));
    CAMLreturn(info);
}

value unikernel_net_link(value place)
{
    struct interface *net = interfaces[Int_val(place)];
    struct configuration configuration;

    return Val_bool(!net->has_status || (virtio_configuration(&net->device, &configuration, sizeof configuration)
                                         && configuration.status & LINK_UP));
}

value unikernel_net_offer(value place, intnat number, value buffer, intnat size)
{
    struct interface *net = interfaces[Int_val(place)];

    net->headers[number] = Caml_ba_data_val(buffer);
    virtio_describe(&net->receive, number, Caml_ba_data_val(buffer), size, true);
    virtio_give(&net->receive, number);
    net->offered = true;
    return Val_unit;
}

/* As platform/net.mli packs it. */
static intnat first_of_frame(struct interface *net, uint16_t number, uint32_t length)
{
    const struct header *header = net->headers[number];
    intnat answer = number;

    if (length > sizeof *header)
        answer |= (intnat)(length - sizeof *header) << 16;
    if (!net->large)
        return answer;
    net->others = header->buffers > 1 ? header->buffers - 1 : 0;
    answer |= (intnat)net->others << 40;
    if (header->flags & (NEEDS_CHECKSUM | CHECKSUM_VALID))
        answer |= 1l << 48;
    if (header->flags & NEEDS_CHECKSUM)
        answer |= 1l << 49;
    return answer;
}

intnat unikernel_net_received(value place)
{
    struct interface *net = interfaces[Int_val(place)];
    uint16_t number;
    uint32_t length;

    if (!virtio_take(&net->receive, &number, &length))
        return -1;
    net->seen = net->receive.seen;
    if (net->others == 0)
        return first_of_frame(net, number, length);
    net->others--;
    return (intnat)length << 16 | number;
}

/* A device that is at work looks for more by itself. It may have stopped just now, without having seen the last, and
   that may be seen here only later: so the question is asked again. */
static void tell(struct interface *net)
{
    if (net->given > 0 && virtio_wants_kick(&net->send)) {
        virtio_kick(&net->send);
        net->given = 0;
    }
    if (net->offered && virtio_wants_kick(&net->receive)) {
        virtio_kick(&net->receive);
        net->offered = false;
    }
}

/* As platform/net.mli packs it. */
static struct header header_for(uint64_t work)
{
    struct header header = {0};

    if (work == 0)
        return header;
    header.flags = NEEDS_CHECKSUM;
    header.checksum_start = work & 0xffff;
    header.checksum_offset = work >> 16 & 0xff;
    header.segment_size = work >> 24 & 0xffff;
    if (header.segment_size != 0) {
        header.header_length = work >> 40 & 0xff;
        header.segmentation = work >> 48 ? TCP_IPV6 : TCP_IPV4;
    }
    return header;
}

value unikernel_net_send(value place, intnat number, value buffer, intnat length, intnat work)
{
    struct interface *net = interfaces[Int_val(place)];
    char *bytes = Caml_ba_data_val(buffer);

    *(struct header *)bytes = header_for(work);
    virtio_describe(&net->send, number, bytes, sizeof(struct header) + length, false);
    virtio_give(&net->send, number);
    net->sending++;
    net->given++;
    if (net->given >= TELL_AFTER)
        tell(net);
    return Val_unit;
}

intnat unikernel_net_sent(value place)
{
    struct interface *net = interfaces[Int_val(place)];
    uint16_t number;
    uint32_t length;

    if (!virtio_take(&net->send, &number, &length))
        return -1;
    net->sending--;
    return number;
}

void net_tell(void)
{
    for (int place = 0; place < places; place++)
        if (interfaces[place] != NULL)
            tell(interfaces[place]);
}

/* A device that has stopped taking frames must not keep the machine from its end. */
#define FINISH_NS 100000000ul

void net_finish(void)
{
    uint64_t deadline = clock_monotonic_ns() + FINISH_NS;

    for (int place = 0; place < places; place++) {
        struct interface *net = interfaces[place];
        if (net == NULL)
            continue;
        virtio_kick(&net->send);
        while (net->send.used->index != net->send.available->index && clock_monotonic_ns() < deadline)
            __asm__ volatile("pause");
    }
}

static bool has_news(const struct interface *net)
{
    return net->receive.used->index != net->seen || (net->sending == QUEUE_SIZE && virtio_has_used(&net->send));
}

uintptr_t net_news(void)
{
    uintptr_t news = 0;

    for (int place = 0; place < places; place++) {
        struct interface *net = interfaces[place];
        if (net == NULL || !has_news(net))
            continue;
        net->seen = net->receive.used->index;
        news |= 1ul << place;
    }
    return news;
}

bool net_allow_interrupts(void)
{
    bool news = false;

    for (int place = 0; place < places; place++)
        if (interfaces[place] != NULL) {
            virtio_interrupts(&interfaces[place]->receive, true);
            virtio_interrupts(&interfaces[place]->send, interfaces[place]->sending == QUEUE_SIZE);
        }
    /* The device sees this before its queues are looked at for the last time. Where a machine has one processor, QEMU's
       emulator leaves fences out; but in it, reading the time-stamp counter takes a lock, which is one. */
    __sync_synchronize();
    read_tsc();
    for (int place = 0; place < places; place++)
        if (interfaces[place] != NULL) {
            tell(interfaces[place]);
            interfaces[place]->given = 0;
            interfaces[place]->offered = false;
            news |= has_news(interfaces[place]);
        }
    return !news;
}

void net_forbid_interrupts(void)
{
    for (int place = 0; place < places; place++)
        if (interfaces[place] != NULL) {
            virtio_interrupts(&interfaces[place]->receive, false);
            virtio_interrupts(&interfaces[place]->send, false);
        }
}
