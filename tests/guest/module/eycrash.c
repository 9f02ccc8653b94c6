// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * insmod eycrash.ko how=KIND: let the running kernel crash in a place that nothing else reaches on
 * demand. Only for guests that are there to die. The kinds are the table at the end; each is one
 * function.
 */
#include <asm/nmi.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/kdebug.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/objtool.h>
#include <linux/rcupdate.h>
#include <linux/rtmutex.h>
#include <linux/rwsem.h>
#include <linux/semaphore.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/timer.h>
#include <linux/version.h>
#include <linux/workqueue.h>

static char *how = "";
module_param(how, charp, 0);

static int *volatile nowhere;
static volatile long zero;
static const long forbidden = 1;
static DEFINE_MUTEX(lock_a);
static DEFINE_MUTEX(lock_b);
static DECLARE_RWSEM(sem);
static DECLARE_COMPLETION(both);

static noinline void eycrash_null(void)
{
	*nowhere = 1;
	barrier();
}

/* Contexts */
static void timer_fn(struct timer_list *t)
{
	eycrash_null();
}

static DEFINE_TIMER(timer, timer_fn);

static void how_timer(void)
{
	mod_timer(&timer, jiffies + 2);
	msleep(3000);
}

static void tasklet_fn(struct tasklet_struct *t)
{
	BUG();
}

static DECLARE_TASKLET(tasklet, tasklet_fn);

static void how_tasklet(void)
{
	tasklet_schedule(&tasklet);
	msleep(3000);
}

static struct hrtimer hrtimer;

static enum hrtimer_restart hrtimer_fn(struct hrtimer *t)
{
	panic("eycrash: in a high-resolution timer");
	return HRTIMER_NORESTART;
}

