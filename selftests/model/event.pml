/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The protocol between guest, module and VMM, as a model for spin.
 *
 * README: "Events" in Documentation/uapi.rst is the same thing in
 * words; the code is kmod/core/status.c, kmod/core/common_cfg.c, kmod/event.c,
 * kmod/access.c, and on the other side user/vmm/net.c and user/vmm/vhost.c.
 * Inlines have the names of the functions they stand for. What the code does
 * with device->lock held is one d_step here, and so is nothing else: between
 * two of them anybody may do anything. A loop of the module that looks at
 * nothing but its own registers is one step as well.
 *
 * Who is there:
 *	vcpu()		a processor of a guest that does whatever it likes, and
 *			never waits for anything
 *	driver()	in its place: a driver by the book (DRIVER)
 *	VMM()	follows events; it relies on the protocol alone, and
 *			keeps no check of its own against being told twice
 *	vhost()		the backend: looks at a queue when it is kicked (KICKS)
 *	failing()	another thread of the VMM, with KVPCI_DEVICE_FAIL
 *	observer()	sees every state, and what must hold in it
 *
 * SUSPEND and RESUME take part with SUSPENDS, resets by the VMM with VMM_RESETS, and
 * KVPCI_DEVICE_EXIT_RESET with EXITS. With MOVES the device is saved, and restored
 * under another VMM.
 * Not here: interrupts, which are in interrupt.pml, and the bytes of configuration.
 *
 * How to run it: selftests/model/check, which says what each run leaves out.
 * Values that mean nothing to the protocol are as few as tell right from wrong:
 * two sizes stand for all parameters of a queue, three sets of features for all.
 * All variables are finite and there is no channel, so a search that ends has
 * shown that what the module has to remember is bounded, too.
 *
 * Every rule that the protocol needs has a number. -DBREAK=<rule> leaves it
 * out, and the check sees the named property fail: see there.
 */

/* How large, and what takes part. */
#ifndef QUEUES
#define QUEUES		2
#endif
#ifndef BATCH
#define BATCH		2	/* events one read() may return */
#endif

/* The rules, by who keeps them. */
#define STOP_FIRST		1	/* status_reset(), event_peek() */
#define START_TAKEN_BACK	2	/* core_reset() */
#define RESET_WAITS		3	/* status_reset() */
#define STATUS_STAYS		4	/* status_reset() */
#define STOPPING_IS_DEAF	5	/* common_write() */
#define FEATURES_SEALED		6	/* driver_feature_write() */
#define FEATURES_CHECKED	7	/* status_write() */
#define ENABLED_SEALED		8	/* queue_writable() */
#define QUEUE_RESET_WAITS	9	/* queue_reset_write() */
#define QUEUE_START_TAKEN_BACK	10	/* queue_reset_write() */
#define QUEUE_STOPPING_IS_DEAF	11	/* queue_writable() */
#define QUEUE_STATE_LAST	12	/* queue_state() */
#define TAKE_LOOKS_AGAIN	13	/* event_take() */
#define ACK_AFTER_READ		14	/* core_ack() */
#define ACK_QUEUE_AFTER_READ	15	/* core_ack() */
#define START_ENDS_READ		16	/* read_events() */
#define TURNS			17	/* event_peek() */
#define POST			18	/* kvpci_event_post() */
#define KICK_FROM_ENABLE	19	/* kvpci_core_may_kick() */
#define CLOSE_WAITS		20	/* kvpci_bar_unmap() */
#define FLR_IS_RESET		21	/* reset_locked() */
#define STOP_THEN_ACK		22	/* VMM */
#define ACK_ALWAYS		23	/* VMM */
#define STOP_THEN_CLOSE		24	/* VMM */
#define KICK_AFTER_START	25	/* vhost_queue_start() */
#define WAIT_THEN_LOOK		26	/* kvpci_event_poll() */
#define SUSPEND_WAITS		27	/* suspend() */
#define SUSPENDED_IS_DEAF	28	/* common_write() */
#define SUSPEND_LAST		29	/* event_peek() */
#define RESUME_TAKEN_BACK	30	/* suspend() */
#define RESUME_ENDS_READ	31	/* read_events() */
#define SUSPEND_THEN_ACK	32	/* VMM */
#define STOP_THEN_RESET		33	/* VMM */
#define RESET_EXITS		34	/* status_write_exits() */
#define START_RESTORED		35	/* VMM */
#define KICK_AFTER_RESTORE	36	/* VMM */
#ifndef BREAK
#define BREAK			0
#endif
#define kept(rule)		(BREAK != rule)

