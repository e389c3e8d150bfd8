/* Short texts put together without allocation, for messages that must come out whatever is broken. */
#ifndef FORMAT_H
#define FORMAT_H

#include <stddef.h>
#include <stdint.h>

/* At most 511 bytes; what does not fit is left out. */
struct text {
    size_t length;
    char bytes[512];
};

void text_add(struct text *text, const char *added);
void text_add_decimal(struct text *text, uint64_t number);
void text_add_hexadecimal(struct text *text, uint64_t number);

/* Makes it one line: line breaks become blanks, and a line break ends it. */
void text_end_line(struct text *text);

/* The text so far, ended by a zero byte. */
const char *text_string(struct text *text);

#endif
