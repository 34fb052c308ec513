/* web_page: the page of web_app, which is the file web_app.html, built in. */
#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include <stddef.h>

extern const char web_page[];
size_t web_page_length(void);

#endif
