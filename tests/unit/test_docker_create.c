#include "lib/codec/docker_create.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/codec/docker_request.h"
#include "tests/unit/stack_json.h"

/*
 * The rules one by one; that the whole is what docker compose sends is checked against the real one
 * by tests/engine/create_body.py.
 */

#define DB_ID "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"

static const char *on_id(void *ctx, const char *service)
{
    (void)ctx;
    return strcmp(service, "db") == 0 ? DB_ID : NULL;
}

static const char *on_name(void *ctx, const char *service)
{
    (void)ctx;
    return strcmp(service, "db") == 0 ? "p-db-1" : NULL;
}

static const char *on_file(void *ctx, const char *path)
{
    (void)ctx;
    return strcmp(path, "/home/p/seccomp.json") == 0 ? "{ \"a\" : [ 1,\n\t\" b \\\" \" ] }\n"
                                                     : NULL;
}

static const char *on_variable(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "TOKEN") == 0 ? "hunter2" : NULL;
}

static const char *const environment[] = {"PASSWORD=from-elsewhere"};

static struct acc_docker_create_ctx context(uint32_t api_minor)
{
    return (struct acc_docker_create_ctx){
        .api_minor = api_minor,
        .number = 1,
        .name = "p-web-1.c7",
        .config_hash = "hash",
        .image_id = "sha256:1",
        .op = "7",
        .revision = "2",
        .container_id = on_id,
        .container_name = on_name,
        .file_text = on_file,
        .variable = on_variable,
        .environment = environment,
        .n_environment = 1,
    };
}

static struct acc_diags diags;

/* The service "web" of a project with networks front and back, volume data, secrets and configs. */
static int make_by(const char *service, const struct acc_docker_create_ctx *ctx,
                   struct acc_docker_create *ret_create)
{
    char text[4096];

    (void)snprintf(
        text, sizeof(text),
        "{\"name\":\"p\",\"services\":{\"db\":{\"image\":\"d:1\"},\"web\":{\"image\":\"i:1\",%s}},"
        "\"networks\":{\"default\":{\"name\":\"p_default\"},\"front\":{\"name\":\"p_front\"},"
        "\"back\":{\"name\":\"shared\",\"external\":true}},"
        "\"volumes\":{\"data\":{\"name\":\"p_data\"}},"
        "\"secrets\":{\"s\":{\"file\":\"/s.txt\"},\"e\":{\"environment\":\"TOKEN\"},"
        "\"unset\":{\"environment\":\"NOPE\"},"
        "\"known\":{\"environment\":\"K\",\"" ACC_SPEC_VALUE_KEY
        "\":\"v\"},\"ext\":{\"external\":true}},"
        "\"configs\":{\"c\":{\"file\":\"/c.txt\"},\"i\":{\"content\":\"x\"}}}",
        service);
    struct acc_stack *stack = stack_from_json(text, "/home/p", "/home/p/compose.yaml");

    ck_assert_ptr_nonnull(stack);
    memset(&diags, 0, sizeof(diags));
    int r = acc_docker_create_make(stack, stack_service(stack, "web"), ctx, ret_create, &diags);

    (void)acc_stack_destroy(stack);
    return r;
}

static int make(const char *service, uint32_t api_minor, struct acc_docker_create *ret_create)
{
    struct acc_docker_create_ctx ctx = context(api_minor);

    return make_by(service, &ctx, ret_create);
}

/* The member at "A|B|C", printed; "absent" when there is none. */
static void member(const char *body, const char *path, char *out, size_t out_size)
{
    cJSON *root = cJSON_Parse(body);
    const cJSON *item = root;
    char copy[256], *save = NULL;

    ck_assert_ptr_nonnull(root);
    (void)snprintf(copy, sizeof(copy), "%s", path);
    for (char *key = strtok_r(copy, "|", &save); key && item; key = strtok_r(NULL, "|", &save)) {
        item = cJSON_GetObjectItemCaseSensitive(item, key);
    }
    char *text = item ? cJSON_PrintUnformatted(item) : NULL;

    (void)snprintf(out, out_size, "%s", text ? text : "absent");
    free(text);
    cJSON_Delete(root);
}

