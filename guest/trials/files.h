/* What the trials of files share: a directory of their own, which is the working directory meanwhile. */

#ifndef FILES_H
#define FILES_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes an empty directory and goes there. */
void enter_scratch(void);

/* Removes all that is in it, and the directory. */
void leave_scratch(void);

/* Makes a file with this text, in place of any other. */
void put_text(const char *path, const char *text);

/* The text of a file is this. */
void check_text(const char *path, const char *text);

/* The names in a directory, sorted, with a space before each; "." and ".." left out. */
const char *names_in(const char *path);

/* The mode of a file, not following links. */
mode_t mode_of(const char *path);

#endif
