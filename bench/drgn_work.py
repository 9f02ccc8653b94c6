# SPDX-License-Identifier: GPL-2.0-or-later
"""What drgn is given to do in bench/analyze: drgn_work.py VMLINUX DUMP. System, stacks, log, tasks, modules."""
import sys

import drgn
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.percpu import per_cpu
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.printk import get_dmesg
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.sched import task_state_to_char

prog = drgn.Program()
prog.set_core_dump(sys.argv[2])
prog.load_debug_info([sys.argv[1]], main=True)

uts = prog["init_uts_ns"].name
print(uts.nodename.string_().decode(), uts.release.string_().decode(), uts.version.string_().decode())
print("pages:", prog["_totalram_pages"].counter.value_())


def stack(task):
    print("PID:", task.pid.value_(), task.comm.string_().decode(errors="replace"))
    try:
        for frame in prog.stack_trace(task):
            print("  ", frame)
    except (ValueError, LookupError, drgn.FaultError) as e:
        print("  ", e)


stack(prog.crashed_thread().object)
for cpu in for_each_online_cpu(prog):
    stack(per_cpu(prog["runqueues"], cpu).curr)
print(get_dmesg(prog).decode(errors="replace"))
for task in for_each_task(prog):
    mm = task.mm
    vsz = mm.total_vm.value_() * 4 if mm else 0
    rss = 0
    if mm:
        stat = mm.rss_stat
        counters = stat.count if hasattr(stat, "count") else stat
        rss = sum(
            max(0, counters[i].count.value_() if hasattr(counters[i], "count") else counters[i].counter.value_())
            for i in (0, 1, 3)
        )
    print(
        task.pid.value_(),
        task.real_parent.tgid.value_(),
        task_state_to_char(task),
        vsz,
        rss * 4,
        task.comm.string_().decode(errors="replace"),
    )
for module in list_for_each_entry("struct module", prog["modules"].address_of_(), "list"):
    print(module.name.string_().decode())