static const struct {
    const char *service; /* what is in the file, canonical */
    uint32_t api_minor;
    const char *path, *want;
} rules[] = {
    {"\"restart\":\"always\"", 41, "HostConfig|RestartPolicy", "{\"Name\":\"no\"}"},
    {"\"command\":null,\"entrypoint\":null", 41, "Cmd", "absent"},
    {"\"command\":[],\"entrypoint\":[]", 41, "Entrypoint", "[]"},
    {"\"command\":[\"a\",\"$$b\"]", 41, "Cmd", "[\"a\",\"$b\"]"},
    {"\"environment\":{\"A\":\"1\",\"BARE\":null,\"PASSWORD\":\"old\"}", 41, "Env",
     "[\"A=1\",\"BARE\",\"PASSWORD=from-elsewhere\"]"},
    {"\"stop_grace_period\":\"1m30.9s\"", 41, "StopTimeout", "90"},
    {"\"stop_grace_period\":\"0s\"", 41, "StopTimeout", "0"},
    {"\"mem_limit\":\"536870912\"", 41, "HostConfig|Memory", "536870912"},
    {"\"cpus\":1.1", 41, "HostConfig|NanoCpus", "1100000000"},
    {"\"cpus\":0.3", 41, "HostConfig|NanoCpus", "300000000"},
    {"\"cpus\":2,\"deploy\":{\"resources\":{\"limits\":{\"cpus\":0.5}}}", 41, "HostConfig|NanoCpus",
     "500000000"},
    {"\"mem_limit\":\"5\",\"deploy\":{\"resources\":{\"limits\":{\"memory\":\"7\"}}}", 41,
     "HostConfig|Memory", "7"},
    {"\"pids_limit\":-1", 41, "HostConfig|PidsLimit", "-1"},
    {"\"expose\":[\"80\",\"90-92\"],\"ports\":[{\"target\":80,\"protocol\":\"udp\"}]", 41,
     "ExposedPorts", "{\"80\":{},\"90-92\":{},\"80/udp\":{}}"},
    {"\"ports\":[{\"target\":80,\"published\":\"8080\",\"protocol\":\"tcp\"},{\"target\":80,"
     "\"host_ip\":\"127.0.0.1\",\"protocol\":\"tcp\"}]",
     41, "HostConfig|PortBindings|80/tcp",
     "[{\"HostIp\":\"\",\"HostPort\":\"8080\"},{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"\"}]"},
    {"\"healthcheck\":{\"disable\":true}", 41, "Healthcheck", "{\"Test\":[\"NONE\"]}"},
    {"\"healthcheck\":{\"test\":[\"CMD\",\"x\"],\"start_period\":\"5s\",\"start_interval\":\"1s\"}",
     43, "Healthcheck", "{\"Test\":[\"CMD\",\"x\"],\"StartPeriod\":5000000000}"},
    {"\"healthcheck\":{\"test\":[\"CMD\",\"x\"],\"start_period\":\"5s\",\"start_interval\":\"1s\"}",
     44, "Healthcheck|StartInterval", "1000000000"},
    /* mounts */
    {"\"volumes\":[{\"type\":\"bind\",\"source\":\"/a\",\"target\":\"/b\",\"read_only\":true,"
     "\"bind\":{\"create_host_path\":true,\"selinux\":\"z\"}}]",
     41, "HostConfig|Binds", "[\"/a:/b:ro,z\"]"},
    {"\"volumes\":[{\"type\":\"bind\",\"source\":\"/a\",\"target\":\"/b\"}]", 41,
     "HostConfig|Binds", "[\"/a:/b:rw\"]"},
    {"\"volumes\":[{\"type\":\"bind\",\"source\":\"/a\",\"target\":\"/b\",\"bind\":{}}]", 41,
     "HostConfig|Mounts",
     "[{\"Type\":\"bind\",\"Source\":\"/a\",\"Target\":\"/b\",\"BindOptions\":{}}]"},
    {"\"volumes\":[{\"type\":\"volume\",\"source\":\"data\",\"target\":\"/b\",\"volume\":{}}]", 41,
     "HostConfig|Binds", "[\"p_data:/b:rw\"]"},
    {"\"volumes\":[{\"type\":\"volume\",\"source\":\"data\",\"target\":\"/b\",\"volume\":"
     "{\"nocopy\":true}}]",
     41, "HostConfig|Mounts",
     "[{\"Type\":\"volume\",\"Source\":\"p_data\",\"Target\":\"/b\",\"VolumeOptions\":{\"NoCopy\":"
     "true}}]"},
    {"\"volumes\":[{\"type\":\"volume\",\"target\":\"/b\"}]", 41, "HostConfig|Mounts",
     "[{\"Type\":\"volume\",\"Target\":\"/b\"}]"},
    {"\"secrets\":[{\"source\":\"s\"}]", 41, "HostConfig|Mounts",
     "[{\"Type\":\"bind\",\"Source\":\"/s.txt\",\"Target\":\"/run/secrets/s\",\"ReadOnly\":true,"
     "\"BindOptions\":{}}]"},
    {"\"configs\":[{\"source\":\"c\",\"target\":\"/etc/c\"}]", 41, "HostConfig|Mounts",
     "[{\"Type\":\"bind\",\"Source\":\"/c.txt\",\"Target\":\"/etc/c\",\"ReadOnly\":true}]"},
    {"\"secrets\":[{\"source\":\"e\"}]", 41, "HostConfig|Mounts", "absent"},
    {"\"tmpfs\":[\"/a\",\"/b:size=1m\"]", 41, "HostConfig|Tmpfs",
     "{\"/a\":\"\",\"/b\":\"size=1m\"}"},
    /* references */
    {"\"network_mode\":\"service:db\"", 41, "HostConfig|NetworkMode", "\"container:" DB_ID "\""},
    {"\"network_mode\":\"host\"", 41, "NetworkingConfig", "absent"},
    {"\"ipc\":\"service:db\"", 41, "HostConfig|IpcMode", "\"container:" DB_ID "\""},
    {"\"volumes_from\":[\"db:ro\",\"container:x:rw\"]", 41, "HostConfig|VolumesFrom",
     "[\"" DB_ID "\",\"x\"]"},
    {"\"links\":[\"db:base\"]", 41, "HostConfig|Links",
     "[\"p-db-1:base\",\"p-db-1:db-1\",\"p-db-1:p-db-1\"]"},
    /* networks */
    {"\"networks\":{\"front\":null}", 41, "NetworkingConfig|EndpointsConfig",
     "{\"p_front\":{\"Aliases\":[\"p-web-1\",\"web\"]}}"},
    {"\"networks\":{\"back\":null,\"front\":null}", 41, "HostConfig|NetworkMode", "\"shared\""},
    {"\"networks\":{\"back\":null,\"front\":{\"priority\":1}}", 41, "HostConfig|NetworkMode",
     "\"p_front\""},
    {"\"networks\":{\"back\":null,\"front\":{\"priority\":1}}", 41,
     "NetworkingConfig|EndpointsConfig|shared", "absent"},
    {"\"networks\":{\"back\":null,\"front\":{\"priority\":1}}", 44,
     "NetworkingConfig|EndpointsConfig|shared", "{\"Aliases\":[\"p-web-1\",\"web\"]}"},
    {"\"container_name\":\"own\",\"networks\":{\"front\":{\"aliases\":[\"x\"]}}", 44,
     "NetworkingConfig|EndpointsConfig|p_front|Aliases", "[\"own\",\"web\",\"x\"]"},
    {"\"mac_address\":\"02:00\",\"networks\":{\"front\":null}", 41, "MacAddress", "\"02:00\""},
    {"\"mac_address\":\"02:00\",\"networks\":{\"front\":null}", 44, "MacAddress", "absent"},
    {"\"mac_address\":\"02:00\",\"networks\":{\"front\":null}", 44,
     "NetworkingConfig|EndpointsConfig|p_front|MacAddress", "\"02:00\""},
    /* the rest */
    {"\"cap_add\":[\"sys_ptrace\",\"CAP_NET_ADMIN\",\"NET_ADMIN\"]", 41, "HostConfig|CapAdd",
     "[\"CAP_NET_ADMIN\",\"CAP_SYS_PTRACE\"]"},
    {"\"security_opt\":[\"seccomp=./seccomp.json\"]", 41, "HostConfig|SecurityOpt", "absent"},
    {"\"security_opt\":[\"seccomp=seccomp.json\"]", 41, "HostConfig|SecurityOpt",
     "[\"seccomp={\\\"a\\\":[1,\\\" b \\\\\\\" \\\"]}\"]"},
    {"\"security_opt\":[\"systempaths=unconfined\"]", 41, "HostConfig|MaskedPaths", "[]"},
    {"\"extra_hosts\":[\"a=::1\"]", 41, "HostConfig|ExtraHosts", "[\"a:::1\"]"},
    {"\"ulimits\":{\"nofile\":{\"soft\":1,\"hard\":2},\"nproc\":3}", 41, "HostConfig|Ulimits",
     "[{\"Name\":\"nofile\",\"Hard\":2,\"Soft\":1},{\"Name\":\"nproc\",\"Hard\":3,\"Soft\":3}]"},
    {"\"devices\":[{\"source\":\"amd.com/gpu=all\",\"target\":\"amd.com/gpu=all\"},{\"source\":"
     "\"/dev/kfd\",\"target\":\"/dev/kfd\",\"permissions\":\"rwm\"}]",
     41, "HostConfig|DeviceRequests", "[{\"Driver\":\"cdi\",\"DeviceIDs\":[\"amd.com/gpu=all\"]}]"},
    {"\"gpus\":[{\"count\":-1}]", 41, "HostConfig|DeviceRequests",
     "[{\"Count\":-1,\"Capabilities\":[[\"gpu\"]]}]"},
    {"\"labels\":{\"io.acc.op\":\"mine\",\"a\":\"b\"}", 41, "Labels|io.acc.op", "\"7\""},
    {"\"labels\":{\"a\":\"b\"}", 41, "Labels|a", "\"b\""},
    {"\"depends_on\":{\"db\":{\"condition\":\"service_healthy\",\"restart\":true},\"off\":"
     "{\"condition\":\"service_started\",\"required\":false}}",
     41, "Labels|com.docker.compose.depends_on", "\"db:service_healthy:true\""},
};

