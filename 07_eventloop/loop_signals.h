/* loop_signals: how a signal becomes a callback of the loop.
 *
 * Hardly anything may be done in a handler. Ours notes that the signal came,
 * and wakes the loop; the loop calls back in a turn of its own. (After
 * asyncio's add_signal_handler and Python's set_wakeup_fd.)
 */
#ifndef LOOP_SIGNALS_H
#define LOOP_SIGNALS_H

#include "07_eventloop/loop.h"

/* Makes the callbacks ready of those signals that have come. */
void loop_signals_call(struct loop *loop);

/* While the loop runs, SIGUSR1 dumps it on stderr, if nobody else wants it. */
void loop_signals_begin(struct loop *loop);
void loop_signals_end(struct loop *loop);

/* All signals do what they did before. */
void loop_signals_close(struct loop *loop);

#endif
