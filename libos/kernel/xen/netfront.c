#include "netfront.h"

#include <string.h>

#include "checksum.h"

#define PLACES_ON_RING 256
#define MTU 1500 /* unless the device says otherwise */
#define FRAME_MOST 65535

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

const char *netfront_start(struct interface *net, int number)
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

bool netfront_mac(const struct interface *net, uint8_t mac[6])
{
    char text[STORE_VALUE];

    if (!bus_read(&net->frontend, "mac", text) || strlen(text) != 17)
        return false;
    for (int i = 0; i < 6; i++)
        mac[i] = hexadecimal(text[3 * i]) << 4 | hexadecimal(text[3 * i + 1]);
    return true;
}

long netfront_mtu(const struct interface *net)
{
    char text[STORE_VALUE];

    return bus_read(&net->frontend, "mtu", text) ? (long)bus_number(text) : MTU;
}

/* Receiving */

uint32_t netfront_take(struct interface *net, const struct buffer *buffer, bool *is_checked, bool *is_unfinished)
{
    struct header *header = (struct header *)buffer->bytes;
    char *frame = (char *)(header + 1);
    uint32_t room = buffer->length - sizeof(struct header), length = 0;
    uint16_t flags = 0, more;
    bool good = true;

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
        flags |= place.answer.flags;
        give_page(net);
    } while (more && ring_has_answer(&net->receive));
    *is_checked = flags & (RECEIVE_CHECKED | RECEIVE_NO_CHECKSUM);
    *is_unfinished = flags & RECEIVE_NO_CHECKSUM
                     && checksum_place(frame, length, &header->checksum_start, &header->checksum_offset);
    return good && !more ? length : 0;
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

void netfront_send(struct interface *net)
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
