#include "02_testing/flask.h"

#include <stdbool.h>
#include <string.h>

static bool names(const struct material *one, const struct material *other)
{
    const char *const *name = one->reacts_with;
    for (; name != NULL && *name != NULL; name++)
        if (strcmp(*name, other->name) == 0)
            return true;
    return false;
}

enum flask_result flask_add(struct flask *flask,
                            const struct material *material,
                            const struct material **culprit)
{
    for (size_t i = 0; i < flask->count; i++) {
        const struct material *inside = flask->materials[i];
        if (names(inside, material) || names(material, inside)) {
            if (culprit != NULL)
                *culprit = inside;
            flask->count = 0;
            return FLASK_BOOM;
        }
    }
    if (flask->count == FLASK_MAX)
        return FLASK_FULL;
    flask->materials[flask->count++] = material;
    return FLASK_OK;
}

enum flask_result flask_remove(struct flask *flask,
                               const struct material *material)
{
    for (size_t i = 0; i < flask->count; i++) {
        if (flask->materials[i] != material)
            continue;
        flask->count--;
        for (; i < flask->count; i++)
            flask->materials[i] = flask->materials[i + 1];
        return FLASK_OK;
    }
    return FLASK_ABSENT;
}