static void how_hrtimer(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(&hrtimer, hrtimer_fn, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
#else
	hrtimer_init(&hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	hrtimer.function = hrtimer_fn;
#endif
	hrtimer_start(&hrtimer, ms_to_ktime(5), HRTIMER_MODE_REL_HARD);
	msleep(3000);
}

static void irq_work_fn(struct irq_work *w)
{
	eycrash_null();
}

static struct irq_work irqw;

static void how_irqwork(void)
{
#ifdef IRQ_WORK_INIT_HARD
	irqw = IRQ_WORK_INIT_HARD(irq_work_fn);
#else
	init_irq_work(&irqw, irq_work_fn);
#endif
	irq_work_queue(&irqw);
	msleep(3000);
}

static void ipi_fn(void *arg)
{
	eycrash_null();
}

static void how_ipi(void)
{
	on_each_cpu(ipi_fn, NULL, 1);
}

static void work_fn(struct work_struct *w)
{
	eycrash_null();
}

static DECLARE_WORK(work, work_fn);

static void how_work(void)
{
	schedule_work(&work);
	msleep(3000);
}

static int thread_fn(void *arg)
{
	eycrash_null();
	return 0;
}

static void how_kthread(void)
{
	kthread_run(thread_fn, NULL, "eycrash-thread");
	msleep(3000);
}

static struct rcu_head rcu;

static void rcu_fn(struct rcu_head *head)
{
	eycrash_null();
}

static void how_rcu(void)
{
	call_rcu(&rcu, rcu_fn);
	msleep(5000);
}

static int nmi_fn(unsigned int cmd, struct pt_regs *regs)
{
	eycrash_null();
	return NMI_DONE;
}

static void how_nmi(void)
{
	register_nmi_handler(NMI_LOCAL, nmi_fn, 0, "eycrash");
	pr_info("eycrash: waiting for an NMI\n");
	msleep(60000);
}

static int die_fn(struct notifier_block *nb, unsigned long val, void *data)
{
	static int once;

	if (!once++)
		eycrash_null();
	return NOTIFY_DONE;
}

static struct notifier_block die_nb = {.notifier_call = die_fn};

/* An oops inside of the reporting of an oops. */
static void how_nested(void)
{
	register_die_notifier(&die_nb);
	eycrash_null();
}

/* Faults */
static void how_null(void)
{
	eycrash_null();
}

static void __init how_init_section(void)
{
	BUG();
}

static void how_call_null(void)
{
	void (*volatile fn)(void) = NULL;

	fn();
	barrier();
}

static void how_call_data(void)
{
	void (*volatile fn)(void) = (void *)how;

	fn();
	barrier();
}

static void how_call_noncanonical(void)
{
	void (*volatile fn)(void) = (void *)0xdead000000000100;

	fn();
	barrier();
}

static void how_gpf(void)
{
	*(volatile long *)0xdead000000000100 = 1;
}

static void how_paging(void)
{
	*(volatile long *)0xffffdead00000100 = 1;
}

static void how_divide(void)
{
	zero = 7 / zero;
}

static void how_int3(void)
{
	asm volatile("int3");
}

static void how_rodata(void)
{
	*(volatile long *)&forbidden = 1;
}

/* Stacks */
static noinline int deep(int n, int size)
{
	char *room = __builtin_alloca(16 + size % 64);

	memset(room, n, 16);
	OPTIMIZER_HIDE_VAR(room);
	if (n == 0) {
		eycrash_null();
		return 1;
	}
	return deep(n - 1, size + 7) + room[n % 16];
}

static void how_deep(void)
{
	deep(40, 3);
}

/* Into the guard page below the stack. */
static noinline int overflow(int n)
{
	volatile char room[512];

	room[n % 512] = (char)n;
	if (n < 0)
		return 0;
	return overflow(n + 1) + room[n % 512];
}

static void how_overflow(void)
{
	zero = overflow(0);
}

/* What the stack protector finds on the way out: __stack_chk_fail() panics. */
static noinline void how_canary(void)
{
	char room[16], *p = room;

	OPTIMIZER_HIDE_VAR(p);
	memset(p, 'A', 32);
	barrier();
}

/* Nothing above the fault can be trusted: return addresses overwritten with what is no text. */
static noinline void how_smash(void)
{
	unsigned long *frame = __builtin_frame_address(0);
	int i;

	for (i = 1; i < 24; i++)
		frame[i] = 0x4141414141414141;
	eycrash_null();
}

/* RBP and the callee-saved registers hold nonsense, RSP is right. */
static noinline void how_badregs(void)
{
	asm volatile("mov $0xbad0bad0bad, %%rbp; mov $1, %%rbx; mov $2, %%r12; movq $0, 0x10"
		     :
		     :
		     : "rbx", "r12", "memory");
}

/* RSP points nowhere: a double fault with no stack to unwind. */
static noinline void how_badrsp(void)
{
	asm volatile("mov $0xffffdead00000000, %%rsp; push %%rax" : : : "memory");
}

STACK_FRAME_NON_STANDARD(how_badrsp);

static int kret_handler(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	return 0;
}

static noinline int probed(int n)
{
	eycrash_null();
	return n + 1;
}

static struct kretprobe kret = {.handler = kret_handler, .kp.symbol_name = "probed"};

static void how_kretprobe(void)
{
	register_kretprobe(&kret);
	zero = probed(1);
}

/* The call of panic() is the last instruction of this function. */
static noinline void how_tailpanic(void)
{
	panic("eycrash: nothing behind the call");
}

/* Waiting */
static int abba_fn(void *arg)
{
	struct mutex *first = arg ? &lock_a : &lock_b, *second = arg ? &lock_b : &lock_a;

	mutex_lock(first);
	msleep(300);
	mutex_lock(second);
	return 0;
}

static void how_abba(void)
{
	kthread_run(abba_fn, NULL, "eycrash-ba");
	kthread_run(abba_fn, &lock_a, "eycrash-ab");
	msleep(120000);
}

static int writer_fn(void *arg)
{
	down_write(&sem);
	return 0;
}

static void how_rwsem(void)
{
	down_read(&sem);
	kthread_run(writer_fn, NULL, "eycrash-writer");
	wait_for_completion(&both);
}

/* Who waits for whom: tasks that hold what others want, then a panic. */
static struct mutex cycle[3];
static struct mutex dangling;
static DECLARE_RWSEM(rw_written);
static DECLARE_RWSEM(rw_read);
static DEFINE_RT_MUTEX(rt_a);
static DEFINE_RT_MUTEX(rt_b);
static struct semaphore sema;
static struct holder {
	char name[16];
	struct mutex lock;
} * holder;

static int cycle_fn(void *arg)
{
	long i = (long)arg;

	mutex_lock(&cycle[i]);
	msleep(300);
	mutex_lock(&cycle[(i + 1) % 3]);
	return 0;
}

static int holder_fn(void *arg)
{
	mutex_lock(&holder->lock);
	down_write(&rw_written);
	down_read(&rw_read);
	down(&sema);
	msleep(60000);
	return 0;
}

static int exiting_fn(void *arg)
{
	mutex_lock(&dangling);
	return 0;
}

static int want_object_fn(void *arg)
{
	mutex_lock(&holder->lock);
	return 0;
}

static int want_killable_fn(void *arg)
{
	return mutex_lock_killable(&holder->lock);
}

static int want_interruptible_fn(void *arg)
{
	return mutex_lock_interruptible(&holder->lock);
}

static int want_dangling_fn(void *arg)
{
	mutex_lock(&dangling);
	return 0;
}

static int want_written_fn(void *arg)
{
	down_write(&rw_written);
	return 0;
}

static int want_written_to_read_fn(void *arg)
{
	down_read(&rw_written);
	return 0;
}

static int want_read_fn(void *arg)
{
	down_write(&rw_read);
	return 0;
}

static int want_sema_fn(void *arg)
{
	down(&sema);
	return 0;
}

static int want_done_fn(void *arg)
{
	wait_for_completion(&both);
	return 0;
}

static int rt_fn(void *arg)
{
	rt_mutex_lock(arg ? &rt_a : &rt_b);
	msleep(300);
	rt_mutex_lock(arg ? &rt_b : &rt_a);
	return 0;
}

static void how_waits(void)
{
	static const struct {
		const char *name;
		int (*fn)(void *arg);
	} waiters[] = {
		{"want-object", want_object_fn},
		{"want-killable", want_killable_fn},
		{"want-interrupt", want_interruptible_fn},
		{"want-dangling", want_dangling_fn},
		{"want-written", want_written_fn},
		{"want-to-read", want_written_to_read_fn},
		{"want-read", want_read_fn},
		{"want-sema", want_sema_fn},
		{"want-done", want_done_fn},
	};
	size_t i;

	holder = kzalloc(sizeof(*holder), GFP_KERNEL);
	mutex_init(&holder->lock);
	mutex_init(&dangling);
	sema_init(&sema, 1);
	for (i = 0; i < ARRAY_SIZE(cycle); i++)
		mutex_init(&cycle[i]);
	for (i = 0; i < ARRAY_SIZE(cycle); i++)
		kthread_run(cycle_fn, (void *)i, "cycle-%zu", i);
	kthread_run(abba_fn, NULL, "eycrash-ba");
	kthread_run(abba_fn, &lock_a, "eycrash-ab");
	kthread_run(rt_fn, NULL, "rt-ba");
	kthread_run(rt_fn, &rt_a, "rt-ab");
	kthread_run(holder_fn, NULL, "holder");
	kthread_run(exiting_fn, NULL, "exiting");
	msleep(200);
	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		kthread_run(waiters[i].fn, NULL, "%s", waiters[i].name);
		msleep(50);
	}
	msleep(500);
	panic("eycrash: all wait");
}

static int irqoff_fn(void *arg)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
	return 0;
}

