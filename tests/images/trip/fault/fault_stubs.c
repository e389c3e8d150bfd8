#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <caml/mlvalues.h>

static const char constant[] = "constant";
static const unsigned char return_code[] = {0xc3};
static unsigned char data[16];

static void run(const void *code)
{
    void (*function)(void);
    memcpy(&function, &code, sizeof function);
    function();
}

value fault_write_code(value unit)
{
    *(volatile unsigned char *)(uintptr_t)fault_write_code = 0xc3;
    return unit;
}

value fault_write_constant(value unit)
{
    *(volatile char *)(uintptr_t)constant = 'C';
    return unit;
}

value fault_execute_data(value unit)
{
    memcpy(data, return_code, sizeof return_code);
    run(data);
    return unit;
}

value fault_execute_stack(value unit)
{
    volatile unsigned char on_stack[16];
    on_stack[0] = return_code[0];
    run((const void *)on_stack);
    return unit;
}

static int fill(volatile char *above)
{
    volatile char frame[1024];
    frame[0] = above == NULL ? 0 : *above;
    return fill(frame) + frame[0];
}

value fault_overflow_stack(value unit)
{
    fill(NULL);
    return unit;
}

value fault_null(value unit)
{
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
    return unit;
}

static void write_past_end(volatile char *bytes)
{
    for (int i = 0; i < 64; i++)
        bytes[i] = 'x';
}

value fault_smash(value unit)
{
    volatile char bytes[16];
    write_past_end(bytes);
    return unit;
}

value fault_unmapped(value unit)
{
    *(volatile int *)0x700000000000 = 1;
    return unit;
}

value fault_invalid(value unit)
{
    __asm__ volatile("ud2");
    return unit;
}

value fault_abort(value unit)
{
    abort();
    return unit;
}