START_TEST(follows_compose_rule_by_rule)
{
    struct acc_docker_create create = {0};
    char got[1024];
    int r = make(rules[_i].service, rules[_i].api_minor, &create);

    if (strstr(rules[_i].service, "./seccomp.json")) {
        ck_assert_int_eq(r, -EINVAL); /* resolves to /home/p/./seccomp.json, which nobody gave */
        return;
    }
    ck_assert_msg(r == 0, "%s: %d %s", rules[_i].service, r, diags.item[0].text);
    ck_assert_str_eq(create.query, "name=p-web-1.c7");
    ck_assert_uint_eq(create.body_len, strlen(create.body));
    member(create.body, rules[_i].path, got, sizeof(got));
    ck_assert_msg(strcmp(got, rules[_i].want) == 0, "%s at 1.%u, %s: got %s, want %s",
                  rules[_i].service, rules[_i].api_minor, rules[_i].path, got, rules[_i].want);
    acc_docker_create_fini(&create);
}
END_TEST

START_TEST(whole_numbers_keep_every_digit)
{
    struct acc_docker_create create;

    ck_assert_int_eq(make("\"mem_limit\":\"9007199254740993\"", 41, &create), 0);
    ck_assert_ptr_nonnull(strstr(create.body, "\"Memory\":9007199254740993,"));
    acc_docker_create_fini(&create);
}
END_TEST

