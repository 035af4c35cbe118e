#include "lib/base/assert.h"
#include "lib/compose/schema.h"

/* clang-format off */

#define STRUCT(name)      {name##_fields, ACC_ARRAY_LEN(name##_fields), .is_closed = false}
#define CLOSED(name)      {name##_fields, ACC_ARRAY_LEN(name##_fields), .is_closed = true}
#define TABLE(name)       static const struct acc_field name##_fields[]
#define TYPE(name)        static const struct acc_struct name = STRUCT(name)
#define CLOSED_TYPE(name) static const struct acc_struct name = CLOSED(name)

/* The shapes of compose-spec.json. */
#define STR(k)            {k, .is = ACC_IS_STR, .bind = ACC_BIND_STR}
#define CHOICE(k, c)      {k, .is = ACC_IS_STR, .bind = ACC_BIND_STR, .choices = (c)}
#define BOOL(k)           {k, .is = ACC_IS_BOOL | ACC_IS_STR, .bind = ACC_BIND_BOOL}
#define BOOL_P(k)         {k, .is = ACC_IS_BOOL | ACC_IS_STR, .bind = ACC_BIND_BOOL_P}
#define INT(k)            {k, .is = ACC_IS_INT | ACC_IS_STR, .bind = ACC_BIND_INT}
#define INT_P(k)          {k, .is = ACC_IS_INT | ACC_IS_STR, .bind = ACC_BIND_INT_P}
#define UINT16(k)         {k, .is = ACC_IS_INT | ACC_IS_STR, .bind = ACC_BIND_UINT16}
#define NUM_INT(k)        {k, .is = ACC_IS_NUM | ACC_IS_STR, .bind = ACC_BIND_INT}
#define FLOAT(k)          {k, .is = ACC_IS_NUM | ACC_IS_STR, .bind = ACC_BIND_FLOAT}
#define BYTES(k)          {k, .is = ACC_IS_NUM | ACC_IS_STR, .bind = ACC_BIND_BYTES}
#define DURATION(k)       {k, .is = ACC_IS_STR, .bind = ACC_BIND_DURATION}
#define DURATION_P(k)     {k, .is = ACC_IS_STR, .bind = ACC_BIND_DURATION_P}
#define STRS(k)           {k, .is = ACC_IS_SEQ, .elements = ACC_IS_STR, .bind = ACC_BIND_STRS}
#define UNIQUE_STRS(k)    {k, .is = ACC_IS_SEQ, .elements = ACC_IS_STR, .flags = ACC_FIELD_UNIQUE, \
                           .bind = ACC_BIND_STRS}
#define UNIQUE_NUMS(k)    {k, .is = ACC_IS_SEQ, .elements = ACC_IS_STR | ACC_IS_NUM, \
                           .flags = ACC_FIELD_UNIQUE, .bind = ACC_BIND_STRS}
#define STR_OR_LIST(k)    {k, .is = ACC_IS_STR | ACC_IS_SEQ, .elements = ACC_IS_STR, \
                           .flags = ACC_FIELD_UNIQUE, .bind = ACC_BIND_STRS}
#define COMMAND(k)        {k, .is = ACC_IS_NULL | ACC_IS_STR | ACC_IS_SEQ, .elements = ACC_IS_STR, \
                           .bind = ACC_BIND_COMMAND}
#define LIST_OR_DICT(k, b) {k, .is = ACC_IS_SEQ | ACC_IS_MAP, .elements = ACC_IS_STR, \
                           .values = ACC_IS_STR | ACC_IS_NUM | ACC_IS_BOOL | ACC_IS_NULL, \
                           .flags = ACC_FIELD_UNIQUE | ACC_FIELD_KEYED, .bind = (b)}
#define LABELS(k)         LIST_OR_DICT(k, ACC_BIND_MAPPING)
#define DICT(k)           {k, .is = ACC_IS_MAP, .values = ACC_IS_STR | ACC_IS_NUM, \
                           .bind = ACC_BIND_MAPPING}
#define STR_DICT(k)       {k, .is = ACC_IS_MAP, .values = ACC_IS_STR, .bind = ACC_BIND_MAPPING}
#define HOSTS(k)          {k, .is = ACC_IS_SEQ | ACC_IS_MAP, .elements = ACC_IS_STR, \
                           .values = ACC_IS_STR | ACC_IS_SEQ, .flags = ACC_FIELD_UNIQUE, \
                           .bind = ACC_BIND_HOSTS}
