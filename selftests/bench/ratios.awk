# SPDX-License-Identifier: GPL-2.0-only
#
# ratios.awk: how many times less the twin and kvpci take than stock QEMU, on
# real hardware, where times differ from round to round.
#
#   awk -f ratios.awk rows FIGURES
#
# FIGURES has "CASE SYSTEM METRIC VALUE" lines, a round after the other. A ratio
# is of one round; shown are the median, the least and the greatest.

# Sorts v[1] to v[n].
function sort(v, n,   i, j, t) {
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] > v[j]; j--) {
			t = v[j]
			v[j] = v[j - 1]
			v[j - 1] = t
		}
}

function ratio(case_, sys, metric,   i, n, v, r) {
	for (i = 1; i <= rounds[case_, "qemu", metric]; i++) {
		v = value[case_, sys, metric, i]
		if (v > 0)
			r[++n] = value[case_, "qemu", metric, i] / v
	}
	if (!n)
		return "-"
	sort(r, n)
	return sprintf("%.2f (%.2f to %.2f)", r[int((n + 1) / 2)], r[1], r[n])
}

/^#/ || NF == 0 { next }

FILENAME ~ /rows$/ {
	if (split($0, f, "|") > 1 && f[3] != "n") {
		row[++num_rows] = $0
		sub(/\*/, "[0-9]+", f[1])
		of[num_rows] = "^" f[1] "$"
	}
	next
}

{
	value[$1, $2, $3, ++rounds[$1, $2, $3]] = $4
	if (!($1 in seen))
		cases[++num_cases] = $1
	seen[$1] = 1
}

END {
	printf "  %-56s %-24s %s\n", "QEMU's time divided by that of", "the twin", "kvpci"
	for (c = 1; c <= num_cases; c++)
		for (i = 1; i <= num_rows; i++) {
			split(row[i], f, "|")
			if (cases[c] !~ of[i] ||
			    !((cases[c], "qemu", f[2]) in rounds))
				continue
			printf "  %-11s %-44s %-24s %s\n", cases[c], f[4],
				ratio(cases[c], "twin", f[2]), ratio(cases[c], "kvpci", f[2])
		}
}
