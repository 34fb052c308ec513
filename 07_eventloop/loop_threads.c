#include "07_eventloop/loop_threads.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct loop_post {
    loop_callback *call;
    void *data;
    struct loop_post *next;
};

int loop_wake_up(struct loop *loop)
{
    ssize_t n = send(loop->wake_up[1], "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    /* Full is as good as written: it will be read. */
    return n == -1 && errno != EAGAIN ? -1 : 0;
}

int loop_call_soon_threadsafe(struct loop *loop, loop_callback *call,
                              void *data)
{
    struct loop_post *post = malloc(sizeof *post);
    if (post == NULL)
        return -1;
    *post = (struct loop_post){call, data, NULL};
    pthread_mutex_lock(&loop->lock);
    /* Under the lock: once the loop has seen the post, it may be closed. */
    int result = loop->posts == NULL ? loop_wake_up(loop) : 0;
    int why = errno;
    if (result == 0) {
        *loop->last_post = post;
        loop->last_post = &post->next;
    } else {
        free(post);
    }
    pthread_mutex_unlock(&loop->lock);
    errno = why;
    return result;
}

static struct loop_post *take_posts(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct loop_post *posts = loop->posts;
    loop->posts = NULL;
    loop->last_post = &loop->posts;
    pthread_mutex_unlock(&loop->lock);
    return posts;
}

void loop_threads_call(struct loop *loop)
{
    char bytes[64];
    while (recv(loop->wake_up[0], bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        continue;
    struct loop_post *next;
    for (struct loop_post *post = take_posts(loop); post; post = next) {
        next = post->next;
        loop_call_soon_named(loop, post->call, post->data, "from a thread");
        free(post);
    }
}

bool loop_threads_wait(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool any = loop->posts != NULL;
    pthread_mutex_unlock(&loop->lock);
    return any;
}

int loop_threads_begin(struct loop *loop)
{
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    if (socketpair(AF_UNIX, type, 0, loop->wake_up) == -1)
        return -1;
    loop->last_post = &loop->posts;
    if (selector_register(&loop->selector, loop->wake_up[0], SELECTOR_READ,
                          NULL, NULL) == 0 &&
        (errno = pthread_mutex_init(&loop->lock, NULL)) == 0)
        return 0;
    int why = errno;
    if (why == ERANGE)
        warnx("%s: no descriptor is left that it can hold",
              loop->selector.name);
    close(loop->wake_up[0]);
    close(loop->wake_up[1]);
    errno = why;
    return -1;
}

void loop_threads_end(struct loop *loop)
{
    struct loop_post *next;
    for (struct loop_post *post = take_posts(loop); post; post = next) {
        next = post->next;
        free(post);
    }
    pthread_mutex_destroy(&loop->lock);
    close(loop->wake_up[0]);
    close(loop->wake_up[1]);
}
