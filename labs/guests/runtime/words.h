#ifndef WORDS_H
#define WORDS_H

/* Cut `line` at spaces into at most `most` words; the last keeps its spaces. Words there are none of become "". Returns
 * how many there are. */
int cut_words(char *line, const char **words, int most);

#endif
