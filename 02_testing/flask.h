/* flask: materials put together, until two of them react. */
#ifndef FLASK_H
#define FLASK_H

#include <stddef.h>

struct material {
    const char *name;
    const char *const *reacts_with; /* names, NULL after the last; or NULL */
};

enum { FLASK_MAX = 8 };

/* All zero, it is empty. The materials stay the caller's. */
struct flask {
    const struct material *materials[FLASK_MAX];
    size_t count;
};

/* C raises nothing: a function that can fail says so by what it returns, and
 * the compiler is asked to warn where nobody looks at it.
 */
enum flask_result {
    FLASK_OK,
    FLASK_BOOM,   /* two reacted, and the flask is empty */
    FLASK_FULL,   /* FLASK_MAX are in it, and nothing was changed */
    FLASK_ABSENT, /* it is not in there */
};

/* Puts a material in. It reacts with one that is there when either names the
 * other; the first that does is then stored in *culprit, where culprit is not
 * NULL. FLASK_OK, FLASK_BOOM or FLASK_FULL.
 */
__attribute__((warn_unused_result)) enum flask_result flask_add(
    struct flask *flask, const struct material *material,
    const struct material **culprit);

/* Takes it out, once if it is there more than once; the order of the others
 * stays. FLASK_OK or FLASK_ABSENT.
 */
__attribute__((warn_unused_result)) enum flask_result flask_remove(
    struct flask *flask, const struct material *material);

#endif
