/* Goldfish RTC (QEMU's hw/rtc/goldfish_rtc.c): nanoseconds since 1970 in two words; reading the low one holds the high. */
#include "clock.h"

#define RTC ((volatile u32 *)0x00101000)
#define TIME_LOW (0x00 / 4)
#define TIME_HIGH (0x04 / 4)
#define SECONDS_PER_DAY 86400u

static u64 seconds_since_1970(void) {
  u32 low = RTC[TIME_LOW], high = RTC[TIME_HIGH];
  return ((u64)high << 32 | low) / 1000000000u;
}

static char *put_two_digits(char *to, u32 value) {
  *to++ = (char)('0' + value / 10), *to++ = (char)('0' + value % 10);
  return to;
}

static int is_leap(u32 year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

char *put_time_of_day(char *to) {
  static const char days_of_week[] = "ThuFriSatSunMonTueWed"; /* 1 January 1970 was a Thursday */
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  static const u8 lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  u64 seconds = seconds_since_1970();
  u32 day = (u32)(seconds / SECONDS_PER_DAY), second = (u32)(seconds % SECONDS_PER_DAY);
  to = (char *)memcpy(to, days_of_week + day % 7 * 3, 3) + 3;
  u32 year = 1970, month = 0;
  for (; day >= 365u + (u32)is_leap(year); year++) day -= 365u + (u32)is_leap(year);
  for (u32 length; (length = lengths[month] + (month == 1 && is_leap(year))), day >= length; month++) day -= length;
  *to++ = ' ';
  to = (char *)memcpy(to, months + month * 3, 3) + 3;
  *to++ = ' ';
  to = put_two_digits(to, day + 1), *to++ = ' ';
  to = put_two_digits(to, second / 3600), *to++ = ':';
  to = put_two_digits(to, second / 60 % 60), *to++ = ':';
  to = put_two_digits(to, second % 60);
  return put_number(put_text(to, " UTC "), year);
}