/* What must hold; the name is in what spin prints. */
#define must(property, condition)	assert((condition) || property)
hidden byte started_once, stopped_once, acceptable, stop_in_order, told_the_truth;
hidden byte sealed, status_0_is_stopped, status_agrees, queue_off_is_stopped;
hidden byte in_agreement, ack_counts, ack_refused, not_asleep;
hidden byte kick_not_lost, closed_is_stopped, not_freed, suspended_is_stopped;
hidden byte reset_at_once;

/* device_status; ACKNOWLEDGE and DRIVER are one */
#define DRIVER_BITS	1
#define FEATURES_OK	2
#define DRIVER_OK	4
#define FAILED_BIT	8
#define NEEDS_RESET	16
#define SUSPEND_BIT	32

/*
 * driver_features: without VERSION_1, with it, and with RING_RESET and SUSPEND as
 * well
 */
#define LEGACY		0
#define PLAIN		1
#define RING_RESET	2

/* enum kvpci_backend */
#define STOPPED		0
#define STARTING	1
#define RUNNING		2
#define STOPPING	3
#define SUSPENDING	4
#define SUSPENDED	5
#define RESUMING	6

/* enum kvpci_queue_phase */
#define IDLE		0
#define START_POSTED	1
#define STOP_POSTED	2
#define STOP_READ	3

/* Bits of core->events, and kinds of event. */
#define NO_EVENT	0
#define START		1
#define STOP		2
#define CONFIG		4
#define FAILED		8
#define SUSPEND		16
#define RESUME		32
#define QUEUE_START	64
#define QUEUE_STOP	128

/* struct kvpci_core */
byte status, features, backend, events, next_event;
/* struct kvpci_queue; size stands for addresses, too */
bool enable[QUEUES], reset[QUEUES];
byte phase[QUEUES];
bit size[QUEUES];

/* struct kvpci_device: its wait queue, and whether it is still there */
bool woken;
bool mapped = true, gone, freed;

/* A processor's way through the module. */
bool inside[2];			/* kvm->srcu is held */
bool news[2];			/* kvpci_event_post() comes next */
byte ringing[2];		/* queue + 1 whose doorbell is under way */
bool exited[2];			/* it is the VMM's turn to reset the device */

/* The VMM and its backend. */
#define OFF		0	/* a kick is taken, and nothing done */
#define SET		1	/* VHOST_NET_SET_BACKEND */
#define ON		2	/* kicked once */
bool started, start_failed, paused;
byte works[QUEUES];
byte told_features;
bit told_size[QUEUES];
bool kick[QUEUES];		/* the eventfd's counter is not 0 */
bool owed[QUEUES];		/* no more than a wish: a kick to be answered */

#define runs(q)		(works[q] != OFF)
#if QUEUES == 2
#define anything_runs	(runs(0) || runs(1))
#define for_queues(f)	f(0); f(1)
#else
#define anything_runs	runs(0)
#define for_queues(f)	f(0)
#endif

/* ---- kmod/core: with device->lock held ---- */

inline queue_init(q)
{
	enable[q] = false;
	reset[q] = false;
	phase[q] = IDLE;
	size[q] = 0;
	owed[q] = false
}

inline core_reset()
{
	status = 0;
	features = LEGACY;
	backend = STOPPED;
	events = (kept(START_TAKEN_BACK) -> 0 : events & START);
	for_queues(queue_init)
}

