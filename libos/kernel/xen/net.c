/* What OCaml's module Platform.Net asks for (libos/platform/net.mli), of Xen's network interfaces: io/netif.h. Whatever
   needs thought is in OCaml: libos/drivers/net.

   Frames go through pages that the backend may use for good, and are copied: a buffer of OCaml's begins anywhere in one,
   and shares it with others. */
#include "net.h"

#include <stddef.h>
#include <string.h>

#include <caml/alloc.h>
#include <caml/bigarray.h>
#include <caml/fail.h>
#include <caml/memory.h>
#include <caml/mlvalues.h>

#include "bus.h"
#include "checksum.h"
#include "clock.h"
#include "disk.h"
#include "memory.h"
#include "ring.h"
#include "xen.h"

#define PLACES 14
#define PLACES_ON_RING 256
#define ROOM 128  /* buffers of OCaml's */
#define PAGES 128 /* each way */
#define MTU 1500  /* unless the device says otherwise */
#define TELL_AFTER 64 /* frames of one turn, so that the backend begins before the turn is over */
#define FRAME_MOST 65535
#define FINISH_NS 100000000ul

/* Before each frame in a buffer: where its checksum begins and goes, as platform/net.mli has it. */
struct header {
    uint16_t unused[3], checksum_start, checksum_offset;
};

enum send_flag { SEND_NO_CHECKSUM = 1, SEND_CHECKED = 2, SEND_MORE = 4, SEND_EXTRA = 8 };
enum receive_flag { RECEIVE_CHECKED = 1, RECEIVE_NO_CHECKSUM = 2, RECEIVE_MORE = 4 };
enum segmentation { TCP_IPV4 = 1, TCP_IPV6 = 2 };
#define EXTRA_SEGMENTATION 1
#define NO_ANSWER 1 /* to what goes with a request */

union send_place {
    struct {
        grant page;
        uint16_t offset, flags, number, length;
    } request;
    struct {
        uint8_t type, flags;
        uint16_t segment_size;
        uint8_t segmentation, pad;
        uint16_t features;
    } extra;
    struct {
        uint16_t number;
        int16_t status;
        uint32_t pad[2];
    } answer;
};

union receive_place {
    struct {
        uint16_t number, pad;
        grant page;
    } request;
    struct {
        uint16_t number, offset, flags;
        int16_t length;
    } answer;
};

/* A buffer of OCaml's: to receive into, or with a frame that waits for room on the ring. */
struct buffer {
    uint16_t number;
    uint32_t length;
    char *bytes;
    uint64_t work;
};

/* First in, first out. */
struct queue {
    uint32_t given, taken;
    struct buffer buffers[ROOM];
};

struct pages {
    char (*bytes)[PAGE_SIZE];
    grant grants[PAGES];
};

struct interface {
    struct frontend frontend;
    struct ring receive, send;
    union receive_place *receive_places;
    union send_place *send_places;
    struct pages receive_pages, send_pages;
    struct queue offered;  /* to receive into */
    struct queue waiting;  /* to be sent */
    struct queue done;     /* sent */
    uint32_t seen;         /* how much of what was received has been told of */
    uint16_t free[PAGES];  /* pages to send from */
    uint32_t free_count;
    uint32_t untold;       /* frames that the backend was not told of */
};

static struct interface *interfaces[PLACES];

static void push(struct queue *queue, struct buffer buffer)
{
    queue->buffers[queue->given++ % ROOM] = buffer;
}

static struct buffer pop(struct queue *queue)
{
    return queue->buffers[queue->taken++ % ROOM];
}

static bool is_empty(const struct queue *queue)
{
    return queue->given == queue->taken;
}

/* Starting */

static bool grant_pages(struct interface *net, struct pages *pages)
{
    pages->bytes = pages_allocate(sizeof *pages->bytes * PAGES);
    for (int i = 0; pages->bytes != NULL && i < PAGES; i++)
        pages->grants[i] = grant_page(net->frontend.domain, pages->bytes[i]);
    return pages->bytes != NULL && pages->grants[PAGES - 1] != 0;
}

/* Lets the backend fill the next page. Frames come in the order of the pages. */
static void give_page(struct interface *net)
{
    uint32_t page = net->receive.given % PAGES, place = ring_next(&net->receive);

    net->receive_places[place].request.number = place;
    net->receive_places[place].request.page = net->receive_pages.grants[page];
}

static const char *start_device(struct interface *net, int number)
{
    struct frontend *frontend = &net->frontend;

    if (!bus_find(frontend, "vif", number))
        return "the domain has no such interface: they are in the order of config.ml";
    if (!bus_await_backend(frontend))
        return "its backend is not ready";
    if (!bus_asked(frontend, "feature-rx-copy", 0))
        return "its backend does not copy frames";
    net->receive_places = ring_start(&net->receive, PLACES_ON_RING);
    net->send_places = ring_start(&net->send, PLACES_ON_RING);
    if (net->receive_places == NULL || net->send_places == NULL || !grant_pages(net, &net->receive_pages)
        || !grant_pages(net, &net->send_pages))
        return "there is no memory for its frames";
    for (int page = 0; page < PAGES; page++) {
        give_page(net);
        net->free[net->free_count++] = page;
    }
    ring_publish(&net->receive);
    if (!bus_tell_ring(frontend, "rx-ring-ref", &net->receive)
        || !bus_tell_ring(frontend, "tx-ring-ref", &net->send) || !bus_tell_port(frontend)
        || !bus_tell(frontend, "request-rx-copy", 1) || !bus_tell(frontend, "feature-rx-notify", 1)
        || !bus_tell(frontend, "feature-sg", 1) || !bus_tell(frontend, "feature-ipv6-csum-offload", 1)
        || !bus_connect(frontend, BUS_CONNECTED))
        return "its backend does not connect";
    event_send(frontend->port);
    return NULL;
}

