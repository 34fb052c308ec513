#include "03_processes/page.h"

#include <stdio.h>

#include "03_processes/http_client.h"

bool page_came(const char *url, const struct http_reply *reply,
               struct page *page)
{
    *page = (struct page){.length = reply->length};
    if (reply->outcome != HTTP_GOT)
        snprintf(page->why, sizeof page->why, "%s", reply->why);
    else if (reply->status != 200)
        snprintf(page->why, sizeof page->why, "%.100s: %d %.80s", url,
                 reply->status, reply->head.reason);
    return *page->why == '\0';
}

bool page_get(const char *url, double seconds, struct page *page)
{
    struct http_reply reply;
    http_get(url, seconds, &reply);
    bool came = page_came(url, &reply, page);
    http_reply_free(&reply);
    return came;
}