START_TEST(labels_are_composes_and_ours)
{
    static const struct {
        const char *label, *want;
    } labels[] = {
        {"com.docker.compose.project", "\"p\""},
        {"com.docker.compose.service", "\"web\""},
        {"com.docker.compose.oneoff", "\"False\""},
        {"com.docker.compose.container-number", "\"1\""},
        {"com.docker.compose.config-hash", "\"hash\""},
        {"com.docker.compose.image", "\"sha256:1\""},
        {"com.docker.compose.version", "\"2.40.3\""},
        {"com.docker.compose.project.working_dir", "\"/home/p\""},
        {"com.docker.compose.project.config_files", "\"/home/p/compose.yaml\""},
        {"com.docker.compose.depends_on", "\"\""},
        {"io.acc.revision", "\"2\""},
        {"io.acc.spec", "\"5555555555555555555555555555555555555555555555555555555555555555\""},
    };
    struct acc_docker_create create;
    char path[128], got[256];

    ck_assert_int_eq(make("\"x-acc\":{}", 41, &create), 0);
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        (void)snprintf(path, sizeof(path), "Labels|%s", labels[i].label);
        member(create.body, path, got, sizeof(got));
        ck_assert_str_eq(got, labels[i].want);
    }
    acc_docker_create_fini(&create);
}
END_TEST

