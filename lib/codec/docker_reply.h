#pragma once

/*
 * The other answers of the Engine API as data: lists, images, versions, exec, errors.
 *
 * Parsers of what a peer sends: each type is checked, sizes are capped, a missing field is "" or 0.
 * All return 0 and the output; -EINVAL when the text is not the kind of JSON it should be, and then
 * the output is untouched; -ENOMEM. `text` need not end in NUL.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/engine/event.h"

/* One answer is held whole in memory: 600 containers make a list of 0.5 MB, one inspect is 5 kB. */
#define ACC_DOCKER_BODY_MAX  (32u * 1024u * 1024u)
#define ACC_DOCKER_LIST_MAX  65536u
#define ACC_DOCKER_ERROR_MAX 1023u /* of the engine's own words; runc's chains are about 400 */
#define ACC_DOCKER_WORD_MAX  63u   /* versions, os, architecture */

/* --- GET /containers/json?all=1 --- */

struct acc_docker_list_item {
    char cid[ACC_CID_LEN + 1];
    char name[ACC_NAME_MAX + 1];    /* without the slash; the first that is no link alias */
    char project[ACC_NAME_MAX + 1]; /* "" when it is no Compose container */
    char service[ACC_NAME_MAX + 1];
    uint32_t number;
    bool oneoff;
    enum acc_container_state state;
    enum acc_docker_health health; /* from Health (1.52) or from the text of Status */
    int64_t created_s;             /* Unix */
    char image_id[ACC_HASH_LEN + 8];
};
struct acc_docker_list {
    struct acc_docker_list_item *item; /* owned */
    size_t n;
    size_t n_dropped; /* entries without a valid id, or beyond ACC_DOCKER_LIST_MAX */
};
int acc_docker_list_parse(const char *text, size_t text_len, struct acc_docker_list *ret_list);
void acc_docker_list_fini(struct acc_docker_list *list);

/* --- names: GET /networks, GET /volumes --- */

struct acc_docker_name_item {
    char id[ACC_NAME_MAX + 1]; /* networks: their id; volumes: their name */
    char name[ACC_NAME_MAX + 1];
    char project[ACC_NAME_MAX + 1]; /* label com.docker.compose.project */
    char key[ACC_NAME_MAX + 1];     /* label ....network or ....volume */
    char config_hash[ACC_HASH_LEN + 1];
    char driver[ACC_DOCKER_WORD_MAX + 1];
    char created[ACC_DOCKER_WORD_MAX + 1]; /* as told */
};
struct acc_docker_names {
    struct acc_docker_name_item *item; /* owned, in the order of the answer */
    size_t n;
};
/* The name filter of the API matches substrings: compare `name` exactly. More than one network of
 * one name is possible below Engine 25. */
int acc_docker_networks_parse(const char *text, size_t text_len,
                              struct acc_docker_names *ret_names);
/* {"Volumes": [...]}; null is an empty list. */
int acc_docker_volumes_parse(const char *text, size_t text_len, struct acc_docker_names *ret_names);
/* One of them: GET /networks/{id}, POST /networks/create (only Id is set), GET /volumes/{name}. */
int acc_docker_network_parse(const char *text, size_t text_len, struct acc_docker_name_item *ret);
int acc_docker_volume_parse(const char *text, size_t text_len, struct acc_docker_name_item *ret);
void acc_docker_names_fini(struct acc_docker_names *names);

/* --- GET /images/{ref}/json --- */

struct acc_docker_image {
    char id[ACC_HASH_LEN + 8]; /* "sha256:..."; a manifest's digest in the containerd store */
    char os[ACC_DOCKER_WORD_MAX + 1];
    char architecture[ACC_DOCKER_WORD_MAX + 1];
    char variant[ACC_DOCKER_WORD_MAX + 1];
    uint16_t ports[ACC_PORTS_MAX]; /* exposed TCP ports, ascending */
    size_t n_ports;
    bool has_health;
    char volumes[ACC_OBS_VOLUMES_MAX + 1]; /* "TARGET\n" of each VOLUME */
    int64_t created_ns;
    int64_t last_tag_ns; /* Metadata.LastTagTime; 0 = unknown */
};
int acc_docker_image_parse(const char *text, size_t text_len, struct acc_docker_image *ret_image);
/* pull_policy daily, weekly, every_...: was it tagged here longer ago than `every_ns`? What the
 * engine has no time of is old, as for Compose. */
