/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way of an interrupt from a backend to the guest, as a model for spin.
 *
 * The code is kmod/interrupt.c, kmod/effect.c, kmod/eventfds.c, and in kmod/core
 * msix.c, device_cfg.c, queue.c and status.c. Inlines have the names of the
 * functions they stand for. The events, by which the VMM follows the device, are
 * in event.pml.
 *
 * Who is there:
 *	backend()	signals the call eventfd of a queue, or asks for the
 *			interrupt with KVPCI_DEVICE_SIGNAL
 *	writer()	a guest's processor, or a thread of the VMM, that changes
 *			what is to become of a signal; there are two of them
 *	work()		irq_work: it sends what KVM does not find by its map
 *	VMM()		gives the queue another call eventfd (CALLS)
 *
 * A section under device->lock, or under call->lock, that waits for nothing is
 * one d_step, which begins when the lock is free. The lock is a variable only
 * where somebody waits, or sends, while he holds it. So a lock that is taken in
 * the wrong order stops the model, and the search finds that.
 *
 * device->epoch is not a number here. All that anybody does with it is to
 * compare it with that of a call: current[call] says that they are equal. An
 * unsigned long that grows does not come back to an old value in time.
 *
 * Whether KVM finds the target of a message by its map is decided anew at each
 * look. Memory is sequentially consistent; x86 differs from that in one way
 * only, that a load may overtake a store. Whoever looks for armed calls has
 * stored the epoch before; that the load may be first does no harm, since what it
 * has to see was stored by an earlier owner of device->lock.
 *
 * How to run it: selftests/model/check. As in event.pml each rule has a number,
 * and -DBREAK=<rule> leaves it out.
 */

/* How large, and what takes part. */
#ifndef QUEUES
#define QUEUES		1
#endif
#ifndef VECTORS
#define VECTORS		QUEUES
#endif
#if defined(FLAGS) || defined(SUSPENDS)
#define PENDING		/* there is DO_PENDING */
#endif
#ifdef CALLS
#define NUM_CALLS	2	/* of queue 0, one after the other */
#else
#define NUM_CALLS	QUEUES	/* call q belongs to queue q */
#endif

/* The rules, by who keeps them. */
#define CALL_LOCK_FIRST		1	/* wakeup() */
#define CALL_LOCK_TO_THE_END	2	/* wakeup() */
#define ARMED_WITH_DECISION	3	/* decide() */
#define EPOCH_WITH_DECISION	4	/* decide() */
#define DEFERRED_WITH_DECISION	5	/* wakeup() */
#define DEFERRED_IS_SCHEDULED	6	/* defer() */
#define MASKED_IS_PENDING	7	/* core_raise() */
#define EPOCH_GROWS		8	/* decision() */
#define PASS			9	/* pass() */
#define PASS_UNLOCKED		10	/* pass() */
#define PASS_WAITS_THEN_CLEARS	11	/* pass() */
#define PASS_CLEARS_STALE	12	/* pass() */
#define PASS_LEAVES_LIST	13	/* pass() */
#define PASS_BY_ROUTE		14	/* pass() */
#define UNMASK_SENDS		15	/* vector_unmask() */
#define FLAGS_SEND		16	/* writer() */
#define PENDING_UNDER_LOCK	17	/* send_pending() */
#define PENDING_IS_SCHEDULED	18	/* send_pending() */
#define FLUSH			19	/* flush() */
#define FLUSH_UNLOCKED		20	/* flush() */
#define WORK_ASKS		21	/* work() */
#define SENDING_WITH_DECISION	22	/* work() */
#define SENDING_TO_THE_END	23	/* work() */
#define QUEUE_RESET_TAKES_DEFERRED	24	/* queue_reset_write() */
#define RESET_TAKES_DEFERRED	25	/* core_reset() */
#define RESET_TAKES_PENDING	26	/* core_reset() */
#define SUSPEND_KEEPS_DEFERRED	27	/* work() */
#define RESUME_SCHEDULES	28	/* drive() */
#define SUSPEND_SHOWN_LAST	29	/* ack_suspend() */
#define ONE_SECTION		30	/* device_config_write() */
#define CHANGE_REMEMBERED	31	/* device_config_write() */
#define RESUME_SIGNALS		32	/* drive() */
#define REPLACE_WAITS		33	/* VMM */
#ifndef BREAK
#define BREAK			0
#endif
#define kept(rule)		(BREAK != rule)

