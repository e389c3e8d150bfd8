#include "checksum.h"

#define ETHERNET_HEADER 14
#define IPV4_HEADER 20
#define IPV6_HEADER 40

enum ethernet_type { IPV4 = 0x0800, IPV6 = 0x86dd };
enum ip_protocol { TCP = 6, UDP = 17 };

bool checksum_place(const void *frame, uint32_t length, uint16_t *start, uint16_t *offset)
{
    const uint8_t *bytes = frame, *packet = bytes + ETHERNET_HEADER;
    uint8_t protocol;

    if (length < ETHERNET_HEADER + IPV4_HEADER)
        return false;
    switch (bytes[12] << 8 | bytes[13]) {
    case IPV4:
        *start = ETHERNET_HEADER + (packet[0] & 15) * 4;
        protocol = packet[9];
        break;
    case IPV6:
        *start = ETHERNET_HEADER + IPV6_HEADER;
        protocol = packet[6];
        break;
    default:
        return false;
    }
    *offset = protocol == TCP ? 16 : 6;
    return protocol == TCP || protocol == UDP;
}
