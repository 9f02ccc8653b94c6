/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>

#include "base/cleanup.h"
#include "simulate/scenario.h"

#define SITES                      \
	"[site ams1]\nshare = 3\n" \
	"[site fra2]\nshare = 2\n" \
	"[site sjc1]\nshare = 2\n"
#define MODELS                                                                         \
	"[model server-9]\nvendor = Example Corp\nproduct = Server 9\nbios = 2.19.1\n" \
	"bios_date = 06/04/2026\ncpus = 64\nmemory_gib = 256\nshare = 5\n"             \
	"[model server-7]\nvendor = Example Corp\nproduct = Server 7\nbios = 1.8.0\n"  \
	"bios_date = 11/19/2024\ncpus = 32\nmemory_gib = 128\nshare = 3\n"             \
	"[model blade-4]\nvendor = Example Corp\nproduct = Blade 4\nbios = 3.02\n"     \
	"bios_date = 02/27/2025\ncpus = 48\nmemory_gib = 192\nshare = 2\n"             \
	"[model node-2u]\nvendor = Example Systems\nproduct = Node 2U\nbios = A47\n"   \
	"bios_date = 08/30/2025\ncpus = 96\nmemory_gib = 512\nshare = 1\n"

static const struct sim_preset presets[] = {
	{"published",
	 "10,000 hosts, two years: 30 bugs at an incidence of 0.05 make 15,000 crashes a year; "
	 "then "
	 "their fixes reach nine hosts in ten",
	 "[fleet]\nhosts = 10000\nstart = 2024-01-01\nduration = 730d\nkernel = 6.1.0-56-amd64\n"
	 "package = 6.1.192-2\nbackground = 0\nlag = 10min\nloss = 0\ndowntime = 5min\n" SITES
		 MODELS
	 "[rollout fixes]\nkind = kernel\nvalue = 6.1.0-57-amd64\npackage = 6.1.195-1\n"
	 "start = 365d\nover = 28d\ncoverage = 0.9\n"
	 "[bug published]\nincidence = 0.05\ncount = 30\nfixed = fixes\n"},
	{"outbreak",
	 "2,000 hosts, 30 days: a new kernel brings a bug on one model, and its fix ends it; a "
	 "firmware bug; two dying hosts; a crash loop; some background",
	 "[fleet]\nhosts = 2000\nstart = 2026-10-24\nduration = 30d\nkernel = 6.1.0-53-amd64\n"
	 "package = 6.1.187-1\nbackground = 0.3\nbackground_reasons = 25\nlag = 5min\nloss = 0.02\n"
	 "downtime = 5min\n" SITES MODELS
	 "[rollout new-kernel]\nkind = kernel\nvalue = 6.1.0-56-amd64\npackage = 6.1.192-2\n"
	 "start = 8d\nover = 6d\ncoverage = 0.8\n"
	 "[rollout new-firmware]\nkind = firmware\nvalue = 3.10\npackage = 09/18/2026\n"
	 "start = 4d\nover = 3d\ncoverage = 0.9\nmodel = blade-4\n"
	 "[rollout swap-off]\nkind = config\nvalue = vm.swappiness=0\nstart = 12d\nover = 1d\n"
	 "coverage = 0.5\nsite = fra2\n"
	 "[rollout fix]\nkind = kernel\nvalue = 6.1.0-57-amd64\npackage = 6.1.195-1\nstart = 20d\n"
	 "over = 3d\ncoverage = 0.95\n"
	 "[bug driver]\nincidence = 9\nkind = NULL-DEREF\nfunction = bnxt_rx_pkt\n"
	 "since = new-kernel\nfixed = fix\nmodel = server-9\n"
	 "[bug microcode]\nincidence = 6\nkind = GPF\nfunction = kvm_mmu_zap_collapsible_spte\n"
	 "since = new-firmware\nmodel = blade-4\n"
	 "[bug reclaim]\nincidence = 5\nkind = SOFT-LOCKUP\nsince = swap-off\n"
	 "[dying memory]\nhosts = 2\nstart = 15d\nrate = 1.5\n"
	 "[loop boot]\nhosts = 1\nstart = 22d\nevery = 12min\ncrashes = 40\nkind = BUG\n"
	 "function = ext4_mb_use_inode_pa\n"},
	{"storm", "10,000 hosts, one bug, all of them within a minute, after a quiet day",
	 "[fleet]\nhosts = 10000\nstart = 2026-11-22\nduration = 2d\nkernel = 6.1.0-56-amd64\n"
	 "package = 6.1.192-2\nbackground = 1\nbackground_reasons = 20\nlag = 0\nloss = 0\n"
	 "downtime = 0\n" SITES MODELS
	 "[storm leap-second]\nstart = 1d\nover = 60s\nkind = SOFT-LOCKUP\n"
	 "function = tcp_retransmit_timer\n"},
	{"demo",
	 "400 hosts, 60 days, some hundred crashes with a bit of everything: for a first look",
	 "[fleet]\nhosts = 400\nstart = 2026-09-24\nduration = 60d\nkernel = 6.1.0-53-amd64\n"
	 "package = 6.1.187-1\nbackground = 4\nbackground_reasons = 12\nlag = 5min\nloss = 0.01\n"
	 "downtime = 5min\n" SITES MODELS
	 "[rollout new-kernel]\nkind = kernel\nvalue = 6.1.0-56-amd64\npackage = 6.1.192-2\n"
	 "start = 40d\nover = 10d\ncoverage = 0.7\n"
	 "[rollout new-firmware]\nkind = firmware\nvalue = 2.20.0\npackage = 09/18/2026\n"
	 "start = 30d\nover = 5d\ncoverage = 0.9\nmodel = server-9\n"
	 "[bug driver]\nincidence = 12\nkind = NULL-DEREF\nfunction = bnxt_rx_pkt\n"
	 "since = new-kernel\nmodel = server-9\n"
	 "[bug lockup]\nincidence = 1\nkind = SOFT-LOCKUP\nsite = fra2\n"
	 "[dying memory]\nhosts = 1\nstart = 50d\nrate = 1\n"
	 "[loop boot]\nhosts = 1\nstart = 59d\nevery = 20min\ncrashes = 12\nkind = HANG\n"},
};

const struct sim_preset *sim_preset_at(size_t i)
{
	return i < EY_ARRAY_SIZE(presets) ? &presets[i] : NULL;
}