START_TEST(old_engines_get_the_other_networks_by_connect)
{
    struct acc_docker_create create;
    struct acc_buf body;

    ck_assert_int_eq(make("\"networks\":{\"back\":{\"ipv4_address\":\"10.0.0.9\",\"priority\":0},"
                          "\"front\":{\"priority\":9}}",
                          41, &create),
                     0);
    ck_assert_uint_eq(create.n_connects, 1);
    ck_assert_str_eq(create.connects[0].network, "shared");
    acc_buf_init(&body, 4096);
    ck_assert_int_eq(acc_docker_connect_body(&create.connects[0], DB_ID, &body), 0);
    ck_assert_str_eq(body.data, "{\"Container\":\"" DB_ID
                                "\",\"EndpointConfig\":{\"Aliases\":[\"p-web-1\",\"web\"],"
                                "\"IPAMConfig\":{\"IPv4Address\":\"10.0.0.9\"},\"IPAddress\":"
                                "\"10.0.0.9\"}}");
    acc_buf_fini(&body);
    acc_docker_create_fini(&create);
}
END_TEST

#define TWO_NETWORKS                                                                               \
    "\"networks\":{\"back\":{\"aliases\":[\"x\"],\"priority\":0},\"front\":{\"priority\":9}}"

START_TEST(a_candidate_is_on_its_networks_without_the_names_of_its_service)
{
    static const uint32_t apis[] = {41, 51};
    struct acc_docker_create_ctx ctx = context(apis[_i]);
    struct acc_docker_create create;
    char got[256];

    ctx.unrouted = true;
    ck_assert_int_eq(make_by(TWO_NETWORKS, &ctx, &create), 0);
    member(create.body, "NetworkingConfig|EndpointsConfig|p_front|Aliases", got, sizeof(got));
    ck_assert_str_eq(got, "[]");
    member(_i == 0 ? create.connects[0].endpoint : create.body,
           _i == 0 ? "Aliases" : "NetworkingConfig|EndpointsConfig|shared|Aliases", got,
           sizeof(got));
    ck_assert_str_eq(got, "[]");
    acc_docker_create_fini(&create);
}
END_TEST

static const struct {
    const char *volumes, *binds, *mounts;
} goes_on[] = {
    {"", "absent", "[{\"Type\":\"volume\",\"Source\":\"one\",\"Target\":\"/image\"}]"},
    {"{\"type\":\"volume\",\"target\":\"/own/\"}", "absent",
     "[{\"Type\":\"volume\",\"Source\":\"two\",\"Target\":\"/own\",\"ReadOnly\":true},"
     "{\"Type\":\"volume\",\"Source\":\"one\",\"Target\":\"/image\"}]"},
    {"{\"type\":\"volume\",\"source\":\"data\",\"target\":\"/image\"}", "[\"p_data:/image:rw\"]",
     "absent"},
    {"{\"type\":\"bind\",\"source\":\"/s\",\"target\":\"/own\"}", "[\"/s:/own:rw\"]",
     "[{\"Type\":\"volume\",\"Source\":\"one\",\"Target\":\"/image\"}]"},
};

/* Of what the container before had: where the image wants one, or the file has one without a name.
 */
START_TEST(goes_on_with_the_volumes_that_nobody_has_named)
{
    struct acc_docker_create_ctx ctx = context(41);
    struct acc_docker_create create;
    char service[256], got[512];

    ctx.heirs = "/image\tone\n/own\ttwo\tro\n/gone\tthree\n/cut";
    ctx.image_volumes = "/other\n/image/\n/cut\n";
    (void)snprintf(service, sizeof(service), "\"volumes\":[%s]", goes_on[_i].volumes);
    ck_assert_int_eq(make_by(service, &ctx, &create), 0);
    member(create.body, "HostConfig|Binds", got, sizeof(got));
    ck_assert_str_eq(got, goes_on[_i].binds);
    member(create.body, "HostConfig|Mounts", got, sizeof(got));
    ck_assert_str_eq(got, goes_on[_i].mounts);
    acc_docker_create_fini(&create);
}
END_TEST

