/* Descriptors that tell when something has happened: one epoll set, edge-triggered, so that each is added once and costs
   nothing while nobody cares for it. */

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include <caml/fail.h>

#include "events.h"

#define READY_MOST 128
#define SOCKET (1ull << 32) /* else the number is a device's place */

static int set = -1;

/* Those of sockets wait here until they are asked for. */
static struct epoll_event ready[READY_MOST];
static int ready_count, ready_next;

intnat events_pending;

/* A server has a descriptor for each connection: take as many as may be had. */
static void allow_more(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void watch(int descriptor, uint64_t key)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u64 = key};

    if (set < 0) {
        set = epoll_create1(EPOLL_CLOEXEC);
        allow_more();
    }
    if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) < 0)
        caml_failwith(strerror(errno));
}

void events_watch_device(int descriptor, int place)
{
    watch(descriptor, place);
}

void events_watch_socket(int descriptor, uint32_t number)
{
    watch(descriptor, SOCKET | number);
}

int events_descriptor(void)
{
    return set;
}

intnat events_collect(void)
{
    intnat sources = 0;

    if (ready_next < ready_count)
        return EVENTS_SOCKETS;
    int count = epoll_wait(set, ready, READY_MOST, 0);
    ready_next = ready_count = 0;
    for (int i = 0; i < count; i++) {
        if (ready[i].data.u64 & SOCKET) {
            ready[ready_count++] = ready[i];
            sources |= EVENTS_SOCKETS;
        } else {
            sources |= 2l << ready[i].data.u64;
        }
    }
    return sources;
}

/* The next socket that something has happened to: eight times its number, plus 1 if it may be read, 2 if it may be written,
   4 if its peer has ended; or -1. */
intnat unikernel_sockets_next(value unit)
{
    (void)unit;
    if (ready_next == ready_count)
        return -1;
    const struct epoll_event *event = &ready[ready_next++];
    int over = event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    return (intnat)(uint32_t)event->data.u64 * 8 + (over || event->events & EPOLLIN ? 1 : 0) +
           (event->events & (EPOLLOUT | EPOLLHUP | EPOLLERR) ? 2 : 0) + (over ? 4 : 0);
}