#define ULIMITS(k)        {k, .is = ACC_IS_MAP, .values = ACC_IS_INT | ACC_IS_STR | ACC_IS_MAP, \
                           .bind = ACC_BIND_ULIMITS, .sub = &ulimit}
#define OBJECT(k, s)      {k, .is = ACC_IS_MAP, .bind = ACC_BIND_STRUCT_P, .sub = &(s)}
#define VALUE(k, s)       {k, .is = ACC_IS_MAP, .bind = ACC_BIND_STRUCT_V, .sub = &(s)}
#define OBJECTS(k, s)     {k, .is = ACC_IS_SEQ, .elements = ACC_IS_MAP, \
                           .bind = ACC_BIND_STRUCTS, .sub = &(s)}
/* Elements are strings in the short form. */
#define SHORT_OBJECTS(k, s) {k, .is = ACC_IS_SEQ, .elements = ACC_IS_STR | ACC_IS_MAP, \
                           .bind = ACC_BIND_STRUCTS, .sub = &(s)}

TABLE(ulimit) = {
    {"soft", .is = ACC_IS_INT | ACC_IS_STR, .flags = ACC_FIELD_REQUIRED, .bind = ACC_BIND_INT},
    {"hard", .is = ACC_IS_INT | ACC_IS_STR, .flags = ACC_FIELD_REQUIRED, .bind = ACC_BIND_INT},
};
TYPE(ulimit);

/* Secrets and configs of a service or a build. */
TABLE(file_ref) = {
    STR("source"), STR("target"), STR("uid"), STR("gid"),
    {"mode", .is = ACC_IS_NUM | ACC_IS_STR, .bind = ACC_BIND_MODE},
};
TYPE(file_ref);

TABLE(build) = {
    STR("context"), STR("dockerfile"), STR("dockerfile_inline"), STRS("entitlements"),
    LIST_OR_DICT("args", ACC_BIND_ENV),
    {"provenance", .is = ACC_IS_STR | ACC_IS_BOOL, .bind = ACC_BIND_STR},
    {"sbom", .is = ACC_IS_STR | ACC_IS_BOOL, .bind = ACC_BIND_STR},
    LIST_OR_DICT("ssh", ACC_BIND_SSH), LABELS("labels"), STRS("cache_from"), STRS("cache_to"),
    BOOL("no_cache"), LABELS("additional_contexts"), BOOL("pull"), HOSTS("extra_hosts"),
    STR("isolation"), STR("network"), STR("target"), SHORT_OBJECTS("secrets", file_ref),
    {"shm_size", .is = ACC_IS_INT | ACC_IS_STR, .bind = ACC_BIND_BYTES},
    STRS("tags"), ULIMITS("ulimits"), STRS("platforms"), BOOL("privileged"),
};
TYPE(build);

TABLE(hook) = {
    {"command", .is = ACC_IS_NULL | ACC_IS_STR | ACC_IS_SEQ, .elements = ACC_IS_STR,
     .flags = ACC_FIELD_REQUIRED, .bind = ACC_BIND_COMMAND},
    STR("user"), BOOL("privileged"), STR("working_dir"), LIST_OR_DICT("environment", ACC_BIND_ENV),
};
TYPE(hook);

TABLE(watch) = {
    {"path", .is = ACC_IS_STR, .flags = ACC_FIELD_REQUIRED, .bind = ACC_BIND_STR},
    {"action", .is = ACC_IS_STR, .flags = ACC_FIELD_REQUIRED, .bind = ACC_BIND_STR,
     .choices = "rebuild|sync|restart|sync+restart|sync+exec"},
    STR("target"), VALUE("exec", hook), STR_OR_LIST("include"), STR_OR_LIST("ignore"),
    {"initial_sync", .is = ACC_IS_BOOL, .bind = ACC_BIND_BOOL},
};
TYPE(watch);

TABLE(develop) = {
    OBJECTS("watch", watch),
};
TYPE(develop);

/* These two have no JSON names in compose-go, so their fields print as Go spells them. */
TABLE(blkio_weight) = {
    STR("path"), UINT16("weight"),
};
CLOSED_TYPE(blkio_weight);

TABLE(blkio_limit) = {
    STR("path"), {"rate", .is = ACC_IS_INT | ACC_IS_STR, .bind = ACC_BIND_BYTES},
};
CLOSED_TYPE(blkio_limit);

TABLE(blkio) = {
    UINT16("weight"), OBJECTS("weight_device", blkio_weight), OBJECTS("device_read_bps", blkio_limit),
    OBJECTS("device_read_iops", blkio_limit), OBJECTS("device_write_bps", blkio_limit),
    OBJECTS("device_write_iops", blkio_limit),
};
CLOSED_TYPE(blkio);

