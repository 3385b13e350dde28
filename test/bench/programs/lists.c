/* Linked lists scattered over two megabytes: built, reversed and summed again and again. */
#include "program.h"

#define NODES 131072u
static struct node { struct node *next; u32 value, pad[2]; } nodes[NODES];

u32 program(void) {
  /* Every node once, in an order far from that of memory: an odd stride modulo a power of two. */
  struct node *head = 0;
  for (u32 i = 0, at = 0; i < NODES; i++, at = (at + 40503u) & (NODES - 1)) nodes[at] = (struct node){head, i, {0, 0}}, head = &nodes[at];
  u32 sum = 0;
  for (u32 round = 0; round < 40; round++) {
    struct node *reversed = 0;
    while (head) {
      struct node *next = head->next;
      sum = sum * 31 + head->value;
      head->next = reversed, reversed = head, head = next;
    }
    head = reversed;
  }
  return sum;
}