#define has_backend	(backend >= RUNNING && backend != STOPPING)
#define has_live_queues	(backend == RUNNING || backend == RESUMING)
#define suspended	(backend == SUSPENDING || backend == SUSPENDED)

inline status_reset(me)
{
	if
	:: backend == STOPPING -> skip
	:: has_backend && kept(RESET_WAITS) ->
		backend = STOPPING;
		events = (kept(STOP_FIRST) -> STOP : events | STOP);
		news[me] = true
	:: else -> core_reset()
	fi
}

#ifdef EXITS
#define status_write_exits	(has_backend && kept(RESET_EXITS))
#else
#define status_write_exits	false
#endif

/* access() of a 0 */
inline status_write_0(me)
{
	if
	:: status_write_exits -> exited[me] = true
	:: else -> status_reset(me)
	fi
}

/* The end of a suspension, or a new start. */
inline set_driver_ok()
{
	if
	:: backend == SUSPENDED ->
		status = status & ~SUSPEND_BIT;
		backend = RESUMING;
		events = events | RESUME
	:: else ->
		backend = STARTING;
		events = events | START
	fi
}

inline be_suspended()
{
	status = (status | SUSPEND_BIT) & ~DRIVER_OK;
	backend = SUSPENDED
}

inline suspend(me)
{
	if
	:: backend == RESUMING ->
		events = (kept(RESUME_TAKEN_BACK) -> events & ~RESUME : events);
		be_suspended()
	:: backend == RUNNING && !kept(SUSPEND_WAITS) ->
		events = events | SUSPEND;
		be_suspended();
		news[me] = true
	:: backend == STARTING || (backend == RUNNING && kept(SUSPEND_WAITS)) ->
		backend = (backend == RUNNING -> SUSPENDING : backend);
		events = events | SUSPEND;
		news[me] = true
	:: else
	fi
}

/* SUSPEND_BIT comes alone. An inline's parameter is put in as text: (value). */
inline status_write(me, value)
{
	set = value & ~status & ~NEEDS_RESET & ~SUSPEND_BIT;
	if
	:: set & FEATURES_OK && features == LEGACY && kept(FEATURES_CHECKED) ->
		set = set & ~(FEATURES_OK | DRIVER_OK)
	:: else
	fi;
	if
	:: (status | set) & FEATURES_OK
	:: else -> set = set & ~DRIVER_OK
	fi;
	status = status | set;
	events = (set & FAILED_BIT -> events | FAILED : events);
	if
	:: set & DRIVER_OK -> set_driver_ok()
	:: else
	fi;
	news[me] = (set & (FAILED_BIT | DRIVER_OK)) != 0;
	if
	:: value & SUSPEND_BIT && status & DRIVER_OK &&
	   features == RING_RESET -> suspend(me)
	:: else
	fi;
	set = 0
}

/* What the guest reads. */
#define read_status	(backend == STOPPING && !kept(STATUS_STAYS) -> 0 : status)

inline driver_feature_write(value)
{
	if
	:: status & FEATURES_OK && kept(FEATURES_SEALED)
	:: else -> features = value
	fi
}

#define stopping(q)	(phase[q] == STOP_POSTED || phase[q] == STOP_READ)
#define queue_writable(q) \
	(!(stopping(q) && kept(QUEUE_STOPPING_IS_DEAF)) && \
	 !(enable[q] && kept(ENABLED_SEALED)))

inline queue_size_write(q, value)
{
	if
	:: queue_writable(q) -> size[q] = value
	:: else
	fi
}

inline queue_enable_write(me, q)
{
	if
	:: !queue_writable(q) || enable[q] -> skip
	:: else ->
		if
		:: !has_live_queues -> enable[q] = true
		:: has_live_queues && features == RING_RESET ->
			phase[q] = START_POSTED;
			enable[q] = true;
			news[me] = true
		:: else
		fi
	fi
}

