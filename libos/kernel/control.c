#include "control.h"

#include "format.h"

void control_record(const char *word, const char *argument)
{
    struct text record = {.length = 0};

    text_add(&record, word);
    text_add(&record, " ");
    text_add(&record, argument);
    text_end_line(&record);
    control_write(record.bytes, record.length);
}

void control_record_number(const char *word, const char *name, uint64_t number)
{
    struct text argument = {.length = 0};

    if (name != NULL) {
        text_add(&argument, name);
        text_add(&argument, " ");
    }
    text_add_decimal(&argument, number);
    control_record(word, text_string(&argument));
}
