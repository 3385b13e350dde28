/* An address book. */
#ifndef PEOPLE_H
#define PEOPLE_H
#include "../runtime/board.h"

#define PEOPLE 12u
void people_make(u8 *at);
/* Records lie in memory in one of two layouts: these find the parts of record `index`. */
const char *person_name(u32 index);
const char *person_mail(u32 index);
const char *person_phone(u32 index);

#endif
