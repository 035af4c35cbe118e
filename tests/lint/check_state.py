#!/usr/bin/env python3
"""check_state.py ROOT: each member of the engine's structs is saved with its state, or said not to be.

A member that lib/engine/state_fields.c doesn't know would be lost in what `accctl events --save` writes and in what
`accctl drill` begins with. Add it there; only what follows from the file or is found again belongs in the lists here.
"""
import pathlib
import re
import sys

# Places in the tables, and what the configuration says.
NOT_STATE = {
    "instance": "svc slot next_spare is_spare cid_hash",
    "service": """id name nick stack_name phase tier image container_name stack pos spec replicas restart restart_max one_shot
        restart_on_unhealthy stateful ends upgrade_order upgrade_pauses has_pre_upgrade has_post_upgrade has_build
        has_image_here exclusive takes n_takes has_drain_command stop_grace_ms health n_ports probe waiting_codes n_waiting_codes priority has_post_start has_pre_stop timing
        first_out n_out first_in n_in first_res n_res first_host n_host first_serial n_serial first_inst n_inst spare
        phase_at removed""",
    "rollout": "is", "autos": "is spec", "wall": "zone", "failure": "", "unsettled": "", "hit": "", "suffered": "", "revision": "", "hold": "is", "incident": "",
    "storm": "", "shutdown": "",
    "condition": "id is res", "serial": "name",
    "resource": "kind stack key name external first_user n_users condition",
    "stack": "name first_res n_res",
    "phase": "name rollback has_gate healthy_for_ms",
    # `dirty` to `wakes` are written by state.c itself
    "acc_engine": """arena timing n_stacks n_services n_inst n_slots n_res n_edges n_incidents stacks services inst res edges
        in svc_res res_svc order phases n_phases conditions n_conditions n_of_host first_mount serials n_serials host_links serial_links host_due
        incidents scratch free_spare by_cid by_id by_name by_op dirty act unchecked queued res_due wakes out""",
}

# Structs within others.
WITHIN = {"rollout": "service, roll.", "hold": "service, hold.", "autos": "service, autos.", "wall": "acc_engine, clock.",
          "storm": "acc_engine, storm.", "shutdown": "acc_engine, shutdown."}


def members(text, name):
    body = re.search(r"\nstruct " + name + r" \{\s*\n(.*?)\n\};", text, re.S).group(1)
    for declaration in body.split(";"):
        for part in re.sub(r"^\s*(const )?((struct|enum) )?\w+\s", "", declaration.strip()).split(","):
            found = re.match(r"\s*\**(\w+)", part)
            if found:
                yield found.group(1)


def main():
    engine = pathlib.Path(sys.argv[1]) / "lib/engine"
    headers = "".join((engine / f"{name}.h").read_text() for name in ("internal", "host", "serial"))
    text = re.sub(r"/\*.*?\*/", "", headers, flags=re.S)
    saved = (engine / "state_fields.c").read_text()
    bad = 0
    for name, rest in NOT_STATE.items():
        for member in members(text, name):
            place = re.escape("struct " + WITHIN.get(name, name + ", ") + member)
            if member in rest.split() or re.search(place + r"\b", saved):
                continue
            print(f"lib/engine/internal.h: {name}.{member} is neither in lib/engine/state_fields.c nor in {sys.argv[0]}")
            bad += 1
    sys.exit(bad > 0)


main()
