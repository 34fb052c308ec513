/* web_answer: what web.c asks of web_answer.c, where requests are understood
 * and answers put together. Nothing for routes.
 */
#ifndef WEB_ANSWER_H
#define WEB_ANSWER_H

#include "07_eventloop/web.h"

/* Makes the request one to which nothing has been answered yet, and after it
 * forgets what that took.
 */
void web_answer_begin(struct web_request *r);
void web_answer_end(struct web_request *r);

/* What is to be sent now: what was printed, with what it needs around it; the
 * head, if that has not gone out yet. With last no more of it follows. Valid
 * until the next web_write, which begins anew.
 */
struct http_text web_answer_take(struct web_request *r, bool last);

/* The route for what http says, with its parameters in r; or NULL, and the
 * answer is told: an error, or what OPTIONS is answered.
 */
const struct web_route *web_answer_route(struct web_request *r);

/* Whether each % has two digits behind it, and none is a NUL. */
bool web_is_encoded(struct http_text text);

/* Whether the body is that of a form. */
bool web_is_form(const struct web_request *r);

#endif
