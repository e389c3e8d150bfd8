/* What libos/platform/net.mli asks for, over Linux: an interface is the other end of a TAP interface of this machine, and a
   frame is sent when it has been handed over. */

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <caml/alloc.h>
#include <caml/bigarray.h>
#include <caml/fail.h>
#include <caml/memory.h>
#include <caml/mlvalues.h>

#include "events.h"

#define PLACES 14
#define ROOM 64
#define TUN "/dev/net/tun"

/* Numbers of buffers, first come first served. */
struct queue {
    uint8_t numbers[ROOM];
    unsigned put, taken;
};

static struct {
    int tap;
    char name[IFNAMSIZ];
    struct {
        void *bytes;
        size_t size;
    } offered[ROOM];
    struct queue empty, sent;
} interfaces[PLACES];

static void put(struct queue *queue, int number)
{
    queue->numbers[queue->put++ % ROOM] = number;
}

/* Ask this machine's network of the interface with that name. */
static int ask(unsigned long request, struct ifreq *answer, const char *name)
{
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    memset(answer, 0, sizeof *answer);
    snprintf(answer->ifr_name, IFNAMSIZ, "%s", name);
    int result = ioctl(any, request, answer);
    if (any >= 0)
        close(any);
    return result;
}

static void fail_without(const char *name)
{
    char reason[256];

    snprintf(reason, sizeof reason,
             "this machine has no TAP interface %.15s. Its administrator makes one with: ip tuntap add %.15s mode tap "
             "user NAME; ip address add 10.0.0.1/24 dev %.15s; ip link set %.15s up. Another one is named with --interface",
             name, name, name, name);
    caml_failwith(reason);
}

static void fail_with(const char *what)
{
    char reason[128];

    snprintf(reason, sizeof reason, "%s: %s", what, strerror(errno));
    caml_failwith(reason);
}

/* Asked for by name, an interface that is not there would be made, and lead nowhere. */
static int open_tap(const char *name)
{
    struct ifreq wanted = {.ifr_flags = IFF_TAP | IFF_NO_PI};

    if (if_nametoindex(name) == 0)
        fail_without(name);
    int tap = open(TUN, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (tap < 0)
        fail_with(TUN);
    snprintf(wanted.ifr_name, IFNAMSIZ, "%s", name);
    if (ioctl(tap, TUNSETIFF, &wanted) < 0) {
        int error = errno;
        close(tap);
        errno = error;
        fail_with(errno == EBUSY ? "another program has it" : errno == EINVAL ? "it is no TAP interface" : "it is not ours");
    }
    return tap;
}

value unikernel_net_connect(value place_value, value name_value, value large)
{
    CAMLparam3(place_value, name_value, large);
    CAMLlocal2(info, mac);
    int place = Int_val(place_value);
    struct ifreq mtu, address;

    if (place >= PLACES)
        caml_failwith("a program has room for 14 devices");
    snprintf(interfaces[place].name, IFNAMSIZ, "%s", String_val(name_value));
    const char *name = interfaces[place].name;
    interfaces[place].tap = open_tap(name);
    if (ask(SIOCGIFMTU, &mtu, name) < 0 || ask(SIOCGIFHWADDR, &address, name) < 0)
        fail_with("it cannot be asked");
    events_watch_device(interfaces[place].tap, place);
    /* The address is this machine's end's, made another one that nobody is sold with. */
    unsigned char *bytes = (unsigned char *)address.ifr_hwaddr.sa_data;
    bytes[0] = (bytes[0] | 2) & ~1;
    bytes[5] ^= 1;
    mac = caml_alloc_initialized_string(6, (char *)bytes);
    info = caml_alloc_tuple(7);
    Store_field(info, 0, mac);
    Store_field(info, 1, Val_long(mtu.ifr_mtu));
    Store_field(info, 2, Val_long(0));
    Store_field(info, 3, Val_long(ROOM));
    Store_field(info, 4, Val_false);
    Store_field(info, 5, Val_false);
    Store_field(info, 6, Val_false);
    CAMLreturn(info);
}

value unikernel_net_link(value place)
{
    struct ifreq flags;

    return Val_bool(ask(SIOCGIFFLAGS, &flags, interfaces[Int_val(place)].name) == 0 && flags.ifr_flags & IFF_RUNNING);
}

value unikernel_net_offer(value place_value, intnat number, value buffer, intnat size)
{
    int place = Int_val(place_value);

    interfaces[place].offered[number].bytes = Caml_ba_data_val(buffer);
    interfaces[place].offered[number].size = size;
    put(&interfaces[place].empty, number);
    return Val_unit;
}

intnat unikernel_net_received(value place_value)
{
    int place = Int_val(place_value);
    struct queue *empty = &interfaces[place].empty;

    if (empty->taken == empty->put)
        return -1;
    int number = empty->numbers[empty->taken % ROOM];
    ssize_t length = read(interfaces[place].tap, interfaces[place].offered[number].bytes, interfaces[place].offered[number].size);
    if (length < 0)
        return -1;
    empty->taken++;
    return number | length << 16;
}

/* What this machine does not take is lost, as on any wire. */
value unikernel_net_send(value place_value, intnat number, value buffer, intnat length, intnat work)
{
    int place = Int_val(place_value);

    (void)work;
    if (write(interfaces[place].tap, Caml_ba_data_val(buffer), length) < 0 && errno != EAGAIN && errno != EIO)
        perror("TAP");
    put(&interfaces[place].sent, number);
    return Val_unit;
}

intnat unikernel_net_sent(value place_value)
{
    struct queue *sent = &interfaces[Int_val(place_value)].sent;

    return sent->taken == sent->put ? -1 : sent->numbers[sent->taken++ % ROOM];
}