START_TEST(the_main_network_is_connected_last)
{
    static const uint32_t apis[] = {41, 51};
    struct acc_docker_create_ctx ctx = context(apis[_i]);
    struct acc_docker_create create;
    char got[256];

    ctx.reconnect = true;
    ck_assert_int_eq(make_by(TWO_NETWORKS, &ctx, &create), 0);
    ck_assert_uint_eq(create.n_connects, 2);
    ck_assert_str_eq(create.connects[0].network, "shared");
    member(create.connects[0].endpoint, "Aliases", got, sizeof(got));
    ck_assert_str_eq(got, "[\"p-web-1\",\"web\",\"x\"]");
    ck_assert_str_eq(create.connects[1].network, "p_front");
    member(create.connects[1].endpoint, "Aliases", got, sizeof(got));
    ck_assert_str_eq(got, "[\"p-web-1\",\"web\"]");
    acc_docker_create_fini(&create);
}
END_TEST

START_TEST(the_api_socket_is_what_compose_makes_of_it)
{
    struct acc_docker_create create;
    char text[512];

    ck_assert_int_eq(make("\"use_api_socket\":true,\"environment\":{\"Z\":\"1\"}", 41, &create), 0);
    member(create.body, "HostConfig|Binds", text, sizeof(text));
    ck_assert_str_eq(text, "[\"/var/run/docker.sock:/var/run/docker.sock:rw\"]");
    member(create.body, "Env", text, sizeof(text));
    ck_assert_str_eq(text, "[\"DOCKER_CONFIG=/run/secrets/docker\",\"Z=1\","
                           "\"PASSWORD=from-elsewhere\"]");
    ck_assert_uint_eq(create.n_files, 1);
    ck_assert_str_eq(create.files[0].path, "/run/secrets/docker/config.json");
    ck_assert_str_eq(create.files[0].content, "{\n\t\"auths\": {}\n}");
    acc_docker_create_fini(&create);
    /* it has credentials of its own */
    ck_assert_int_eq(
        make("\"use_api_socket\":true,\"environment\":{\"DOCKER_CONFIG\":\"/x\"}", 41, &create), 0);
    member(create.body, "Env", text, sizeof(text));
    ck_assert_str_eq(text, "[\"DOCKER_CONFIG=/x\",\"PASSWORD=from-elsewhere\"]");
    acc_docker_create_fini(&create);
}
END_TEST

START_TEST(contents_become_files_of_a_tar)
{
    struct acc_docker_create create;
    struct acc_buf tar;

    ck_assert_int_eq(make("\"secrets\":[{\"source\":\"e\",\"uid\":\"103\",\"mode\":\"0440\"}],"
                          "\"configs\":[{\"source\":\"i\",\"target\":\"rel/x\"}]",
                          41, &create),
                     0);
    ck_assert_uint_eq(create.n_files, 2);
    ck_assert_str_eq(create.files[0].path, "/run/secrets/e");
    ck_assert_str_eq(create.files[0].content, "hunter2");
    ck_assert_uint_eq(create.files[0].mode, 0440);
    ck_assert_int_eq(create.files[0].uid, 103);
    ck_assert_str_eq(create.files[1].path, "/rel/x");
    ck_assert_uint_eq(create.files[1].mode, 0444);
    ck_assert_ptr_null(strstr(create.body, "hunter2"));
    acc_buf_init(&tar, 1u << 20);
    ck_assert_int_eq(acc_docker_archive_make(create.files, create.n_files, &tar), 0);
    ck_assert_uint_eq(tar.len, 6 * 512);
    ck_assert_str_eq(tar.data, "run/secrets/e");
    ck_assert_str_eq(tar.data + 100, "0000440");
    ck_assert_str_eq(tar.data + 108, "0000147");
    ck_assert_str_eq(tar.data + 124, "00000000007");
    ck_assert_int_eq(memcmp(tar.data + 257, "ustar\00000", 8), 0);
    ck_assert_str_eq(tar.data + 512, "hunter2");
    acc_buf_fini(&tar);
    acc_docker_create_fini(&create);
}
END_TEST