/* What must hold; the name is in what spin prints. */
#define must(property, condition)	assert((condition) || property)
hidden byte masked_is_silent, reset_is_silent, suspended_is_silent;
hidden byte reset_queue_is_silent, none_from_before, old_vector_is_silent;
hidden byte not_lost, config_not_lost, pending_is_sent;

/* device_status and the backend, as far as signals care */
#define OFF		0
#define LIVE		1
#define SUSPENDED	2
#define CONFIG		(VECTORS - 1)	/* config_msix_vector */

/* struct kvpci_core */
byte status;
bool shown;			/* SUSPEND in device_status */
bool function_masked, config_changed;
bool masked[VECTORS], pending[VECTORS];
/* struct kvpci_queue */
bool enable[QUEUES], deferred[QUEUES];
byte vector[QUEUES];

/* struct kvpci_device */
bool device_lock, sending, scheduled, working;
bool armed[QUEUES];
/* struct kvpci_call */
bool locked[NUM_CALLS], current[NUM_CALLS];
byte route[NUM_CALLS];		/* vector + 1, or 0: nothing is sent */

#ifdef CALLS
byte registered;		/* fds[0].call */
byte waiting;			/* call + 1, on the eventfd's wait queue */
byte held[2];			/* call + 1 that a pass has found */
#define call_of(q)	registered
#define woken_call(q)	(waiting - 1)
#define may_wake(q)	(waiting != 0)
#else
#define call_of(q)	q
#define woken_call(q)	q
#define may_wake(q)	true
#endif

/* ---- what must hold ---- */

/*
 * What a write promised, from the moment at which it has returned. Whoever undoes
 * the change meanwhile takes the promise back.
 */
#define MASK(v)		(1 + (v))
#define MASK_ALL	8
#define RESET		9
#define QUEUE_OFF(q)	(10 + (q))
#define MOVED(q)	(20 + (q))
byte promise[2];
bool silent[VECTORS], all_silent, reset_silent;
bool queue_silent[QUEUES], settled[QUEUES];

#define take_back(what)	\
	promise[0] = (promise[0] == what -> 0 : promise[0]); \
	promise[1] = (promise[1] == what -> 0 : promise[1])

/*
 * asked: the backend has signalled since the queue's last reset returned; news:
 * since this writer's change. owed: the driver has not got the interrupt yet.
 */
bool asked[QUEUES], owed[QUEUES], config_owed;
typedef since { bool queue[QUEUES] };
since news[2];
byte busy;			/* backends and writers at work */

#if QUEUES == 2
#define for_queues(f)	f(0); f(1)
#else
#define for_queues(f)	f(0)
#endif
#if VECTORS == 2
#define for_vectors(f)	f(0); f(1)
#else
#define for_vectors(f)	f(0)
#endif

#define sendable(v)	(status == LIVE && !function_masked && !masked[v])

inline delivered(v_)
{
	must(masked_is_silent, !silent[v_] && !all_silent);
	must(reset_is_silent, !reset_silent);
	must(suspended_is_silent, !shown);
	owed[0] = owed[0] && vector[0] != v_;
#if QUEUES == 2
	owed[1] = owed[1] && vector[1] != v_;
#endif
	config_owed = config_owed && v_ != CONFIG
}

/* A message of which the sender knows that it is queue @q's. */
inline delivered_for(q_, v_)
{
	must(reset_queue_is_silent, !queue_silent[q_]);
	must(none_from_before, asked[q_]);
	must(old_vector_is_silent, !settled[q_] || v_ == vector[q_]);
	owed[q_] = false;
	delivered(v_)
}

/* The backend's signal counts from here on. */
inline signalled(q_)
{
	asked[q_] = true;
	news[0].queue[q_] = true;
	news[1].queue[q_] = true;
	owed[q_] = owed[q_] || (enable[q_] && status == LIVE)
}

/* Nobody does anything any more, and nobody has been told to. */
#define kept_for_later(q) \
	(pending[vector[q]] || (status == SUSPENDED && deferred[q]))
inline look_at_queue(q_)
{
	must(not_lost, !owed[q_] || (!sendable(vector[q_]) && kept_for_later(q_)))
}

inline look_at_vector(v_)
{
	must(pending_is_sent, !(pending[v_] && sendable(v_)))
}

inline look()
{
	if
	:: !busy && !scheduled && !working ->
		for_queues(look_at_queue);
		for_vectors(look_at_vector);
		must(config_not_lost, !config_owed ||
			(status == LIVE -> !sendable(CONFIG) && pending[CONFIG] :
					   pending[CONFIG] || config_changed))
	:: else
	fi
}