static uint8_t hexadecimal(char digit)
{
    return digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

static bool read_mac(const struct interface *net, uint8_t mac[6])
{
    char text[STORE_VALUE];

    if (!bus_read(&net->frontend, "mac", text) || strlen(text) != 17)
        return false;
    for (int i = 0; i < 6; i++)
        mac[i] = hexadecimal(text[3 * i]) << 4 | hexadecimal(text[3 * i + 1]);
    return true;
}

static long read_mtu(const struct interface *net)
{
    char text[STORE_VALUE];

    return bus_read(&net->frontend, "mtu", text) ? (long)bus_number(text) : MTU;
}

value unikernel_net_connect(value place, value name, value large)
{
    CAMLparam0();
    CAMLlocal2(info, mac);
    int number = Int_val(place) - NET_PLACE_FIRST;
    uint8_t address[6];
    (void)name;
    (void)large;

    if (number >= PLACES)
        caml_failwith("a domain has room for 14 interfaces");
    struct interface *net = pages_allocate(sizeof *net);
    if (net == NULL)
        caml_failwith("there is no memory for its frames");
    const char *trouble = start_device(net, number);
    if (trouble != NULL)
        caml_failwith(trouble); /* a backend may have seen its pages: they are not used again */
    if (!read_mac(net, address))
        caml_failwith("it has no address");
    interfaces[number] = net;

    bool cuts = bus_asked(&net->frontend, "feature-sg", 0) && bus_asked(&net->frontend, "feature-gso-tcpv4", 0)
                && bus_asked(&net->frontend, "feature-gso-tcpv6", 0);
    mac = caml_alloc_initialized_string(sizeof address, (char *)address);
    info = caml_alloc_tuple(7);
    Store_field(info, 0, mac);
    Store_field(info, 1, Val_long(read_mtu(net)));
    Store_field(info, 2, Val_long(sizeof(struct header)));
    Store_field(info, 3, Val_long(ROOM));
    Store_field(info, 4, Val_bool(bus_asked(&net->frontend, "feature-ipv6-csum-offload", 0)));
    Store_field(info, 5, Val_bool(cuts));
    Store_field(info, 6, Val_false);
    CAMLreturn(info);
}

static struct interface *at(value place)
{
    return interfaces[Int_val(place) - NET_PLACE_FIRST];
}

value unikernel_net_link(value place)
{
    return Val_bool(bus_asked(&at(place)->frontend, "carrier", 1));
}

/* Receiving */

value unikernel_net_offer(value place, intnat number, value buffer, intnat size)
{
    push(&at(place)->offered, (struct buffer){.number = number, .length = size, .bytes = Caml_ba_data_val(buffer)});
    return Val_unit;
}

/* Copies the next frame into a buffer, and gives its pages back; its length, or 0 if it does not fit or is broken. */
static uint32_t take_frame(struct interface *net, const struct buffer *buffer, uint16_t *flags)
{
    char *frame = buffer->bytes + sizeof(struct header);
    uint32_t room = buffer->length - sizeof(struct header), length = 0;
    uint16_t more;
    bool good = true;

    *flags = 0;
    do {
        uint32_t page = net->receive.taken % PAGES;
        union receive_place place = net->receive_places[ring_take(&net->receive)];
        uint32_t part = place.answer.length > 0 ? place.answer.length : 0;
        good = good && part > 0 && place.answer.offset + part <= PAGE_SIZE && part <= room - length;
        if (good) {
            memcpy(frame + length, net->receive_pages.bytes[page] + place.answer.offset, part);
            length += part;
        }
        more = place.answer.flags & RECEIVE_MORE;
        *flags |= place.answer.flags;
        give_page(net);
    } while (more && ring_has_answer(&net->receive));
    return good && !more ? length : 0;
}

/* As platform/net.mli packs it. */
intnat unikernel_net_received(value place)
{
    struct interface *net = at(place);
    uint16_t flags;

    while (ring_has_answer(&net->receive) && !is_empty(&net->offered)) {
        struct buffer *buffer = &net->offered.buffers[net->offered.taken % ROOM];
        struct header *header = (struct header *)buffer->bytes;
        uint32_t length = take_frame(net, buffer, &flags);
        net->seen = net->receive.taken;
        if (length == 0)
            continue;
        intnat answer = (intnat)length << 16 | pop(&net->offered).number;
        if (flags & (RECEIVE_CHECKED | RECEIVE_NO_CHECKSUM))
            answer |= 1l << 48;
        if (flags & RECEIVE_NO_CHECKSUM
            && checksum_place(header + 1, length, &header->checksum_start, &header->checksum_offset))
            answer |= 1l << 49;
        return answer;
    }
    return -1;
}

/* Sending */

static void reclaim(struct interface *net)
{
    while (ring_has_answer(&net->send)) {
        union send_place place = net->send_places[ring_take(&net->send)];
        if (place.answer.status != NO_ANSWER)
            net->free[net->free_count++] = place.answer.number % PAGES;
    }
}

static void put_segmentation(struct interface *net, uint64_t work)
{
    union send_place *place = &net->send_places[ring_next(&net->send)];

    *place = (union send_place){.extra.type = EXTRA_SEGMENTATION,
                                .extra.segment_size = work >> 24 & 0xffff,
                                .extra.segmentation = work >> 48 & 1 ? TCP_IPV6 : TCP_IPV4};
}

/* The frame's length stands in its first request, that of a part in each other. */
static void put_frame(struct interface *net, const struct buffer *buffer)
{
    bool cut = buffer->work >> 24 & 0xffff;

    for (uint32_t start = 0; start < buffer->length; start += PAGE_SIZE) {
        uint32_t rest = buffer->length - start, part = rest < PAGE_SIZE ? rest : PAGE_SIZE;
        uint16_t page = net->free[--net->free_count];
        uint16_t flags = rest > PAGE_SIZE ? SEND_MORE : 0;
        if (start == 0 && buffer->work != 0)
            flags |= SEND_NO_CHECKSUM | SEND_CHECKED | (cut ? SEND_EXTRA : 0);
        memcpy(net->send_pages.bytes[page], buffer->bytes + start, part);
        union send_place *place = &net->send_places[ring_next(&net->send)];
        place->request.page = net->send_pages.grants[page];
        place->request.offset = 0;
        place->request.flags = flags;
        place->request.number = page;
        place->request.length = start == 0 ? buffer->length : part;
        if (start == 0 && cut)
            put_segmentation(net, buffer->work);
    }
    net->untold++;
}

static void send_waiting(struct interface *net)
{
    reclaim(net);
    while (!is_empty(&net->waiting)) {
        const struct buffer *next = &net->waiting.buffers[net->waiting.taken % ROOM];
        uint32_t pages = (next->length + PAGE_SIZE - 1) / PAGE_SIZE;
        if (pages > net->free_count || net->send.given - net->send.taken + pages + 1 > PLACES_ON_RING)
            return;
        if (next->length <= FRAME_MOST)
            put_frame(net, next);
        push(&net->done, pop(&net->waiting));
    }
}

static void tell(struct interface *net)
{
    bool sent = net->send.given != net->send.page->requests_given && ring_publish(&net->send);
    bool given = net->receive.given != net->receive.page->requests_given && ring_publish(&net->receive);

    net->untold = 0;
    if (sent || given)
        event_send(net->frontend.port);
}

value unikernel_net_send(value place, intnat number, value buffer, intnat length, intnat work)
{
    struct interface *net = at(place);

    push(&net->waiting, (struct buffer){.number = number,
                                        .length = length,
                                        .bytes = (char *)Caml_ba_data_val(buffer) + sizeof(struct header),
                                        .work = work});
    send_waiting(net);
    if (net->untold >= TELL_AFTER)
        tell(net);
    return Val_unit;
}

intnat unikernel_net_sent(value place)
{
    struct interface *net = at(place);

    send_waiting(net);
    return is_empty(&net->done) ? -1 : pop(&net->done).number;
}

/* For the rest of the kernel */

void net_tell(void)
{
    for (int number = 0; number < PLACES; number++)
        if (interfaces[number] != NULL)
            tell(interfaces[number]);
}

static bool has_news(const struct interface *net)
{
    return net->receive.page->answers_given != net->seen || (!is_empty(&net->waiting) && ring_has_answer(&net->send));
}

uintptr_t net_news(void)
{
    uintptr_t news = 0;

    for (int number = 0; number < PLACES; number++) {
        struct interface *net = interfaces[number];
        if (net == NULL || !has_news(net))
            continue;
        net->seen = net->receive.page->answers_given;
        news |= 1ul << number;
    }
    return news;
}

bool net_expect(void)
{
    bool news = false;

    for (int number = 0; number < PLACES; number++) {
        struct interface *net = interfaces[number];
        if (net == NULL)
            continue;
        news |= ring_expect(&net->receive, net->seen);
        if (!is_empty(&net->waiting))
            news |= ring_expect(&net->send, net->send.taken);
    }
    return !news;
}

void net_finish(void)
{
    uint64_t deadline = clock_monotonic_ns() + FINISH_NS;

    for (int number = 0; number < PLACES; number++) {
        struct interface *net = interfaces[number];
        while (net != NULL && clock_monotonic_ns() < deadline) {
            send_waiting(net);
            tell(net);
            if (net->send.given == net->send.taken)
                break;
            if (!ring_expect(&net->send, net->send.taken))
                clock_idle(deadline);
        }
    }
}
