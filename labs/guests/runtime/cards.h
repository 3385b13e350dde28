#ifndef CARDS_H
#define CARDS_H
#include "random.h"

/* Append a payment card's number: sixteen digits with the separators the parameters ask for, the last digit by ISO/IEC
 * 7812's Luhn rule, plus `error` to make it wrong. */
char *put_card_number(char *to, struct random *stream, u32 error);
/* Append its end, MM/YY. */
char *put_card_expiry(char *to, struct random *stream);

#endif
