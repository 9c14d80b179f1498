# SPDX-License-Identifier: GPL-2.0-only
#
# table.awk: the benchmark's table.
#
#   awk -f table.awk rows targets FIGURES
#
# FIGURES has "CASE SYSTEM METRIC VALUE" lines. Beside each row: whether kvpci
# keeps its limit, and how far QEMU is from what it was found to take before.
# At the end, two runs of one case are compared. Fails if those differ by more
# than 1 %, or 5 % with QEMU, whose own threads take part.

function comma(n,   s, out) {
	s = sprintf("%.0f", n < 0 ? -n : n)
	while (length(s) > 3) {
		out = "," substr(s, length(s) - 2) out
		s = substr(s, 1, length(s) - 3)
	}
	return (n < 0 ? "-" : "") s out
}

function cell(case_, sys, metric, unit,   key, v) {
	key = case_ SUBSEP sys SUBSEP metric
	if (!(key in value))
		return "-"
	v = value[key]
	if (unit != "k")
		return comma(v)
	return v < 100000 ? sprintf("%.1f", v / 1000) : comma(v / 1000)
}

function scaled(case_, sys, metric, unit) {
	return value[case_, sys, metric] / (unit == "k" ? 1000 : 1)
}

# Stock QEMU, beside what was known of it.
function agreement(case_, metric, unit,   known, range, v, n) {
	known = baseline[case_, metric]
	if (known == "" || !((case_, "qemu", metric) in value))
		return ""
	n = split(known, range, "-")
	v = scaled(case_, "qemu", metric, unit)
	if (v >= 0.9 * range[1] && v <= 1.1 * range[n])
		return ""
	off++
	return "QEMU was " known
}

function verdict(case_, metric, unit,   most) {
	most = limit[case_, metric]
	if (most == "" || !((case_, "kvpci", metric) in value))
		return ""
	if (scaled(case_, "kvpci", metric, unit) <= most) {
		met++
		return comma(most) " met"
	}
	missed++
	return comma(most) " MISSED"
}

function line(words, q, t, k, l, rest,   s) {
	s = sprintf("  %-44s %10s %10s %10s  %-13s %s", words, q, t, k, l, rest)
	sub(/ +$/, "", s)
	print s
}

function show(case_, metric, unit, words) {
	line(words, cell(case_, "qemu", metric, unit),
	     cell(case_, "twin", metric, unit),
	     cell(case_, "kvpci", metric, unit),
	     verdict(case_, metric, unit), agreement(case_, metric, unit))
}

function heading(text) {
	print ""
	line(text, "QEMU", "twin", "kvpci", "at most", "")
}

# Is a case one of those that a row is about?
function of(row_case, case_,   pattern) {
	pattern = "^" row_case "$"
	sub(/\*/, "[0-9]+", pattern)
	return case_ ~ pattern
}

# A row of many cases: one line each, in the order of their numbers.
function family(name, metric, unit, words,   i, key, shown) {
	for (i = 1; i <= 1024; i++) {
		key = name
		sub(/\*/, i, key)
		if (!((key, metric) in measured))
			continue
		show(key, metric, unit,
		     shown++ ? sprintf("%44s", i) : \
		     sprintf("%-40s %3s", words, i))
	}
}

/^#/ || NF == 0 { next }

FILENAME ~ /targets$/ {
	split($0, f, "|")
	baseline[f[1], f[2]] = f[3]
	limit[f[1], f[2]] = f[4]
	next
}

FILENAME ~ /rows$/ { rows[++num_rows] = $0; next }

{
	value[$1, $2, $3] = $4
	measured[$1, $3] = 1
	if ($1 == "access" || $1 == "repeat")
		both[$2, $3] = both[$2, $3] " " $4
}

END {
	for (r = 1; r <= num_rows; r++) {
		n = split(rows[r], f, "|")
		if (n == 1) {
			pending = f[1]
			continue
		}
		any = 0
		for (key in measured) {
			split(key, m, SUBSEP)
			if (m[2] == f[2] && of(f[1], m[1]))
				any = 1
		}
		if (!any)
			continue
		if (pending != "")
			heading(pending)
		pending = ""
		if (f[1] ~ /\*/)
			family(f[1], f[2], f[3], f[4])
		else
			show(f[1], f[2], f[3], f[4])
	}
	print ""
	if (met + missed)
		printf "  Of kvpci's limits %d are met, %d are not.\n", met, missed
	if (off)
		printf "  %d figures of QEMU are more than 10%% away from what they were.\n", off
	for (key in both) {
		if (split(both[key], f, " ") != 2)
			continue
		compared++
		d = f[1] > f[2] ? f[1] - f[2] : f[2] - f[1]
		if (d) {
			split(key, m, SUBSEP)
			printf "  %s %s: %s in one run, %s in another\n", m[1], m[2], f[1], f[2]
			differ++
			if (d > 2 + f[1] / (m[1] == "qemu" ? 20 : 100))
				failed = 1
		}
	}
	if (compared)
		printf "  Two runs: %d of %d figures per access are the same.\n", compared - differ, compared
	exit failed
}
