#!/bin/sh
# shellcheck disable=SC2086,SC2017 # words are split, and sums rounded, on purpose
# mkfake.sh - build and mutate a fake sysfs/procfs/cgroupfs tree for an AMD GPU host.
#
# The tree is relocatable (only relative symlinks inside ROOT/sys) and is meant to be
# read by a daemon which prefixes every kernel path with a configurable root.
# POSIX sh; needs mkdir ln rm cp cat mv sort sed tr cut ls readlink chmod.
#
#   mkfake.sh init   ROOT [options]      create the base tree
#   mkfake.sh ctr    ROOT CID [options]  add or update a container cgroup
#   mkfake.sh proc   ROOT PID [options]  add or update a process (GPU user or not)
#   mkfake.sh kill   ROOT PID            remove a process (its VRAM goes back)
#   mkfake.sh rmctr  ROOT CID            remove a container and all its processes
#   mkfake.sh orphan ROOT BYTES          VRAM used by nobody (leaked KFD context)
#   mkfake.sh oom    ROOT CID            count one OOM kill in the container
#   mkfake.sh psi    ROOT WHAT RES AVG10 [TOTAL_US]   WHAT = host or CID; RES = memory|cpu|io
#   mkfake.sh meminfo ROOT AVAIL_BYTES   set MemAvailable
#   mkfake.sh suspend|resume ROOT [CARD] runtime PM state of a card (default card0)
#   mkfake.sh reset  ROOT [CARD]         PM files answer an error (GPU reset in progress)
#   mkfake.sh show   ROOT                print what a correct reader must find
#   mkfake.sh demo   ROOT [options]      init + a scenario with all the traps
#
# init options
#   --cgroup MODE       v2-systemd (default) | v2-cgroupfs | v1-cgroupfs | v1-systemd
#   --fdinfo STYLE      new  (drm-total/resident/..., unit picked per value; kernel 6.14 and later)
#                       mid  (drm-memory-*, amd-*, drm-shared-*; 6.6 .. 6.12)
#                       old  (drm-memory-* only, other order; 5.19 .. 6.1)
#   --dmem on|off       dmem controller files (default on with v2 and --fdinfo new)
#   --dmem-peak on|off  dmem.peak (7.3 and later; default off)
#   --vram-total BYTES  card0 (default 25753026560, RX 7900 XTX)
#   --vram-base BYTES   card0 kernel/firmware use (default 28311552)
#   --bar BYTES         CPU visible VRAM of card0 (default = vram-total: resizable BAR on)
#   --gpu-id N --apu-gpu-id N   KFD gpu_id values (default 4946, 41905)
#   --no-apu --no-kfd   leave these out
#   --kfd-contexts on   secondary KFD contexts as proc/PID/context_N (7.x)
#   --ram BYTES         MemTotal (default 67319205888)
# ctr options
#   --mem BYTES --limit BYTES|max --cpu-usec N --quota "200000 100000"|max --pids N
#   --inactive-file BYTES (part of --mem that is reclaimable cache)
#   --dmem-max BYTES|max --dmem-low BYTES --dmem-min BYTES
#   --parent SLICE      other cgroup parent (systemd modes: foo.slice, cgroupfs modes: /foo)
# proc options
#   --ctr CID           container (default: none, i.e. a host process in user.slice)
#   --comm NAME --ppid N --nspid N --rss BYTES --cmd "a b c"
#   --kfd BYTES         VRAM allocated through KFD (ROCm); 0 = opened /dev/kfd only
#   --kfd-unmapped BYTES  part of --kfd which fdinfo does not show (SVM or not mapped)
#   --kfd2 BYTES        the same process, second KFD context (needs --kfd-contexts on)
#   --drm BYTES         VRAM of one more DRM client (VA-API, Vulkan, OpenGL)
#   --gtt BYTES         GTT of that client (or of the KFD client if there is no --drm)
#   --evicted BYTES     VRAM wanted by the KFD client but pushed out to GTT
#   --card N            0 (default) or 1
#   --dup N             N more fds which are dup()s of the GPU fd (same drm-client-id)
#   --share PID         inherit the GPU fds of PID (fork): same client ids, no KFD entry
#   --gfx-ns N --compute-ns N --enc-ns N   engine counters
set -eu

die() { echo "mkfake.sh: $*" >&2; exit 2; }
ATOM=1          # 1: a concurrent reader never sees a half written file (rename); 0: faster
NORESUM=0       # 1: leave the totals alone (demo does it once at its end)
w()   { # w PATH TEXT... : write text + newline
	_wp=$1; shift
	[ -d "${_wp%/*}" ] || mkdir -p "${_wp%/*}"
	if [ $ATOM = 1 ]; then
		printf '%s\n' "$*" >"$_wp.tmp~"; mv -f "$_wp.tmp~" "$_wp"
	else
		printf '%s\n' "$*" >"$_wp"
	fi
}
wraw() { # wraw PATH : write stdin
	[ -d "${1%/*}" ] || mkdir -p "${1%/*}"
	if [ $ATOM = 1 ]; then cat >"$1.tmp~"; mv -f "$1.tmp~" "$1"; else cat >"$1"; fi
}
get() { _gv=${2-0}; if [ -f "$1" ]; then _gv=; IFS= read -r _gv <"$1" || :; fi; printf '%s\n' "$_gv"; }
# state kept for the mutators, outside of what a reader looks at
st()  { w "$ROOT/.fake/$1" "$2"; }
sg()  { get "$ROOT/.fake/$1" "${2-0}"; }
is64() { case $1 in *[!0-9a-f]*) return 1;; esac; [ "${#1}" -eq 64 ]; }

# size as drm_fdinfo_print_size() of the kernel prints it
fmtsz() {
	_v=$1; _u=
	if [ "$_v" -ne 0 ] && [ $((_v % 1024)) -eq 0 ]; then
		_v=$((_v / 1024)); _u=' KiB'
		if [ $((_v % 1024)) -eq 0 ]; then _v=$((_v / 1024)); _u=' MiB'; fi
	fi
	printf '%s%s' "$_v" "$_u"
}

PCI0=0000:03:00.0; PCI1=0000:0c:00.0
P0=pci0000:00/0000:00:01.1/0000:01:00.0/0000:02:00.0/$PCI0
P1=pci0000:00/0000:00:08.1/$PCI1
pci_of() { if [ "$1" = 1 ]; then echo $PCI1; else echo $PCI0; fi; }
dev_of() { if [ "$1" = 1 ]; then echo "$ROOT/sys/devices/$P1"; else echo "$ROOT/sys/devices/$P0"; fi; }

# ---------------------------------------------------------------- cgroup paths
cg_rel() { # path of a container below the hierarchy root, leading slash
	_par=$(sg "ctr/$1/parent" "")
	case $MODE in
	*-systemd) echo "/${_par:-system.slice}/docker-$1.scope";;
	*)         echo "${_par:-/docker}/$1";;
	esac
}
cg_dir() { # cg_dir CONTROLLER CID : directory of that controller
	case $MODE in
	v2-*) echo "$ROOT/sys/fs/cgroup$(cg_rel "$2")";;
	*)    echo "$ROOT/sys/fs/cgroup/$1$(cg_rel "$2")";;
	esac
}
region() { echo "drm/$(pci_of "$1")/vram"; }

psi_file() { # PATH AVG10 TOTAL
	{
		echo "some avg10=$2 avg60=$2 avg300=0.00 total=$3"
		echo "full avg10=0.00 avg60=0.00 avg300=0.00 total=$((${3%%.*} / 2))"
	} | wraw "$1"
}