TABLE(credential_spec) = {
    STR("config"), STR("file"), STR("registry"),
};
TYPE(credential_spec);

TABLE(dependency) = {
    {"condition", .is = ACC_IS_STR, .flags = ACC_FIELD_REQUIRED, .bind = ACC_BIND_STR,
     .choices = "service_started|service_healthy|service_completed_successfully"},
    BOOL("restart"),
    {"required", .is = ACC_IS_BOOL, .bind = ACC_BIND_BOOL_P}, /* always printed; has a default */
};
TYPE(dependency);

TABLE(update_config) = {
    INT_P("parallelism"), DURATION("delay"), STR("failure_action"), DURATION("monitor"),
    FLOAT("max_failure_ratio"), CHOICE("order", "start-first|stop-first"),
};
TYPE(update_config);

TABLE(device_request) = {
    {"capabilities", .is = ACC_IS_SEQ, .elements = ACC_IS_STR,
     .flags = ACC_FIELD_UNIQUE | ACC_FIELD_REQUIRED, .bind = ACC_BIND_STRS},
    STR("driver"), {"count", .is = ACC_IS_INT | ACC_IS_STR, .bind = ACC_BIND_DEVICE_COUNT},
    UNIQUE_STRS("device_ids"), LABELS("options"),
};
TYPE(device_request);

TABLE(gpu) = {
    UNIQUE_STRS("capabilities"), STR("driver"),
    {"count", .is = ACC_IS_INT | ACC_IS_STR, .bind = ACC_BIND_DEVICE_COUNT},
    UNIQUE_STRS("device_ids"), LABELS("options"),
};
/* compose-spec.json closes the list instead of its elements, so Compose takes any key. */
static const struct acc_struct gpu = {gpu_fields, ACC_ARRAY_LEN(gpu_fields), .is_lenient = true};

TABLE(discrete_resource) = {
    STR("kind"), NUM_INT("value"),
};
TYPE(discrete_resource);

TABLE(generic_resource) = {
    OBJECT("discrete_resource_spec", discrete_resource),
};
TYPE(generic_resource);

TABLE(limits) = {
    FLOAT("cpus"), {"memory", .is = ACC_IS_STR, .bind = ACC_BIND_BYTES}, INT("pids"),
};
TYPE(limits);

TABLE(reservations) = {
    FLOAT("cpus"), {"memory", .is = ACC_IS_STR, .bind = ACC_BIND_BYTES},
    OBJECTS("devices", device_request), OBJECTS("generic_resources", generic_resource),
};
TYPE(reservations);

TABLE(resources) = {
    OBJECT("limits", limits), OBJECT("reservations", reservations),
};
TYPE(resources);

TABLE(restart_policy) = {
    STR("condition"), DURATION_P("delay"), INT_P("max_attempts"), DURATION_P("window"),
};
TYPE(restart_policy);

TABLE(preference) = {
    STR("spread"),
};
TYPE(preference);

TABLE(placement) = {
    STRS("constraints"), OBJECTS("preferences", preference), INT("max_replicas_per_node"),
};
TYPE(placement);

TABLE(deploy) = {
    STR("mode"), INT_P("replicas"), LABELS("labels"), OBJECT("update_config", update_config),
    OBJECT("rollback_config", update_config), VALUE("resources", resources),
    OBJECT("restart_policy", restart_policy), VALUE("placement", placement), STR("endpoint_mode"),
};
TYPE(deploy);

TABLE(device) = {
    {"source", .is = ACC_IS_STR, .flags = ACC_FIELD_REQUIRED, .bind = ACC_BIND_STR},
    STR("target"), STR("permissions"),
};
TYPE(device);

TABLE(env_file) = {
    {"path", .is = ACC_IS_STR, .flags = ACC_FIELD_REQUIRED, .bind = ACC_BIND_STR},
    BOOL_P("required"), STR("format"),
};
CLOSED_TYPE(env_file);

TABLE(extends) = {
    STR("file"),
    {"service", .is = ACC_IS_STR, .flags = ACC_FIELD_REQUIRED, .bind = ACC_BIND_STR},
};
CLOSED_TYPE(extends);