/* ---- kmod/core: with device->lock held ---- */

#define vector_masked(v)	(function_masked || masked[v])

/* verdict: vector + 1, or 0: nothing is sent */
inline core_raise(v_)
{
	if
	:: vector_masked(v_) ->
		pending[v_] = pending[v_] || kept(MASKED_IS_PENDING)
	:: else -> verdict = v_ + 1
	fi
}

inline core_signal(q_)
{
	verdict = 0;
	if
	:: status == LIVE && enable[q_] -> core_raise(vector[q_])
	:: else
	fi
}

inline queue_init(q_)
{
	enable[q_] = false;
	vector[q_] = q_;
	owed[q_] = false;
	settled[q_] = false
}

/* Who sets it schedules the work. */
inline defer(q_)
{
	deferred[q_] = true;
	scheduled = scheduled || kept(DEFERRED_IS_SCHEDULED)
}

/* Whatever a signal was decided to become, it is to be decided anew. */
inline decision()
{
	current[0] = current[0] && !kept(EPOCH_GROWS);
#if NUM_CALLS == 2
	current[1] = current[1] && !kept(EPOCH_GROWS)
#endif
}

/* ---- the backend: wake-up, and KVPCI_DEVICE_SIGNAL ---- */

#ifdef DEFERRALS
#define not_found	true	/* KVM has to walk its vCPUs */
#else
#define not_found	false
#endif

/*
 * The first signal since something changed, or one that is to be deferred.
 * call->lock is held.
 */
inline decide(q)
{
	if
	:: d_step {
		!device_lock ->
		signalled(q);
		core_signal(q);
		route[c] = verdict;
		current[c] = kept(EPOCH_WITH_DECISION);
		armed[q] = armed[q] || (verdict && kept(ARMED_WITH_DECISION))
	   }
	/* It is decided anew the next time. */
	:: d_step {
		not_found && !device_lock ->
		signalled(q);
		core_signal(q);
		if
		:: verdict -> defer(q)
		:: else
		fi;
		verdict = 0
	   }
	fi
#if BREAK == ARMED_WITH_DECISION
	; armed[q] = true
#elif BREAK == EPOCH_WITH_DECISION
	; current[c] = true
#endif
}

#define call_lock(q) \
	may_wake(q) && !locked[woken_call(q)] -> \
	busy++; \
	c = woken_call(q); \
	locked[c] = true

inline wakeup(q)
{
	if
#if BREAK != CALL_LOCK_FIRST
	/* The epoch is read without device->lock. */
	:: d_step {
		may_wake(q) && current[woken_call(q)] ->
		call_lock(q);
		signalled(q);
		verdict = route[c]
	   }
#else
	:: d_step {
		may_wake(q) && current[woken_call(q)] ->
		busy++;
		c = woken_call(q);
		signalled(q);
		verdict = route[c]
	   }
	   atomic { !locked[c] -> locked[c] = true }
#endif
	:: d_step {
		may_wake(q) && (not_found || !current[woken_call(q)]) ->
		call_lock(q)
	   }
	   decide(q)
#if BREAK == DEFERRED_WITH_DECISION
	:: d_step {
		may_wake(q) && current[woken_call(q)] ->
		call_lock(q);
		signalled(q);
		verdict = route[c]
	   }
	   d_step {
		!device_lock ->
		if
		:: verdict -> defer(q)
		:: else
		fi;
		verdict = 0
	   }
#endif
	fi;
#if BREAK == CALL_LOCK_TO_THE_END
	locked[c] = false;
#endif
	/* deliver() */
	d_step {
		if
		:: verdict -> delivered_for(q, verdict - 1)
		:: else
		fi;
		verdict = 0;
		locked[c] = false;
		c = 0;
		busy--;
		look()
	}
}

/* The message is sent under device->lock. */
inline irq_signal(q)
{
	d_step {
		!device_lock ->
		signalled(q);
		core_signal(q);
		if
		:: verdict -> delivered_for(q, verdict - 1)
		:: else
		fi;
		verdict = 0;
		look()
	}
}

inline irq_signal_not_found(q)
{
	d_step {
		not_found && !device_lock ->
		signalled(q);
		core_signal(q);
		if
		:: verdict -> defer(q)
		:: else
		fi;
		verdict = 0;
		look()
	}
}

proctype backend(byte q)
{
	byte verdict, c;
end:	do
	:: wakeup(q)
	:: irq_signal(q)
	:: irq_signal_not_found(q)
	od
}