# ---------------------------------------------------------------- init
make_card() { # N minor-render pcipath pci device subsys vram vis gtt base name
	_n=$1; _r=$2; _pp=$3; _pci=$4; _d=$ROOT/sys/devices/$3
	mkdir -p "$_d/drm/card$_n" "$_d/drm/renderD$_r" "$_d/power" "$_d/hwmon/hwmon$((_n + 3))"
	w "$_d/vendor" 0x1002; w "$_d/device" "$5"
	w "$_d/subsystem_vendor" 0x1da2; w "$_d/subsystem_device" "$6"
	w "$_d/revision" 0xc8; w "$_d/class" 0x030000
	w "$_d/numa_node" -1; w "$_d/enable" 1
	_did=$(echo "$5" | sed 's/^0x//' | tr 'a-f' 'A-F'); _sid=$(echo "$6" | sed 's/^0x//' | tr 'a-f' 'A-F')
	printf 'DRIVER=amdgpu\nPCI_CLASS=30000\nPCI_ID=1002:%s\nPCI_SUBSYS_ID=1DA2:%s\nPCI_SLOT_NAME=%s\nMODALIAS=pci:v00001002d0000%ssv00001DA2sd0000%sbc03sc00i00\n' \
		"$_did" "$_sid" "$_pci" "$_did" "$_sid" | wraw "$_d/uevent"
	w "$_d/current_link_speed" '16.0 GT/s PCIe'; w "$_d/current_link_width" 16
	w "$_d/max_link_speed" '16.0 GT/s PCIe'; w "$_d/max_link_width" 16
	# memory: these never touch the hardware, so they are readable while suspended
	w "$_d/mem_info_vram_total" "$7"; w "$_d/mem_info_vram_used" "${10}"
	w "$_d/mem_info_vis_vram_total" "$8"; w "$_d/mem_info_vis_vram_used" "${10}"
	w "$_d/mem_info_gtt_total" "$9"; w "$_d/mem_info_gtt_used" 15728640
	w "$_d/mem_info_vram_vendor" samsung
	w "$_d/vbios_version" 113-31XFSHBS1-L01; w "$_d/board_info" 'type : cem'
	w "$_d/pcie_replay_count" 0
	[ "$_n" = 1 ] || w "$_d/unique_id" cc4d02090dc9c3ff
	w "$_d/power/runtime_status" active; w "$_d/power/control" auto
	w "$_d/power/runtime_usage" 0; w "$_d/power/autosuspend_delay_ms" 5000
	w "$_d/power/runtime_suspended_time" 0; w "$_d/power/runtime_active_time" 86400000
	w "$_d/power_state" D0
	pm_files "$_n"
	ln -sfn "$(echo "$_pp" | sed 's|[^/]*|..|g')/../bus/pci/drivers/amdgpu" "$_d/driver"
	ln -sfn "$(echo "$_pp" | sed 's|[^/]*|..|g')/../bus/pci" "$_d/subsystem"
	ln -sfn ../../../"$_pci" "$_d/drm/card$_n/device"
	ln -sfn ../../../"$_pci" "$_d/drm/renderD$_r/device"
	w "$_d/drm/card$_n/dev" "226:$_n"; w "$_d/drm/renderD$_r/dev" "226:$_r"
	printf 'MAJOR=226\nMINOR=%s\nDEVNAME=dri/card%s\nDEVTYPE=drm_minor\n' "$_n" "$_n" | wraw "$_d/drm/card$_n/uevent"
	printf 'MAJOR=226\nMINOR=%s\nDEVNAME=dri/renderD%s\nDEVTYPE=drm_minor\n' "$_r" "$_r" | wraw "$_d/drm/renderD$_r/uevent"
	# a connector, so that a reader which globs card* meets it
	w "$_d/drm/card$_n/card$_n-DP-1/status" disconnected
	w "$_d/drm/card$_n/card$_n-DP-1/enabled" disabled
	mkdir -p "$ROOT/sys/class/drm" "$ROOT/sys/dev/char" "$ROOT/sys/bus/pci/devices" "$ROOT/sys/bus/pci/drivers/amdgpu" "$ROOT/dev/dri"
	ln -sfn ../../devices/"$_pp/drm/card$_n" "$ROOT/sys/class/drm/card$_n"
	ln -sfn ../../devices/"$_pp/drm/renderD$_r" "$ROOT/sys/class/drm/renderD$_r"
	ln -sfn ../../devices/"$_pp/drm/card$_n/card$_n-DP-1" "$ROOT/sys/class/drm/card$_n-DP-1"
	ln -sfn ../../devices/"$_pp/drm/card$_n" "$ROOT/sys/dev/char/226:$_n"
	ln -sfn ../../devices/"$_pp/drm/renderD$_r" "$ROOT/sys/dev/char/226:$_r"
	ln -sfn ../../../devices/"$_pp" "$ROOT/sys/bus/pci/devices/$_pci"
	ln -sfn ../../../../devices/"$_pp" "$ROOT/sys/bus/pci/drivers/amdgpu/$_pci"
	: >"$ROOT/dev/dri/card$_n"; : >"$ROOT/dev/dri/renderD$_r"
	w "$ROOT/.fake/card/$_n/base" "${10}"; w "$ROOT/.fake/card/$_n/render" "$_r"
}

# files which go through the power management path of amdgpu
PMF='gpu_busy_percent mem_busy_percent vcn_busy_percent pp_dpm_sclk pp_dpm_mclk pp_dpm_pcie gpu_metrics power_dpm_state power_dpm_force_performance_level'
pm_files() {
	_d=$(dev_of "$1"); _h=$_d/hwmon/hwmon$(($1 + 3))
	for _f in $PMF; do rm -rf "${_d:?}/$_f"; done
	rm -rf "$_h"; mkdir -p "$_h"
	if [ "$1" = 0 ]; then
		w "$_d/gpu_busy_percent" 3; w "$_d/mem_busy_percent" 1   # no vcn_busy_percent on Navi 31
		printf '0: 500Mhz *\n1: 1249Mhz \n2: 2482Mhz \n' | wraw "$_d/pp_dpm_sclk"
		printf '0: 96Mhz *\n1: 456Mhz \n2: 772Mhz \n3: 1249Mhz \n' | wraw "$_d/pp_dpm_mclk"
		printf '0: 2.5GT/s x1 310Mhz \n1: 16.0GT/s x16 619Mhz *\n' | wraw "$_d/pp_dpm_pcie"
		# gpu_metrics v1.3: size 120 (0x78), format 1, content 3, then 38C/41C/44C, rest 0
		{ printf '\170\000\001\003\046\000\051\000\054\000'; _i=0
		  while [ $_i -lt 110 ]; do printf '\000'; _i=$((_i + 1)); done; } | wraw "$_d/gpu_metrics"
		w "$_h/temp1_input" 38000; w "$_h/temp1_label" edge; w "$_h/temp1_crit" 100000; w "$_h/temp1_emergency" 105000
		w "$_h/temp2_input" 41000; w "$_h/temp2_label" junction; w "$_h/temp2_crit" 110000; w "$_h/temp2_emergency" 115000
		w "$_h/temp3_input" 44000; w "$_h/temp3_label" mem; w "$_h/temp3_crit" 108000; w "$_h/temp3_emergency" 113000
		w "$_h/power1_average" 16000000; w "$_h/power1_cap" 339000000; w "$_h/power1_cap_default" 339000000
		w "$_h/power1_cap_min" 0; w "$_h/power1_cap_max" 390000000; w "$_h/power1_label" PPT
		w "$_h/fan1_input" 0; w "$_h/fan1_min" 0; w "$_h/fan1_max" 3500; w "$_h/fan1_enable" 0
		w "$_h/pwm1" 0; w "$_h/pwm1_enable" 2; w "$_h/pwm1_min" 0; w "$_h/pwm1_max" 255
		w "$_h/freq1_input" 35000000; w "$_h/freq1_label" sclk; w "$_h/freq2_input" 96000000; w "$_h/freq2_label" mclk
		w "$_h/in0_input" 706; w "$_h/in0_label" vddgfx
	else
		w "$_d/gpu_busy_percent" 0; w "$_d/vcn_busy_percent" 0   # an APU has no mem_busy_percent and no unique_id
		printf '0: 400Mhz *\n1: 1500Mhz \n2: 2200Mhz \n' | wraw "$_d/pp_dpm_sclk"
		printf '0: 1800Mhz *\n1: 2400Mhz \n' | wraw "$_d/pp_dpm_mclk"
		w "$_h/temp1_input" 44000; w "$_h/temp1_label" edge
		w "$_h/power1_input" 32061000; w "$_h/power1_label" PPT   # power1_input, not _average
		w "$_h/freq1_input" 400000000; w "$_h/freq1_label" sclk
		w "$_h/in0_input" 1443; w "$_h/in0_label" vddgfx; w "$_h/in1_input" 931; w "$_h/in1_label" vddnb
	fi
	w "$_d/power_dpm_state" performance; w "$_d/power_dpm_force_performance_level" auto
	w "$_h/name" amdgpu
	ln -sfn ../../../"$(pci_of "$1")" "$_h/device"
	mkdir -p "$ROOT/sys/class/hwmon"
	if [ "$1" = 1 ]; then _pp=$P1; else _pp=$P0; fi
	ln -sfn ../../devices/"$_pp/hwmon/hwmon$(($1 + 3))" "$ROOT/sys/class/hwmon/hwmon$(($1 + 3))"
}

