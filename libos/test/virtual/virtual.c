/* What platform.mli asks for, without a machine: idling is what makes time pass. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <caml/mlvalues.h>

static int64_t now_ns = 1000000000;

int64_t unikernel_monotonic_ns(value unit)
{
    (void)unit;
    return now_ns;
}

int64_t unikernel_wall_ns(value unit)
{
    (void)unit;
    return now_ns;
}

intnat unikernel_wait(int64_t deadline)
{
    if (deadline == INT64_MAX) {
        fputs("The test waits for something that can never happen.\n", stderr);
        exit(1);
    }
    if (deadline > now_ns)
        now_ns = deadline;
    return 0;
}

intnat unikernel_console_read(value buffer, intnat offset, intnat length)
{
    (void)buffer;
    (void)offset;
    (void)length;
    return -1;
}

/* A linear congruential generator: nothing here needs to be secret. */
value unikernel_entropy(value buffer)
{
    static uint64_t state = 42;
    unsigned char *bytes = Bytes_val(buffer);

    for (size_t i = 0; i < caml_string_length(buffer); i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = state >> 56;
    }
    return Val_unit;
}

value unikernel_stamp(value name)
{
    (void)name;
    return Val_unit;
}
