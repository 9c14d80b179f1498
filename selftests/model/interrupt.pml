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
 *	backend()	signals the call eventfd of a queue
 *	writer()	a guest's processor, or a thread of the VMM, that changes
 *			what is to become of a signal; there are two of them
 *	work()		irq_work: it sends what KVM does not find by its map
 *	VMM()		gives the queue another call eventfd (CALLS)
 *
 * Whoever signals an eventfd holds call->head->lock, that of its wait queue. A
 * section under it, or under device->lock, that waits for nothing is one d_step,
 * which begins when the lock is free. The lock is a variable only where somebody
 * waits, or sends, while he holds it. So a lock that is taken in the wrong order
 * stops the model, and the search finds that.
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
 * A reset is at once what it is when STOP has been acknowledged: nothing is live
 * in between, and DRIVER_OK cannot be set.
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
#ifdef CALLS
#define NUM_CALLS	2	/* of queue 0, one after the other */
#else
#define NUM_CALLS	QUEUES	/* call q belongs to queue q */
#endif

/* The rules, by who keeps them. */
#define HEAD_LOCK_FIRST		1	/* irq_wakeup() */
#define HEAD_LOCK_TO_THE_END	2	/* irq_wakeup() */
#define ARMED_WITH_DECISION	3	/* decide() */
#define EPOCH_WITH_DECISION	4	/* decide() */
#define DEFERRED_WITH_DECISION	5	/* irq_wakeup() */
#define DEFERRED_IS_SCHEDULED	6	/* defer() */
#define MASKED_IS_PENDING	7	/* core_signal() */
#define EPOCH_GROWS		8	/* decision() */
#define PASS			9	/* await_calls() */
#define PASS_UNLOCKED		10	/* await_calls() */
#define PASS_WAITS_THEN_CLEARS	11	/* await_calls() */
#define PASS_CLEARS_STALE	12	/* await_calls() */
#define PASS_LEAVES_LIST	13	/* await_calls() */
#define PASS_BY_ROUTE		14	/* await_calls() */
#define PASS_CLEARS_ACTIVE	15	/* await_calls() */
#define UNMASK_SENDS		16	/* vector_unmask() */
#define FLAGS_SEND		17	/* writer() */
#define PENDING_UNDER_LOCK	18	/* send_pending() */
#define PENDING_IS_SCHEDULED	19	/* send_pending() */
#define AWAIT_SENDING		20	/* irq_await() */
#define AWAIT_UNLOCKED		21	/* irq_await() */
#define WORK_ASKS		22	/* work() */
#define SENDING_WITH_DECISION	23	/* work() */
#define SENDING_TO_THE_END	24	/* work() */
#define MOVE_DECIDES		25	/* queue_vector_write() */
#define QUEUE_RESET_DECIDES	26	/* queue_reset_write() */
#define QUEUE_RESET_TAKES_DEFERRED	27	/* queue_reset_write() */
#define RESET_DECIDES		28	/* core_reset() */
#define RESET_TAKES_DEFERRED	29	/* core_reset() */
#define RESET_TAKES_PENDING	30	/* core_reset() */
#define SILENCE			31	/* core_silence() */
#define SILENCE_PENDS		32	/* core_silence() */
#define SUSPEND_SHOWN_LAST	33	/* core_silence() */
#define ACK_LOOKS_AGAIN		34	/* core_ack_suspend() */
#define RESUMING_PENDS		35	/* suspend() */
#define RESUME_SENDS		36	/* set_driver_ok() */
#define RESUME_SIGNALS		37	/* set_driver_ok() */
#define ONE_SECTION		38	/* device_config_write() */
#define CHANGE_REMEMBERED	39	/* device_config_write() */
#define STOP_WAITS		40	/* call_stop() */
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
#define RESUMING	2	/* live, but RESUME has not been read */
#define SILENT		3	/* core->silent */
#define SUSPENDED	4
#define device_live	(status == LIVE || status == RESUMING)
#define CONFIG		(VECTORS - 1)	/* config_msix_vector */

/* struct kvpci_core */
byte status;
bool function_masked, config_changed;
bool masked[VECTORS], pending[VECTORS];
/* struct kvpci_queue */
bool enable[QUEUES], deferred[QUEUES];
byte vector[QUEUES];

/* struct kvpci_device */
bool device_lock, sending, scheduled, working;
#if BREAK == AWAIT_UNLOCKED
bool send_lock;
#endif
bool armed[QUEUES];
/* struct kvpci_call */
bool locked[NUM_CALLS], current[NUM_CALLS];
byte route[NUM_CALLS];		/* vector + 1, or 0: nothing is sent */

