#include "07_eventloop/file_steps.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "01_files/cli.h"
#include "01_files/scratch.h"
#include "07_eventloop/futures.h"

struct step {
    const char *path, *text; /* text: to be written */
    file_callback *call;
    void *data;
};

static struct step *new_step(const char *path, const char *text,
                             file_callback *call, void *data)
{
    struct step *s = malloc(sizeof *s);
    if (s == NULL)
        err(CLI_ERROR, "%s", path);
    *s = (struct step){path, text, call, data};
    return s;
}

/* NULL with errno. A text holds no NUL, and who wrote it back up to there would
 * lose the rest.
 */
static char *read_whole(FILE *file)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t n = getdelim(&text, &room, '\0', file);
    if (n == -1 && feof(file)) {
        free(text);
        return strdup("");
    }
    if (n > 0 && text[n - 1] != '\0')
        return text;
    if (n > 0)
        errno = EILSEQ;
    free(text);
    return NULL;
}

static void read_it(void *data)
{
    struct step s = *(struct step *)data;
    char *text = NULL;
    free(data);
    FILE *file = fopen(s.path, "re");
    if (file != NULL)
        text = read_whole(file);
    int why = errno;
    if (file != NULL)
        fclose(file);
    s.call(s.data, text != NULL ? NULL : errno_error(why), text);
}

static void write_it(void *data)
{
    struct step s = *(struct step *)data;
    free(data);
    FILE *file = fopen(s.path, "we");
    bool written = file != NULL && fputs(s.text, file) != EOF;
    int why = errno;
    if (file != NULL && fclose(file) == EOF && written) {
        why = errno;
        written = false;
    }
    s.call(s.data, written ? NULL : errno_error(why), NULL);
}

void file_read(struct loop *loop, const char *path, file_callback *call,
               void *data)
{
    loop_call_soon(loop, read_it, new_step(path, NULL, call, data));
}

void file_write(struct loop *loop, const char *path, const char *text,
                file_callback *call, void *data)
{
    loop_call_soon(loop, write_it, new_step(path, text, call, data));
}

char *file_append(char *text, const char *line)
{
    size_t n = strlen(text);
    char *longer = realloc(text, n + strlen(line) + 2);
    if (longer == NULL)
        err(CLI_ERROR, "the text");
    stpcpy(stpcpy(longer + n, line), "\n");
    return longer;
}

const char *file_example(void)
{
    scratch_enter();
    FILE *file = fopen("test", "we");
    if (file == NULL || fputs("Some text.\n", file) == EOF ||
        fclose(file) == EOF)
        err(CLI_ERROR, "test");
    return "test";
}

void file_show(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = file != NULL ? read_whole(file) : NULL;
    if (text == NULL)
        err(CLI_ERROR, "%s", path);
    printf("%s:\n%s", path, text);
    free(text);
    fclose(file);
}
