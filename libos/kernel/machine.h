/* Instructions that C has no words for. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

static inline void out8(uint16_t port, uint8_t byte)
{
    __asm__ volatile("outb %0, %1" : : "a"(byte), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
    uint8_t byte;
    __asm__ volatile("inb %1, %0" : "=a"(byte) : "Nd"(port));
    return byte;
}

static inline void out16(uint16_t port, uint16_t word)
{
    __asm__ volatile("outw %0, %1" : : "a"(word), "Nd"(port));
}

static inline uint32_t in32(uint16_t port)
{
    uint32_t word;
    __asm__ volatile("inl %1, %0" : "=a"(word) : "Nd"(port));
    return word;
}

static inline void out32(uint16_t port, uint32_t word)
{
    __asm__ volatile("outl %0, %1" : : "a"(word), "Nd"(port));
}

static inline uint64_t read_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline void write_msr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline uint64_t read_msr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf)
{
    struct cpuid found;
    __asm__("cpuid"
            : "=a"(found.eax), "=b"(found.ebx), "=c"(found.ecx), "=d"(found.edx)
            : "a"(leaf), "c"(0));
    return found;
}

#endif