kfd_node() { # node gpu_id card name gfx simd vram cu-array...
	_n=$ROOT/sys/devices/virtual/kfd/kfd/topology/nodes/$1
	mkdir -p "$_n/caches" "$_n/io_links/0" "$_n/p2p_links" "$_n/perf"
	w "$_n/gpu_id" "$2"
	w "$_n/name" "$4"
	w "$_n/mem_banks/0/used_memory" 0; rm -f "$_n/mem_banks/0/used_memory"   # exists on few parts only
	if [ "$2" = 0 ]; then
		printf 'cpu_cores_count 16\nsimd_count 0\nmem_banks_count 1\ncaches_count 18\nio_links_count 1\np2p_links_count 0\ncpu_core_id_base 0\nsimd_id_base 0\nmax_waves_per_simd 0\nlds_size_in_kb 0\ngds_size_in_kb 0\nnum_gws 0\nwave_front_size 0\narray_count 0\nsimd_arrays_per_engine 0\ncu_per_simd_array 0\nsimd_per_cu 0\nmax_slots_scratch_cu 0\ngfx_target_version 0\nvendor_id 0\ndevice_id 0\nlocation_id 0\ndomain 0\ndrm_render_minor 0\nhive_id 0\nnum_sdma_engines 0\nnum_sdma_xgmi_engines 0\nnum_sdma_queues_per_engine 0\nnum_cp_queues 0\nmax_engine_clk_ccompute 5050\n' | wraw "$_n/properties"
		printf 'heap_type 0\nsize_in_bytes %s\nflags 0\nwidth 72\nmem_clk_max 0\n' "$RAM" | wraw "$_n/mem_banks/0/properties"
		return
	fi
	_pci=$(pci_of "$3"); _bus=$(echo "$_pci" | sed 's/^....:\(..\):.*/\1/'); _loc=$(printf '%d' "0x${_bus}00")
	_dev=$(printf '%d' "$(cat "$(dev_of "$3")/device")")
	printf 'cpu_cores_count 0\nsimd_count %s\nmem_banks_count 1\ncaches_count 206\nio_links_count 1\np2p_links_count 0\ncpu_core_id_base 0\nsimd_id_base 2147488032\nmax_waves_per_simd 16\nlds_size_in_kb 64\ngds_size_in_kb 0\nnum_gws 64\nwave_front_size 32\narray_count 12\nsimd_arrays_per_engine 2\ncu_per_simd_array 8\nsimd_per_cu 2\nmax_slots_scratch_cu 32\ngfx_target_version %s\nvendor_id 4098\ndevice_id %s\nlocation_id %s\ndomain 0\ndrm_render_minor %s\nhive_id 0\nnum_sdma_engines 2\nnum_sdma_xgmi_engines 0\nnum_sdma_queues_per_engine 6\nnum_cp_queues 8\nmax_engine_clk_fcompute 2482\nlocal_mem_size 0\nfw_version 2140\ncapability 671588992\ndebug_prop 1495\nsdma_fw_version 20\nunique_id %s\nnum_xcc 1\nmax_engine_clk_ccompute 5050\n' \
		"$6" "$5" "$_dev" "$_loc" "$((128 + $3))" "$8" | wraw "$_n/properties"
	printf 'heap_type %s\nsize_in_bytes %s\nflags 0\nwidth 384\nmem_clk_max 1249\n' "$9" "$7" | wraw "$_n/mem_banks/0/properties"
	printf 'type 2\nversion_major 0\nversion_minor 0\nnode_from %s\nnode_to 0\nweight 20\nmin_latency 0\nmax_latency 0\nmin_bandwidth 312\nmax_bandwidth 31508\nrecommended_transfer_size 0\nrecommended_sdma_engine_id_mask 0\nflags 1\n' "$1" | wraw "$_n/io_links/0/properties"
}

