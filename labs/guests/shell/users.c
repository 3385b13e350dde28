/* Passwords are kept as OpenLDAP's pw-sha2 and Dovecot keep them: "{SSHA256}" and, in Base64, SHA-256 of the password and
 * a salt, then the salt. */
#include "users.h"
#include "../runtime/base64.h"
#include "../runtime/parameters.h"
#include "../runtime/random.h"
#include "../runtime/sha256.h"
#include "secrets.h"

#define SCHEME "{SSHA256}"
#define SALT 8u
#define PASSWORD_MAX (SHA256_INPUT_MAX - SALT)

struct user0 { char name[16], hash[72], role[16]; u32 uid, logins; };      /* 112 octets */
struct user1 { u32 uid, shell; char role[12], hash[80], name[28]; };       /* 128 octets */

static u8 *users;
#define USER0(i) ((struct user0 *)users + (i))
#define USER1(i) ((struct user1 *)users + (i))

const char *user_name(u32 i) { return parameters.layout ? USER1(i)->name : USER0(i)->name; }
const char *user_role(u32 i) { return parameters.layout ? USER1(i)->role : USER0(i)->role; }
const char *user_hash(u32 i) { return parameters.layout ? USER1(i)->hash : USER0(i)->hash; }
u32 user_uid(u32 i) { return parameters.layout ? USER1(i)->uid : USER0(i)->uid; }

static void put_hash(char *to, const char *password, const u8 *salt) {
  u8 message[SHA256_INPUT_MAX], hashed[SHA256_OCTETS + SALT];
  u32 length = text_length(password);
  memcpy(message, password, length);
  memcpy(message + length, salt, SALT);
  sha256(hashed, message, length + SALT);
  memset(message, 0, sizeof message);
  memcpy(hashed + SHA256_OCTETS, salt, SALT);
  put_base64(put_text(to, SCHEME), hashed, sizeof hashed, 0);
}

static void make_password(char *to, u32 index) {
  struct random stream;
  random_start(&stream, 1 + index);
  to = put_word(to, &stream);
  *to++ = '-';
  to = put_word(to, &stream);
  *to++ = "!#$%&*+="[random_next(&stream) & 7];
  put_number(to, 1000 + random_next(&stream) % 9000);
}

void users_make(u8 *at) {
  static const char *const names[USERS] = {"root", "alice", "bob", "carol", "deploy"};
  static const char *const roles[USERS] = {"admin", "staff", "staff", "staff", "service"};
  users = at;
  for (u32 i = 0; i < USERS; i++) {
    u32 uid = i ? 999 + i : 0;
    if (parameters.layout) USER1(i)->uid = uid; else USER0(i)->uid = uid;
    put_text((char *)user_name(i), names[i]);
    put_text((char *)user_role(i), roles[i]);
    char password[32];
    u8 salt[SALT];
    struct random stream;
    random_start(&stream, 10 + i);
    for (u32 j = 0; j < SALT; j++) salt[j] = (u8)random_next(&stream);
    make_password(password, i);
    put_hash((char *)user_hash(i), password, salt);
    memset(password, 0, sizeof password);
  }
}

int user_has_password(u32 index, const char *password) {
  const char *kept = user_hash(index);
  u8 hashed[SHA256_OCTETS + SALT];
  char given[72];
  if (text_length(password) > PASSWORD_MAX) return 0;
  if (take_base64(hashed, sizeof hashed, kept + sizeof SCHEME - 1) != sizeof hashed) return 0;
  put_hash(given, password, hashed + SHA256_OCTETS);
  return text_equal(given, kept);
}
