/* Input of the tools: the files that are named, or standard input. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "box.h"

int each_input(char **names, int (*use)(FILE *file, const char *name))
{
    static char *standard[] = { "-", NULL };
    int status = 0;

    for (char **name = *names ? names : standard; *name; name++) {
        bool in = strcmp(*name, "-") == 0;
        FILE *file = in ? stdin : fopen(*name, "r");
        struct stat stat;
        if (file && fstat(fileno(file), &stat) == 0 && S_ISDIR(stat.st_mode)) {
            errno = EISDIR;
            status = fail(*name);
        } else if (!file) {
            status = fail(*name);
        } else {
            int result = use(file, *name);
            if (ferror(file))
                result = fail(*name);
            status = result ? result : status;
        }
        if (file && !in)
            fclose(file);
    }
    return status;
}

bool parse_count(const char *text, long long *count)
{
    static const char suffixes[] = "kMG";
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    const char *suffix = *end ? strchr(suffixes, *end) : NULL;
    if (end == text || errno || (*end && (!suffix || end[1])))
        return false;
    for (; suffix && suffix >= suffixes; suffix--)
        if (__builtin_mul_overflow(value, 1024, &value))
            return false;
    *count = value;
    return true;
}

char *join_path(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    char *path = malloc(length + strlen(name) + 2);
    if (!path)
        exit(fail("memory"));
    sprintf(path, "%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name);
    return path;
}

char *target_path(const char *folder, const char *source)
{
    size_t end = strlen(source);
    while (end > 1 && source[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && source[begin - 1] != '/')
        begin--;
    char *name = strndup(source + begin, end - begin);
    if (!name)
        exit(fail("memory"));
    char *path = join_path(folder, name);
    free(name);
    return path;
}

bool is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}