cmd_init() {
	ATOM=0; MODE=v2-systemd; FDI=new; DMEM=auto; PEAK=off; VT=25753026560; VB=28311552; BAR=
	GID0=4946; GID1=41905; APU=1; KFD=1; CTX=off; RAM=67319205888
	while [ $# -gt 0 ]; do
		case $1 in
		--cgroup) MODE=$2; shift;; --fdinfo) FDI=$2; shift;; --dmem) DMEM=$2; shift;;
		--dmem-peak) PEAK=$2; shift;; --vram-total) VT=$2; shift;; --vram-base) VB=$2; shift;;
		--bar) BAR=$2; shift;; --gpu-id) GID0=$2; shift;; --apu-gpu-id) GID1=$2; shift;;
		--no-apu) APU=0;; --no-kfd) KFD=0;; --kfd-contexts) CTX=$2; shift;; --ram) RAM=$2; shift;;
		*) die "init: unknown option $1";;
		esac; shift
	done
	case $MODE in v2-systemd|v2-cgroupfs|v1-cgroupfs|v1-systemd) ;; *) die "bad --cgroup $MODE";; esac
	case $FDI in new|mid|old) ;; *) die "bad --fdinfo $FDI";; esac
	if [ "$DMEM" = auto ]; then
		case $MODE-$FDI in v2-*-new) DMEM=on;; *) DMEM=off;; esac
	fi
	case $MODE in v1-*) [ "$DMEM" = off ] || die "dmem needs a v2 mode here";; esac
	if [ -e "$ROOT" ] && [ ! -d "$ROOT/.fake" ] && [ -n "$(ls -A "$ROOT" 2>/dev/null)" ]; then
		die "$ROOT exists, is not empty and was not made by me"
	fi
	chmod -R u+w "$ROOT" 2>/dev/null || true
	rm -rf "${ROOT:?}/sys" "${ROOT:?}/proc" "${ROOT:?}/dev" "${ROOT:?}/.fake"
	mkdir -p "$ROOT/.fake/ctr" "$ROOT/.fake/proc" "$ROOT/.fake/card"
	st mode "$MODE"; st fdinfo "$FDI"; st dmem "$DMEM"; st peak "$PEAK"; st ctx "$CTX"; st nextclient 40
	st gid0 "$GID0"; st gid1 "$GID1"; st kfd "$KFD"; st apu "$APU"; st orphan 0; st ram "$RAM"

	make_card 0 128 "$P0" $PCI0 0x744c 0xe471 "$VT" "${BAR:-$VT}" $((RAM / 2)) "$VB"
	# APU: 512 MiB carve-out as "VRAM", everything bigger lives in GTT
	[ $APU = 0 ] || make_card 1 129 "$P1" $PCI1 0x164e 0x7e13 536870912 536870912 $((RAM / 2)) 17227776
	w "$ROOT/sys/module/amdgpu/version" 3.64.0

	if [ $KFD = 1 ]; then
		_k=$ROOT/sys/devices/virtual/kfd/kfd
		mkdir -p "$_k/proc" "$ROOT/sys/class/kfd"
		ln -sfn ../../devices/virtual/kfd/kfd "$ROOT/sys/class/kfd/kfd"
		w "$_k/dev" 510:0; printf 'MAJOR=510\nMINOR=0\nDEVNAME=kfd\nDEVMODE=0666\n' | wraw "$_k/uevent"
		w "$_k/topology/generation_id" 2
		printf 'platform_oem 35498446626881\nplatform_id 35322352389441\nplatform_rev 1\n' | wraw "$_k/topology/system_properties"
		kfd_node 0 0 - '' 0 0 0 0 0
		kfd_node 1 "$GID0" 0 'ip discovery' 110000 192 "$VT" 14721766263394616319 1
		[ $APU = 0 ] || kfd_node 2 "$GID1" 1 'ip discovery' 100306 4 0 0 2
		: >"$ROOT/dev/kfd"
	fi

	# procfs of the host
	printf 'MemTotal:       %s kB\nMemFree:        %s kB\nMemAvailable:   %s kB\nBuffers:          412345 kB\nCached:         20123456 kB\nSwapCached:            0 kB\nSwapTotal:       8388604 kB\nSwapFree:        8388604 kB\nGPUActive:         15360 kB\nGPUReclaim:            0 kB\n' \
		$((RAM / 1024)) $((RAM / 1024 / 4)) $((RAM / 1024 * 3 / 4)) | wraw "$ROOT/proc/meminfo"
	for _r in cpu memory io; do psi_file "$ROOT/proc/pressure/$_r" 0.00 0; done
	printf 'cpu  1000 0 500 90000 100 0 20 0 0 0\nbtime 1795400000\n' | wraw "$ROOT/proc/stat"
	w "$ROOT/proc/loadavg" '0.42 0.37 0.30 2/1423 40001'
	w "$ROOT/proc/uptime" '36000.00 500000.00'
	w "$ROOT/proc/sys/kernel/random/boot_id" 5f1b2c1e-2d0c-4b7e-9a55-0f3e5ad1c0de
	case $FDI in new) _kv=7.2.13;; mid) _kv=6.12.117;; *) _kv=6.1.192;; esac
	w "$ROOT/proc/sys/kernel/osrelease" $_kv

	# cgroup root
	_c=$ROOT/sys/fs/cgroup
	case $MODE in
	v2-*)
		_ctl='cpuset cpu io memory hugetlb pids rdma misc'; [ $DMEM = off ] || _ctl="$_ctl dmem"
		w "$_c/cgroup.controllers" "$_ctl"; w "$_c/cgroup.subtree_control" "$_ctl"
		w "$_c/cgroup.procs" 1
		for _r in cpu memory io; do psi_file "$_c/$_r.pressure" 0.00 0; done
		printf 'usage_usec 8123456789\nuser_usec 6000000000\nsystem_usec 2123456789\n' | wraw "$_c/cpu.stat"
		w "$_c/system.slice/cgroup.controllers" "$_ctl"; w "$_c/system.slice/cgroup.subtree_control" "$_ctl"
		echo "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate,memory_recursiveprot 0 0" | wraw "$ROOT/proc/mounts"
		if [ $DMEM = on ]; then
			{ echo "$(region 0) $VT"; [ $APU = 0 ] || echo "$(region 1) 536870912"; } | wraw "$_c/dmem.capacity"
		fi;;
	v1-*)
		: | wraw "$ROOT/proc/mounts"
		for _r in cpu cpuacct cpuset memory devices freezer blkio pids systemd; do
			mkdir -p "$_c/$_r"; [ $_r = systemd ] && _o=name=systemd || _o=$_r
			echo "cgroup /sys/fs/cgroup/$_r cgroup rw,relatime,$_o 0 0" >>"$ROOT/proc/mounts"
		done
		mkdir -p "$_c/unified"; w "$_c/unified/cgroup.controllers" hugetlb
		echo "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0" >>"$ROOT/proc/mounts";;
	esac
	resum
}

# ---------------------------------------------------------------- load state of a tree
load() {
	[ -d "$ROOT/.fake" ] || die "$ROOT was not made by mkfake.sh init"
	MODE=$(sg mode); FDI=$(sg fdinfo); DMEM=$(sg dmem); PEAK=$(sg peak); CTX=$(sg ctx)
	GID0=$(sg gid0); GID1=$(sg gid1); KFD=$(sg kfd); APU=$(sg apu); RAM=$(sg ram)
}

