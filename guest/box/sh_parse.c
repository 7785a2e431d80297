/*
 * The tree of a line, by recursive descent:
 *
 *     line     = [ list ] ( newline | end )
 *     list     = and-or { ( ; | & ) and-or } [ ; | & ]
 *     and-or   = pipeline { ( && | || ) { newline } pipeline }
 *     pipeline = [ ! ] command { "|" { newline } command }
 *     command  = "(" list ")" { redirection } | { assignment | word | redirection }
 *
 * A line that ends where something must follow is unfinished rather than wrong. All of the tree is in one arena.
 */

#include <stdlib.h>
#include <string.h>

#include "sh.h"

/* Subshells within subshells: each is a level of recursion here and a process when it runs. */
#define MAX_DEPTH 100

struct parser {
    struct lexer lexer;
    int depth;
    enum parse_result failure; /* PARSE_LIST: none yet */
    const char *error;
};

static void fail_parse(struct parser *p, const char *error)
{
    if (p->failure != PARSE_LIST)
        return;
    enum token token = p->lexer.token;
    p->failure = token == T_UNFINISHED || (token == T_END && !error) ? PARSE_UNFINISHED : PARSE_ERROR;
    p->error = token == T_ERROR ? p->lexer.error : error;
}

static bool is(const struct parser *p, enum token token)
{
    return p->failure == PARSE_LIST && p->lexer.token == token;
}

static void advance(struct parser *p)
{
    next_token(&p->lexer);
    if (p->lexer.token == T_ERROR || p->lexer.token == T_UNFINISHED)
        fail_parse(p, NULL);
}

static void skip_newlines(struct parser *p)
{
    while (is(p, T_NEWLINE))
        advance(p);
}

/* The text from `begin` to the token at hand, without blanks at its end. */
static const char *text_since(struct parser *p, const char *begin)
{
    const char *end = p->lexer.begin;
    while (end > begin && strchr(" \t\r\n", end[-1]))
        end--;
    return arena_copy(p->lexer.arena, begin, (size_t)(end - begin));
}

/* What stands where a command should. */
static void unexpected(struct parser *p)
{
    switch (p->lexer.token) {
    case T_END: fail_parse(p, NULL); break;
    case T_NEWLINE: fail_parse(p, "the line ends where a command should begin"); break;
    case T_SEMICOLON: fail_parse(p, "no command before ;"); break;
    case T_AMPERSAND: fail_parse(p, "no command before &"); break;
    case T_AND: fail_parse(p, "no command before &&"); break;
    case T_OR: fail_parse(p, "no command before ||"); break;
    case T_PIPE: fail_parse(p, "no command before |"); break;
    case T_OPEN: fail_parse(p, "a ( in the wrong place"); break;
    case T_CLOSE: fail_parse(p, "a ) in the wrong place"); break;
    default: fail_parse(p, "syntax error"); break;
    }
}

static bool at_redirect(const struct parser *p)
{
    return p->failure == PARSE_LIST && (p->lexer.token == T_NUMBER || (p->lexer.token >= T_READ && p->lexer.token <= T_BOTH_APPEND));
}

static struct redirect *parse_redirect(struct parser *p)
{
    struct redirect *redirect = arena_take(p->lexer.arena, sizeof *redirect);
    redirect->fd = -1;
    if (is(p, T_NUMBER)) {
        redirect->fd = atoi(p->lexer.word);
        advance(p);
    }
    redirect->kind = p->lexer.token;
    if (redirect->fd == -1)
        redirect->fd = redirect->kind == T_READ || redirect->kind == T_READ_WRITE || (redirect->kind == T_DUP && !p->lexer.output) ? 0 : 1;
    advance(p);
    if (!is(p, T_WORD))
        fail_parse(p, "no name behind a redirection");
    redirect->word = p->lexer.word;
    advance(p);
    return redirect;
}

static bool is_assignment(const char *word)
{
    size_t length = name_length(word);
    return length && word[length] == '=';
}

/* Words that begin what this shell has not: better said than looked for as programs. */
static const char *reserved(const char *word)
{
    static const char *const words[] = { "if", "while", "until", "for", "case", "{" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i]) == 0)
            return "no if, while, until, for, case or { in this shell";
    return NULL;
}

