#pragma once

/*
 * Why a registry couldn't be asked: what Docker says of it -> what it means, and what to do.
 *
 * Docker answers nearly all of them with 500 and the registry's words (rows recorded with a
 * registry that fails on purpose, Engine 20.10), so it is a table of words, as docker_error.c.
 */

#include <stdbool.h>
#include <stddef.h>

enum acc_registry_fault {
    ACC_REGISTRY_WELL = 0,
    ACC_REGISTRY_DENIED,    /* 401, 403: it wants a login, or another one */
    ACC_REGISTRY_LIMITED,   /* 429 */
    ACC_REGISTRY_LACKS,     /* no such repository, tag, digest or platform */
    ACC_REGISTRY_BROKEN,    /* 5xx, or an answer that is none */
    ACC_REGISTRY_UNREACHED, /* refused, no such host, TLS, cut off */
    ACC_REGISTRY_SILENT,    /* no answer in time */
    ACC_REGISTRY_REFERENCE, /* the image's name is none */
};
#define ACC_REGISTRY_FAULT_COUNT 8

/* Of an error answer: its status, and acc_docker_message()'s text. Never WELL. */
enum acc_registry_fault acc_registry_fault_of(int http_status, const char *message);
/* Asking again later may help without anybody doing anything. */
bool acc_registry_fault_passes(enum acc_registry_fault fault);
/* It is the registry as a whole, not one image of it: no use in asking it for the next one now. */
bool acc_registry_fault_is_general(enum acc_registry_fault fault);
/* One clause for people, cut to `size`: "ghcr.io wants a login: docker login ghcr.io (...)".
 * `image` is the reference that was asked for, `no_login` why it wasn't given the credentials that
 * there should be ("docker-credential-pass isn't installed") or "", `message` Docker's words or "".
 */
void acc_registry_fault_text(enum acc_registry_fault fault, const char *image, bool had_login,
                             const char *no_login, const char *message, char *out, size_t size);