# recompute every total from the per process state
resum() {
	[ $NORESUM = 0 ] || return 0
	for _card in 0 1; do
		[ -d "$ROOT/.fake/card/$_card" ] || continue
		_v=$(sg "card/$_card/base"); _g=15728640
		[ $_card = 1 ] || _v=$((_v + $(sg orphan)))
		for _pd in "$ROOT"/.fake/proc/*; do
			[ -f "$_pd/card" ] || continue
			[ "$(get "$_pd/card")" = $_card ] || continue
			_v=$((_v + $(get "$_pd/vram"))); _g=$((_g + $(get "$_pd/gtt")))
		done
		_d=$(dev_of $_card)
		w "$_d/mem_info_vram_used" $_v; w "$_d/mem_info_gtt_used" $_g
		_vt=$(cat "$_d/mem_info_vis_vram_total")
		if [ "$_v" -lt "$_vt" ]; then w "$_d/mem_info_vis_vram_used" $_v; else w "$_d/mem_info_vis_vram_used" "$_vt"; fi
	done
	[ "$DMEM" = on ] || return 0
	{
		echo "$(region 0) $(cat "$(dev_of 0)/mem_info_vram_used")"
		[ "$APU" = 0 ] || echo "$(region 1) $(cat "$(dev_of 1)/mem_info_vram_used")"
	} | wraw "$ROOT/sys/fs/cgroup/dmem.current"
	for _cd in "$ROOT"/.fake/ctr/*; do
		[ -d "$_cd" ] || continue
		_cid=${_cd##*/}; _a=0; _b=0
		for _pd in "$ROOT"/.fake/proc/*; do
			[ -f "$_pd/ctr" ] || continue
			[ "$(get "$_pd/ctr")" = "$_cid" ] || continue
			if [ "$(get "$_pd/card")" = 1 ]; then _b=$((_b + $(get "$_pd/vram"))); else _a=$((_a + $(get "$_pd/vram"))); fi
		done
		_dir=$(cg_dir dmem "$_cid")
		dm() { { echo "$(region 0) $2"; [ "$APU" = 0 ] || echo "$(region 1) $3"; } | wraw "$_dir/dmem.$1"; }
		dm current $_a $_b
		dm max "$(get "$_cd/dmem_max" max)" max
		dm low "$(get "$_cd/dmem_low" 0)" 0
		dm min "$(get "$_cd/dmem_min" 0)" 0
		if [ "$PEAK" = on ]; then
			_pk=$(get "$_cd/dmem_peak" 0); if [ $_a -gt "$_pk" ]; then _pk=$_a; w "$_cd/dmem_peak" "$_pk"; fi
			dm peak "$_pk" "$_b"
		fi
	done
}

# ---------------------------------------------------------------- containers
cmd_ctr() {
	CID=${1:?container id}; shift
	is64 "$CID" || die "container id must be 64 lower case hex digits: $CID"
	load; _s=$ROOT/.fake/ctr/$CID; mkdir -p "$_s"
	while [ $# -gt 0 ]; do
		case $1 in
		--mem) w "$_s/mem" "$2";; --limit) w "$_s/limit" "$2";; --cpu-usec) w "$_s/cpu" "$2";;
		--quota) w "$_s/quota" "$2";; --pids) w "$_s/pids" "$2";; --inactive-file) w "$_s/ifile" "$2";;
		--dmem-max) w "$_s/dmem_max" "$2";; --dmem-low) w "$_s/dmem_low" "$2";; --dmem-min) w "$_s/dmem_min" "$2";;
		--parent) w "$_s/parent" "$2";;
		*) die "ctr: unknown option $1";;
		esac; shift 2
	done
	ctr_files "$CID"; resum
}

ctr_files() {
	_cid=$1; _s=$ROOT/.fake/ctr/$_cid
	_mem=$(get "$_s/mem" 104857600); _lim=$(get "$_s/limit" max); _cpu=$(get "$_s/cpu" 1000000)
	_quo=$(get "$_s/quota" max); _pids=$(get "$_s/pids" 5); _if=$(get "$_s/ifile" $((_mem / 4)))
	_oom=$(get "$_s/oom" 0); _anon=$((_mem - _if)); _pm=$(get "$_s/psi_memory" 0.00); _pc=$(get "$_s/psi_cpu" 0.00); _pi=$(get "$_s/psi_io" 0.00)
	_pmt=$(get "$_s/psi_memory_t" 0); _pct=$(get "$_s/psi_cpu_t" 0); _pit=$(get "$_s/psi_io_t" 0)
	[ "$_quo" != max ] || _quo='max 100000'
	case $MODE in
	v2-*)
		_d=$(cg_dir x "$_cid"); mkdir -p "$_d"
		w "$_d/cgroup.controllers" "$(cat "$ROOT/sys/fs/cgroup/cgroup.controllers")"; w "$_d/cgroup.subtree_control" ""
		w "$_d/cgroup.type" domain; w "$_d/cgroup.freeze" 0
		w "$_d/memory.current" "$_mem"; w "$_d/memory.max" "$_lim"; w "$_d/memory.high" max
		w "$_d/memory.min" 0; w "$_d/memory.low" 0; w "$_d/memory.peak" $((_mem + 1048576))
		w "$_d/memory.swap.current" 0; w "$_d/memory.swap.max" max; w "$_d/memory.oom.group" 0
		printf 'low 0\nhigh 0\nmax %s\noom %s\noom_kill %s\noom_group_kill 0\n' $((_oom * 12)) "$_oom" "$_oom" | wraw "$_d/memory.events"
		cp "$_d/memory.events" "$_d/memory.events.local"
		printf 'anon %s\nfile %s\nkernel 4194304\nkernel_stack 262144\npagetables 524288\nsock 0\nshmem 0\nfile_mapped 1048576\nfile_dirty 0\nfile_writeback 0\nswapcached 0\ninactive_anon %s\nactive_anon 4096\ninactive_file %s\nactive_file 0\nunevictable 0\nslab 1048576\npgfault 1205\npgmajfault 1\n' \
			"$_anon" "$_if" "$_anon" "$_if" | wraw "$_d/memory.stat"
		w "$_d/cpu.max" "$_quo"; w "$_d/cpu.weight" 100
		printf 'usage_usec %s\nuser_usec %s\nsystem_usec %s\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\nnr_bursts 0\nburst_usec 0\n' \
			"$_cpu" $((_cpu * 3 / 4)) $((_cpu / 4)) | wraw "$_d/cpu.stat"
		w "$_d/pids.current" "$_pids"; w "$_d/pids.max" max; w "$_d/io.stat" '259:0 rbytes=1048576 wbytes=4096 rios=20 wios=1 dbytes=0 dios=0'
		_u=$_d;;
	v1-*)
		_d=$(cg_dir memory "$_cid"); mkdir -p "$_d"
		_l1=$_lim; [ "$_lim" != max ] || _l1=9223372036854771712
		w "$_d/memory.usage_in_bytes" "$_mem"; w "$_d/memory.limit_in_bytes" "$_l1"; w "$_d/memory.max_usage_in_bytes" $((_mem + 1048576))
		w "$_d/memory.memsw.usage_in_bytes" "$_mem"; w "$_d/memory.memsw.limit_in_bytes" 9223372036854771712
		w "$_d/memory.failcnt" $((_oom * 12)); w "$_d/memory.soft_limit_in_bytes" 9223372036854771712
		printf 'oom_kill_disable 0\nunder_oom 0\noom_kill %s\n' "$_oom" | wraw "$_d/memory.oom_control"
		printf 'cache %s\nrss %s\nrss_huge 0\nshmem 0\nmapped_file 118784\nswap 0\npgfault 1205\npgmajfault 1\ninactive_anon %s\nactive_anon 4096\ninactive_file %s\nactive_file 0\nunevictable 0\nhierarchical_memory_limit %s\nhierarchical_memsw_limit 9223372036854771712\ntotal_cache %s\ntotal_rss %s\ntotal_shmem 0\ntotal_mapped_file 118784\ntotal_swap 0\ntotal_inactive_anon %s\ntotal_active_anon 4096\ntotal_inactive_file %s\ntotal_active_file 0\n' \
			"$_if" "$_anon" "$_anon" "$_if" "$_l1" "$_if" "$_anon" "$_anon" "$_if" | wraw "$_d/memory.stat"
		_c=$(cg_dir cpu "$_cid"); mkdir -p "$_c"
		printf 'nr_periods 0\nnr_throttled 0\nthrottled_time 0\nnr_bursts 0\nburst_time 0\n' | wraw "$_c/cpu.stat"
		_q=${_quo%% *}; [ "$_q" != max ] || _q=-1
		w "$_c/cpu.cfs_quota_us" "$_q"; w "$_c/cpu.cfs_period_us" "${_quo##* }"; w "$_c/cpu.shares" 1024
		_c=$(cg_dir cpuacct "$_cid"); mkdir -p "$_c"
		w "$_c/cpuacct.usage" $((_cpu * 1000)); printf 'user %s\nsystem %s\n' $((_cpu * 3 / 4 / 10000)) $((_cpu / 4 / 10000)) | wraw "$_c/cpuacct.stat"
		_c=$(cg_dir pids "$_cid"); mkdir -p "$_c"; w "$_c/pids.current" "$_pids"; w "$_c/pids.max" max
		_u=$(cg_dir unified "$_cid"); mkdir -p "$_u";;
	esac
	psi_file "$_u/memory.pressure" "$_pm" "$_pmt"; psi_file "$_u/cpu.pressure" "$_pc" "$_pct"; psi_file "$_u/io.pressure" "$_pi" "$_pit"
	ctr_procs "$_cid"
}
ctr_procs() { # cgroup.procs and cgroup.events from the process state
	_cid=$1; _l=
	for _pd in "$ROOT"/.fake/proc/*; do
		[ -f "$_pd/ctr" ] || continue
		[ "$(get "$_pd/ctr")" = "$_cid" ] || continue
		_l="$_l${_pd##*/}
