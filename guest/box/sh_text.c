/*
 * The shell's memory: strings and lists that grow, and an arena for the tree of a line. Without memory a shell can only give up.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sh.h"

static void *grow(void *block, size_t size)
{
    block = realloc(block, size);
    if (!block) {
        fprintf(stderr, "sh: out of memory\n");
        exit(2);
    }
    return block;
}

void *take(size_t size)
{
    return memset(grow(NULL, size), 0, size);
}

char *copy(const char *string)
{
    return strcpy(take(strlen(string) + 1), string);
}

void text_add(struct text *text, char c)
{
    if (text->length + 2 > text->room) {
        text->room = text->room ? text->room * 2 : 64;
        text->bytes = grow(text->bytes, text->room);
    }
    text->bytes[text->length++] = c;
    text->bytes[text->length] = 0;
}

void text_add_string(struct text *text, const char *string)
{
    while (*string)
        text_add(text, *string++);
}

void text_clear(struct text *text)
{
    free(text->bytes);
    *text = (struct text){ 0 };
}

void words_add(struct words *words, char *string)
{
    if (words->count + 2 > words->room) {
        words->room = words->room ? words->room * 2 : 16;
        words->argv = grow(words->argv, words->room * sizeof *words->argv);
    }
    words->argv[words->count++] = string;
    words->argv[words->count] = NULL;
}

void words_clear(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->argv[i]);
    free(words->argv);
    *words = (struct words){ 0 };
}

struct arena_block {
    struct arena_block *next;
    max_align_t bytes[];
};

void *arena_take(struct arena *arena, size_t size)
{
    struct arena_block *block = take(sizeof *block + size);
    block->next = arena->blocks;
    arena->blocks = block;
    return block->bytes;
}

char *arena_copy(struct arena *arena, const char *bytes, size_t length)
{
    return memcpy(arena_take(arena, length + 1), bytes, length);
}

void arena_free(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
}
