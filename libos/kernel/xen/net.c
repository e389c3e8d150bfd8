/* What OCaml's module Platform.Net asks for (libos/platform/net.mli), of Xen's network interfaces. Whatever needs thought
   is in OCaml: libos/drivers/net. */
#include "net.h"

#include <caml/alloc.h>
#include <caml/bigarray.h>
#include <caml/fail.h>
#include <caml/memory.h>
#include <caml/mlvalues.h>

#include "clock.h"
#include "netfront.h"

#define PLACES 14
#define TELL_AFTER 64 /* frames of one turn, so that the backend begins before the turn is over */
#define FINISH_NS 100000000ul

static struct interface *interfaces[PLACES];

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
    const char *trouble = netfront_start(net, number);
    if (trouble != NULL)
        caml_failwith(trouble); /* a backend may have seen its pages: they are not used again */
    if (!netfront_mac(net, address))
        caml_failwith("it has no address");
    interfaces[number] = net;

    bool cuts = bus_asked(&net->frontend, "feature-sg", 0) && bus_asked(&net->frontend, "feature-gso-tcpv4", 0)
                && bus_asked(&net->frontend, "feature-gso-tcpv6", 0);
    mac = caml_alloc_initialized_string(sizeof address, (char *)address);
    info = caml_alloc_tuple(7);
    Store_field(info, 0, mac);
    Store_field(info, 1, Val_long(netfront_mtu(net)));
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

value unikernel_net_offer(value place, intnat number, value buffer, intnat size)
{
    push(&at(place)->offered, (struct buffer){.number = number, .length = size, .bytes = Caml_ba_data_val(buffer)});
    return Val_unit;
}

/* As platform/net.mli packs it. */
intnat unikernel_net_received(value place)
{
    struct interface *net = at(place);
    bool is_checked, is_unfinished;

    while (ring_has_answer(&net->receive) && !is_empty(&net->offered)) {
        const struct buffer *buffer = &net->offered.buffers[net->offered.taken % ROOM];
        uint32_t length = netfront_take(net, buffer, &is_checked, &is_unfinished);
        net->seen = net->receive.taken;
        if (length > 0)
            return (intnat)is_unfinished << 49 | (intnat)is_checked << 48 | (intnat)length << 16
                   | pop(&net->offered).number;
    }
    return -1;
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
    netfront_send(net);
    if (net->untold >= TELL_AFTER)
        tell(net);
    return Val_unit;
}

intnat unikernel_net_sent(value place)
{
    struct interface *net = at(place);

    netfront_send(net);
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
            netfront_send(net);
            tell(net);
            if (net->send.given == net->send.taken)
                break;
            if (!ring_expect(&net->send, net->send.taken))
                clock_idle(deadline);
        }
    }
}