"
	done
	case $MODE in
	v2-*) _dirs=$(cg_dir x "$_cid");;
	*)    _dirs="$(cg_dir memory "$_cid") $(cg_dir cpu "$_cid") $(cg_dir pids "$_cid") $(cg_dir unified "$_cid")";;
	esac
	for _x in $_dirs; do mkdir -p "$_x"; printf '%s' "$_l" | sort -n | wraw "$_x/cgroup.procs"; done
	case $MODE in v2-*) _u=$(cg_dir x "$_cid");; *) _u=$(cg_dir unified "$_cid");; esac
	if [ -n "$_l" ]; then _pop=1; else _pop=0; fi
	printf 'populated %s\nfrozen 0\n' $_pop | wraw "$_u/cgroup.events"
}

cmd_rmctr() {
	CID=${1:?container id}; load; [ -d "$ROOT/.fake/ctr/$CID" ] || die "no container $CID"
	for _pd in "$ROOT"/.fake/proc/*; do
		[ -f "$_pd/ctr" ] || continue
		[ "$(get "$_pd/ctr")" = "$CID" ] || continue
		_q=${_pd##*/}; rm -rf "${ROOT:?}/proc/$_q" "$ROOT/sys/devices/virtual/kfd/kfd/proc/$_q" "$_pd"
	done
	for _x in x memory cpu cpuacct cpuset devices freezer blkio pids systemd unified; do _dd=$(cg_dir $_x "$CID"); rm -rf "${_dd:?}"; done
	rm -rf "${ROOT:?}/.fake/ctr/$CID"; resum
}

# ---------------------------------------------------------------- processes
fdinfo() { # PATH CARD CLIENT PASID VRAM GTT EVICTED GFX COMPUTE ENC
	_pci=$(pci_of "$2"); _k() { echo $(($1 / 1024)); }
	_tot=$(($5 + $7))
	{
		printf 'pos:\t0\nflags:\t02100002\nmnt_id:\t26\nino:\t614\n'
		case $FDI in
		new)
			printf 'drm-driver:\tamdgpu\ndrm-client-id:\t%s\ndrm-pdev:\t%s\npasid:\t%s\n' "$3" "$_pci" "$4"
			printf 'drm-total-cpu:\t0\ndrm-shared-cpu:\t0\ndrm-resident-cpu:\t0\ndrm-purgeable-cpu:\t0\n'
			printf 'drm-total-gtt:\t%s\ndrm-shared-gtt:\t0\ndrm-resident-gtt:\t%s\ndrm-purgeable-gtt:\t0\n' "$(fmtsz "$6")" "$(fmtsz $(($6 + $7)))"
			printf 'drm-total-vram:\t%s\ndrm-shared-vram:\t0\ndrm-resident-vram:\t%s\ndrm-purgeable-vram:\t0\n' "$(fmtsz $_tot)" "$(fmtsz "$5")"
			for _z in gds gws oa doorbell mmioremap; do
				printf 'drm-total-%s:\t0\ndrm-shared-%s:\t0\ndrm-resident-%s:\t0\ndrm-purgeable-%s:\t0\n' $_z $_z $_z $_z
			done
			printf 'drm-memory-vram:\t%s KiB\ndrm-memory-gtt: \t%s KiB\ndrm-memory-cpu: \t0 KiB\n' "$(_k "$5")" "$(_k $(($6 + $7)))"
			printf 'amd-evicted-vram:\t%s KiB\namd-requested-vram:\t%s KiB\namd-requested-gtt:\t%s KiB\n' "$(_k "$7")" "$(_k $_tot)" "$(_k "$6")";;
		mid)
			printf 'drm-driver:\tamdgpu\ndrm-client-id:\t%s\ndrm-pdev:\t%s\npasid:\t%s\n' "$3" "$_pci" "$4"
			printf 'drm-memory-vram:\t%s KiB\ndrm-memory-gtt: \t%s KiB\ndrm-memory-cpu: \t0 KiB\n' "$(_k "$5")" "$(_k $(($6 + $7)))"
			printf 'amd-memory-visible-vram:\t%s KiB\namd-evicted-vram:\t%s KiB\namd-evicted-visible-vram:\t0 KiB\n' "$(_k "$5")" "$(_k "$7")"
			printf 'amd-requested-vram:\t%s KiB\namd-requested-visible-vram:\t0 KiB\namd-requested-gtt:\t%s KiB\n' "$(_k $_tot)" "$(_k "$6")"
			printf 'drm-shared-vram:\t0 KiB\ndrm-shared-gtt:\t0 KiB\ndrm-shared-cpu:\t0 KiB\n';;
		old)
			printf 'pasid:\t%s\ndrm-driver:\tamdgpu\ndrm-pdev:\t%s\ndrm-client-id:\t%s\n' "$4" "$_pci" "$3"
			printf 'drm-memory-vram:\t%s KiB\ndrm-memory-gtt: \t%s KiB\ndrm-memory-cpu: \t0 KiB\n' "$(_k "$5")" "$(_k $(($6 + $7)))";;
		esac
		# an engine which was never used is not printed at all
		[ "$8" = 0 ] || printf 'drm-engine-gfx:\t%s ns\n' "$8"
		[ "$9" = 0 ] || printf 'drm-engine-compute:\t%s ns\n' "$9"
		[ "${10}" = 0 ] || printf 'drm-engine-enc:\t%s ns\n' "${10}"
	} | wraw "$1"
}
newclient() { _c=$(sg nextclient 40); st nextclient $((_c + 1)); echo "$_c"; }

