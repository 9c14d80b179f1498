# SPDX-License-Identifier: GPL-2.0-only
#
# json.awk: the benchmark's figures as JSON, instructions and plain numbers.
#
#   awk -v commit=... -v kernel=... -v qemu=... -f json.awk FIGURES
#
# FIGURES has "CASE SYSTEM METRIC VALUE" lines, those of a case and a system
# together.

BEGIN {
	printf "{\n  \"commit\": \"%s\",\n  \"kernel\": \"%s\",\n", commit, kernel
	printf "  \"qemu\": \"%s\",\n  \"unit\": \"instructions\",\n", qemu
	printf "  \"figures\": {"
}

$1 != last_case {
	printf "%s\n    \"%s\": {", last_case == "" ? "" : "\n      }\n    },", $1
	last_case = $1
	last_system = ""
}

$2 != last_system {
	printf "%s\n      \"%s\": {", last_system == "" ? "" : "\n      },", $2
	last_system = $2
	comma = ""
}

{
	printf "%s\n        \"%s\": %s", comma, $3, $4
	comma = ","
}

END {
	print (last_case == "" ? "}" : "\n      }\n    }\n  }") "\n}"
}
