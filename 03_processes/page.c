#include "03_processes/page.h"

#include <stdio.h>

#include "03_processes/http_client.h"

bool page_get(const char *url, double seconds, struct page *page)
{
    struct http_reply reply;
    *page = (struct page){.length = 0};
    http_get(url, seconds, &reply);
    bool came = reply.outcome == HTTP_GOT && reply.status == 200;
    if (came)
        page->length = reply.length;
    else if (reply.outcome == HTTP_GOT)
        snprintf(page->why, sizeof page->why, "%.100s: %d %.80s", url,
                 reply.status, reply.head.reason);
    else
        snprintf(page->why, sizeof page->why, "%s", reply.why);
    http_reply_free(&reply);
    return came;
}
