/* in_executor: blocking calls, awaited; asyncio's run_in_executor.
 *
 *     struct count_lines {            the job's frame: what it is given, and
 *         const char *path;           what it leaves
 *         int lines;
 *     };
 *
 *     const char *count_lines(void *frame)
 *     {
 *         struct count_lines *job = frame;
 *         ...in a thread, where it may block as long as it likes...
 *         return NULL;
 *     }
 *
 *     c->f = run_in_executor(loop, count_lines, .path = "example.txt");
 *     AWAIT(c, c->f);
 *     struct count_lines *job = future_result(c->f);
 *     ...
 *     future_release(c->f);
 *
 * The words of asyncio, and what they are here:
 *
 *     await loop.run_in_executor(None, f, x)    run_in_executor(loop, f, .x = x)
 *                                               and AWAIT
 *     await asyncio.to_thread(f, x)             the same
 *     loop.set_default_executor(                loop_set_default_executor(loop,
 *         ThreadPoolExecutor(n))                                          n)
 *     loop.shutdown_default_executor()          a part of loop_close
 *
 * A loop has one pool of threads (04_threads/pool.h), its default executor. To
 * the loop a job is a future, to a thread it is a function; between the two
 * nothing is shared but the frame, which belongs to the thread until the job is
 * home: the thread's last act is loop_call_soon_threadsafe. A job calls nothing
 * else of the loop's, and no future's.
 *
 * A job's error is what it returns: a constant text, as all errors here, such
 * as errno_error(errno). (What pool_raise writes dies with the pool's future.)
 * Whatever else there is to be told it leaves in its frame.
 *
 * Cancelling the future is as in asyncio: it is cancelled at once; a job that
 * has not begun never will, and one that runs goes on, and what it comes to is
 * dropped. Who must have that (a file that the job opens, memory) keeps it from
 * being cancelled by shield. The frame lives until the future is released and
 * the job is home, so that neither has to wait for the other; what it points to
 * has to last as long.
 *
 * While a job is not home the loop is alive. loop_close lets all of them come
 * home, those too that have not begun and that nobody cancels, and then joins
 * the threads: when it returns there are none.
 */
#ifndef IN_EXECUTOR_H
#define IN_EXECUTOR_H

#include <stddef.h>

#include "07_eventloop/futures.h"

/* Returns its error, or NULL. */
typedef const char *executor_job(void *frame);

/* Runs the job in a thread, in the order of the calls. Its frame is a struct of
 * the same name, copied. The future is the caller's; its result is the frame.
 * It has an error at once where there can be no threads (errno_error(EAGAIN)),
 * or where the loop is being closed (error_executor_closed). Where there is no
 * memory, the program ends with a message. However many jobs wait for a thread,
 * this does not wait.
 */
#define run_in_executor(loop, name, ...)                                       \
    run_in_executor_frame(loop, name, &(struct name){__VA_ARGS__},             \
                          sizeof(struct name))
struct future *run_in_executor_frame(struct loop *loop, executor_job *call,
                                     const void *frame, size_t size);

extern const char error_executor_closed[];

/* The frame of such a future's job, where that is home: also of one that came
 * to an error. NULL if not, or if it was cancelled, for a thread may be at it.
 */
void *executor_frame(struct future *f);

/* How many threads there are, from 1; to be called before the first job. Without
 * it there are as many as in Python: 4 more than processors, at most 32. Returns
 * 0, or -1 with errno: EINVAL, ENOMEM, EAGAIN where the system has not so many
 * to give, or EBUSY where there is an executor already.
 */
int loop_set_default_executor(struct loop *loop, int threads);

#endif