/* From the project's .env, say: nobody has to be asked for the variable. */
START_TEST(a_value_that_the_loader_found_is_the_content)
{
    struct acc_docker_create create;

    ck_assert_int_eq(make("\"secrets\":[{\"source\":\"known\"}]", 41, &create), 0);
    ck_assert_uint_eq(create.n_files, 1);
    ck_assert_str_eq(create.files[0].content, "v");
    acc_docker_create_fini(&create);
}
END_TEST

static const struct {
    const char *service;
    uint32_t api_minor;
    int want;
    const char *word; /* in the diagnostic */
} refused[] = {
    {"\"network_mode\":\"service:gone\"", 41, -ENOENT, "'gone'"},
    {"\"volumes_from\":[\"gone\"]", 41, -ENOENT, "'gone'"},
    {"\"links\":[\"gone\"]", 41, -ENOENT, "'gone'"},
    {"\"secrets\":[{\"source\":\"unset\"}]", 41, -EINVAL, "'NOPE'"},
    {"\"secrets\":[{\"source\":\"ext\"}]", 41, -EINVAL, "external secret"},
    {"\"read_only\":true,\"configs\":[{\"source\":\"i\"}]", 41, -EINVAL, "read_only"},
    {"\"security_opt\":[\"nonsense\"]", 41, -EINVAL, "'nonsense'"},
    {"\"healthcheck\":{\"test\":[\"CMD\",\"x\"],\"start_interval\":\"1s\"}", 44, -EINVAL,
     "start_period"},
    {"\"volumes\":[{\"type\":\"volume\",\"source\":\"data\",\"target\":\"/b\",\"volume\":"
     "{\"subpath\":\"s\"}}]",
     44, -EINVAL, "subpath"},
    {"\"volumes\":[{\"type\":\"image\",\"source\":\"i:1\",\"target\":\"/b\"}]", 47, -EINVAL,
     "image"},
    {"\"networks\":{\"front\":{\"interface_name\":\"e\"}}", 48, -EINVAL, "interface_name"},
    {"\"networks\":{\"front\":{\"mac_address\":\"1\"},\"back\":{\"mac_address\":\"2\"}}", 43,
     -EINVAL, "mac_address"},
};

START_TEST(says_what_can_not_be_done)
{
    struct acc_docker_create create = {.n_files = 99};

    ck_assert_int_eq(make(refused[_i].service, refused[_i].api_minor, &create), refused[_i].want);
    ck_assert_uint_eq(create.n_files, 99); /* untouched */
    ck_assert_uint_ge(diags.n_errors, 1);
    ck_assert_msg(strstr(diags.item[0].text, refused[_i].word) != NULL, "%s", diags.item[0].text);
}
END_TEST

START_TEST(an_old_engine_is_warned_of_what_is_left_out)
{
    struct acc_docker_create create;

    ck_assert_int_eq(make("\"healthcheck\":{\"test\":[\"CMD\",\"x\"],\"start_period\":\"1s\","
                          "\"start_interval\":\"1s\"}",
                          43, &create),
                     0);
    ck_assert_uint_eq(diags.n, 1);
    ck_assert_int_eq(diags.item[0].severity, ACC_SEVERITY_WARNING);
    acc_docker_create_fini(&create);
}
END_TEST

START_TEST(a_hook_is_an_exec)
{
    static const char text[] =
        "{\"services\":{\"web\":{\"pre_stop\":[{\"command\":[\"a\",\"b c\"],"
        "\"user\":\"u:g\",\"privileged\":true,\"working_dir\":\"/w\","
        "\"environment\":{\"A\":\"1\",\"B\":null}},{\"command\":[\"x\"]}]}}}";
    struct acc_stack *stack = stack_from_json(text, "/home/p", "/home/p/compose.yaml");
    const struct acc_node *hooks = acc_node_path(stack->project, "services", "web", "pre_stop",
                                                 NULL);
    struct acc_buf out;

    acc_buf_init(&out, 4096);
    ck_assert_int_eq(acc_docker_hook_body(hooks->first, &out), 0);
    ck_assert_str_eq(out.data, "{\"User\":\"u:g\",\"Privileged\":true,\"AttachStdout\":true,"
                               "\"AttachStderr\":true,\"Env\":[\"A=1\",\"B\"],\"WorkingDir\":"
                               "\"/w\",\"Cmd\":[\"a\",\"b c\"]}");
    acc_buf_reset(&out);
    ck_assert_int_eq(acc_docker_hook_body(hooks->last, &out), 0);
    ck_assert_str_eq(out.data, "{\"AttachStdout\":true,\"AttachStderr\":true,\"Cmd\":[\"x\"]}");
    acc_buf_fini(&out);
    (void)acc_stack_destroy(stack);
}
END_TEST

