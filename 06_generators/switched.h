/* switched: generators that have a stack of their own to sleep on, or a thread.
 *
 * What fib_ucontext and fib_thread show, in the form in which gen_cost measures
 * it: each gives 0, 1, 2, ... Its struct is all zeros before the start; what
 * fails ends the program with a message.
 */
#ifndef SWITCHED_H
#define SWITCHED_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#ifdef __GLIBC__ /* others have no makecontext */
#include <ucontext.h>

struct own_stack {
    ucontext_t caller, self;
    void *stack;
    long value;
};

void own_stack_start(void *own_stack);
bool own_stack_next(void *own_stack, long *value);
void own_stack_stop(void *own_stack);
#endif

struct own_thread {
    pthread_t thread;
    sem_t go, came;
    bool closing; /* these are for whoever has control */
    long value;
};

void own_thread_start(void *own_thread);
bool own_thread_next(void *own_thread, long *value);
void own_thread_stop(void *own_thread);

#endif