#ifdef CALLS
byte registered;		/* fds[0].call */
byte active_call;			/* call + 1 that has call->active */
byte held[2];			/* call + 1 that a pass has found */
#define call_of(q)	registered
#define woken_call(q)	(active_call - 1)
#define may_wake(q)	(active_call != 0)
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
#define SUSPEND		30
byte promise[2];
bool silent[VECTORS], all_silent, reset_silent, suspend_silent;
bool queue_silent[QUEUES], has_moved[QUEUES];

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

#define sendable(v)	(device_live && !function_masked && !masked[v])

inline delivered(v_)
{
	must(masked_is_silent, !silent[v_] && !all_silent);
	must(reset_is_silent, !reset_silent);
	must(suspended_is_silent, !suspend_silent);
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
	must(old_vector_is_silent, !has_moved[q_] || v_ == vector[q_]);
	owed[q_] = false;
	delivered(v_)
}

/* The backend's signal counts from here on. */
inline signalled(q_)
{
	asked[q_] = true;
	news[0].queue[q_] = true;
	news[1].queue[q_] = true;
	owed[q_] = owed[q_] || (enable[q_] && device_live)
}

/* Nobody does anything any more, and nobody has been told to. */
inline look_at_queue(q_)
{
	must(not_lost, !owed[q_] || (!sendable(vector[q_]) && pending[vector[q_]]))
}

inline look_at_vector(v_)
{
	must(pending_is_sent, !(pending[v_] && sendable(v_)))
}

inline look()
{
	if
	:: !busy && !scheduled && !working ->
		/* What is lost has no bit any more, so look at the bits first. */
		for_vectors(look_at_vector);
		for_queues(look_at_queue);
		must(config_not_lost, !config_owed ||
			(device_live -> !sendable(CONFIG) && pending[CONFIG] :
					pending[CONFIG] || config_changed))
	:: else
	fi
}

/* ---- kmod/core: with device->lock held ---- */

#define vector_masked(v)	(function_masked || masked[v])

/* verdict: vector + 1, or 0: nothing is sent */
inline core_signal(q_)
{
	verdict = 0;
	if
	:: device_live && enable[q_] && vector_masked(vector[q_]) ->
		pending[vector[q_]] = pending[vector[q_]] || kept(MASKED_IS_PENDING)
	:: device_live && enable[q_] && !vector_masked(vector[q_]) ->
		verdict = vector[q_] + 1
	:: else
	fi
}

/* Masked or not, it is only sent once the device is live again. */
inline core_pend_deferred(q_)
{
	pending[vector[q_]] = pending[vector[q_]] ||
			      (deferred[q_] && device_live && enable[q_]);
	deferred[q_] = false
}

