/* The ones' complement sum of RFC 1071, eight bytes at a time. */
#include <stdint.h>
#include <string.h>

#include <caml/bigarray.h>
#include <caml/mlvalues.h>

/* Halves of 32 bits are summed in 64, so that no carry gets lost: enough for 16 GB. */
intnat unikernel_checksum_sum(value buffer, intnat offset, intnat length)
{
    const uint8_t *bytes = (const uint8_t *)Caml_ba_data_val(buffer) + offset;
    uint64_t sum = 0, word;

    for (; length >= 8; length -= 8, bytes += 8) {
        memcpy(&word, bytes, 8);
        sum += (word & 0xffffffff) + (word >> 32);
    }
    if (length > 0) {
        word = 0;
        memcpy(&word, bytes, length);
        sum += (word & 0xffffffff) + (word >> 32);
    }
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16);
}