inline queue_reset_write(me, q)
{
	if
	:: (stopping(q) && kept(QUEUE_STOPPING_IS_DEAF)) || !enable[q] ||
	   !(status & FEATURES_OK) || features != RING_RESET -> skip
	:: else ->
		if
		:: has_live_queues && phase[q] == IDLE &&
		   kept(QUEUE_RESET_WAITS) ->
			reset[q] = true;
			phase[q] = STOP_POSTED;
			news[me] = true
		:: else ->
			set = phase[q];
			queue_init(q);
			phase[q] = (kept(QUEUE_START_TAKEN_BACK) -> IDLE : set);
			set = 0
		fi
	fi
}

inline device_write(me)
{
	events = events | CONFIG;
	news[me] = true
}

#define posted(q)	(phase[q] == START_POSTED || phase[q] == STOP_POSTED)
#define tells_queues	(backend == RUNNING || backend == SUSPENDING || \
			 !kept(STOP_FIRST))

/* Turn n is queue n's, and the last is CONFIG's. */
inline queue_event(q)
{
	kind = (phase[q] == START_POSTED -> QUEUE_START : QUEUE_STOP);
	queue = q
}

inline event_peek()
{
	kind = NO_EVENT;
	queue = 0;
	if
	:: kept(STOP_FIRST) && events & STOP -> kind = STOP
	:: else
	fi;
	if
	:: !kind && events & START -> kind = START
	:: else
	fi;
	if
	:: !kind && events & RESUME -> kind = RESUME
	:: else
	fi;
	if
	:: !kind && events & SUSPEND && !kept(SUSPEND_LAST) -> kind = SUSPEND
	:: else
	fi;
	if
	:: !kind && events & FAILED -> kind = FAILED
	:: else
	fi;
	n = 0;
	do
	:: !kind && n <= QUEUES ->
		set = (kept(TURNS) -> (next_event + n) % (QUEUES + 1) : n);
		if
		:: set == QUEUES && events & CONFIG -> kind = CONFIG
		:: set < QUEUES && tells_queues ->
			if
			:: posted(set) -> queue_event(set)
			:: else
			fi
		:: else
		fi;
		n++
	:: else -> break
	od;
	if
	:: !kind && events & STOP -> kind = STOP
	:: else
	fi;
	if
	:: !kind && events & SUSPEND -> kind = SUSPEND
	:: else
	fi;
	n = 0;
	set = 0
}

/* Is what was peeked still there? */
inline event_take()
{
	if
	:: kind >= QUEUE_START ->
		taken = tells_queues && phase[queue] ==
			(kind == QUEUE_START -> START_POSTED : STOP_POSTED);
		if
		:: taken -> phase[queue] = (kind == QUEUE_START -> IDLE : STOP_READ)
		:: else
		fi;
		next_event = queue + 1
	:: else ->
		taken = (events & kind) || !kept(TAKE_LOOKS_AGAIN);
		events = events & ~kind;
		if
		:: taken && (kind == START || kind == RESUME) ->
			backend = (events & SUSPEND -> SUSPENDING : RUNNING)
		:: else
		fi;
		next_event = (kind == CONFIG -> 0 : next_event)
	fi
}

inline core_ack(ok)
{
	ok = backend == STOPPING && !(events & STOP && kept(ACK_AFTER_READ));
	if
	:: ok -> core_reset()
	:: else
	fi
}

inline core_ack_suspend(ok)
{
	ok = backend == SUSPENDING && !(events & SUSPEND && kept(ACK_AFTER_READ));
	if
	:: ok -> be_suspended()
	:: else
	fi
}

inline core_ack_queue(q, ok)
{
	ok = phase[q] == STOP_READ ||
	     (phase[q] == STOP_POSTED && !kept(ACK_QUEUE_AFTER_READ));
	if
	:: ok -> queue_init(q)
	:: else
	fi
}

#define queue_state_enabled(q) \
	(enable[q] && (phase[q] != START_POSTED || !kept(QUEUE_STATE_LAST)))