TABLE(healthcheck) = {
    {"test", .is = ACC_IS_STR | ACC_IS_SEQ, .elements = ACC_IS_STR, .bind = ACC_BIND_TEST},
    DURATION_P("timeout"), DURATION_P("interval"),
    {"retries", .is = ACC_IS_NUM | ACC_IS_STR, .bind = ACC_BIND_INT_P}, DURATION_P("start_period"),
    DURATION_P("start_interval"), BOOL("disable"),
};
TYPE(healthcheck);

TABLE(logging) = {
    STR("driver"),
    {"options", .is = ACC_IS_MAP, .values = ACC_IS_STR | ACC_IS_NUM | ACC_IS_NULL,
     .bind = ACC_BIND_MAPPING},
};
TYPE(logging);

TABLE(endpoint) = {
    UNIQUE_STRS("aliases"), DICT("driver_opts"),
    {"gw_priority", .is = ACC_IS_NUM, .bind = ACC_BIND_INT}, STR("interface_name"),
    STR("ipv4_address"), STR("ipv6_address"), UNIQUE_STRS("link_local_ips"), STR("mac_address"),
    {"priority", .is = ACC_IS_NUM, .bind = ACC_BIND_INT},
};
TYPE(endpoint);

TABLE(port) = {
    STR("name"), STR("mode"), STR("host_ip"), INT("target"),
    {"published", .is = ACC_IS_STR | ACC_IS_INT, .bind = ACC_BIND_STR}, STR("protocol"),
    STR("app_protocol"),
};
TYPE(port);

TABLE(bind_mount) = {
    CHOICE("selinux", "z|Z"), STR("propagation"), BOOL("create_host_path"),
    CHOICE("recursive", "enabled|disabled|writable|readonly"),
};
TYPE(bind_mount);

TABLE(volume_mount) = {
    LABELS("labels"), BOOL("nocopy"), STR("subpath"),
};
TYPE(volume_mount);

TABLE(tmpfs_mount) = {
    {"size", .is = ACC_IS_INT | ACC_IS_STR, .bind = ACC_BIND_BYTES}, NUM_INT("mode"),
};
TYPE(tmpfs_mount);

TABLE(image_mount) = {
    STR("subpath"),
};
TYPE(image_mount);

TABLE(mount) = {
    {"type", .is = ACC_IS_STR, .flags = ACC_FIELD_REQUIRED, .bind = ACC_BIND_STR,
     .choices = "bind|volume|tmpfs|cluster|npipe|image"},
    STR("source"), STR("target"), BOOL("read_only"), STR("consistency"),
    OBJECT("bind", bind_mount), OBJECT("volume", volume_mount), OBJECT("tmpfs", tmpfs_mount),
    OBJECT("image", image_mount),
};
TYPE(mount);

TABLE(provider) = {
    {"type", .is = ACC_IS_STR, .flags = ACC_FIELD_REQUIRED, .bind = ACC_BIND_STR},
    {"options", .is = ACC_IS_MAP,
     .values = ACC_IS_STR | ACC_IS_NUM | ACC_IS_BOOL | ACC_IS_SEQ, .bind = ACC_BIND_MULTI},
};
TYPE(provider);

/* How a service is told of a model of the top level. */
TABLE(model_use) = {
    STR("endpoint_var"), STR("model_var"),
};
TYPE(model_use);

