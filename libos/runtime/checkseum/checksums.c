/* Checksums of bytes and of bigarrays: the C part of Checkseum, since they are wanted fast. */

#include <caml/bigarray.h>
#include <caml/mlvalues.h>
#include <stdint.h>
#include <string.h>

/* Eight bytes at a time: table k has what a byte does to the checksum that k more bytes follow. */
typedef uint32_t tables[8][256];

/* For polynomials with the lowest power in the highest bit. */
static void fill_reflected(tables table, uint32_t polynomial) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? polynomial : 0);
        table[0][byte] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (int byte = 0; byte < 256; byte++) {
            uint32_t crc = table[k - 1][byte];
            table[k][byte] = (crc >> 8) ^ table[0][crc & 255];
        }
}

static uint64_t load(const unsigned char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static uint32_t reflected(tables table, uint32_t crc, const unsigned char *at, size_t length) {
    for (; length >= 8; at += 8, length -= 8) {
        uint64_t word = load(at) ^ crc;
        crc = table[7][word & 255] ^ table[6][word >> 8 & 255] ^ table[5][word >> 16 & 255] ^
              table[4][word >> 24 & 255] ^ table[3][word >> 32 & 255] ^ table[2][word >> 40 & 255] ^
              table[1][word >> 48 & 255] ^ table[0][word >> 56];
    }
    for (; length > 0; at++, length--) crc = (crc >> 8) ^ table[0][(crc ^ *at) & 255];
    return crc;
}

static uint32_t crc32(uint32_t crc, const unsigned char *at, size_t length) {
    static tables table;
    if (table[0][1] == 0) fill_reflected(table, 0xedb88320);
    return ~reflected(table, ~crc, at, length);
}

/* Not by the processor's instruction: QEMU's emulation of it takes nearly three times as long as the tables. */
static uint32_t crc32c(uint32_t crc, const unsigned char *at, size_t length) {
    static tables table;
    if (table[0][1] == 0) fill_reflected(table, 0x82f63b78);
    return ~reflected(table, ~crc, at, length);
}

static uint32_t crc24(uint32_t crc, const unsigned char *at, size_t length) {
    static uint32_t table[256];
    if (table[1] == 0)
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t value = byte << 16;
            for (int bit = 0; bit < 8; bit++) value = (value << 1) ^ (value & 0x800000 ? 0x1864cfb : 0);
            table[byte] = value & 0xffffff;
        }
    for (; length > 0; at++, length--) crc = (crc << 8 & 0xffffff) ^ table[(crc >> 16 ^ *at) & 255];
    return crc;
}

static uint32_t adler32(uint32_t adler, const unsigned char *at, size_t length) {
    const uint32_t base = 65521;
    const size_t most = 5552; /* for which neither sum can overflow */
    uint32_t a = adler & 0xffff, b = adler >> 16;
    while (length > 0) {
        size_t part = length < most ? length : most;
        length -= part;
        for (; part > 0; at++, part--) {
            a += *at;
            b += a;
        }
        a %= base;
        b %= base;
    }
    return b << 16 | a;
}

#define FOR_OCAML(name)                                                                                             \
    value unikernel_##name##_bytes(value before, value buffer, value offset, value length) {                         \
        return Val_long(name(Long_val(before), Bytes_val(buffer) + Long_val(offset), Long_val(length)));              \
    }                                                                                                                 \
    value unikernel_##name##_bigstring(value before, value buffer, value offset, value length) {                      \
        const unsigned char *start = Caml_ba_data_val(buffer);                                                        \
        return Val_long(name(Long_val(before), start + Long_val(offset), Long_val(length)));                          \
    }

FOR_OCAML(adler32)
FOR_OCAML(crc24)
FOR_OCAML(crc32)
FOR_OCAML(crc32c)
