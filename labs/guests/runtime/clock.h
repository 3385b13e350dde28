/* The time of day, from the board's goldfish RTC. */
#ifndef CLOCK_H
#define CLOCK_H
#include "board.h"

/* Append such as "Mon Nov 23 10:12:05 UTC 2026". */
char *put_time_of_day(char *to);

#endif