cmd_proc() {
	PID=${1:?pid}; shift; case $PID in *[!0-9]*) die "bad pid $PID";; esac
	load
	CTR=; COMM=proc$PID; PPID_=1; NSPID=; RSS=52428800; CMD=; KV=; KU=0; K2=; DV=; GTT=0; EV=0; CARD=0; DUP=0; SHARE=; GFX=0; CMP=0; ENC=0
	while [ $# -gt 0 ]; do
		case $1 in
		--ctr) CTR=$2;; --comm) COMM=$2;; --ppid) PPID_=$2;; --nspid) NSPID=$2;; --rss) RSS=$2;; --cmd) CMD=$2;;
		--kfd) KV=$2;; --kfd-unmapped) KU=$2;; --kfd2) K2=$2;; --drm) DV=$2;; --gtt) GTT=$2;; --evicted) EV=$2;;
		--card) CARD=$2;; --dup) DUP=$2;; --share) SHARE=$2;; --gfx-ns) GFX=$2;; --compute-ns) CMP=$2;; --enc-ns) ENC=$2;;
		*) die "proc: unknown option $1";;
		esac; shift 2
	done
	[ -z "$CTR" ] || [ -d "$ROOT/.fake/ctr/$CTR" ] || die "no container $CTR (use ctr first)"
	_p=$ROOT/proc/$PID; _s=$ROOT/.fake/proc/$PID; _kd=$ROOT/sys/devices/virtual/kfd/kfd/proc/$PID
	rm -rf "${_p:?}" "${_kd:?}"; mkdir -p "$_p/fd" "$_p/fdinfo" "$_s"
	w "$_s/card" "$CARD"; [ -z "$CTR" ] || w "$_s/ctr" "$CTR"
	w "$_p/comm" "$(echo "$COMM" | cut -c1-15)"
	printf '%s' "${CMD:-$COMM}" | tr ' ' '\000' | wraw "$_p/cmdline"
	# the comm field may hold spaces and parentheses: parse from the last ')'
	w "$_p/stat" "$PID ($(echo "$COMM" | cut -c1-15)) S $PPID_ $PID $PID 0 -1 4194560 1205 0 1 0 350 120 0 0 20 0 8 0 $((360000 + PID)) $((RSS * 4)) $((RSS / 4096)) 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 3 0 0 0 0 0 0 0 0 0 0 0 0 0"
	if [ -n "$CTR" ]; then _ns="$PID	${NSPID:-1}"; else _ns=$PID; fi
	printf 'Name:\t%s\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t%s\nNgid:\t0\nPid:\t%s\nPPid:\t%s\nTracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t256\nNStgid:\t%s\nNSpid:\t%s\nVmRSS:\t%s kB\nThreads:\t8\n' \
		"$(echo "$COMM" | cut -c1-15)" "$PID" "$PID" "$PPID_" "$_ns" "$_ns" $((RSS / 1024)) | wraw "$_p/status"
	if [ -n "$CTR" ]; then _rel=$(cg_rel "$CTR"); else _rel=/user.slice/user-1000.slice/session-2.scope; fi
	case $MODE in
	v2-*) echo "0::$_rel" | wraw "$_p/cgroup";;
	*) printf '9:name=systemd:%s\n8:pids:%s\n7:blkio:%s\n6:freezer:%s\n5:devices:%s\n4:memory:%s\n3:cpuset:%s\n2:cpuacct:%s\n1:cpu:%s\n0::%s\n' \
		"$_rel" "$_rel" "$_rel" "$_rel" "$_rel" "$_rel" "$_rel" "$_rel" "$_rel" "$_rel" | wraw "$_p/cgroup";;
	esac
	# descriptors which have nothing to do with the GPU
	for _f in 0 1 2; do
		ln -sfn /dev/null "$_p/fd/$_f"; printf 'pos:\t0\nflags:\t02\nmnt_id:\t5\nino:\t4\n' | wraw "$_p/fdinfo/$_f"
	done
	ln -sfn 'socket:[91234]' "$_p/fd/3"; printf 'pos:\t0\nflags:\t02004002\nmnt_id:\t10\nino:\t91234\n' | wraw "$_p/fdinfo/3"
	_n=5; _vram=0; _gttsum=0; _rn=/dev/dri/renderD$((128 + CARD))
	if [ "$CARD" = 1 ]; then _gid=$GID1; else _gid=$GID0; fi
	if [ -n "$SHARE" ]; then
		w "$_s/share" "$SHARE"
		for _f in "$ROOT/proc/$SHARE"/fd/*; do
			case $(readlink "$_f") in
			/dev/dri/*) _b=${_f##*/}; cp -P "$_f" "$_p/fd/$_b"; cp "$ROOT/proc/$SHARE/fdinfo/$_b" "$_p/fdinfo/$_b";;
			esac
		done
	fi
	if [ -n "$KV" ]; then
		[ "$KFD" = 1 ] || die "--kfd in a tree made with --no-kfd"
		ln -sfn /dev/kfd "$_p/fd/4"; printf 'pos:\t0\nflags:\t02100002\nmnt_id:\t26\nino:\t602\n' | wraw "$_p/fdinfo/4"
		mkdir -p "$_kd/queues"
		case $FDI in new) w "$_kd/pasid" 0;; *) w "$_kd/pasid" $((32768 + PID % 1000));; esac
		for _c in 0 1; do
			[ $_c = 0 ] || [ "$APU" = 1 ] || continue
			if [ $_c = 1 ]; then _g=$GID1; else _g=$GID0; fi
			if [ "$_c" = "$CARD" ]; then _v=$KV; else _v=0; fi
			w "$_kd/vram_$_g" "$_v"; w "$_kd/sdma_$_g" $((_v / 4096))
			w "$_kd/stats_$_g/evicted_ms" $((EV / 10485760)); w "$_kd/stats_$_g/cu_occupancy" 0
			w "$_kd/counters_$_g/faults" 0; w "$_kd/counters_$_g/page_in" 0; w "$_kd/counters_$_g/page_out" 0
		done
		if [ "$KV" -gt 0 ]; then
			printf 8388608 | wraw "$_kd/queues/0/size"; printf 2 | wraw "$_kd/queues/0/type"; printf '%s' "$_gid" | wraw "$_kd/queues/0/gpuid"
			# ROCm opens the render node and hands its VM to KFD: KFD buffers show up in this fdinfo
			_cl=$(newclient); _kg=0; [ -n "$DV" ] || _kg=$GTT
			fdinfo "$_p/fdinfo/$_n" "$CARD" "$_cl" $((32768 + PID % 1000)) $((KV - KU - EV)) "$_kg" "$EV" 0 0 0
			ln -sfn $_rn "$_p/fd/$_n"; _i=0; _first=$_n; _n=$((_n + 1))
			while [ $_i -lt "$DUP" ]; do
				cp "$_p/fdinfo/$_first" "$_p/fdinfo/$_n"; ln -sfn $_rn "$_p/fd/$_n"; _n=$((_n + 1)); _i=$((_i + 1))
			done
			_vram=$((_vram + KV - EV)); _gttsum=$((_gttsum + _kg + EV))
		fi
		if [ -n "$K2" ]; then
			[ "$CTX" = on ] || die "--kfd2 needs init --kfd-contexts on"
			w "$_kd/context_1/vram_$_gid" "$K2"; w "$_kd/context_1/sdma_$_gid" 0; w "$_kd/context_1/pasid" 0
			_cl=$(newclient); fdinfo "$_p/fdinfo/$_n" "$CARD" "$_cl" $((32769 + PID % 1000)) "$K2" 0 0 0 0 0
			ln -sfn $_rn "$_p/fd/$_n"; _n=$((_n + 1)); _vram=$((_vram + K2))
		fi
	fi
	if [ -n "$DV" ]; then
		_cl=$(newclient)
		fdinfo "$_p/fdinfo/$_n" "$CARD" "$_cl" $((33000 + PID % 1000)) "$DV" "$GTT" 0 "$GFX" "$CMP" "$ENC"
		ln -sfn $_rn "$_p/fd/$_n"; _first=$_n; _n=$((_n + 1)); _i=0
		if [ -z "$KV" ]; then
			while [ $_i -lt "$DUP" ]; do
				cp "$_p/fdinfo/$_first" "$_p/fdinfo/$_n"; ln -sfn $_rn "$_p/fd/$_n"; _n=$((_n + 1)); _i=$((_i + 1))
			done
		fi
		_vram=$((_vram + DV)); _gttsum=$((_gttsum + GTT))
	fi
	w "$_s/vram" $_vram; w "$_s/gtt" $_gttsum
	[ -z "$CTR" ] || ctr_procs "$CTR"
	resum
}

cmd_kill() {
	PID=${1:?pid}; load; _s=$ROOT/.fake/proc/$PID; [ -d "$_s" ] || die "no process $PID"
	_cid=$(get "$_s/ctr" "")
	for _pd in "$ROOT"/.fake/proc/*; do   # processes which inherited its GPU fds
		[ "$(get "$_pd/share" "")" = "$PID" ] || continue
		_q=${_pd##*/}
		if [ -d "$ROOT/sys/devices/virtual/kfd/kfd/proc/$PID" ]; then
			# KFD buffers die with the address space of the owner
			for _f in "$ROOT/proc/$_q"/fd/*; do
				case $(readlink "$_f") in /dev/dri/*) rm -f "$_f" "$ROOT/proc/$_q/fdinfo/${_f##*/}";; esac
			done
		else
			# DRM buffers live as long as the open file: the heir holds them now
			w "$_pd/vram" $(($(get "$_pd/vram") + $(get "$_s/vram")))
			w "$_pd/gtt" $(($(get "$_pd/gtt") + $(get "$_s/gtt")))
			w "$_s/vram" 0; w "$_s/gtt" 0
		fi
	done
	rm -rf "${ROOT:?}/proc/$PID" "$ROOT/sys/devices/virtual/kfd/kfd/proc/$PID" "$_s"
	[ -z "$_cid" ] || ctr_procs "$_cid"
	resum
}