/* ---- who changes something ---- */

/* What is left to do once device->lock has been dropped. */
#define DO_PASS		1
#define DO_PENDING	2
#define DO_FLUSH	4
#define ALL		(DO_PASS | DO_FLUSH)

/*
 * A section under device->lock that ends with effects. @only is the vector + 1
 * whose entry has changed, or 0.
 */
#define change(who, what, effects, vector_) \
	d_step { \
		who && !device_lock -> \
		busy++; \
		what; \
		decision(); \
		only = vector_; \
		todo = effects \
	}

inline vector_mask(me, v_)
{
	masked[v_] = true;
	promise[me] = MASK(v_)
}

/* @found: KVM finds the target; then the message is sent at once. */
inline vector_unmask(v_, found)
{
	masked[v_] = false;
	silent[v_] = false;
	take_back(MASK(v_));
	if
	:: pending[v_] && sendable(v_) && kept(UNMASK_SENDS) ->
		if
		:: found -> pending[v_] = false; delivered(v_)
		:: else -> scheduled = true
		fi
	:: else
	fi
}

inline function_mask(me)
{
	function_masked = true;
	promise[me] = MASK_ALL
}

inline function_unmask()
{
	function_masked = false;
	all_silent = false;
	take_back(MASK_ALL)
}

/* queue_msix_vector */
inline queue_vector_write(me, q_, v_)
{
	vector[q_] = v_;
	owed[q_] = false;
	settled[q_] = false;
	take_back(MOVED(q_));
	promise[me] = MOVED(q_)
}

inline queue_enable_write(q_)
{
	enable[q_] = true;
	queue_silent[q_] = false;
	take_back(QUEUE_OFF(q_))
}

inline queue_reset_write(me, q_)
{
	queue_init(q_);
	deferred[q_] = deferred[q_] && !kept(QUEUE_RESET_TAKES_DEFERRED);
	news[me].queue[q_] = false;
	promise[me] = QUEUE_OFF(q_)
}

#define pending_init(v)	pending[v] = pending[v] && !kept(RESET_TAKES_PENDING)
inline core_reset(me)
{
	status = OFF;
	shown = false;
	config_changed = false;
	config_owed = false;
	for_queues(queue_init);
	deferred[0] = deferred[0] && !kept(RESET_TAKES_DEFERRED);
	for_vectors(pending_init);
	news[me].queue[0] = false;
	promise[me] = RESET
}

/* DRIVER_OK. In a suspension it counts once SUSPEND is shown. */
inline drive()
{
	if
	:: status == OFF || shown ->
		must(none_from_before, status != OFF || (!pending[0] && !deferred[0]));
		status = LIVE;
		shown = false;
		reset_silent = false;
		take_back(RESET);
		/* Queues are enabled before. */
		enable[0] = true;
		scheduled = scheduled || (deferred[0] && kept(RESUME_SCHEDULES));
		pending[CONFIG] = pending[CONFIG] ||
				  (config_changed && kept(RESUME_SIGNALS));
		config_changed = false
	:: else
	fi
}

/*
 * The VMM acknowledges SUSPEND. From the first section on nothing is decided to
 * be sent; the driver sees it after the second, when nothing is on its way.
 */
inline ack_suspend()
{
	status = SUSPENDED;
	shown = !kept(SUSPEND_SHOWN_LAST);
	suspender = true
}

inline device_config_signal(found)
{
	if
	:: status == LIVE ->
		pending[CONFIG] = true;
		if
		:: sendable(CONFIG) && found ->
			pending[CONFIG] = false;
			delivered(CONFIG)
		:: sendable(CONFIG) && !found -> scheduled = true
		:: else
		fi
	:: else
	fi
}

/* The change, and what the driver is to learn of it. */
inline device_config_write(found)
{
	config_owed = config_owed || status != OFF;
	config_changed = config_changed ||
			 (status == SUSPENDED && kept(CHANGE_REMEMBERED));
	if
	:: kept(ONE_SECTION) -> device_config_signal(found)
	:: else
	fi
}

/*
 * Wait for those who may be sending what was decided on before. Each call is
 * looked at, and waited for, in a section of its own. To look when the lock is
 * free is the same as to look, wait and look again.
 */
#if BREAK == PASS
#define is_listed(q)	false
#elif BREAK == PASS_LEAVES_LIST
#define is_listed(q)	list[q]
#else
#define is_listed(q)	armed[q]
#endif
#if BREAK == PASS_BY_ROUTE
#define is_concerned(q)	(!only || only == vector[q] + 1)
#else
#define is_concerned(q)	(!only || only == route[call_of(q)])
#endif

