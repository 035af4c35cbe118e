#pragma once

/*
 * What the parts of a golden case's player share: the script at hand, its words, and the lists of
 * what was asked and told.
 */

#include "lib/drill/model_text.h"
#include "lib/drill/script.h"
#include "lib/drill/world.h"

#define ACC_SCRIPT_TEXT_MAX (1u << 20) /* of what is asked between two checks */

struct script {
    struct acc_model_text model;
    struct acc_world world;
    bool is_open, is_verbose, observes;
    unsigned line;
    uint64_t begin_ms; /* times are told from here */
    int result;
    struct acc_buf *out;
    struct acc_buf asked, told, incidents; /* since the last check of each */
    struct acc_buf state;                  /* lines "was" */
};

/* A line of a script; what follows its word is cut up. 0, an acc_script_result or -ENOMEM. */
typedef int acc_script_word_fn(struct script *s, char *rest);
struct acc_script_word {
    const char *name;
    acc_script_word_fn *run;
    bool needs_world;
};

/* Each ends in one without a name. */
extern const struct acc_script_word acc_script_happens[], acc_script_lets[], acc_script_musts[];

/* --- script.c */
int acc_script_wrong(struct script *s, const char *what, const char *word);
int acc_script_differs(struct script *s, const char *what, const char *is, const char *must);
void acc_script_add(struct acc_buf *list, const char *word);
int acc_script_open(struct script *s); /* the world; 0 when it is there */
void acc_script_forget(struct script *s);

/* --- script_words.c */
char *acc_script_next(char **rest); /* the next word, which is cut off; "" at the end */
char *acc_script_trim(char *text);
bool acc_script_service(struct script *s, const char *name, uint32_t *ret_svc);
/* "name" or "name#slot" */
bool acc_script_slot(struct script *s, char *name, uint32_t *ret_svc, uint32_t *ret_slot);
struct acc_world_container *acc_script_container(struct script *s, char *name);
bool acc_script_ms(const char *text, uint64_t *ret_ms);

/* --- script_happen.c: what no other word is, a verb of accctl */
int acc_script_verb(struct script *s, const char *verb, char *rest);