START_TEST(networks_and_volumes_carry_composes_labels)
{
    static const char text[] =
        "{\"name\":\"p\",\"services\":{},\"networks\":{\"n\":{\"name\":\"p_n\",\"driver\":"
        "\"bridge\","
        "\"internal\":true,\"enable_ipv6\":true,\"ipam\":{\"config\":[{\"subnet\":\"10.0.0.0/24\","
        "\"aux_addresses\":{\"h\":\"10.0.0.5\"}}]},\"labels\":{\"a\":\"b\"}}},"
        "\"volumes\":{\"v\":{\"name\":\"p_v\",\"driver_opts\":{\"type\":\"tmpfs\"}}}}";
    struct acc_stack *stack = stack_from_json(text, "/d", "/d/f");
    struct acc_docker_create_ctx ctx = context(41);
    struct acc_buf out;

    acc_buf_init(&out, 4096);
    ck_assert_int_eq(acc_docker_network_body(stack, &stack->resources[0], &ctx, "h1", &out), 0);
    ck_assert_str_eq(
        out.data,
        "{\"Name\":\"p_n\",\"CheckDuplicate\":true,\"Driver\":\"bridge\",\"IPAM\":{\"Config\":[{"
        "\"Subnet\":\"10.0.0.0/"
        "24\",\"AuxiliaryAddresses\":{\"h\":\"10.0.0.5\"}}]},\"Internal\":true,"
        "\"EnableIPv6\":true,\"Labels\":{\"a\":\"b\",\"com.docker.compose.network\":\"n\","
        "\"com.docker.compose.project\":\"p\",\"com.docker.compose.version\":\"2.40.3\","
        "\"com.docker.compose.config-hash\":\"h1\"}}");
    acc_buf_reset(&out);
    ck_assert_int_eq(acc_docker_volume_body(stack, &stack->resources[1], &ctx, "h2", &out), 0);
    ck_assert_str_eq(
        out.data,
        "{\"Name\":\"p_v\",\"DriverOpts\":{\"type\":\"tmpfs\"},\"Labels\":{"
        "\"com.docker.compose.volume\":\"v\",\"com.docker.compose.project\":\"p\","
        "\"com.docker.compose.version\":\"2.40.3\",\"com.docker.compose.config-hash\":\"h2\"}}");
    acc_buf_fini(&out);
    (void)acc_stack_destroy(stack);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("docker_create");
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, follows_compose_rule_by_rule, 0, sizeof(rules) / sizeof(rules[0]));
    tcase_add_test(tc, whole_numbers_keep_every_digit);
    tcase_add_test(tc, labels_are_composes_and_ours);
    tcase_add_test(tc, old_engines_get_the_other_networks_by_connect);
    tcase_add_loop_test(tc, a_candidate_is_on_its_networks_without_the_names_of_its_service, 0, 2);
    tcase_add_loop_test(tc, goes_on_with_the_volumes_that_nobody_has_named, 0,
                        sizeof(goes_on) / sizeof(goes_on[0]));
    tcase_add_loop_test(tc, the_main_network_is_connected_last, 0, 2);
    tcase_add_test(tc, the_api_socket_is_what_compose_makes_of_it);
    tcase_add_test(tc, contents_become_files_of_a_tar);
    tcase_add_test(tc, a_value_that_the_loader_found_is_the_content);
    tcase_add_loop_test(tc, says_what_can_not_be_done, 0, sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(tc, an_old_engine_is_warned_of_what_is_left_out);
    tcase_add_test(tc, a_hook_is_an_exec);
    tcase_add_test(tc, networks_and_volumes_carry_composes_labels);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