inline core_fail()
{
	if
	:: !status || backend == STOPPING -> skip
	:: else -> status = status | NEEDS_RESET
	fi
}

/* ---- kmod: a guest's access, inside kvm->srcu ---- */

inline event_post(me)
{
	d_step {
		must(not_freed, !freed);
		woken = (kept(POST) -> true : woken);
		news[me] = false;
		inside[me] = false
	}
}

#define reachable	(mapped && !gone)
#define hears		(backend != STOPPING || !kept(STOPPING_IS_DEAF))
#define hears_all	(hears && (!suspended || !kept(SUSPENDED_IS_DEAF)))

/* kvpci_common_write(); of device_status, but for 0 */
#define common_write(me, what) \
	d_step { reachable && hears_all -> what; inside[me] = news[me] }
#define set_status(me, bits) \
	d_step { reachable && hears -> status_write(me, (bits)); inside[me] = news[me] }
#define reset_device(me) \
	d_step { reachable -> status_write_0(me); inside[me] = news[me] }

/* kvpci_access_kick(): no lock, one look after the other */
inline doorbell(me, q)
{
	d_step {
		reachable && enable[q] ->
		inside[me] = true;
		ringing[me] = q + 1;
		owed[q] = owed[q] || !reset[q]
	}
	if
	:: d_step { !reset[q] && (backend == RUNNING || kept(KICK_FROM_ENABLE)) ->
		must(not_freed, !freed);
		kick[q] = true; ringing[me] = 0; inside[me] = false }
	:: d_step { else -> ringing[me] = 0; inside[me] = false }
	fi
}

/* The write that switches BARs off; another one switches them on. */
inline function_reset(me)
{
	d_step {
		reachable ->
		mapped = false;
		if
		:: kept(FLR_IS_RESET) -> status_reset(me)
		:: else -> core_reset()
		fi;
		inside[me] = news[me]
	}
	if
	:: news[me] -> event_post(me)
	:: else
	fi;
	mapped = true
}

/* ---- the guest ---- */

#ifndef DRIVER
#define PROCESSORS	2
#else
#define PROCESSORS	0
#endif

proctype vcpu(bit me)
{
	byte set;
end:	do
	:: news[me] -> event_post(me)
	:: !news[me] && gone -> break
	:: !news[me] && !exited[me] ->
		if
		:: reset_device(me)
		:: common_write(me, driver_feature_write(RING_RESET))
		:: set_status(me, DRIVER_BITS | FEATURES_OK)
		:: set_status(me, FEATURES_OK | DRIVER_OK)
#ifdef SUSPENDS
		:: set_status(me, SUSPEND_BIT)
#endif
		:: common_write(me, queue_enable_write(me, 0))
		:: common_write(me, queue_reset_write(me, 0))
#if QUEUES == 2
		:: common_write(me, queue_enable_write(me, 1))
		:: common_write(me, queue_reset_write(me, 1))
#endif
#ifndef LIVE	/* where parameters make no difference */
		:: common_write(me, driver_feature_write(PLAIN))
		:: common_write(me, queue_size_write(0, 0))
		:: common_write(me, queue_size_write(0, 1))
#if QUEUES == 2
		:: common_write(me, queue_size_write(1, 1))
#endif
#endif
#ifdef OTHERS
		:: common_write(me, device_write(me))
		:: set_status(me, FAILED_BIT)
#endif
#ifdef KICKS
		:: doorbell(me, 0)
#if QUEUES == 2
		:: doorbell(me, 1)
#endif
#endif
#ifdef FLR
		:: function_reset(me)
#endif
		:: gone
		fi
	od
}

#ifdef DRIVER
/* 3.1.1, 2.6.1 and 3.4, again and again; it waits wherever it has to. */
#define write(what) \
	d_step { what }; \
	if :: news[0] -> event_post(0) :: else fi
#define answered(q)	(!owed[q] || status & NEEDS_RESET)

