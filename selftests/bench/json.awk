# SPDX-License-Identifier: GPL-2.0-only
#
# json.awk: the benchmark's figures as JSON.
#
#   awk -v commit=... -v kernel=... -v qemu=... -v unit=... -f json.awk FIGURES
#
# FIGURES has "CASE SYSTEM METRIC VALUE" lines, those of a case and a system
# together. What was measured more than once becomes a list.


{
	key = $1 SUBSEP $2 SUBSEP $3
	if (key in values) {
		values[key] = values[key] ", " $4
		many[key] = 1
		next
	}
	values[key] = $4
	order[++n] = key
}

END {
	printf "{\n  \"commit\": \"%s\",\n  \"kernel\": \"%s\",\n", commit, kernel
	printf "  \"qemu\": \"%s\",\n  \"unit\": \"%s\",\n", qemu, unit
	printf "  \"figures\": {"
	for (i = 1; i <= n; i++) {
		split(order[i], f, SUBSEP)
		if (f[1] != c)
			printf "%s\n    \"%s\": {\n      \"%s\": {", \
				(i > 1 ? "\n      }\n    }," : ""), f[1], f[2]
		else if (f[2] != s)
			printf "\n      },\n      \"%s\": {", f[2]
		printf "%s\n        \"%s\": %s", \
			(f[1] == c && f[2] == s ? "," : ""), f[3], \
			(order[i] in many ? "[" values[order[i]] "]" : values[order[i]])
		c = f[1]
		s = f[2]
	}
	print ((n ? "\n      }\n    }\n  }" : "}") "\n}")
}
