#include "random.h"
#include "parameters.h"

void random_start(struct random *stream, u32 number) { stream->state = parameters.seed ^ number * 0x9e3779b9u; }

u32 random_next(struct random *stream) {
  u32 z = stream->state += 0x9e3779b9u;
  z = (z ^ z >> 16) * 0x21f0aaadu;
  z = (z ^ z >> 15) * 0x735a2d97u;
  return z ^ z >> 15;
}

static const char *const WORDS[32] = {"anchor", "birch",  "canyon", "dahlia", "ember",  "falcon", "garnet", "harbor",
                                      "indigo", "juniper", "kestrel", "lagoon", "marble", "nectar", "otter",  "pepper",
                                      "quartz", "raven",  "saffron", "timber", "umber",  "velvet", "walnut", "xenon",
                                      "yarrow", "zephyr", "bramble", "cobalt", "drizzle", "fennel", "glacier", "hazel"};

char *put_word(char *to, struct random *stream) { return put_text(to, WORDS[random_next(stream) & 31]); }