# ---------------------------------------------------------------- small mutators
cmd_orphan() { load; st orphan "${1:?bytes}"; resum; }
cmd_oom()    { load; _s=$ROOT/.fake/ctr/${1:?cid}; [ -d "$_s" ] || die "no container $1"; w "$_s/oom" $(($(get "$_s/oom" 0) + 1)); ctr_files "$1"; resum; }
cmd_psi() {
	load; _what=${1:?host or cid}; _res=${2:?resource}; _avg=${3:?avg10}; _t=${4:-123456}
	if [ "$_what" = host ]; then psi_file "$ROOT/proc/pressure/$_res" "$_avg" "$_t"; return; fi
	_s=$ROOT/.fake/ctr/$_what; [ -d "$_s" ] || die "no container $_what"
	w "$_s/psi_$_res" "$_avg"; w "$_s/psi_${_res}_t" "$_t"; ctr_files "$_what"; resum
}
cmd_meminfo() { load; sed "s/^MemAvailable:.*/MemAvailable:   $((${1:?bytes} / 1024)) kB/" "$ROOT/proc/meminfo" | wraw "$ROOT/proc/meminfo.new"; mv -f "$ROOT/proc/meminfo.new" "$ROOT/proc/meminfo"; }
cardno() { case ${1:-card0} in card0|0) echo 0;; card1|1) echo 1;; *) die "bad card $1";; esac; }
cmd_suspend() {
	load; _c=$(cardno "${1:-}"); _d=$(dev_of "$_c")
	w "$_d/power/runtime_status" suspended; w "$_d/power_state" D3cold
	# PM files stay readable, as on kernels which wake the GPU for them: a test watches
	# them with inotify IN_OPEN and fails when the daemon opened one while suspended
}
cmd_resume() { load; _c=$(cardno "${1:-}"); _d=$(dev_of "$_c"); w "$_d/power/runtime_status" active; w "$_d/power_state" D0; pm_files "$_c"; }
cmd_reset() { # every PM file gives a read error (EISDIR here; EBUSY or EPERM in real life)
	load; _c=$(cardno "${1:-}"); _d=$(dev_of "$_c"); _h=$_d/hwmon/hwmon$((_c + 3))
	for _f in $PMF; do [ ! -e "$_d/$_f" ] || { rm -rf "${_d:?}/$_f"; mkdir "$_d/$_f"; }; done
	for _f in "$_h"/*_input "$_h"/*_average; do [ ! -f "$_f" ] || { rm -f "$_f"; mkdir "$_f"; }; done
}

cmd_show() {
	load
	for _c in 0 1; do
		[ -d "$ROOT/.fake/card/$_c" ] || continue
		_d=$(dev_of $_c)
		echo "card$_c $(pci_of $_c) renderD$((128 + _c)) gpu_id $(sg gid$_c) vram_total $(cat "$_d/mem_info_vram_total") vram_used $(cat "$_d/mem_info_vram_used") gtt_used $(cat "$_d/mem_info_gtt_used") status $(cat "$_d/power/runtime_status")"
	done
	for _cd in "$ROOT"/.fake/ctr/*; do
		[ -d "$_cd" ] || continue
		_v=0; _l=
		for _pd in "$ROOT"/.fake/proc/*; do
			[ -f "$_pd/ctr" ] || continue
			[ "$(get "$_pd/ctr")" = "${_cd##*/}" ] || continue
			_v=$((_v + $(get "$_pd/vram"))); _l="$_l ${_pd##*/}"
		done
		echo "ctr ${_cd##*/} vram $_v mem $(get "$_cd/mem" 104857600) limit $(get "$_cd/limit" max) oom $(get "$_cd/oom" 0) pids$_l"
	done
	for _pd in "$ROOT"/.fake/proc/*; do
		[ -d "$_pd" ] || continue
		echo "pid ${_pd##*/} card $(get "$_pd/card") vram $(get "$_pd/vram") gtt $(get "$_pd/gtt") ctr $(get "$_pd/ctr" -)"
	done
	echo "orphan $(sg orphan)"
}

cmd_demo() {
	cmd_init "$@"; _M=1048576; NORESUM=1
	O=0a11a00000000000000000000000000000000000000000000000000000000001   # ollama
	V=0b22b00000000000000000000000000000000000000000000000000000000002   # vllm
	F=0c33c00000000000000000000000000000000000000000000000000000000003   # frigate
	I=0d44d00000000000000000000000000000000000000000000000000000000004   # immich-ml, idle
	W=0e55e00000000000000000000000000000000000000000000000000000000005   # a web service, no GPU
	( cmd_ctr $O --mem 2147483648 --inactive-file 1610612736 --limit 8589934592 --dmem-max 12884901888 --cpu-usec 912345678 )
	( cmd_ctr $V --mem 6442450944 --limit max --cpu-usec 300000000 )
	( cmd_ctr $F --mem 1610612736 --limit 4294967296 --quota "400000 100000" )
	( cmd_ctr $I --mem 805306368 --limit 4294967296 )
	( cmd_ctr $W --mem 67108864 --limit 134217728 )
	_K=--kfd; [ "$KFD" = 1 ] || _K=--drm   # without KFD the same sizes come from plain DRM clients (Vulkan)
	# the server opens nothing, its runner child holds the model; libdrm dup()s the render fd
	( cmd_proc 4101 --ctr $O --comm ollama --nspid 1 )
	( cmd_proc 4177 --ctr $O --comm ollama --ppid 4101 --nspid 31 --cmd "/usr/bin/ollama runner --model /m --port 41889" $_K $((5400 * _M)) --gtt $((256 * _M)) --dup 2 )
	# python fork: parent has the memory, the child inherited the fds
	( cmd_proc 4203 --ctr $V --comm "VLLM::EngineCor" --nspid 88 $_K $((9000 * _M)) --kfd-unmapped $((64 * _M)) --dup 1 )
	( cmd_proc 4204 --ctr $V --comm python3 --ppid 4203 --nspid 89 --share 4203 )
	# ROCm detector and ffmpeg with VA-API in one container
	( cmd_proc 4302 --ctr $F --comm "frigate.detect" --nspid 120 $_K $((600 * _M)) )
	( cmd_proc 4310 --ctr $F --comm ffmpeg --nspid 140 --drm $((180 * _M + 8192)) --gtt $((24 * _M)) --enc-ns 9123456789 )
	# opened /dev/kfd, allocated nothing
	if [ "$KFD" = 1 ]; then ( cmd_proc 4401 --ctr $I --comm "gunicorn: (ml)" --nspid 1 --kfd 0 )
	else ( cmd_proc 4401 --ctr $I --comm "gunicorn: (ml)" --nspid 1 ); fi
	( cmd_proc 4501 --ctr $W --comm busybox --nspid 1 )
	# a desktop session outside of Docker
	( cmd_proc 2001 --comm gnome-shell --drm $((310 * _M)) --gtt $((90 * _M)) --gfx-ns 107322799 )
	if [ "$APU" = 1 ]; then ( cmd_proc 2002 --comm Xwayland --card 1 --drm $((40 * _M)) --gtt $((300 * _M)) ); fi
	load; NORESUM=0; resum
	cmd_show
}

[ $# -ge 2 ] || { sed -n '2,53p' "$0" | sed 's/^# \{0,1\}//'; exit 2; }
SUB=$1; ROOT=$2; shift 2
case $ROOT in ''|/) die "refusing ROOT=$ROOT";; /*) ;; *) ROOT=$PWD/$ROOT;; esac
case $SUB in
init|ctr|proc|kill|rmctr|orphan|oom|psi|meminfo|suspend|resume|reset|show|demo) "cmd_$SUB" "$@";;
*) die "unknown command $SUB";;
esac