inline pass_call(me, q)
{
	if
	:: !is_listed(q) || !is_concerned(q)
#ifdef CALLS
	:: d_step { is_listed(q) && is_concerned(q) -> held[me] = call_of(q) + 1 }
	   d_step {
		!locked[held[me] - 1] ->
		armed[q] = armed[q] && current[held[me] - 1];
		held[me] = 0
	   }
#elif BREAK == PASS_WAITS_THEN_CLEARS
	:: d_step { is_listed(q) && is_concerned(q) -> armed[q] = false }
	   !locked[q]
#else
	:: d_step {
		is_listed(q) && is_concerned(q) && !locked[q] ->
		armed[q] = armed[q] && current[q] && kept(PASS_CLEARS_STALE)
	   }
#endif
	fi
}

inline pass(me)
{
#if BREAK == PASS_UNLOCKED
	atomic { !device_lock -> device_lock = true }
#elif BREAK == PASS_LEAVES_LIST
	d_step {
		list[0] = armed[0];
		armed[0] = false;
#if QUEUES == 2
		list[1] = armed[1];
		armed[1] = false
#endif
	}
#endif
	pass_call(me, 0);
#if QUEUES == 2
	pass_call(me, 1);
#endif
#if BREAK == PASS_UNLOCKED
	device_lock = false;
#endif
	skip
}

/* Each vector has a section of its own. */
#define to_send(v)	(todo & DO_PENDING && pending[v] && sendable(v))

inline send_vector(v)
{
	if
#if BREAK != PENDING_UNDER_LOCK
	:: d_step {
		!device_lock && to_send(v) -> pending[v] = false; delivered(v)
	   }
#else
	:: d_step { to_send(v) -> pending[v] = false }
	   d_step { delivered(v) }
#endif
	/* It stays where it is, and the work will find it. */
	:: d_step {
		not_found && !device_lock && to_send(v) ->
		scheduled = scheduled || kept(PENDING_IS_SCHEDULED)
	   }
	:: !device_lock && !to_send(v)
	fi
}

inline send_pending()
{
	send_vector(0);
#if VECTORS == 2
	send_vector(1)
#endif
}

/*
 * Whoever is sending decided on it before the change. The end of the work is
 * waited for, which comes later than that of sending, and nothing keeps it up.
 */
#define flushed	(!sending || !kept(FLUSH))

#define is_silent(v)	silent[v] = silent[v] || promise[me] == MASK(v)
#define is_off(q)	queue_silent[q] = queue_silent[q] || promise[me] == QUEUE_OFF(q); \
			settled[q] = settled[q] || promise[me] == MOVED(q); \
			asked[q] = asked[q] && news[me].queue[q]; \
			news[me].queue[q] = true

/* The write has returned. */
inline returned()
{
	d_step {
		todo == 0 || flushed ->
		for_vectors(is_silent);
		for_queues(is_off);
		all_silent = all_silent || promise[me] == MASK_ALL;
		reset_silent = reset_silent || promise[me] == RESET;
		promise[me] = 0;
		only = 0;
		todo = 0;
		busy--;
		look()
	}
}

/*
 * Where the VMM takes part, it is the second one; another thread of it may change
 * the configuration in the guest's place.
 */
#ifdef SUSPENDS
#define guest		(me == 0)
#define vmm		(me == 1)
#else
#define guest		true
#endif

