/*
 * contest: the same seeds for accd and for the models of its peers, as JSON lines.
 *
 *     contest recovery|upgrades FROM TO
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "tests/sim/contest.h"

static const int recovery[] = {CONTEST_ACCD,  PEER_POLICY,  PEER_COMPOSE,
                               PEER_AUTOHEAL, PEER_SYSTEMD, PEER_SYSTEMD_PATIENT};
static const int upgrades[] = {CONTEST_ACCD, PEER_COMPOSE, PEER_WATCHTOWER,
                               PEER_SCRIPT,  PEER_SWARM,   PEER_SWARM_START_FIRST};

static bool play(bool is_upgrade, uint64_t seed, int who)
{
    struct contest_result r = is_upgrade ? contest_upgrade(seed, who) : contest_fault(seed, who);

    (void)printf("{\"seed\": %" PRIu64 ", \"who\": \"%s\", \"valid\": %s, \"fault\": \"%s\", "
                 "\"recovered\": %s, \"recovery_ms\": %" PRIu64 ", \"lost_ms\": %" PRIu64
                 ", \"restarts\": %" PRIu64 "}\n",
                 seed, who == CONTEST_ACCD ? "accd" : peer_kind((enum peer_which)who)->name,
                 r.is_valid ? "true" : "false",
                 is_upgrade ? r.is_bad_image ? "bad image" : "good image"
                            : contest_fault_name(r.fault),
                 r.has_recovered ? "true" : "false", r.recovery_ms, r.lost_ms, r.n_restarts);
    if (r.violation) {
        (void)fprintf(stderr, "contest: seed %" PRIu64 ": %s\n", seed, r.violation);
    }
    return !r.violation;
}

int main(int argc, char **argv)
{
    bool is_upgrade = argc == 4 && strcmp(argv[1], "upgrades") == 0;
    bool is_recovery = argc == 4 && strcmp(argv[1], "recovery") == 0;
    size_t n = is_upgrade ? ACC_ARRAY_LEN(upgrades) : ACC_ARRAY_LEN(recovery);
    uint64_t from, to;
    bool is_good = true;

    if ((!is_upgrade && !is_recovery) || !acc_parse_u64(argv[2], &from) ||
        !acc_parse_u64(argv[3], &to)) {
        (void)fprintf(stderr, "usage: contest recovery|upgrades FROM TO\n");
        return 2;
    }
    for (uint64_t seed = from; seed <= to; seed++) {
        for (size_t i = 0; i < n; i++) {
            is_good &= play(is_upgrade, seed, is_upgrade ? upgrades[i] : recovery[i]);
        }
    }
    return is_good ? 0 : 1;
}
