/* 16550 UART, as the data sheet of National Semiconductor's PC16550D tells. */
#include "serial.h"

#include "control.h"
#include "machine.h"

enum port { CONSOLE = 0x3f8, CONTROL = 0x2f8 };
enum register_offset { DATA = 0, INTERRUPT_ENABLE = 1, FIFO_CONTROL = 2, MODEM_CONTROL = 4, LINE_STATUS = 5, SCRATCH = 7 };

#define FIFO_BYTES 16
#define FIFO_ON 0x07 /* on, and both queues emptied */
#define INPUT_INTERRUPT 0x01
#define MODEM_READY 0x0b /* DTR, RTS, and OUT2, which lets interrupts through */
#define STATUS_INPUT 0x01
#define STATUS_ROOM 0x20  /* the output queue is empty */
#define STATUS_EMPTY 0x40 /* and so is the register behind it */

static int console_present, control_present;

static int port_start(uint16_t port)
{
    out8(port + SCRATCH, 0x5a);
    if (in8(port + SCRATCH) != 0x5a)
        return 0;
    out8(port + FIFO_CONTROL, FIFO_ON);
    out8(port + MODEM_CONTROL, MODEM_READY);
    return 1;
}

static void port_write(uint16_t port, const char *bytes, size_t length)
{
    while (length > 0) {
        size_t count = length < FIFO_BYTES ? length : FIFO_BYTES;
        length -= count;
        while (!(in8(port + LINE_STATUS) & STATUS_ROOM))
            __asm__ volatile("pause");
        __asm__ volatile("rep outsb" : "+S"(bytes), "+c"(count) : "d"(port + DATA) : "memory");
    }
}

void serial_start(void)
{
    control_present = port_start(CONTROL);
}

void serial_start_console(void)
{
    console_present = port_start(CONSOLE);
    if (console_present)
        out8(CONSOLE + INTERRUPT_ENABLE, INPUT_INTERRUPT);
}

void serial_write_console(const char *bytes, size_t length)
{
    if (console_present)
        port_write(CONSOLE, bytes, length);
}

size_t serial_read_console(char *bytes, size_t length)
{
    size_t count = 0;
    while (console_present && count < length && in8(CONSOLE + LINE_STATUS) & STATUS_INPUT)
        bytes[count++] = in8(CONSOLE + DATA);
    return count;
}

static void port_drain(uint16_t port)
{
    while (!(in8(port + LINE_STATUS) & STATUS_EMPTY))
        __asm__ volatile("pause");
}

void serial_drain(void)
{
    if (console_present)
        port_drain(CONSOLE);
    if (control_present)
        port_drain(CONTROL);
}

void control_write(const char *line, size_t length)
{
    if (control_present)
        port_write(CONTROL, line, length);
}
