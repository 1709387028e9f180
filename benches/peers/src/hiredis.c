/* The reader of hiredis as its documentation uses it: chunks are appended to its buffer, replies are taken and freed. */

#include <stddef.h>
#include <hiredis/hiredis.h>

redisReader *hiredis_new(void) { return redisReaderCreate(); }

void hiredis_free(redisReader *reader) { redisReaderFree(reader); }

/* Returns the number of replies that the chunk completes, or -1 if it is not understood. */
ptrdiff_t hiredis_feed(redisReader *reader, const char *chunk, size_t len) {
    ptrdiff_t replies = 0;
    void *reply;
    if (redisReaderFeed(reader, chunk, len) != REDIS_OK) return -1;
    for (;;) {
        if (redisReaderGetReply(reader, &reply) != REDIS_OK) return -1;
        if (reply == NULL) return replies;
        freeReplyObject(reply);
        replies++;
    }
}
