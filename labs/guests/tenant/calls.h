/* System calls: the number in a7, arguments in a0 and a1, the answer in a0. What the kernel refuses is answered with -1. */
#ifndef CALLS_H
#define CALLS_H

#define CALL_EXIT 0u
#define CALL_WRITE 1u /* text, length: to the console, at most WRITE_MAX */
#define CALL_YIELD 2u
#define CALL_SLEEP 3u /* milliseconds */
#define CALL_READ 4u  /* buffer, room: the next message of the caller's mailbox; waits for one; answers its length */

#define WRITE_MAX 256u
#define MESSAGE_MAX 128u

#endif