static struct list *parse_list(struct parser *p);

static struct command *parse_command(struct parser *p)
{
    struct command *command = arena_take(p->lexer.arena, sizeof *command);
    struct word **assignment = &command->assignments, **word = &command->words;
    struct redirect **redirect = &command->redirects;
    bool any = false;

    if (is(p, T_OPEN)) {
        if (++p->depth > MAX_DEPTH)
            fail_parse(p, "too many ( within each other");
        advance(p);
        skip_newlines(p);
        command->body = parse_list(p);
        if (!is(p, T_CLOSE))
            unexpected(p);
        advance(p);
        p->depth--;
        any = true;
    }
    for (;; any = true) {
        if (at_redirect(p)) {
            *redirect = parse_redirect(p);
            redirect = &(*redirect)->next;
        } else if (is(p, T_WORD)) {
            if (command->body)
                fail_parse(p, "a word behind )");
            if (!command->words && !command->assignments && reserved(p->lexer.word))
                fail_parse(p, reserved(p->lexer.word));
            struct word *fresh = arena_take(p->lexer.arena, sizeof *fresh);
            fresh->raw = p->lexer.word;
            struct word ***list = !command->words && is_assignment(fresh->raw) ? &assignment : &word;
            **list = fresh;
            *list = &fresh->next;
            advance(p);
        } else {
            break;
        }
    }
    if (is(p, T_OPEN) || !any)
        unexpected(p);
    return command;
}

static struct pipeline *parse_pipeline(struct parser *p)
{
    struct pipeline *pipeline = arena_take(p->lexer.arena, sizeof *pipeline);
    struct command **command = &pipeline->commands;
    const char *begin = p->lexer.begin;

    while (is(p, T_WORD) && strcmp(p->lexer.word, "!") == 0) {
        pipeline->negated = !pipeline->negated;
        advance(p);
    }
    for (;;) {
        *command = parse_command(p);
        command = &(*command)->next;
        if (!is(p, T_PIPE))
            break;
        advance(p);
        skip_newlines(p);
    }
    pipeline->text = text_since(p, begin);
    return pipeline;
}

/* Pipelines up to ; & ) or the end of the line. */
static struct list *parse_and_or(struct parser *p)
{
    struct list *list = arena_take(p->lexer.arena, sizeof *list);
    struct pipeline **pipeline = &list->pipelines;
    const char *begin = p->lexer.begin;
    enum token joined = T_SEMICOLON;

    for (;;) {
        *pipeline = parse_pipeline(p);
        (*pipeline)->joined = joined;
        pipeline = &(*pipeline)->next;
        if (!is(p, T_AND) && !is(p, T_OR))
            break;
        joined = p->lexer.token;
        advance(p);
        skip_newlines(p);
    }
    list->text = text_since(p, begin);
    return list;
}

/* A list up to the end of the line or, within parentheses, up to the closing one. */
static struct list *parse_list(struct parser *p)
{
    struct list *first = NULL, **next = &first;
    do {
        *next = parse_and_or(p);
        if (is(p, T_SEMICOLON) || is(p, T_AMPERSAND)) {
            (*next)->background = p->lexer.token == T_AMPERSAND;
            advance(p);
        } else if (!is(p, T_NEWLINE)) {
            break;
        }
        if (p->depth)
            skip_newlines(p);
        next = &(*next)->next;
    } while (p->failure == PARSE_LIST && !is(p, T_NEWLINE) && !is(p, T_END) && !is(p, T_CLOSE));
    return first;
}

enum parse_result parse_line(const char **source, struct arena *arena, struct list **list, const char **error)
{
    struct parser p = { .lexer = { .at = *source, .arena = arena }, .failure = PARSE_LIST };

    *list = NULL;
    advance(&p);
    if (is(&p, T_END))
        return PARSE_END;
    if (!is(&p, T_NEWLINE))
        *list = parse_list(&p);
    if (!is(&p, T_NEWLINE) && !is(&p, T_END))
        unexpected(&p);
    if (p.failure != PARSE_LIST) {
        *error = p.error ? p.error : "syntax error";
        return p.failure;
    }
    *source = p.lexer.at;
    return PARSE_LIST;
}
