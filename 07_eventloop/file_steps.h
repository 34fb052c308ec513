/* file_steps: read a file, or write one, and be called back.
 *
 *     file_read(&loop, "test", on_text, data);
 *     ...in a turn to come: on_text(data, error, text)
 *
 * Each is done in a turn of its own. (The call itself blocks there, as no
 * kernel says of a file on a disk that it is not ready: one would leave it to
 * a thread, 07_eventloop/in_executor.h.)
 */
#ifndef FILE_STEPS_H
#define FILE_STEPS_H

#include "07_eventloop/loop.h"

/* With an error, a constant, or NULL; and with what was read, to be freed, or
 * NULL.
 */
typedef void file_callback(void *data, const char *error, char *text);

/* path and text have to stay until the call. Where there is no memory for it,
 * the program ends with a message.
 */
void file_read(struct loop *loop, const char *path, file_callback *call,
               void *data);
void file_write(struct loop *loop, const char *path, const char *text,
                file_callback *call, void *data);

/* The text and a line more, in memory of its own; that of the old one is freed.
 */
char *file_append(char *text, const char *line);

/* A folder of this run's own (01_files/scratch.h) with a file in it, whose name
 * is returned; and the file on stdout. Both end the program with a message
 * where that fails.
 */
const char *file_example(void);
void file_show(const char *path);

#endif
