#include "format.h"

#include <string.h>

void text_add(struct text *text, const char *added)
{
    size_t room = sizeof text->bytes - 1 - text->length;
    size_t length = strlen(added);

    if (length > room)
        length = room;
    memcpy(text->bytes + text->length, added, length);
    text->length += length;
}

static void add_number(struct text *text, uint64_t number, unsigned base)
{
    char digits[21];
    size_t next = sizeof digits;

    digits[--next] = 0;
    do {
        digits[--next] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    text_add(text, digits + next);
}

void text_add_decimal(struct text *text, uint64_t number)
{
    add_number(text, number, 10);
}

void text_add_hexadecimal(struct text *text, uint64_t number)
{
    text_add(text, "0x");
    add_number(text, number, 16);
}

void text_end_line(struct text *text)
{
    if (text->length == sizeof text->bytes - 1)
        text->length--;
    for (size_t i = 0; i < text->length; i++)
        if (text->bytes[i] == '\n' || text->bytes[i] == '\r')
            text->bytes[i] = ' ';
    text->bytes[text->length++] = '\n';
}

const char *text_string(struct text *text)
{
    text->bytes[text->length] = 0;
    return text->bytes;
}
