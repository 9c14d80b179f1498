# SPDX-License-Identifier: GPL-2.0-only
#
# path.awk: how long things took, from a trace that "inside" made; lines "METRIC
# CYCLES", one for each time it happened.
#
function took(metric, since) {
	printf "%s %.0f\n", metric, at - since
}

# "TASK-PID [000] FLAGS CYCLES: EVENT: ..."

match($0, / [0-9]+: [a-z_]+: /) {
	task = $1
	split(substr($0, RSTART + 1), f, ": ")
	at = f[1]
	event = f[2]
}

# An exit of the guest's wakes the backend's thread.
event == "kvm_exit" { left[task] = at }
event == "sched_waking" && (task in left) {
	took("doorbell_to_backend", left[task])
	delete left[task]
}

# The backend signals; the vector is in the local APIC; the vCPU takes it.
event == "signal" && task ~ /^vhost-/ { signal = at; vector = "" }
event == "kvm_apic_accept_irq" && signal && task ~ /^vhost-/ && vector == "" {
	match($0, /vec [0-9]+/)
	vector = substr($0, RSTART + 4, RLENGTH - 4) + 0
	took("call_to_apic", signal)
}
event == "kvm_inj_virq" && signal && vector != "" {
	if (match($0, /0x[0-9a-f]+/) &&
	    sprintf("0x%x", vector) == substr($0, RSTART, RLENGTH)) {
		took("call_to_guest", signal)
		signal = 0
	}
}

{ event = "" }
