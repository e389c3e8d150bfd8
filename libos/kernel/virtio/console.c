/* A port of a virtio console device (VIRTIO 1.1, section 5.3) moves pages at a time, where a serial port costs the
   hypervisor a system call a byte. With the multiport feature QEMU also holds back a guest whose reader is slow;
   to a plain console (port 0) it would lose output. */
#include "console.h"

#include <stdbool.h>
#include <string.h>

#include "interrupts.h"
#include "serial.h"
#include "virtio.h"

#define MULTIPORT (1u << 1)
#define QUEUE_SIZE 8
#define BUFFER_SIZE 4096
#define INPUT_BUFFERS 4
#define INPUT_SIZE 256
#define CONTROL_BUFFERS 4
#define PATIENCE 10000000 /* looks at a queue before the device counts as dumb */

enum queue { CONTROL_INPUT = 2, CONTROL_OUTPUT = 3 };
enum event { DEVICE_READY = 0, PORT_ADD = 1, PORT_READY = 3, PORT_OPEN = 6 };

struct control_message {
    uint32_t port;
    uint16_t event, value;
};

static bool on_virtio;
static struct virtio_device device;
static struct virtio_queue input, output, control_input, control_output;
static char queue_memory[4][VIRTIO_QUEUE_BYTES(QUEUE_SIZE)] __attribute__((aligned(16)));
static char output_buffer[BUFFER_SIZE];
static char input_buffers[INPUT_BUFFERS][INPUT_SIZE];
static struct control_message control_buffers[CONTROL_BUFFERS];

/* The buffer of input that is being read. */
static struct {
    uint16_t number;
    uint32_t next, length;
} current;

static bool start_queue(struct virtio_queue *queue, uint16_t number, char *memory, bool interrupt)
{
    return virtio_start_queue(&device, queue, number, QUEUE_SIZE, memory, interrupt);
}

static void give(struct virtio_queue *queue, uint16_t descriptor, const void *bytes, uint32_t length, bool writable)
{
    virtio_describe(queue, descriptor, bytes, length, writable);
    virtio_give(queue, descriptor);
}

static bool take_patiently(struct virtio_queue *queue, uint16_t *descriptor)
{
    uint32_t length;

    for (int looks = 0; looks < PATIENCE; looks++) {
        if (virtio_take(queue, descriptor, &length))
            return true;
        __asm__ volatile("pause");
    }
    return false;
}

static bool send_control(uint32_t port, enum event event)
{
    static struct control_message message;
    uint16_t descriptor;

    message = (struct control_message){port, event, 1};
    give(&control_output, 0, &message, sizeof message, false);
    virtio_kick(&control_output);
    return take_patiently(&control_output, &descriptor);
}

/* Asks the device for its ports, and opens the first. */
static bool open_port(uint32_t *port)
{
    uint16_t descriptor;

    if (!start_queue(&control_input, CONTROL_INPUT, queue_memory[2], false)
        || !start_queue(&control_output, CONTROL_OUTPUT, queue_memory[3], false))
        return false;
    for (uint16_t i = 0; i < CONTROL_BUFFERS; i++)
        give(&control_input, i, &control_buffers[i], sizeof control_buffers[i], true);
    virtio_run(&device);
    virtio_kick(&control_input);
    if (!send_control(~0u, DEVICE_READY))
        return false;
    do
        if (!take_patiently(&control_input, &descriptor))
            return false;
    while (control_buffers[descriptor].event != PORT_ADD);
    *port = control_buffers[descriptor].port;
    return true;
}

/* Receive queue of a port; its transmit queue is the next. */
static uint16_t queue_of(uint32_t port)
{
    return port == 0 ? 0 : 2 * (port + 1);
}

static bool start_virtio(void)
{
    uint32_t features = MULTIPORT;
    uint32_t port = 0;

    if (!virtio_find_console(&device) || !virtio_start(&device, &features))
        return false;
    bool interrupt = pci_route_interrupt(&device.pci, INTERRUPT_VECTOR + INTERRUPT_CONSOLE);
    if (features & MULTIPORT && !open_port(&port))
        return false;
    if (!start_queue(&input, queue_of(port), queue_memory[0], interrupt)
        || !start_queue(&output, queue_of(port) + 1, queue_memory[1], false))
        return false;
    for (uint16_t i = 0; i < INPUT_BUFFERS; i++)
        give(&input, i, input_buffers[i], INPUT_SIZE, true);
    virtio_run(&device);
    virtio_kick(&input);
    return !(features & MULTIPORT) || (send_control(port, PORT_READY) && send_control(port, PORT_OPEN));
}

void console_start(void)
{
    on_virtio = start_virtio();
    if (!on_virtio)
        serial_start_console();
}

static void write_virtio(const char *bytes, size_t length)
{
    uint16_t descriptor;
    uint32_t used;

    while (length > 0) {
        size_t part = length < BUFFER_SIZE ? length : BUFFER_SIZE;
        memcpy(output_buffer, bytes, part);
        give(&output, 0, output_buffer, part, false);
        virtio_kick(&output);
        while (!virtio_take(&output, &descriptor, &used))
            __asm__ volatile("pause");
        bytes += part;
        length -= part;
    }
}

void console_write(const char *bytes, size_t length)
{
    if (on_virtio)
        write_virtio(bytes, length);
    else
        serial_write_console(bytes, length);
}

static size_t read_virtio(char *bytes, size_t length)
{
    size_t count = 0;

    while (count < length) {
        if (current.next == current.length) {
            if (!virtio_take(&input, &current.number, &current.length))
                break;
            current.next = 0;
        }
        bytes[count++] = input_buffers[current.number][current.next++];
        if (current.next == current.length) {
            give(&input, current.number, input_buffers[current.number], INPUT_SIZE, true);
            virtio_kick(&input);
        }
    }
    return count;
}

size_t console_read(char *bytes, size_t length)
{
    return on_virtio ? read_virtio(bytes, length) : serial_read_console(bytes, length);
}
