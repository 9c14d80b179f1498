# SPDX-License-Identifier: GPL-2.0-only
#
# exits.awk: what KVM came to userspace for, up to a guest's second mark.
#
#   awk -f exits.awk PLACES TRACE
#
# PLACES: lines "NAME START END ..." of addresses (0x…). TRACE: ftrace text of
# kvm_exit, kvm_userspace_exit, kvm_pio, kvm_mmio, sys_enter_ioctl. The guest
# marks with writes to port 0x80, 1 where it begins and 2 where it ends; those are
# not counted. Prints "CLASS COUNT" lines, sorted by awk's caller if need be. Each
# CPU's exits follow its own pio and mmio events. ioctls are all but KVM_RUN.

function hex(s,   i, v) {
	s = tolower(s)
	sub(/^0x/, "", s)
	v = 0
	for (i = 1; i <= length(s); i++)
		v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
	return v
}

# Not awk's own conversion, which rounds large numbers.
function text_of(number) {
	return sprintf("%.0f", number)
}

function class(kind, addr,   i) {
	for (i = 0; i < places; i++)
		if (addr >= start[i] && addr <= end[i])
			return name[i]
	if (kind == "pio" && addr >= 1016 && addr <= 1023)
		return "serial"
	if (kind == "pio" && addr >= 3320 && addr <= 3327)
		return "pci-conf1"
	return "other-" kind
}

FNR == NR {
	name[places] = $1
	start[places] = hex($2)
	end[places] = hex($3)
	places++
	next
}

# "task-pid [cpu] flags time: event: text"; the task is the vCPU's thread.
{
	thread = $1
	if (/ sys_ioctl\(/ && !/cmd: ae80,/)
		ioctls++
	if (!match($0, /kvm_[a-z_]+: /))
		next
	event = substr($0, RSTART, RLENGTH - 2)
	text = substr($0, RSTART + RLENGTH)
}

event == "kvm_pio" {
	split(text, f, " ")
	last[thread] = "pio " text_of(hex(f[3]))
	if (text ~ /^pio_write at 0x80 / && hex(f[9]) == 2)
		exit
	next
}

event == "kvm_mmio" {
	# "mmio write len 4 gpa 0x... val 0x..."
	split(text, f, " ")
	last[thread] = "mmio " text_of(hex(f[6]))
	next
}

event == "kvm_exit" { vm_exits++ }

event == "kvm_userspace_exit" {
	# The mark's own exit is traced, what led to it is not.
	if (!(thread in last))
		next
	if (text ~ /KVM_EXIT_(IO|MMIO)/) {
		split(last[thread], f, " ")
		count[class(f[1], f[2] + 0)]++
	} else {
		sub(/^reason KVM_EXIT_/, "", text)
		sub(/ .*/, "", text)
		count["reason-" tolower(text)]++
	}
	total++
}

END {
	print "vm-exits", vm_exits + 0
	print "userspace-exits", total + 0
	print "ioctls", ioctls + 0
	for (c in count)
		print c, count[c]
}
