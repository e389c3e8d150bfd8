/* RDSEED and RDRAND as Intel's Digital Random Number Generator guide says: retry, then give up. */
#include "entropy.h"

#include <stdint.h>
#include <string.h>

#include "machine.h"

#define RETRIES 100

static bool rdseed(uint64_t *word)
{
    uint8_t good;
    __asm__ volatile("rdseed %0; setc %1" : "=r"(*word), "=qm"(good) : : "cc");
    return good;
}

static bool rdrand(uint64_t *word)
{
    uint8_t good;
    __asm__ volatile("rdrand %0; setc %1" : "=r"(*word), "=qm"(good) : : "cc");
    return good;
}

static bool random_word(uint64_t *word)
{
    bool has_rdrand = cpuid(1).ecx >> 30 & 1;
    bool has_rdseed = cpuid(0).eax >= 7 && cpuid(7).ebx >> 18 & 1;

    for (int i = 0; i < RETRIES; i++)
        if ((has_rdseed && rdseed(word)) || (has_rdrand && rdrand(word)))
            return true;
    return false;
}

bool entropy_fill(void *bytes, size_t length)
{
    char *next = bytes;

    while (length > 0) {
        uint64_t word;
        size_t part = length < sizeof word ? length : sizeof word;
        if (!random_word(&word))
            return false;
        memcpy(next, &word, part);
        next += part;
        length -= part;
    }
    return true;
}