bool acc_docker_image_is_old(const struct acc_docker_image *image, int64_t every_ns,
                             int64_t now_ns);

/* --- GET /distribution/{ref}/json --- */

/* "sha256:...", what the reference means in the registry now. */
int acc_docker_distribution_parse(const char *text, size_t text_len,
                                  char ret_digest[ACC_HASH_LEN + 8]);

/* --- versions --- */

/* The number behind "1." of "1.41", of a header Api-Version too; false when it is none. */
bool acc_docker_api_parse(const char *text, uint32_t *ret_minor);

/* What accd speaks at most and at least: it reads 1.41 (Engine 20.10) to 1.55 (29.7). */
#define ACC_DOCKER_API_MIN 41u
#define ACC_DOCKER_API_MAX 55u
/* The version to use with a server that speaks up to `server_minor`; 0 when it is too old. */
uint32_t acc_docker_api_choose(uint32_t server_minor);
/* A 400 to a request says the range: "client version 1.43 is too old. Minimum supported API version
 * is 1.44, ...", "... is too new. Maximum supported API version is 1.41". True and the bound that
 * it names, its last number. */
bool acc_docker_api_from_error(const char *message, uint32_t *ret_minor);

struct acc_docker_version {
    char version[ACC_DOCKER_WORD_MAX + 1]; /* "20.10.24+dfsg1" */
    char api[ACC_DOCKER_WORD_MAX + 1];     /* "1.41" */
    uint32_t api_minor, min_api_minor;     /* 0 when absent */
    char os[ACC_DOCKER_WORD_MAX + 1];
    char architecture[ACC_DOCKER_WORD_MAX + 1];
    bool is_podman; /* a component "Podman Engine" */
};
int acc_docker_version_parse(const char *text, size_t text_len,
                             struct acc_docker_version *ret_version);

struct acc_docker_info {
    char id[ACC_NAME_MAX + 1]; /* of the engine's installation, not of its run */
    char name[ACC_NAME_MAX + 1];
    char root_dir[ACC_NAME_MAX + 1];
    char version[ACC_DOCKER_WORD_MAX + 1];
    char driver[ACC_DOCKER_WORD_MAX + 1];
    char cgroup_version[8];
    char cgroup_driver[ACC_DOCKER_WORD_MAX + 1];
    bool live_restore;
    bool swarm; /* LocalNodeState is neither "inactive" nor absent */
    int64_t n_cpu, memory_bytes;
};
int acc_docker_info_parse(const char *text, size_t text_len, struct acc_docker_info *ret_info);

/* --- small replies --- */

/* {"Id": ...} of POST containers/create and containers/{id}/exec. */
int acc_docker_id_parse(const char *text, size_t text_len, char ret_id[ACC_CID_LEN + 1]);

struct acc_docker_exec {
    bool running;
    bool has_exit_code; /* false: null, not ready yet. Gate on `running` first (podman says 0) */
    int32_t exit_code;
    int64_t pid; /* the HOST pid; 0 when none */
};
int acc_docker_exec_parse(const char *text, size_t text_len, struct acc_docker_exec *ret_exec);

/* --- errors --- */

/* What an error answer says: `message` of a JSON object (podman: message or cause), else the text
 * itself. Written to `out` whole or cut, on one line, never empty: "HTTP 500" when nothing is told.
 * Cannot fail. */
void acc_docker_message(int http_status, const char *text, size_t text_len, char *out,
                        size_t out_size);