inline use_queue(q)
{
	if
	:: write(queue_size_write(q, 0))
	:: write(queue_size_write(q, 1))
	fi;
	write(queue_enable_write(0, q))
}

active proctype driver()
{
	byte set;
	do
	:: true ->
progress:	write(status_write_0(0));
		!exited[0];
#ifdef EXITS
		must(reset_at_once, !read_status);
#endif
		!read_status;
		if
		:: write(driver_feature_write(PLAIN))
		:: write(driver_feature_write(RING_RESET))
		fi;
		write(status_write(0, (DRIVER_BITS | FEATURES_OK)));
		/* all queues, one, or none */
		if
		:: use_queue(0);
#if QUEUES == 2
		   if
		   :: use_queue(1)
		   :: true
		   fi
#endif
		:: true
		fi;
		write(status_write(0, DRIVER_OK));
		if
		:: enable[0] -> doorbell(0, 0); answered(0)
		:: else
		fi;
#if QUEUES == 2
		if
		:: enable[1] -> doorbell(0, 1); answered(1)
		:: else
		fi;
#endif
		if
		:: features == RING_RESET && enable[0] ->
			write(queue_reset_write(0, 0));
			!reset[0];
			use_queue(0);
			doorbell(0, 0);
			answered(0)
#ifdef SUSPENDS
		:: features == RING_RESET ->
			write(status_write(0, SUSPEND_BIT));
			status & SUSPEND_BIT;
			write(status_write(0, DRIVER_OK));
			if
			:: enable[0] -> doorbell(0, 0); answered(0)
			:: else
			fi
#endif
		:: true
		fi
	od
}
#endif

/* ---- the VMM ---- */

inline queue_start(q)
{
	d_step {
		must(started_once, !works[q]);
		told_size[q] = size[q];
#ifndef KICKS
		works[q] = ON
	}
#else
	}
	works[q] = SET;
	d_step {
		kick[q] = kick[q] || kept(KICK_AFTER_START);
		works[q] = ON
	}
#endif
}

inline queue_stop(q)
{
	works[q] = OFF
}

inline stop_all()
{
	queue_stop(0);
#if QUEUES == 2
	queue_stop(1)
#endif
}

/* It does not work out: stop what was started, ask for a reset. */
inline give_up()
{
	stop_all();
	d_step { start_failed = true; core_fail() }
}

inline start_if_enabled(q)
{
	if
	:: queue_state_enabled(q) -> queue_start(q)
	:: else
	fi
}

inline start()
{
	d_step {
		must(started_once, !started);
		must(acceptable, features != LEGACY);
		started = true;
		told_features = features
	}
	if
	:: start_if_enabled(0);
#if QUEUES == 2
	   start_if_enabled(1)
#endif
#ifdef FAILING
	:: give_up()
#endif
	fi
}

inline stop()
{
	must(stopped_once, started);
	if
	:: kept(STOP_THEN_ACK) -> stop_all()
	:: else
	fi;
	if
	:: !start_failed || kept(ACK_ALWAYS) ->
		d_step {
			core_ack(taken);
			must(ack_counts, taken);
			taken = false;
			started = false;
			start_failed = false;
			paused = false
		}
	:: else
	fi;
	stop_all()
}

#ifdef SUSPENDS
/* Unless a reset came meanwhile the ACK counts. */
inline pause()
{
	must(told_the_truth, started && !paused);
	if
	:: kept(SUSPEND_THEN_ACK) -> stop_all()
	:: else
	fi;
	d_step {
		core_ack_suspend(taken);
		must(ack_counts, taken || backend == STOPPING);
		taken = false;
		paused = true
	}
	stop_all()
}

/* It looks at the queues anew. */
inline go_on()
{
	must(told_the_truth, started && paused);
	paused = false;
	if
	:: start_failed
	:: else ->
		start_if_enabled(0);
#if QUEUES == 2
		start_if_enabled(1)
#endif
	fi
}
#endif