proctype writer(bit me)
{
	byte todo, only;
#ifdef SUSPENDS
	bool suspender;
#endif
#if BREAK == PASS_LEAVES_LIST
	bool list[QUEUES];
#endif
	do
	:: true ->
end:		if
		:: change(guest, vector_mask(me, 0), ALL, 1)
		:: change(guest, vector_unmask(0, true), ALL, 1)
#ifdef DEFERRALS
		:: change(guest, vector_unmask(0, false), ALL, 1)
#endif
#if VECTORS == 2
		:: change(guest, vector_mask(me, 1), ALL, 2)
		:: change(guest, vector_unmask(1, true), ALL, 2)
#endif
#ifdef FLAGS
		:: change(guest, function_mask(me), ALL, 0)
		:: change(guest, function_unmask(),
			  (kept(FLAGS_SEND) -> ALL | DO_PENDING : ALL), 0)
#endif
#ifdef MOVES
		:: change(guest, queue_vector_write(me, 0, 0), ALL, 0)
		:: change(guest, queue_vector_write(me, 0, 1), ALL, 0)
#endif
#ifdef RESETS
		:: change(guest, queue_reset_write(me, 0), ALL, 0)
		:: change(guest, queue_enable_write(0), ALL, 0)
#endif
#ifdef SUSPENDS
		:: change(guest, core_reset(me), ALL, 0)
		:: change(guest, drive(), ALL | DO_PENDING, 0)
		:: change(vmm && status == LIVE, ack_suspend(), ALL, 0)
		:: change(true, device_config_write(true), ALL, 0)
		:: change(true, device_config_write(false), ALL, 0)
#endif
		fi;
#if BREAK == ONE_SECTION
		d_step { !device_lock -> device_config_signal(true) }
#endif
#ifdef ANY_ORDER
		do
		:: todo & DO_PASS -> pass(me); todo = todo & ~DO_PASS
#ifdef PENDING
		:: todo & DO_PENDING -> send_pending(); todo = todo & ~DO_PENDING
#endif
		:: d_step { todo & DO_FLUSH && flushed -> todo = todo & ~DO_FLUSH }
		:: !todo -> break
		od;
#else
		pass(me);
#ifdef PENDING
		send_pending();
#endif
#endif
#if BREAK == FLUSH_UNLOCKED
		atomic { !device_lock -> device_lock = true }
		!working;
		device_lock = false;
#endif
#ifdef SUSPENDS
		if
		:: d_step {
			suspender && !device_lock && flushed ->
			shown = shown || status == SUSPENDED;
			suspender = false
		   }
		:: !suspender
		fi;
#endif
		returned()
	od
}

/* ---- what is deferred ---- */

/* @message: delivered_for(), or delivered(), of verdict - 1 */
#if BREAK == SENDING_WITH_DECISION
#define before_send	sending = verdict != 0;
#elif BREAK == SENDING_TO_THE_END
#define before_send	sending = false;
#else
#define before_send
#endif
#define send_decided(message) \
	before_send \
	d_step { \
		if \
		:: verdict -> message \
		:: else \
		fi; \
		verdict = 0; \
		sending = false \
	}

#define to_send_deferred(q) \
	(deferred[q] && (status != SUSPENDED || !kept(SUSPEND_KEEPS_DEFERRED)))

inline next_deferred(q)
{
	deferred[q] = false;
	core_signal(q);
	verdict = (kept(WORK_ASKS) -> verdict : vector[q] + 1);
	sending = verdict && kept(SENDING_WITH_DECISION)
}

/* A vector became sendable, and KVM did not find its target. */
inline next_pending(v)
{
	pending[v] = false;
	verdict = v + 1;
	sending = kept(SENDING_WITH_DECISION)
}

#ifdef DEFERRALS
/* Once through the queues and the vectors. */
active proctype work()
{
	byte verdict;
end:	do
	:: if
	   :: d_step {
		scheduled && !device_lock && to_send_deferred(0) ->
		scheduled = false;
		working = true;
		next_deferred(0)
	      }
	      send_decided(delivered_for(0, verdict - 1))
	   :: d_step {
		scheduled && !device_lock && !to_send_deferred(0) ->
		scheduled = false;
		working = true
	      }
	   fi;
	   if
	   :: d_step {
		!device_lock && pending[0] && sendable(0) -> next_pending(0)
	      }
	      send_decided(delivered(verdict - 1))
	   :: !device_lock && !(pending[0] && sendable(0))
	   fi;
	   d_step { working = false; look() }
	od
}
#endif

/* ---- KVPCI_QUEUE_FDS ---- */

#ifdef CALLS
/* A pass may still hold the old call, and must not take it for the new one. */
active proctype VMM()
{
	byte old;
end:	do
	:: d_step { waiting && !locked[waiting - 1] -> old = waiting - 1; waiting = 0 }
	   registered = 1 - old;
	   (held[0] != old + 1 && held[1] != old + 1) || !kept(REPLACE_WAITS);
	   d_step {
		current[1 - old] = false;
		route[1 - old] = 0;
		waiting = 2 - old;
		old = 0
	   }
	od
}
#endif

inline queue_begin(q_)
{
	enable[q_] = true;
	vector[q_] = q_;
	news[0].queue[q_] = true;
	news[1].queue[q_] = true
}

init {
	atomic {
		status = LIVE;
		for_queues(queue_begin);
#ifdef CALLS
		waiting = 1;
#endif
		run backend(0);
#if QUEUES == 2
		run backend(1);
#endif
		run writer(0);
		run writer(1)
	}
}
