/* Who may log in: a table of names, roles and password hashes. */
#ifndef USERS_H
#define USERS_H
#include "../runtime/board.h"

#define USERS 5u

/* Make the table from the seed, at `at`. The plain passwords are gone from memory when this returns. */
void users_make(u8 *at);

/* Records lie in memory in one of two layouts: these find the parts of record `index`. */
const char *user_name(u32 index);
const char *user_role(u32 index);
const char *user_hash(u32 index);
u32 user_uid(u32 index);
int user_has_password(u32 index, const char *password);

#endif