inline queue_init(q_)
{
	enable[q_] = false;
	vector[q_] = q_;
	owed[q_] = false;
	has_moved[q_] = false
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

/* Where there is one call: the same, unless the rule is left out. */
#define decision_if(rule) \
	current[0] = current[0] && !(kept(EPOCH_GROWS) && kept(rule))

/* ---- the backend: wake-up ---- */

#ifdef DEFERRALS
#define not_found	true	/* KVM has to walk its vCPUs */
#else
#define not_found	false
#endif

/*
 * The first signal since something changed, or one that is to be deferred.
 * call->head->lock is held.
 */
inline decide_locked(q)
{
	signalled(q);
	core_signal(q);
	route[c] = verdict;
	current[c] = kept(EPOCH_WITH_DECISION);
	armed[q] = armed[q] || (verdict && kept(ARMED_WITH_DECISION))
}

inline decide(q)
{
	if
	:: d_step { !device_lock -> decide_locked(q) }
	:: d_step {
		not_found && !device_lock ->
		decide_locked(q);
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

#define lock_head(q) \
	may_wake(q) && !locked[woken_call(q)] -> \
	busy++; \
	c = woken_call(q); \
	locked[c] = true

inline irq_wakeup(q)
{
	if
#if BREAK != HEAD_LOCK_FIRST
	/* The epoch is read without device->lock. */
	:: d_step {
		may_wake(q) && current[woken_call(q)] ->
		lock_head(q);
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
		lock_head(q)
	   }
	   decide(q)
#if BREAK == DEFERRED_WITH_DECISION
	:: d_step {
		may_wake(q) && current[woken_call(q)] ->
		lock_head(q);
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
#if BREAK == HEAD_LOCK_TO_THE_END
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

proctype backend(byte q)
{
	byte verdict, c;
end:	do
	:: irq_wakeup(q)
	od
}

/* ---- who changes something ---- */

/* What is left to do once device->lock has been dropped. */
#define DECISION	1
#define PENDING		2
#define SENDING		4	/* the second half of DECISION */
#define ALL		(DECISION | SENDING)

/*
 * A section under device->lock that ends with effects. @only is the vector + 1
 * whose entry has changed, or 0.
 */
#define change_(who, what, counts, effects, vector_) \
	d_step { \
		who && !device_lock -> \
		busy++; \
		what; \
		counts; \
		only = vector_; \
		todo = effects \
	}
#define change(who, what, effects, vector_) \
	change_(who, what, decision(), effects, vector_)
#define change_if(rule, who, what, effects, vector_) \
	change_(who, what, decision_if(rule), effects, vector_)

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
	has_moved[q_] = false;
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
	suspend_silent = false;
	take_back(SUSPEND);
	config_changed = false;
	config_owed = false;
	for_queues(queue_init);
	deferred[0] = deferred[0] && !kept(RESET_TAKES_DEFERRED);
	for_vectors(pending_init);
	news[me].queue[0] = false;
	promise[me] = RESET
}

/* The driver sets DRIVER_OK: a new start, or the end of a suspension. */
inline set_driver_ok()
{
	if
	:: status == OFF || status == SUSPENDED ->
		must(none_from_before, status != OFF || (!pending[0] && !deferred[0]));
		status = (status == OFF -> LIVE : RESUMING);
		suspend_silent = false;
		reset_silent = false;
		take_back(SUSPEND);
		take_back(RESET);
		/* Queues are enabled before. */
		enable[0] = true;
		pending[CONFIG] = pending[CONFIG] ||
				  (config_changed && kept(RESUME_SIGNALS));
		config_changed = false
	:: else
	fi
}

/*
 * The VMM acknowledges SUSPEND, the first half: from here on nothing is decided to
 * be sent. That the work is waited for before only makes for fewer pending bits.
 */
inline core_silence()
{
	if
	:: kept(SILENCE_PENDS) -> for_queues(core_pend_deferred)
	:: else
	fi;
	status = (kept(SILENCE) -> SILENT : LIVE);
	suspend_silent = !kept(SUSPEND_SHOWN_LAST);
	acknowledges = true
}

inline be_suspended()
{
	for_queues(core_pend_deferred);
	status = SUSPENDED
}

/*
 * The second half, in which the guest sees SUSPEND: nothing is on its way. A reset
 * may have come between; then there is nothing to acknowledge any more. Only one
 * thread acknowledges: that a suspension waits for it, which is what the code looks
 * at, is then the same as that it is silent.
 */
inline core_ack_suspend()
{
	if
	:: status == SILENT || !kept(SILENCE) || !kept(ACK_LOOKS_AGAIN) ->
		be_suspended();
		suspend_silent = true
	:: else
	fi;
	acknowledges = false
}

/*
 * The driver sets SUSPEND before RESUME has been read, and is suspended at once.
 * Nothing is on its way when the write has returned; another processor that reads
 * SUSPEND before may still get a message.
 */
inline suspend(me)
{
	if
	:: status == RESUMING ->
		if
		:: kept(RESUMING_PENDS) -> be_suspended()
		:: else -> status = SUSPENDED
		fi;
		promise[me] = SUSPEND
	:: else
	fi
}

inline device_config_signal(found)
{
	if
	:: device_live ->
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
			 status == SUSPENDED ||
			 (status == SILENT && kept(CHANGE_REMEMBERED));
	if
	:: kept(ONE_SECTION) -> device_config_signal(found)
	:: else
	fi
}

/*
 * Wait for those who may be sending what was decided on before. Each call is
 * looked at, and waited for, in a section of its own. To look when the lock is
 * free is the same as to look, wait and look again. A call that has been stopped
 * sends nothing, and the armed bit may be another's by now.
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

inline await_call(me, q)
{
	if
	:: !is_listed(q) || !is_concerned(q)
#ifdef CALLS
	:: d_step { is_listed(q) && is_concerned(q) -> held[me] = call_of(q) + 1 }
	   d_step {
		!locked[held[me] - 1] ->
		armed[q] = armed[q] && (current[held[me] - 1] ||
					(held[me] != active_call &&
					 kept(PASS_CLEARS_ACTIVE)));
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

inline await_calls(me)
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
	await_call(me, 0);
#if QUEUES == 2
	await_call(me, 1);
#endif
#if BREAK == PASS_UNLOCKED
	device_lock = false;
#endif
	skip
}

/* Each vector has a section of its own. */
#define to_send(v)	(todo & PENDING && pending[v] && sendable(v))

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
 * What the work is sending it may have decided on before the change; whatever it
 * sends next it has asked for after. It holds send_lock until sending is false.
 */
#define irq_await	(!sending || !kept(AWAIT_SENDING))

#define is_silent(v)	silent[v] = silent[v] || promise[me] == MASK(v)
#define is_off(q)	queue_silent[q] = queue_silent[q] || promise[me] == QUEUE_OFF(q); \
			has_moved[q] = has_moved[q] || promise[me] == MOVED(q); \
			asked[q] = asked[q] && news[me].queue[q]; \
			news[me].queue[q] = true

/* The write has returned. */
inline returned()
{
	d_step {
		todo == 0 || irq_await ->
		for_vectors(is_silent);
		for_queues(is_off);
		all_silent = all_silent || promise[me] == MASK_ALL;
		reset_silent = reset_silent || promise[me] == RESET;
		suspend_silent = suspend_silent || promise[me] == SUSPEND;
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
	bool acknowledges;
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
			  (kept(FLAGS_SEND) -> ALL | PENDING : ALL), 0)
#endif
#ifdef MOVES
		:: change_if(MOVE_DECIDES, guest, queue_vector_write(me, 0, 0), ALL, 0)
		:: change_if(MOVE_DECIDES, guest, queue_vector_write(me, 0, 1), ALL, 0)
#endif
#ifdef RESETS
		:: change_if(QUEUE_RESET_DECIDES, guest, queue_reset_write(me, 0),
			     ALL, 0)
		:: change(guest, queue_enable_write(0), ALL, 0)
#endif
#ifdef SUSPENDS
		:: change_if(RESET_DECIDES, guest, core_reset(me), ALL, 0)
		:: change(guest, set_driver_ok(),
			  (kept(RESUME_SENDS) -> ALL | PENDING : ALL), 0)
		:: change(guest, suspend(me), ALL, 0)
		:: change(vmm && status == LIVE, core_silence(), ALL, 0)
		:: change(vmm && acknowledges, core_ack_suspend(), ALL, 0)
		:: d_step { vmm && status == RESUMING -> status = LIVE }
		   goto again	/* RESUME has been read. */
		:: change_(true, device_config_write(true), skip, 0, 0)
		:: change_(true, device_config_write(false), skip, 0, 0)
#endif
		fi;
#if BREAK == ONE_SECTION
		d_step { !device_lock -> device_config_signal(true) }
#endif
#ifdef ANY_ORDER
		do
		:: todo & DECISION -> await_calls(me); todo = todo & ~DECISION
#if defined(FLAGS) || defined(SUSPENDS)
		:: todo & PENDING -> send_pending(); todo = todo & ~PENDING
#endif
		:: d_step { todo & SENDING && irq_await -> todo = todo & ~SENDING }
		:: !todo -> break
		od;
#else
		if
		:: todo & DECISION -> await_calls(me)
		:: else
		fi;
#if defined(FLAGS) || defined(SUSPENDS)
		send_pending();
#endif
#endif
#if BREAK == AWAIT_UNLOCKED
		atomic { !device_lock -> device_lock = true }
		!send_lock;
		device_lock = false;
#endif
		returned();
again:		skip
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
/* Only who holds device->lock as well, and waits for it, has to ask for it. */
#if BREAK == AWAIT_UNLOCKED
#define lock_send	atomic { scheduled || working -> send_lock = true };
#define unlock_send	send_lock = false;
#else
#define lock_send
#define unlock_send
#endif

/* Once through the queues and the vectors. */
active proctype work()
{
	byte verdict;
end:	do
	:: lock_send
	   if
	   :: d_step {
		scheduled && !device_lock && deferred[0] ->
		scheduled = false;
		working = true;
		next_deferred(0)
	      }
	      send_decided(delivered_for(0, verdict - 1))
	   :: d_step {
		scheduled && !device_lock && !deferred[0] ->
		scheduled = false;
		working = true
	      }
	   fi;
	   unlock_send
	   lock_send
	   if
	   :: d_step {
		!device_lock && pending[0] && sendable(0) -> next_pending(0)
	      }
	      send_decided(delivered(verdict - 1))
	   :: !device_lock && !(pending[0] && sendable(0))
	   fi;
	   unlock_send
	   d_step { working = false; look() }
	od
}
#endif

/* ---- KVPCI_QUEUE_FDS ---- */

#ifdef CALLS
/*
 * A pass may still hold the call that has been stopped: RCU only keeps it from being
 * another, new call.
 */
active proctype VMM()
{
	byte old;
end:	do
	:: d_step {
		/* call_stop() */
		active_call && (!locked[active_call - 1] || !kept(STOP_WAITS)) &&
		held[0] != 2 - (active_call - 1) && held[1] != 2 - (active_call - 1) ->
		old = active_call - 1;
		active_call = 0
	   }
	   registered = 1 - old;
	   d_step {
		/* call_start() */
		current[1 - old] = false;
		route[1 - old] = 0;
		active_call = 2 - old;
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
		active_call = 1;
#endif
		run backend(0);
#if QUEUES == 2
		run backend(1);
#endif
		run writer(0);
		run writer(1)
	}
}