/* A reset of the machine, or an exit: whatever the driver was about to do. */
inline device_reset()
{
	if
	:: kept(STOP_THEN_RESET) -> stop_all()
	:: else
	fi;
	d_step {
		core_reset();
		started = false;
		start_failed = false;
		paused = false
	}
	stop_all()
}

#ifdef MOVES
#define restores_backend \
	(kept(START_RESTORED) && (backend == RUNNING || backend == SUSPENDING))

/* A backend that has just been made, and an eventfd that has not been signalled. */
inline queue_restored(q)
{
	kick[q] = kept(KICK_AFTER_RESTORE);
	works[q] = (restores_backend && queue_state_enabled(q) -> ON : OFF);
	told_size[q] = size[q]
}

/*
 * Saved while no processor runs, and restored: all that the next VMM knows is in the
 * registers. Nothing tells it to start.
 */
inline device_move()
{
	d_step {
		!inside[0] && !inside[1] && !news[0] && !news[1] ->
		started = backend != STOPPED && backend != STARTING;
		paused = backend == SUSPENDED || backend == RESUMING;
		told_features = features;
		start_failed = false;
		for_queues(queue_restored)
	}
}
#endif

inline queue_stopped(q)
{
	queue_stop(q);
	d_step {
		core_ack_queue(q, taken);
		must(ack_counts, taken);
		taken = false
	}
}

inline handle(kind_, q)
{
	if
	:: kind_ == START -> start()
	:: kind_ == STOP -> stop()
#ifdef SUSPENDS
	:: kind_ == SUSPEND -> pause()
	:: kind_ == RESUME -> go_on()
#endif
	:: kind_ == QUEUE_START ->
		must(told_the_truth, started && queue_state_enabled(q));
		queue_start(q)
	:: kind_ == QUEUE_STOP ->
		must(told_the_truth, started && (works[q] == ON || start_failed));
		queue_stopped(q)
	:: else
	fi
}

/* Nothing waits to be read: do both sides mean the same? */
#define queue_agrees(q)	(start_failed || \
			 (works[q] == ON) == (started && !paused && enable[q]))
inline agree()
{
	must(in_agreement, backend == (started -> (paused -> SUSPENDED : RUNNING) :
						  STOPPED));
	must(in_agreement, queue_agrees(0));
#if QUEUES == 2
	must(in_agreement, queue_agrees(1));
#endif
}

/* Nothing was read that waits for one. */
inline acknowledge_unasked()
{
	core_ack(taken);
	must(ack_refused, !taken);
	core_ack_suspend(taken);
	must(ack_refused, !taken);
	core_ack_queue(0, taken);
	must(ack_refused, !taken)
}

bool asleep;

active proctype VMM()
{
	byte kind, queue, n, set, got, done;
	byte got_kind[BATCH], got_queue[BATCH];
	bool taken;
	do
#ifdef VMM_RESETS
	:: true -> device_reset()
#endif
#ifdef MOVES
	:: true -> device_move()
#endif
#ifdef EXITS
	:: exited[0] -> device_reset(); exited[0] = false
#ifndef DRIVER
	:: exited[1] -> device_reset(); exited[1] = false
#endif
#endif
	:: true ->
		/* poll(): first among those to be woken, then a look */
		if
		:: kept(WAIT_THEN_LOOK) -> woken = false
		:: else
		fi;
		d_step {
			event_peek();
#ifndef LIVE
			if
			:: !kind -> agree()
			:: else
			fi;
			acknowledge_unasked()
#endif
		}
		if
		:: kind
		:: !kind ->
			if
			:: kept(WAIT_THEN_LOOK)
			:: else -> woken = false
			fi;
			asleep = true;
end:			if
			:: woken
#ifdef EXITS
			:: exited[0] || exited[1]
#endif
#ifdef CLOSE
			:: true -> break
#endif
			fi;
			asleep = false
		fi;
		/* read() */
		do
		:: d_step { event_peek() }
		   if
		   :: kind
		   :: else -> break
		   fi;
		   d_step {
			event_take();
			if
			:: taken ->
				must(stop_in_order, (kind == STOP) ==
						    (backend == STOPPING));
				got_kind[got] = kind;
				got_queue[got] = queue;
				got++;
				taken = false
			:: else
			fi
		   }
		   if
		   :: got == BATCH || (kept(START_ENDS_READ) && got &&
				       got_kind[got - 1] == START) ||
				      (kept(RESUME_ENDS_READ) && got &&
				       got_kind[got - 1] == RESUME) -> break
		   :: else
		   fi
		od;
		kind = NO_EVENT;
		queue = 0;
		do
		:: done < got ->
			handle(got_kind[done], got_queue[done]);
			d_step {
				got_kind[done] = 0;
				got_queue[done] = 0;
				done++
			}
		:: else -> break
		od;
		atomic { got = 0; done = 0 }
	od;
	/* close(): remove_device(), then free_device() */
	asleep = false;
	if
	:: kept(STOP_THEN_CLOSE) -> stop_all()
	:: else
	fi;
	gone = true;
	(!inside[0] && !inside[1]) || !kept(CLOSE_WAITS);
	freed = true
}

