/* Reads and writes a disk or a file, as the commands on standard input ask, and prints how many nanoseconds it took.
   bench/block/image does the same on our side; bench/block/__init__.py has the language.

   With one request at a time these are pread and pwrite, with more io_uring, Linux's quickest way. A tool such as fio
   costs an emulated guest up to twice as much for each request as this loop. */
#define _GNU_SOURCE /* O_DIRECT */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/io_uring.h>

#define DEPTH_MOST 64
#define SIZE_MOST (1 << 20)
#define PAGE 4096

struct command {
    char kind[16], order[16]; /* read, write or flushed; sequential or random */
    size_t size;
    unsigned depth, count;
};

static int file, durable; /* the same; what is written through the second is on the medium at once */
static size_t file_size;
static char *buffers[DEPTH_MOST];

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ull + time.tv_nsec;
}

/* Where the request of a number goes; random numbers by xorshift. */
static off_t place(const struct command *command, unsigned number)
{
    static uint64_t random = 88172645463325252ull;
    uint64_t slots = file_size / command->size;

    if (command->order[0] == 's')
        return number % slots * command->size;
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random % slots * command->size;
}

static void one_by_one(const struct command *command, int to)
{
    for (unsigned i = 0; i < command->count; i++) {
        off_t offset = place(command, i);
        ssize_t done = command->kind[0] == 'r' ? pread(to, buffers[0], command->size, offset)
                                               : pwrite(to, buffers[0], command->size, offset);
        if (done != (ssize_t)command->size)
            fail("a request");
    }
}

static struct {
    int file;
    unsigned *submitted, *numbers, mask;
    struct io_uring_sqe *requests;
    unsigned *taken, *completed, completed_mask;
    struct io_uring_cqe *answers;
} ring = {.file = -1};

static void start_ring(void)
{
    struct io_uring_params parameters = {0};

    ring.file = syscall(SYS_io_uring_setup, DEPTH_MOST, &parameters);
    if (ring.file < 0)
        fail("io_uring");
    char *queue = mmap(NULL, parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned), PROT_READ | PROT_WRITE,
                       MAP_SHARED, ring.file, IORING_OFF_SQ_RING);
    char *answers = mmap(NULL, parameters.cq_off.cqes + parameters.cq_entries * sizeof *ring.answers,
                         PROT_READ | PROT_WRITE, MAP_SHARED, ring.file, IORING_OFF_CQ_RING);
    ring.requests = mmap(NULL, parameters.sq_entries * sizeof *ring.requests, PROT_READ | PROT_WRITE, MAP_SHARED,
                         ring.file, IORING_OFF_SQES);
    if (queue == MAP_FAILED || answers == MAP_FAILED || ring.requests == MAP_FAILED)
        fail("io_uring's queues");
    ring.submitted = (unsigned *)(queue + parameters.sq_off.tail);
    ring.numbers = (unsigned *)(queue + parameters.sq_off.array);
    ring.mask = parameters.sq_entries - 1;
    ring.taken = (unsigned *)(answers + parameters.cq_off.head);
    ring.completed = (unsigned *)(answers + parameters.cq_off.tail);
    ring.completed_mask = parameters.cq_entries - 1;
    ring.answers = (struct io_uring_cqe *)(answers + parameters.cq_off.cqes);
}

static void several(const struct command *command, int to)
{
    unsigned free[DEPTH_MOST], free_count = 0, begun = 0, done = 0;

    if (ring.file < 0)
        start_ring();
    while (free_count < command->depth) {
        free[free_count] = free_count;
        free_count++;
    }
    while (done < command->count) {
        unsigned last = *ring.submitted, first = last;
        for (; free_count > 0 && begun < command->count; last++) {
            unsigned buffer = free[--free_count];
            ring.requests[last & ring.mask] = (struct io_uring_sqe){
                .opcode = command->kind[0] == 'r' ? IORING_OP_READ : IORING_OP_WRITE,
                .fd = to,
                .addr = (uintptr_t)buffers[buffer],
                .len = command->size,
                .off = place(command, begun++),
                .user_data = buffer,
            };
            ring.numbers[last & ring.mask] = last & ring.mask;
        }
        __atomic_store_n(ring.submitted, last, __ATOMIC_RELEASE);
        if (syscall(SYS_io_uring_enter, ring.file, last - first, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
            fail("io_uring");
        unsigned taken = *ring.taken, completed = __atomic_load_n(ring.completed, __ATOMIC_ACQUIRE);
        for (; taken != completed; taken++, done++) {
            const struct io_uring_cqe *answer = &ring.answers[taken & ring.completed_mask];
            if (answer->res != (int)command->size)
                fail("a request");
            free[free_count++] = answer->user_data;
        }
        __atomic_store_n(ring.taken, taken, __ATOMIC_RELEASE);
    }
}

int main(int argument_count, char **arguments)
{
    struct command command;

    if (argument_count < 2) {
        fprintf(stderr, "use: load FILE [direct]\n");
        return 2;
    }
    int flags = O_RDWR | (argument_count > 2 ? O_DIRECT : 0);
    file = open(arguments[1], flags);
    durable = open(arguments[1], flags | O_DSYNC);
    off_t end = file < 0 || durable < 0 ? -1 : lseek(file, 0, SEEK_END);
    if (end < 0)
        fail(arguments[1]);
    file_size = end;
    for (int i = 0; i < DEPTH_MOST; i++)
        if (posix_memalign((void **)&buffers[i], PAGE, SIZE_MOST) != 0)
            fail("memory");
    puts("ready");
    fflush(stdout);
    while (scanf("%15s %15s %zu %u %u", command.kind, command.order, &command.size, &command.depth, &command.count)
           == 5) {
        int to = command.kind[0] == 'f' ? durable : file;
        for (unsigned i = 0; i < command.depth; i++)
            memset(buffers[i], i + 1, command.size);
        uint64_t begin = now();
        if (command.depth == 1)
            one_by_one(&command, to);
        else
            several(&command, to);
        printf("took %lu\n", now() - begin);
        fflush(stdout);
    }
    return 0;
}
