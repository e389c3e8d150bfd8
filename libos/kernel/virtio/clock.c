/* The time-stamp counter (TSC) is the clock. Its rate comes from KVM where there is KVM, else it is measured
   against the ACPI timer: roughly at boot, and again, exactly, when the program has run for a while. */
#include "clock.h"

#include <stdbool.h>
#include <string.h>

#include "console.h"
#include "interrupts.h"
#include "machine.h"
#include "virtio.h"

#define NS_PER_S 1000000000ull
#define ACPI_TIMER_PORT 0x608 /* PIIX4 and ICH9 as QEMU's firmware sets them up: PM_TMR */
#define ACPI_TIMER_HZ 3579545ull
#define ACPI_TIMER_MASK 0xffffff
#define ROUGH_TICKS 1790                      /* 0.5 ms */
#define ROUGH_READS 1000000                   /* the timer does not run if it has not moved by then */
#define REFINE_AFTER_NS (NS_PER_S / 4)
#define REFINE_BEFORE_NS (60 * NS_PER_S)      /* later, the rough rate no longer tells how often the timer wrapped */

#define NEAR_NS 1000000 /* a deadline so near is missed by little */

#define KVM_SIGNATURE 0x40000000u
#define MSR_KVM_WALL_CLOCK 0x4b564d00u
#define MSR_KVM_SYSTEM_TIME 0x4b564d01u
#define KVM_ENABLE 1u

#define APIC_TIMER_VECTOR 0x320
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVISOR 0x3e0
#define APIC_DIVIDE_BY_1 0xb

/* Linux's Documentation/virt/kvm/x86/msr.rst */
struct kvm_time {
    uint32_t version, pad;
    uint64_t tsc, system_time;
    uint32_t multiplier;
    int8_t shift;
    uint8_t flags, pad2[2];
};

struct kvm_wall_clock {
    uint32_t version, seconds, nanoseconds;
};

extern uint64_t boot_tsc;

/* Nanoseconds at `base_tsc`, and nanoseconds a tick as a fraction of 2^32. */
static uint64_t base_tsc, base_ns, ns_per_tick;
static uint64_t apic_ticks_per_ns; /* fraction of 2^32 */
static uint64_t wall_offset_ns;
static bool rate_is_exact;
static uint64_t rough_tsc;
static uint32_t rough_acpi, rough_apic;

static volatile uint32_t *apic(uint32_t offset)
{
    return (uint32_t *)(LOCAL_APIC + offset);
}

static uint64_t scale(uint64_t count, uint64_t fraction)
{
    return (unsigned __int128)count * fraction >> 32;
}

static uint64_t divide(uint64_t a, uint64_t b)
{
    return ((unsigned __int128)a << 32) / b;
}

static bool on_kvm(void)
{
    struct cpuid found = cpuid(KVM_SIGNATURE);
    return cpuid(1).ecx >> 31 && found.ebx == 0x4b4d564b && found.ecx == 0x564b4d56 && found.edx == 0x4d;
}

static bool rate_from_kvm(void)
{
    static struct kvm_time time __attribute__((aligned(64)));

    if (!on_kvm() || !(cpuid(KVM_SIGNATURE + 1).eax >> 3 & 1))
        return false;
    write_msr(MSR_KVM_SYSTEM_TIME, (uintptr_t)&time | KVM_ENABLE);
    write_msr(MSR_KVM_SYSTEM_TIME, 0);
    ns_per_tick = time.shift < 0 ? (uint64_t)time.multiplier >> -time.shift : (uint64_t)time.multiplier << time.shift;
    return ns_per_tick != 0;
}

static uint32_t acpi_ticks_since(uint32_t start)
{
    return (in32(ACPI_TIMER_PORT) - start) & ACPI_TIMER_MASK;
}

/* First look at the timers. */
static void measure_begin(void)
{
    *apic(APIC_TIMER_DIVISOR) = APIC_DIVIDE_BY_1;
    *apic(APIC_TIMER_VECTOR) = INTERRUPT_VECTOR + INTERRUPT_TIMER;
    *apic(APIC_TIMER_INITIAL) = ~0u;
    rough_acpi = in32(ACPI_TIMER_PORT);
    rough_tsc = read_tsc();
    rough_apic = *apic(APIC_TIMER_CURRENT);
}

/* Second look, at least half a millisecond later: the boot goes on in between, so there is seldom anything to wait. */
static void measure_roughly(void)
{
    uint32_t ticks;
    uint32_t reads = 0;

    do
        ticks = acpi_ticks_since(rough_acpi);
    while (ticks < ROUGH_TICKS && ++reads < ROUGH_READS);
    uint64_t tsc = read_tsc() - rough_tsc;
    uint32_t apic_count = rough_apic - *apic(APIC_TIMER_CURRENT);
    *apic(APIC_TIMER_INITIAL) = 0;
    if (ticks < ROUGH_TICKS) {
        console_print("kernel: no ACPI timer: the clock assumes 1 GHz\n");
        rate_is_exact = true;
        tsc = apic_count = ROUGH_TICKS * NS_PER_S / ACPI_TIMER_HZ;
        ticks = ROUGH_TICKS;
    }
    uint64_t ns = ticks * NS_PER_S / ACPI_TIMER_HZ;
    if (ns_per_tick == 0)
        ns_per_tick = divide(ns, tsc);
    apic_ticks_per_ns = divide(apic_count, ns);
}

