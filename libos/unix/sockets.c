/* What OCaml's library unix cannot do with sockets: buffers outside of OCaml's heap, several at once; keepalive; readiness.
   sockets/host.mli has the words for it. */

#define _GNU_SOURCE

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <caml/alloc.h>
#include <caml/bigarray.h>
#include <caml/memory.h>
#include <caml/mlvalues.h>

#include "events.h"

#define PARTS 64

enum { NOT_NOW = -1, RESET = -2, TIMED_OUT = -3, OTHERWISE = -4 };

static struct iovec parts[PARTS];
static int part_count;

static intnat failure(void)
{
    switch (errno) {
    case EAGAIN:
        return NOT_NOW;
    case ECONNRESET:
    case EPIPE:
        return RESET;
    case ETIMEDOUT:
        return TIMED_OUT;
    default:
        return OTHERWISE;
    }
}

value unikernel_socket_watch(value descriptor, value number)
{
    events_watch_socket(Int_val(descriptor), Int_val(number));
    return Val_unit;
}

intnat unikernel_socket_receive(value descriptor, value buffer, intnat offset, intnat length)
{
    char *bytes = (char *)Caml_ba_data_val(buffer) + offset;
    ssize_t got;

    do
        got = recv(Int_val(descriptor), bytes, length, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    return got < 0 ? failure() : got;
}

value unikernel_socket_add(value buffer, intnat offset, intnat length)
{
    parts[part_count++] = (struct iovec){(char *)Caml_ba_data_val(buffer) + offset, length};
    return Val_unit;
}

intnat unikernel_socket_send(value descriptor)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = part_count};
    ssize_t sent;

    do
        sent = sendmsg(Int_val(descriptor), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    part_count = 0;
    return sent < 0 ? failure() : sent;
}

/* Times are in seconds. */
value unikernel_socket_keepalive(value descriptor, value after, value interval, value probes)
{
    const int on = 1, values[] = {Int_val(after), Int_val(interval), Int_val(probes)};
    const int names[] = {TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT};

    setsockopt(Int_val(descriptor), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    for (int i = 0; i < 3; i++)
        setsockopt(Int_val(descriptor), IPPROTO_TCP, names[i], &values[i], sizeof values[i]);
    return Val_unit;
}

value unikernel_control_descriptor(value unit)
{
    const char *control = getenv("UNIKERNEL_CONTROL");

    (void)unit;
    return control == NULL ? Val_none : caml_alloc_some(Val_int(atoi(control)));
}