TABLE(service) = {
    UNIQUE_STRS("profiles"), LABELS("annotations"), BOOL_P("attach"),
    {"build", .is = ACC_IS_STR | ACC_IS_MAP, .bind = ACC_BIND_STRUCT_P, .sub = &build},
    {"develop", .is = ACC_IS_NULL | ACC_IS_MAP, .bind = ACC_BIND_STRUCT_P, .sub = &develop},
    OBJECT("blkio_config", blkio), UNIQUE_STRS("cap_add"), UNIQUE_STRS("cap_drop"),
    STR("cgroup_parent"), CHOICE("cgroup", "host|private"), INT("cpu_count"),
    {"cpu_percent", .is = ACC_IS_INT | ACC_IS_STR, .bind = ACC_BIND_FLOAT}, NUM_INT("cpu_period"),
    NUM_INT("cpu_quota"), NUM_INT("cpu_rt_period"), NUM_INT("cpu_rt_runtime"), FLOAT("cpus"),
    STR("cpuset"), NUM_INT("cpu_shares"), COMMAND("command"), SHORT_OBJECTS("configs", file_ref),
    STR("container_name"),
    {"credential_spec", .is = ACC_IS_MAP, .flags = ACC_FIELD_WINDOWS, .bind = ACC_BIND_STRUCT_P,
     .sub = &credential_spec},
    {"depends_on", .is = ACC_IS_SEQ | ACC_IS_MAP, .elements = ACC_IS_STR, .values = ACC_IS_MAP,
     .flags = ACC_FIELD_UNIQUE | ACC_FIELD_NAMES, .bind = ACC_BIND_STRUCT_MAP, .sub = &dependency},
    {"deploy", .is = ACC_IS_NULL | ACC_IS_MAP, .bind = ACC_BIND_STRUCT_P, .sub = &deploy},
    UNIQUE_STRS("device_cgroup_rules"), SHORT_OBJECTS("devices", device), STR_OR_LIST("dns"),
    UNIQUE_STRS("dns_opt"), STR_OR_LIST("dns_search"), STR("domainname"), COMMAND("entrypoint"),
    {"provider", .is = ACC_IS_MAP, .flags = ACC_FIELD_NEVER, .bind = ACC_BIND_STRUCT_P,
     .sub = &provider},
    LIST_OR_DICT("environment", ACC_BIND_ENV),
    {"env_file", .is = ACC_IS_STR | ACC_IS_SEQ, .elements = ACC_IS_STR | ACC_IS_MAP,
     .bind = ACC_BIND_STRUCTS, .sub = &env_file},
    UNIQUE_NUMS("expose"),
    {"extends", .is = ACC_IS_STR | ACC_IS_MAP, .bind = ACC_BIND_STRUCT_P, .sub = &extends},
    UNIQUE_STRS("external_links"), HOSTS("extra_hosts"), UNIQUE_NUMS("group_add"),
    {"gpus", .is = ACC_IS_STR | ACC_IS_SEQ, .elements = ACC_IS_MAP, .bind = ACC_BIND_STRUCTS,
     .sub = &gpu, .choices = "all"},
    STR("hostname"), OBJECT("healthcheck", healthcheck), STR("image"), BOOL_P("init"), STR("ipc"),
    STR("isolation"), LABELS("labels"),
    {"label_file", .is = ACC_IS_STR | ACC_IS_SEQ, .elements = ACC_IS_STR, .bind = ACC_BIND_STRS},
    UNIQUE_STRS("links"), OBJECT("logging", logging), BYTES("mem_limit"),
    {"mem_reservation", .is = ACC_IS_INT | ACC_IS_STR, .bind = ACC_BIND_BYTES},
    BYTES("memswap_limit"),
    {"mem_swappiness", .is = ACC_IS_INT | ACC_IS_STR, .bind = ACC_BIND_BYTES}, STR("mac_address"),
    {"models", .is = ACC_IS_SEQ | ACC_IS_MAP, .elements = ACC_IS_STR,
     .values = ACC_IS_MAP | ACC_IS_NULL, .flags = ACC_FIELD_NEVER, .bind = ACC_BIND_STRUCT_P_MAP,
     .sub = &model_use},
    STR("network_mode"),
    {"networks", .is = ACC_IS_SEQ | ACC_IS_MAP, .elements = ACC_IS_STR,
     .values = ACC_IS_MAP | ACC_IS_NULL, .flags = ACC_FIELD_UNIQUE | ACC_FIELD_NAMES,
     .bind = ACC_BIND_STRUCT_P_MAP, .sub = &endpoint},
    BOOL("oom_kill_disable"), INT("oom_score_adj"),
    {"pid", .is = ACC_IS_STR | ACC_IS_NULL, .bind = ACC_BIND_STR}, NUM_INT("pids_limit"),
    STR("platform"),
    {"ports", .is = ACC_IS_SEQ, .elements = ACC_IS_NUM | ACC_IS_STR | ACC_IS_MAP,
     .flags = ACC_FIELD_UNIQUE, .bind = ACC_BIND_STRUCTS, .sub = &port},
    BOOL("privileged"), STR("pull_policy"), 
    {"pull_refresh_after", .is = ACC_IS_STR, .flags = ACC_FIELD_IGNORED},
    BOOL("read_only"), STR("restart"), STR("runtime"), INT_P("scale"),
    SHORT_OBJECTS("secrets", file_ref), UNIQUE_STRS("security_opt"), BYTES("shm_size"),
    BOOL("stdin_open"), DURATION_P("stop_grace_period"), STR("stop_signal"),
    {"storage_opt", .is = ACC_IS_MAP, .values = 0xff, .bind = ACC_BIND_MAPPING},
    LABELS("sysctls"), STR_OR_LIST("tmpfs"), BOOL("tty"), ULIMITS("ulimits"),
    {"use_api_socket", .is = ACC_IS_BOOL, .bind = ACC_BIND_BOOL}, STR("user"), STR("userns_mode"), STR("uts"),
    {"volumes", .is = ACC_IS_SEQ, .elements = ACC_IS_STR | ACC_IS_MAP, .flags = ACC_FIELD_UNIQUE,
     .bind = ACC_BIND_STRUCTS, .sub = &mount},
    UNIQUE_STRS("volumes_from"), STR("working_dir"),
    OBJECTS("post_start", hook),
    OBJECTS("pre_stop", hook),
};
const struct acc_struct acc_schema_service = STRUCT(service);

