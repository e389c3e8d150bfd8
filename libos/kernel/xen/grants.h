/* Pages that another domain may use: grant_table.h, version 1. */
#ifndef GRANTS_H
#define GRANTS_H

#include <stdint.h>

/* A grant, by number; 0 is none. */
typedef uint32_t grant;

/* Lets a domain read and write a page, for good; 0 if there is no room for more grants. */
grant grant_page(uint16_t domain, const void *page);

#endif
