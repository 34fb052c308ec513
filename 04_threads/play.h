/* play: the student at the terminal says which thread goes. */
#ifndef PLAY_H
#define PLAY_H

#include <stdbool.h>

#include "04_threads/models.h"

/* Shows the model, its steps and its values, and waits for keys: a and b give a
 * turn, u takes the last one back, r all of them, n goes on to the next model;
 * q ends it, and this returns. Ctrl-C, SIGTERM and the like end the program,
 * with the terminal as it was before. Where there is no terminal the program
 * ends with a message.
 *
 * run(model, schedule) begins anew and gives the turns; it returns false where
 * the last of them could not go.
 */
void play_model(const struct model *model,
                bool (*run)(const struct model *model, const char *schedule));

#endif
