#include "words.h"

int cut_words(char *line, const char **words, int most) {
  int count = 0;
  while (*line == ' ') line++;
  while (*line && count < most) {
    words[count++] = line;
    if (count == most) break;
    while (*line && *line != ' ') line++;
    if (*line) *line++ = 0;
    while (*line == ' ') line++;
  }
  for (int i = count; i < most; i++) words[i] = "";
  return count;
}