#ifdef FAILING
active proctype failing()
{
end:	do
	:: d_step { !gone && status && !(status & NEEDS_RESET) -> core_fail() }
	od
}
#endif

#ifdef KICKS
/* A backend's look at a queue costs it the kick. */
inline answer(q)
{
	kick[q] = false;
	owed[q] = owed[q] && !runs(q)
}

active proctype vhost()
{
end:	do
	:: d_step { kick[0] -> answer(0) }
#if QUEUES == 2
	:: d_step { kick[1] -> answer(1) }
#endif
	od
}
#endif

/* ---- what must hold ---- */

/* What the backend was told is what the registers say. */
#define queue_is_sealed(q) \
	(!runs(q) || (told_size[q] == size[q] && told_features == features))
#define rung(q)		(ringing[0] == q + 1 || ringing[1] == q + 1)
#define kick_is_kept(q) \
	(!(works[q] == ON && owed[q] && !reset[q]) || kick[q] || rung(q))
#define event_waits \
	(events || (tells_queues && some_posted))
#if QUEUES == 2
#define some_posted	(posted(0) || posted(1))
#else
#define some_posted	posted(0)
#endif

inline look_at_queue(q)
{
	must(sealed, queue_is_sealed(q));
	must(queue_off_is_stopped, enable[q] || !runs(q));
#ifdef KICKS
	must(kick_not_lost, kick_is_kept(q))
#endif
}

#ifndef LIVE
active proctype observer()
{
end:	do
	:: d_step {
		true;
		must(status_0_is_stopped, read_status || !anything_runs);
		must(status_agrees, !started || status);
		must(suspended_is_stopped, !(status & SUSPEND_BIT) || !anything_runs);
		must(closed_is_stopped, !freed || !anything_runs);
		must(not_asleep, !(asleep && event_waits) || woken ||
				 news[0] || news[1]);
		look_at_queue(0);
#if QUEUES == 2
		look_at_queue(1);
#endif
	}
	od
}
#else
/* Whoever waits is answered, if the VMM answers. */
ltl start_is_read	{ [] (backend == STARTING -> <> (backend != STARTING)) }
ltl suspend_completes	{ [] (backend == SUSPENDING -> <> (backend != SUSPENDING)) }
ltl reset_completes	{ [] (backend == STOPPING -> <> (backend != STOPPING)) }
ltl queue_reset_completes \
			{ [] (stopping(0) -> <> !stopping(0)) }
ltl last_queue_reset_completes \
			{ [] (stopping(QUEUES - 1) -> <> !stopping(QUEUES - 1)) }
#endif

init {
	atomic {
#if PROCESSORS
		run vcpu(0);
		run vcpu(1);
#endif
		skip
	}
}
