/* scratch: a folder of this run's own, gone when the run is over. */
#ifndef SCRATCH_H
#define SCRATCH_H

/* Makes a new folder under $TMPDIR (or /tmp) and changes into it, so that
 * from here on plain names such as "example.txt" are files of this run alone.
 * The folder goes with all it holds when the program ends: by exit(3), by
 * err(3), by SIGINT, SIGTERM, SIGHUP, SIGPIPE or SIGXFSZ (nothing can be done
 * about SIGKILL). A signal that is ignored stays ignored; a program that sets a
 * handler of its own does so after this call.
 *
 * Ends the program with a message where the folder cannot be made. Once per
 * process, before the first thread.
 */
void scratch_enter(void);

#endif