/* The longer the time between two looks at the ACPI timer, the better the rate. */
static void measure_exactly(void)
{
    uint32_t acpi = in32(ACPI_TIMER_PORT);
    uint64_t tsc = read_tsc();
    uint64_t rough_ticks = scale(tsc - rough_tsc, ns_per_tick) * ACPI_TIMER_HZ / NS_PER_S;
    uint32_t off = (acpi - rough_acpi - rough_ticks) & ACPI_TIMER_MASK;
    uint64_t ticks = rough_ticks + (off <= ACPI_TIMER_MASK / 2 ? off : off - (ACPI_TIMER_MASK + 1ull));

    base_ns += scale(tsc - base_tsc, ns_per_tick);
    base_tsc = tsc;
    ns_per_tick = divide(ticks * NS_PER_S / ACPI_TIMER_HZ, tsc - rough_tsc);
    rate_is_exact = true;
}

uint64_t clock_monotonic_ns(void)
{
    if (apic_ticks_per_ns == 0)
        measure_roughly();
    return base_ns + scale(read_tsc() - base_tsc, ns_per_tick);
}

static uint8_t rtc_register(uint8_t number)
{
    out8(0x70, number);
    return in8(0x71);
}

static unsigned rtc_decimal(uint8_t number)
{
    uint8_t bcd = rtc_register(number);
    return (bcd >> 4) * 10 + (bcd & 15);
}

/* Days from 1970-01-01 to the first of a month, in the proleptic Gregorian calendar. */
static uint64_t days_before(unsigned year, unsigned month)
{
    static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    unsigned past = year - 1;

    return past * 365ull + past / 4 - past / 100 + past / 400 - 719162 + before[month - 1] + (leap && month > 2);
}

/* The battery-backed clock, MC146818: QEMU keeps it in UTC, BCD, 24 hours. */
static uint64_t rtc_seconds(void)
{
    uint64_t seconds, again;

    do {
        while (rtc_register(0x0a) & 0x80) /* being updated */
            continue;
        unsigned month = rtc_decimal(8);
        if (month < 1 || month > 12)
            return 0;
        uint64_t days = days_before(rtc_decimal(0x32) * 100 + rtc_decimal(9), month) + rtc_decimal(7) - 1;
        seconds = ((days * 24 + rtc_decimal(4)) * 60 + rtc_decimal(2)) * 60 + rtc_decimal(0);
        again = rtc_decimal(0);
    } while (seconds % 60 != again);
    return seconds;
}

static uint64_t wall_at_boot_ns(void)
{
    static struct kvm_wall_clock wall __attribute__((aligned(64)));

    if (on_kvm() && cpuid(KVM_SIGNATURE + 1).eax >> 3 & 1) {
        static struct kvm_time time __attribute__((aligned(64)));
        write_msr(MSR_KVM_WALL_CLOCK, (uintptr_t)&wall);
        write_msr(MSR_KVM_SYSTEM_TIME, (uintptr_t)&time | KVM_ENABLE);
        uint64_t since_host_boot = time.system_time + scale(read_tsc() - time.tsc, ns_per_tick);
        write_msr(MSR_KVM_SYSTEM_TIME, 0);
        return wall.seconds * NS_PER_S + wall.nanoseconds + since_host_boot - clock_monotonic_ns();
    }
    return rtc_seconds() * NS_PER_S - clock_monotonic_ns();
}

uint64_t clock_wall_ns(void)
{
    /* Read on first use: reading the battery-backed clock takes many slow port accesses. */
    if (wall_offset_ns == 0)
        wall_offset_ns = wall_at_boot_ns();
    return wall_offset_ns + clock_monotonic_ns();
}

void clock_start(void)
{
    interrupts_start(); /* the timer's is one */
    rate_is_exact = rate_from_kvm();
    measure_begin();
    base_tsc = boot_tsc;
}

/* Sets the local APIC's timer to interrupt at `deadline` or before. Setting it is an exit to the hypervisor, and it is
   set early rather than often: where it is due before the deadline anyway, it stays as it is, and idling ends early. Its
   rate is known roughly and it holds 32 bits, so it is set a little short of a far deadline; a wake-up that comes early is
   followed by another call. */
static void arm(uint64_t now, uint64_t deadline)
{
    static uint64_t due; /* when it will have interrupted; 0: it is not set */

    if (interrupts_seen[INTERRUPT_TIMER])
        due = interrupts_seen[INTERRUPT_TIMER] = 0;
    if (due > now && due <= deadline)
        return;
    uint64_t left = deadline - now < NS_PER_S ? deadline - now : NS_PER_S;
    if (left > NEAR_NS)
        left -= left / 32;
    due = now + left;
    uint64_t ticks = scale(left, apic_ticks_per_ns) + 1;
    *apic(APIC_TIMER_INITIAL) = ticks > ~0u ? ~0u : ticks;
}

void clock_idle(uint64_t deadline)
{
    uint64_t now = clock_monotonic_ns();

    if (!rate_is_exact && now > REFINE_AFTER_NS) {
        if (now < REFINE_BEFORE_NS)
            measure_exactly();
        rate_is_exact = true;
    }
    if (now >= deadline)
        return;
    virtio_kick_put_off();
    arm(now, deadline);
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}