TABLE(model) = {
    STR("name"),
    {"model", .is = ACC_IS_STR, .flags = ACC_FIELD_REQUIRED, .bind = ACC_BIND_STR},
    INT("context_size"),
    {"runtime_flags", .is = ACC_IS_SEQ, .elements = ACC_IS_STR, .bind = ACC_BIND_STRS},
};
TYPE(model);

TABLE(ipam_pool) = {
    STR("subnet"), STR("gateway"), STR("ip_range"), STR_DICT("aux_addresses"),
};
TYPE(ipam_pool);

TABLE(ipam) = {
    STR("driver"), OBJECTS("config", ipam_pool),
    /* in compose-spec.json, but in no struct of 2.9.1 */
    {"options", .is = ACC_IS_MAP, .values = ACC_IS_STR, .flags = ACC_FIELD_IGNORED},
};
TYPE(ipam);

/* external: {name: x} */
TABLE(external) = {STR("name")};
TYPE(external);

#define EXTERNAL(k) {k, .is = ACC_IS_BOOL | ACC_IS_STR | ACC_IS_MAP, .bind = ACC_BIND_BOOL, \
                     .sub = &external}

TABLE(network) = {
    STR("name"), STR("driver"), DICT("driver_opts"), VALUE("ipam", ipam), EXTERNAL("external"),
    BOOL("internal"), BOOL("attachable"), LABELS("labels"), BOOL_P("enable_ipv4"),
    BOOL_P("enable_ipv6"),
};
TYPE(network);

TABLE(volume) = {
    STR("name"), STR("driver"), DICT("driver_opts"), EXTERNAL("external"), LABELS("labels"),
};
TYPE(volume);

TABLE(secret) = {
    STR("name"), STR("file"), STR("environment"), EXTERNAL("external"), LABELS("labels"),
    STR("driver"), DICT("driver_opts"), STR("template_driver"),
};
TYPE(secret);

TABLE(config) = {
    STR("name"), STR("file"), STR("environment"), STR("content"), EXTERNAL("external"),
    LABELS("labels"), STR("template_driver"),
};
TYPE(config);

TABLE(include) = {
    STR_OR_LIST("path"), STR("project_directory"), STR_OR_LIST("env_file"),
};
CLOSED_TYPE(include);

/* Sorted: compose-go prints the project from a map. */
TABLE(project) = {
    {"configs", .is = ACC_IS_MAP, .values = ACC_IS_MAP, .flags = ACC_FIELD_NAMES,
     .bind = ACC_BIND_STRUCT_MAP, .sub = &config},
    {"include", .is = ACC_IS_SEQ, .elements = ACC_IS_STR | ACC_IS_MAP, .sub = &include},
    {"models", .is = ACC_IS_MAP, .values = ACC_IS_MAP, .flags = ACC_FIELD_NEVER,
     .bind = ACC_BIND_STRUCT_MAP, .sub = &model},
    STR("name"),
    {"networks", .is = ACC_IS_MAP, .values = ACC_IS_MAP | ACC_IS_NULL,
     .bind = ACC_BIND_STRUCT_MAP, .sub = &network},
    {"secrets", .is = ACC_IS_MAP, .values = ACC_IS_MAP, .flags = ACC_FIELD_NAMES,
     .bind = ACC_BIND_STRUCT_MAP, .sub = &secret},
    {"services", .is = ACC_IS_MAP, .values = ACC_IS_MAP, .flags = ACC_FIELD_NAMES,
     .bind = ACC_BIND_STRUCT_MAP, .sub = &acc_schema_service},
    {"version", .is = ACC_IS_STR},
    {"volumes", .is = ACC_IS_MAP, .values = ACC_IS_MAP | ACC_IS_NULL, .flags = ACC_FIELD_NAMES,
     .bind = ACC_BIND_STRUCT_MAP, .sub = &volume},
};
const struct acc_struct acc_schema_project = STRUCT(project);