/* One CPU is deaf, the other waits for its answer to an IPI until the watchdog bites. */
static void how_csd(void)
{
	struct task_struct *t = kthread_create(irqoff_fn, NULL, "eycrash-deaf");

	preempt_disable();
	kthread_bind(t, !smp_processor_id());
	preempt_enable();
	wake_up_process(t);
	msleep(500);
	on_each_cpu(ipi_fn, NULL, 1);
}

static void how_warn_then_bug(void)
{
	WARN(1, "eycrash: a warning first\n");
	BUG();
}

static const struct {
	const char *name;
	void (*fn)(void);
} kinds[] = {
	{"timer", how_timer},
	{"tasklet", how_tasklet},
	{"hrtimer", how_hrtimer},
	{"irqwork", how_irqwork},
	{"ipi", how_ipi},
	{"work", how_work},
	{"kthread", how_kthread},
	{"rcu", how_rcu},
	{"nmi", how_nmi},
	{"nested", how_nested},
	{"null", how_null},
	{"call-null", how_call_null},
	{"call-data", how_call_data},
	{"call-noncanonical", how_call_noncanonical},
	{"gpf", how_gpf},
	{"paging", how_paging},
	{"divide", how_divide},
	{"int3", how_int3},
	{"rodata", how_rodata},
	{"deep", how_deep},
	{"overflow", how_overflow},
	{"canary", how_canary},
	{"smash", how_smash},
	{"badregs", how_badregs},
	{"badrsp", how_badrsp},
	{"kretprobe", how_kretprobe},
	{"tailpanic", how_tailpanic},
	{"abba", how_abba},
	{"rwsem", how_rwsem},
	{"waits", how_waits},
	{"csd", how_csd},
	{"warn-then-bug", how_warn_then_bug},
};

static int __init eycrash_init(void)
{
	size_t i;

	if (!strcmp(how, "init-section"))
		how_init_section();
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(how, kinds[i].name)) {
			kinds[i].fn();
			pr_err("eycrash: %s did not crash\n", how);
			return -EIO;
		}
	}
	return -EINVAL;
}

module_init(eycrash_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Crashes on demand, for guests of the tests");
