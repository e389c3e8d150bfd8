/* What OCaml's module Platform asks for, where targets do not differ; see libos/platform/platform.mli. */
#include <stdint.h>
#include <string.h>

#include <caml/alloc.h>
#include <caml/mlvalues.h>

#include "clock.h"
#include "console.h"
#include "control.h"
#include "entropy.h"
#include "panic.h"

int64_t unikernel_monotonic_ns(value unit)
{
    (void)unit;
    return clock_monotonic_ns();
}

int64_t unikernel_wall_ns(value unit)
{
    (void)unit;
    return clock_wall_ns();
}

intnat unikernel_console_read(value buffer, intnat offset, intnat length)
{
    return console_read((char *)Bytes_val(buffer) + offset, length);
}

value unikernel_entropy(value buffer)
{
    if (!entropy_fill(Bytes_val(buffer), caml_string_length(buffer)))
        panic("no entropy: the processor has no working RDSEED or RDRAND; start the guest with a CPU model that has");
    return Val_unit;
}

value unikernel_stamp(value name)
{
    control_record_number("stamp", String_val(name), clock_monotonic_ns());
    return Val_unit;
}
