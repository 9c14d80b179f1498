# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Completion of kvpci's command line. What there is to complete is asked of the
# launcher's own help, whose lines begin like these:
#
#	  stat     print the counters ..
#	  --transport kernel|user
#	  --exits[=FILE]

# What may follow the option $1, given after $2: nothing or an equals sign.
_kvpci_value()
{
	local value

	# It becomes a part of sed's program.
	[[ $1 =~ ^--[a-z-]+$ ]] || return 1
	value=$(kvpci run --help | sed -n "s/^  $1\(.*\)/\1/p")
	case $2$value in
	' FILE'|'= FILE'|'=[=FILE]')
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	' tap='*)
		value=$(cd /sys/class/net && ls -d ./*/tun_flags 2>/dev/null |
			sed 's,^\./\(.*\)/.*,tap=\1,')
		mapfile -t COMPREPLY < <(compgen -W "$value" -- "$cur") ;;
	' '*'|'*|'= '*'|'*)
		value=${value# }
		mapfile -t COMPREPLY < <(compgen -W "${value//|/ }" -- "$cur") ;;
	' '*|'= '*) ;;
	*)	return 1 ;;
	esac
}

_kvpci()
{
	local cur=${COMP_WORDS[COMP_CWORD]} before words='' equals=''

	before=${COMP_WORDS[COMP_CWORD - 1]}
	# "--transport=user" is three words.
	if [ "$cur" = = ]; then
		cur='' equals='='
	elif [ "$before" = = ]; then
		before=${COMP_WORDS[COMP_CWORD - 2]} equals='='
	fi
	if [ "$COMP_CWORD" = 1 ]; then
		words=$(kvpci help | sed -n 's/^  \([a-z]*\) .*/\1/p')
	elif [ "${COMP_WORDS[1]}" = run ]; then
		[[ $before != --* ]] || ! _kvpci_value "$before" "$equals" || return 0
		words=$(kvpci run --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p')
	elif [ "${COMP_WORDS[1]}" = stat ]; then
		words=$(ls /sys/kernel/debug/kvpci 2>/dev/null |
			sed 's/^[0-9]*-\(.*\)\.[0-9]*$/\1/')
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _kvpci kvpci
