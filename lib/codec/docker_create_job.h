#pragma once

/*
 * What the parts of docker_create share: one service on its way to a request body.
 *
 * Internal to lib/codec. Each part reads keys of the canonical node and writes members; what can't
 * be done is noted in the job and refused once, at the end.
 */

#include "lib/codec/docker_create.h"
#include "lib/codec/json_put.h"
#include "lib/model/node.h"

/* Engine API versions that bring what a key needs (moby api/docs/CHANGELOG.md). */
#define ACC_API_ANNOTATIONS 43u
#define ACC_API_MANY_ENDPOINTS                                                                     \
    44u /* and start_interval, endpoint MAC, forced recursive read-only */
#define ACC_API_SUBPATH     45u
#define ACC_API_IMAGE_MOUNT 48u
#define ACC_API_IFNAME      49u

/* Room for one name of the file. Service names are bounded by what a container may be called. */
#define ACC_NAME_MAX_OF_NODE 256u

struct acc_create_job {
    struct acc_json_put put;
    const struct acc_stack *stack;
    const struct acc_service_spec *service;
    const struct acc_node *node;       /* of the service */
    const struct acc_node *api_config; /* the config of `use_api_socket`, or NULL */
    const struct acc_docker_create_ctx *ctx;
    struct acc_diags *diags;
    int error; /* 0, or the first of -EINVAL, -ENOENT */
};

/* Note what is wrong; the body is not sent. */
void acc_job_fail(struct acc_create_job *job, int error, struct acc_srcpos pos, const char *fmt,
                  ...) __attribute__((format(printf, 4, 5)));
/* The container id behind a service of this stack; "" and a failed job when it has none. */
const char *acc_job_container(struct acc_create_job *job, struct acc_srcpos pos, const char *what,
                              const char *service);
/* Copy an array of scalars, a mapping of scalars, or a scalar's text; nothing when absent. */
void acc_job_words(struct acc_create_job *job, cJSON *parent, const char *key,
                   const struct acc_node *seq);
void acc_job_map(struct acc_create_job *job, cJSON *parent, const char *key,
                 const struct acc_node *map);
void acc_job_text(struct acc_create_job *job, cJSON *parent, const char *key, const char *node_key);

/* Numbers however the file spelled them; 0 when absent or no number. */
int64_t acc_node_whole(const struct acc_node *node);
float acc_node_real(const struct acc_node *node); /* compose-go keeps these as float32 */
bool acc_node_true(const struct acc_node *node);
int64_t acc_node_duration_ns(const struct acc_node *node);

/* The parts. */
void acc_job_host_config(struct acc_create_job *job, cJSON *root); /* docker_host.c */
void acc_job_resources(struct acc_create_job *job, cJSON *host);   /* docker_resources.c */
void acc_job_mounts(struct acc_create_job *job, cJSON *host);      /* docker_mounts.c */
int acc_job_files(struct acc_create_job *job, struct acc_docker_create *create);
void acc_job_networking(struct acc_create_job *job, cJSON *root, cJSON *host,
                        struct acc_docker_create *create); /* docker_networks.c */
